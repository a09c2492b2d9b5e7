import dataclasses
import itertools

import numpy as np
import pytest

from app.engine.learning import nets
from app.engine.learning.batched import Population, memory_of, train
from app.engine.learning.local import train as train_one
from app.engine.learning.records import ALGORITHMS, LocalSpec
from app.engine.learning.sgd import Pull
from app.engine.learning.strategy import Global, Strategy

MODEL = "mlp-6-5-3"
SPEC = LocalSpec(model=MODEL, epochs=2, batch=4, learning_rate=0.1, seed=3)


def people(sizes=(9, 4, 17, 4)):
    rng = np.random.default_rng(1)
    total = sum(sizes)
    ends = np.cumsum([0, *sizes])
    x, y = rng.random((total, 6), dtype=np.float32), rng.integers(0, 3, total)
    return Population.of(x, y, [np.arange(a, b) for a, b in itertools.pairwise(ends)]), x, y


def spec_of(algorithm, **more):
    return dataclasses.replace(SPEC, algorithm=algorithm, **more)


def walk(spec, chunk=2, rounds=3):
    """Return the updates of each round of all clients together, and those that each client alone comes to."""
    population, x, y = people()
    strategy = Strategy(spec)
    now = strategy.begin(nets.initial(MODEL, 5))
    memory = memory_of(population, spec, len(nets.flatten(now.params, MODEL)))
    own = [None] * len(population.parts)
    everybody = np.arange(len(own))
    for number in range(1, rounds + 1):
        together = train(
            now.params, population, everybody, strategy.configure(number, 0), chunk, memory=memory,
            control=now.rows.get("control"),
        )  # fmt: skip
        alone = []
        for client, rows in enumerate(population.parts):
            told = train_one(strategy.sent(now), x[rows], y[rows], strategy.configure(number, client), own[client])
            own[client] = told.memory
            alone.append(told)
        yield together, alone
        now = strategy.step(now, strategy.gather(alone), len(own))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("compress", ["none", "top-k", "quantise", "sketch"])
def test_a_node_alone_sends_the_bits_that_a_simulation_of_all_does(algorithm, compress):
    if algorithm == "scaffold" and compress != "none":
        pytest.skip("scaffold takes whole updates only")
    for together, alone in walk(spec_of(algorithm, compress=compress, keep_ratio=0.3)):
        for row, told in zip(together.matrix, alone, strict=True):
            assert np.array_equal(row, nets.flatten(told.update, MODEL))
        assert together.steps.tolist() == [told.steps for told in alone]


@pytest.mark.parametrize("algorithm", ["scaffold", "ditto", "client-momentum", "fedrep"])
def test_chunks_change_no_bit_of_what_clients_send_and_remember(algorithm):
    for (one, _), (other, _) in zip(walk(spec_of(algorithm), 1), walk(spec_of(algorithm), 64), strict=True):
        assert np.array_equal(one.matrix, other.matrix)


def test_fedprox_without_a_pull_is_fedavg_to_the_bit():
    for (plain, _), (prox, _) in zip(walk(spec_of("fedavg")), walk(spec_of("fedprox", mu=0.0)), strict=True):
        assert np.array_equal(plain.matrix, prox.matrix)


def test_fedprox_with_a_strong_pull_hardly_moves():
    (plain, _), (prox, _) = next(walk(spec_of("fedavg"))), next(walk(spec_of("fedprox", mu=9.0)))
    assert np.linalg.norm(prox.matrix[2]) < 0.5 * np.linalg.norm(plain.matrix[2])


def test_fedprox_steps_are_those_of_its_equation():
    """With full batches the second step is w - lr (g(w) + mu (w - w0)), which one-step runs give from outside."""
    x, y = np.random.default_rng(0).random((8, 6), dtype=np.float32), np.arange(8) % 3
    start = nets.initial(MODEL, 2)
    one = dataclasses.replace(SPEC, epochs=1, batch=0)
    first = nets.flatten(train_one(start, x, y, one).update, MODEL)
    middle = nets.unflatten(nets.flatten(start, MODEL) + first, MODEL)
    second = nets.flatten(train_one(middle, x, y, one).update, MODEL)
    told = train_one(start, x, y, dataclasses.replace(one, algorithm="fedprox", epochs=2, mu=2.0))
    assert nets.flatten(told.update, MODEL) == pytest.approx(first + second - 0.1 * 2.0 * first, abs=1e-6)


def test_scaffold_without_a_past_is_fedavg_and_then_leaves_it():
    plain, scaffold = list(walk(spec_of("fedavg"), rounds=2)), list(walk(spec_of("scaffold"), rounds=2))
    assert np.array_equal(plain[0][0].matrix, scaffold[0][0].matrix)
    assert not np.allclose(plain[1][0].matrix, scaffold[1][0].matrix)


def test_a_control_variate_is_the_mean_slope_of_the_clients_own_descent():
    ((together, alone),) = walk(spec_of("scaffold"), rounds=1)
    for row, told in zip(together.matrix, alone, strict=True):
        assert told.memory[:-1] == pytest.approx(-row / (told.steps * 0.1), rel=1e-5)


def test_ditto_sends_what_fedavg_does_and_keeps_a_model_of_its_own():
    for (plain, _), (ditto, alone) in zip(walk(spec_of("fedavg")), walk(spec_of("ditto")), strict=True):
        assert np.array_equal(plain.matrix, ditto.matrix)
        assert len({told.memory.tobytes() for told in alone}) == len(alone)


def test_ditto_without_a_pull_trains_the_own_model_as_if_alone():
    population, x, y = people()
    rows, spec = population.parts[2], spec_of("ditto", mu=0.0)
    start = Global(nets.initial(MODEL, 5))
    told = train_one(start.params, x[rows], y[rows], spec)
    again = train_one(start.params, x[rows], y[rows], dataclasses.replace(spec, round=2), told.memory)
    own = told.memory[:-1]
    alone = train_one(nets.unflatten(own, MODEL), x[rows], y[rows], dataclasses.replace(spec, algorithm="fedavg", round=2))
    assert again.memory[:-1] == pytest.approx(own + nets.flatten(alone.update, MODEL), abs=1e-6)


def test_dittos_own_model_is_pulled_to_the_global_one_and_not_to_itself():
    """With a pull of 1 / learning rate, a step of it is v - (v - w) - lr g(v): it steps off the global model w."""
    population, x, y = people()
    rows, spec = population.parts[2], spec_of("ditto", mu=10.0, epochs=1, batch=0)
    first = train_one(nets.initial(MODEL, 5), x[rows], y[rows], spec)
    own, elsewhere = first.memory[:-1], nets.initial(MODEL, 9)
    again = train_one(elsewhere, x[rows], y[rows], dataclasses.replace(spec, round=2), first.memory)
    step = train_one(nets.unflatten(own, MODEL), x[rows], y[rows], dataclasses.replace(spec, algorithm="fedavg")).update
    expected = nets.flatten(elsewhere, MODEL) + nets.flatten(step, MODEL)
    assert again.memory[:-1] == pytest.approx(expected, abs=1e-6)
    assert np.abs(expected - own).max() > 0.1


@pytest.mark.parametrize("algorithm", ["fedper", "fedrep"])
def test_heads_stay_at_home(algorithm):
    head = nets.head_of(MODEL)
    for together, alone in walk(spec_of(algorithm)):
        assert not together.matrix[:, -head:].any()
        assert together.matrix[:, :-head].any(axis=1).all()
        assert all(len(told.memory) == head + 1 for told in alone)


def test_who_has_time_for_one_pass_of_fedrep_trains_head_and_body_in_it():
    population, x, y = people()
    rows, start = population.parts[2], nets.initial(MODEL, 5)
    one, both = (train_one(start, x[rows], y[rows], spec_of(name, epochs=1)) for name in ("fedrep", "fedper"))
    assert np.array_equal(nets.flatten(one.update, MODEL), nets.flatten(both.update, MODEL))
    assert np.array_equal(one.memory, both.memory)
    assert nets.flatten(one.update, MODEL).any()


def test_momentum_is_the_weighted_sum_of_the_past():
    beta = 0.9
    sent = [one.matrix for one, _ in walk(spec_of("client-momentum", beta=beta, learning_rate=0.0), rounds=2)]
    assert not np.concatenate(sent).any()
    (first, _), (second, alone) = walk(spec_of("client-momentum", beta=0.0), rounds=2)
    assert np.array_equal(first.matrix, next(walk(spec_of("fedavg")))[0].matrix)
    assert [told.memory[-1] for told in alone] == [2.0] * 4
    assert np.array_equal(second.matrix, np.stack([told.memory[:-1] for told in alone]))


def test_a_pull_of_nothing_is_nothing():
    assert Pull() == Pull(None, 0.0, None, None)

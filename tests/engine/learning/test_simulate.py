import itertools

import numpy as np
import pytest

from app.engine.learning import nets
from app.engine.learning.batched import Population
from app.engine.learning.data import load_digits
from app.engine.learning.local import train
from app.engine.learning.pace import Pace
from app.engine.learning.partition import part
from app.engine.learning.records import LocalSpec
from app.engine.learning.simulate import Field, rounds
from app.engine.learning.strategy import Global, Strategy


def federation(clients=6, seed=0, kind="dirichlet", ratio=1.0, **told):
    split = load_digits()
    parts = part(kind, split.train_y, clients, seed)
    people = Population.of(split.train_x, split.train_y, parts)
    strategy = Strategy(LocalSpec(seed=seed, **told), sample_ratio=ratio)
    return nets.initial(nets.DIGITS_MODEL, seed), strategy, people, (split.test_x, split.test_y)


def run(count, *, chunk=64, **how):
    ticks = itertools.count()
    steps = rounds(*federation(**how), lambda: float(next(ticks)), chunk=chunk)
    return list(itertools.islice(steps, count))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_six_skewed_clients_reach_ninety_percent(seed):
    assert run(15, seed=seed, epochs=5, learning_rate=0.1)[-1].round.accuracy >= 0.93


def test_shards_of_two_classes_learn_too():
    assert max(step.round.accuracy for step in run(20, kind="shards", epochs=2)) >= 0.9


def test_loss_falls_and_rounds_are_numbered():
    steps = run(6)
    assert [step.round.round for step in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1].round.loss < steps[0].round.loss / 2
    assert all(step.round.cpu_s == 1 for step in steps)


def test_equal_seeds_give_equal_models_whatever_the_chunk():
    first, again, other = run(3, clients=20), run(3, clients=20, chunk=3), run(3, clients=20, seed=1)
    assert all(np.array_equal(first[-1].params[name], again[-1].params[name]) for name in first[-1].params)
    assert not np.array_equal(first[-1].params["w1"], other[-1].params["w1"])


def test_nodes_driven_by_the_same_strategy_come_to_the_same_model():
    params, strategy, people, _ = federation(clients=5, epochs=1)
    simulated = run(3, clients=5, epochs=1)[-1].params
    for number in (1, 2, 3):
        answers = [
            train(params, people.x[rows, :-1], people.y[rows], strategy.configure(number, client).to_json())
            for client, rows in enumerate(people.parts)
        ]
        params = strategy.step(Global(params), strategy.gather(answers), len(answers)).params
    assert all(np.array_equal(params[name], simulated[name]) for name in simulated)


def test_a_sample_of_clients_takes_part_each_round():
    steps = run(3, clients=20, ratio=0.25)
    assert [len(step.clients) for step in steps] == [5, 5, 5]
    assert len({tuple(step.clients) for step in steps}) > 1


def shards(algorithm, seed, most=60):
    """Return the rounds to 0.90 of 50 clients with two classes each, a fifth of them a round."""
    split = load_digits()
    people = Population.of(split.train_x, split.train_y, part("shards", split.train_y, 50, seed))
    strategy = Strategy(LocalSpec(algorithm=algorithm, seed=seed, epochs=5, learning_rate=0.1), sample_ratio=0.2)
    steps = rounds(nets.initial(nets.DIGITS_MODEL, seed), strategy, people, (split.test_x, split.test_y), lambda: 0.0)
    for step in itertools.islice(steps, most):
        if step.round.accuracy >= 0.9:
            return step.round.round
    return most


def test_scaffold_needs_at_most_six_tenths_of_fedavgs_rounds_on_shards():
    assert sum(shards("scaffold", seed) for seed in range(3)) <= 0.6 * sum(shards("fedavg", seed) for seed in range(3))


def held(count, place=None, **more):
    split = load_digits()
    spec = {key: more.pop(key) for key in ("algorithm", "compress", "keep_ratio") if key in more}
    people = Population.of(split.train_x, split.train_y, part("dirichlet", split.train_y, 40, 2, 0.5))
    strategy = Strategy(LocalSpec(seed=2, epochs=5, learning_rate=0.1, **spec), **more)
    steps = rounds(nets.initial(nets.DIGITS_MODEL, 2), strategy, people, (split.test_x, split.test_y), lambda: 0.0, place=place)
    return [step.round for step in itertools.islice(steps, count)]


def test_top_k_with_feedback_loses_little_and_saves_most_of_the_upload():
    whole, few = held(25), held(25, compress="top-k", keep_ratio=0.05)
    assert few[-1].accuracy >= whole[-1].accuracy - 0.01
    up = [row.bytes - 40 * 4 * 2410 for row in (few[0], whole[0])]
    assert up[0] <= 0.101 * up[1]


def test_what_stragglers_did_is_worth_keeping():
    kept = held(20, sample_ratio=0.5, deadline_s=0.15)
    dropped = held(20, Field(partial=False), sample_ratio=0.5, deadline_s=0.15)
    patient = held(20, sample_ratio=0.5)
    assert all(row.time_s <= 0.15 for row in kept)
    assert sum(row.time_s for row in kept) < 0.5 * sum(row.time_s for row in patient)
    assert kept[-1].loss < dropped[-1].loss


def test_a_buffer_waits_for_nobody():
    together, buffered = held(20, sample_ratio=0.6), held(20, sample_ratio=0.6, algorithm="fedbuff")
    assert buffered[-1].accuracy >= 0.85
    assert sum(row.time_s for row in buffered) < 0.5 * sum(row.time_s for row in together)
    assert held(3, sample_ratio=0.6, algorithm="fedbuff") == buffered[:3]


@pytest.mark.parametrize("partial", [True, False])
def test_how_fast_clients_are_is_learnt_from_the_rounds_in_which_they_were_asked(partial):
    asked, known = [], []

    class Watched(Strategy):
        def select(self, round_number, clients, seen=None):
            known.append(seen.round_s.copy())
            asked.append(super().select(round_number, clients, seen))
            return asked[-1]

    params, _, people, test = federation(clients=12, epochs=2)
    pace = Pace(np.r_[np.full(6, 0.1), np.full(6, 0.4)], np.full(12, 0.05))
    strategy = Watched(LocalSpec(seed=0, epochs=2), sample_ratio=0.5, deadline_s=0.5)
    list(itertools.islice(rounds(params, strategy, people, test, lambda: 0.0, place=Field(partial=partial, pace=pace)), 2))
    slow_s = 0.45 if partial else 1.0  # one pass by the deadline, or nothing: twice the deadline, as over nodes
    learnt = np.zeros(12)
    learnt[asked[0]] = np.where(asked[0] < 6, 0.25, slow_s)
    assert {*(asked[0] < 6)} == {True, False}
    assert known[0].tolist() == [0] * 12
    assert known[1] == pytest.approx(learnt)


def test_what_a_round_costs_includes_judging_its_model():
    split, spent = load_digits(), [0.0]

    class Slow(Strategy):
        def judged(self, now, x, y):
            spent[0] += 5.0
            return super().judged(now, x, y)

    people = Population.of(split.train_x, split.train_y, [np.arange(20), np.arange(20, 40)])
    start = nets.initial(nets.DIGITS_MODEL, 0)
    steps = rounds(start, Slow(LocalSpec()), people, (split.test_x, split.test_y), lambda: spent[0])
    assert [next(steps).round.cpu_s for _ in range(2)] == [5.0, 5.0]

import numpy as np
import pytest

from app.engine.base.errors import BadInput, Conflict
from app.engine.learning import nets
from app.engine.learning.local import train
from app.engine.learning.records import LocalSpec, LocalUpdate
from app.engine.learning.robust import aggregator
from app.engine.learning.strategy import Gathered, Global, Strategy

MODEL = "mlp-6-5-3"


def examples(count=60):
    rng = np.random.default_rng(0)
    return rng.random((count, 6), dtype=np.float32), rng.integers(0, 3, count)


def test_fedrep_is_refused_where_all_clients_make_a_single_pass():
    with pytest.raises(BadInput, match="two passes or more") as told:
        Strategy(LocalSpec(algorithm="fedrep", epochs=1))
    assert told.value.field == "epochs"
    assert Strategy(LocalSpec(algorithm="fedrep", epochs=2)).base.epochs == 2


def test_one_full_batch_step_of_all_clients_is_central_gradient_descent():
    x, y = examples()
    strategy = Strategy(LocalSpec(model=MODEL, epochs=1, batch=0, learning_rate=0.3))
    central = federated = nets.initial(MODEL, 4)
    cuts = [slice(0, 7), slice(7, 40), slice(40, 60)]
    for number in range(1, 11):
        answers = [train(federated, x[cut], y[cut], strategy.configure(number, i)) for i, cut in enumerate(cuts)]
        federated = strategy.step(Global(federated), strategy.gather(answers), len(answers)).params
        step = train(central, x, y, strategy.configure(number, 0)).update
        central = {name: central[name] + step[name] for name in central}
    assert nets.flatten(federated, MODEL) == pytest.approx(nets.flatten(central, MODEL), abs=1e-5)


def test_everybody_takes_part_unless_a_ratio_says_otherwise():
    assert Strategy().select(1, 5).tolist() == [0, 1, 2, 3, 4]
    few = Strategy(sample_ratio=0.2)
    first = few.select(1, 50)
    assert len(first) == 10
    assert first.tolist() == sorted(set(first.tolist()))
    assert np.array_equal(first, few.select(1, 50))
    assert not np.array_equal(first, few.select(2, 50))
    assert len(Strategy(sample_ratio=0.001).select(1, 50)) == 1


def test_a_client_is_told_its_round_and_its_place():
    told = Strategy(LocalSpec(epochs=7, seed=3)).configure(4, 2)
    assert (told.round, told.client, told.epochs, told.seed) == (4, 2, 7, 3)


def test_weights_are_examples():
    zero = {name: np.zeros(shape, np.float32) for name, shape in nets.shapes_of(MODEL).items()}
    one = {name: value + 1 for name, value in zero.items()}
    strategy = Strategy(LocalSpec(model=MODEL))
    told = strategy.step(Global(zero), strategy.gather([LocalUpdate(zero, 10, 0.0), LocalUpdate(one, 30, 0.0)]), 2).params
    assert nets.flatten(told, MODEL) == pytest.approx(0.75)


def test_rows_in_the_room_of_an_earlier_round_make_the_same_model_and_leave_that_of_the_earlier_one():
    strategy, now = Strategy(LocalSpec(model=MODEL)), Global(nets.initial(MODEL, 0))
    some = [[LocalUpdate(nets.initial(MODEL, 3 * turn + at), 10 + at, 0.0) for at in range(3)] for turn in range(2)]
    first = strategy.gather(some[0])
    after = strategy.step(now, first, 3)
    before = nets.flatten(after.params, MODEL)
    second = strategy.gather(some[1], room=first.updates)
    assert second.updates is first.updates
    assert np.array_equal(nets.flatten(after.params, MODEL), before)
    fresh = strategy.step(after, strategy.gather(some[1]), 3)
    assert np.array_equal(
        nets.flatten(strategy.step(after, second, 3).params, MODEL), nets.flatten(fresh.params, MODEL)
    )  # fmt: skip
    fewer = strategy.gather(some[1][:2], room=first.updates)
    assert fewer.updates.shape[0] == 2


@pytest.mark.parametrize("spoil", [lambda u: u.pop("w1"), lambda u: u.update(b2=np.full(3, np.nan, np.float32))])
def test_a_spoilt_update_is_refused(spoil):
    update = nets.initial(MODEL, 0)
    spoil(update)
    with pytest.raises(BadInput):
        Strategy(LocalSpec(model=MODEL)).accept(update, 5)


def test_an_update_without_examples_is_refused():
    with pytest.raises(BadInput):
        Strategy(LocalSpec(model=MODEL)).accept(nets.initial(MODEL, 0), 0)


# The server's half against closed forms. A model of two parameters stands for any vector.

TWO = "mlp-1-1"


def two(pair):
    return nets.unflatten(np.asarray(pair, np.float32), TWO)


def quadratics(seed=0, count=8):
    """Return curvatures and centres of f_i(x) = h_i / 2 (x - a_i)^2 per coordinate, and the minimum of their sum."""
    rng = np.random.default_rng(seed)
    curve, centre = rng.uniform(0.5, 2, (count, 2)), rng.normal(0, 1, (count, 2))
    return curve, centre, (curve * centre).sum(axis=0) / curve.sum(axis=0)


def settle(algorithm, rate, taus, rounds):
    """Return how far from the minimum an algorithm comes to rest when client i takes taus[i] steps a round."""
    curve, centre, best = quadratics()
    strategy = Strategy(LocalSpec(model=TWO, algorithm=algorithm, learning_rate=rate))
    now, own = strategy.begin(two([0, 0])), np.zeros_like(curve)
    for _ in range(rounds):
        at = nets.flatten(now.params, TWO).astype(np.float64)
        drift = now.rows["control"] - own if algorithm == "scaffold" else np.zeros_like(curve)
        # The k-fold step x <- x - rate (h (x - a) + drift) has the fixed point a - drift / h and shrinks by 1 - rate h.
        rest = centre - drift / curve
        moved = (rest - at) * (1 - (1 - rate * curve) ** taus[:, None])
        own = -drift - moved / (taus[:, None] * rate)
        now = strategy.step(now, Gathered(moved.astype(np.float32), np.ones(len(taus)), taus.astype(np.float64)), len(taus))
    return float(np.linalg.norm(nets.flatten(now.params, TWO) - best))


TAUS = np.array([1, 2, 4, 8, 16, 32, 48, 64])


def test_fednovas_bias_falls_with_the_rate_and_fedavgs_does_not():
    rates = (1e-2, 1e-3)
    nova = [settle("fednova", rate, TAUS, round(40 / rate / 20)) for rate in rates]
    plain = [settle("fedavg", rate, TAUS, round(40 / rate / 20)) for rate in rates]
    assert 6 <= nova[0] / nova[1] <= 14
    assert plain[1] > 0.8 * plain[0] > 5 * nova[0]


def test_scaffold_comes_to_rest_at_the_minimum_whatever_the_steps_and_fedavg_does_not():
    taus = np.full(8, 20)
    assert settle("scaffold", 0.05, taus, 600) <= 1e-5
    assert settle("fedavg", 0.05, taus, 600) > 0.02


def test_fednova_with_equal_steps_is_fedavg_to_the_bit():
    rows = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    gathered = Gathered(rows, np.arange(1.0, 6.0), np.full(5, 7.0))
    ends = [
        Strategy(LocalSpec(model=TWO, algorithm=name)).step(Global(two([1, 2])), gathered, 5).params
        for name in ("fednova", "fedavg")
    ]
    assert np.array_equal(*(nets.flatten(end, TWO) for end in ends))


def test_fednova_of_unequal_clients_is_equation_nine():
    """Shares 1/4 and 3/4, steps 4 and 1: 1.75 effective steps of (1/4 [4, 0] / 4 + 3/4 [0, 2] / 1)."""
    strategy = Strategy(LocalSpec(model=TWO, algorithm="fednova"))
    gathered = Gathered(np.float32([[4, 0], [0, 2]]), np.array([10.0, 30.0]), np.array([4.0, 1.0]))
    moved = nets.flatten(strategy.step(Global(two([0, 0])), gathered, 2).params, TWO)
    assert moved == pytest.approx([1.75 / 4, 1.75 * 1.5])


@pytest.mark.parametrize(("name", "rate"), [("fedadam", 0.1), ("fedyogi", 0.1), ("fedadagrad", 0.1), ("fedavg", 1.0)])
def test_where_nobody_says_a_server_rate_it_is_the_algorithms_own(name, rate):
    gathered = Gathered(np.float32([[0.3, -0.2]]), np.ones(1), np.ones(1))
    ends = []
    for asked in (0.0, rate):
        strategy = Strategy(LocalSpec(model=TWO, algorithm=name), server_rate=asked)
        ends.append(nets.flatten(strategy.step(strategy.begin(two([0, 0])), gathered, 1).params, TWO))
    assert np.array_equal(*ends)


@pytest.mark.parametrize("name", ["fedadam", "fedyogi", "fedadagrad"])
def test_adaptive_servers_follow_their_published_recursions(name):
    strategy = Strategy(LocalSpec(model=TWO, algorithm=name), server_rate=0.1)
    now = strategy.begin(two([0, 0]))
    x, m, v = np.zeros(2), np.zeros(2), np.full(2, 1e-6)
    for number in range(1, 6):
        move = np.array([0.3 * number, -0.2])
        now = strategy.step(now, Gathered(np.float32([move, move]), np.ones(2), np.ones(2)), 2)
        m = 0.9 * m + 0.1 * move
        v = {
            "fedadam": 0.99 * v + 0.01 * move**2,
            "fedyogi": v - 0.01 * move**2 * np.sign(v - move**2),
            "fedadagrad": v + move**2,
        }[name]
        x = x + 0.1 * m / (np.sqrt(v) + 1e-3)
    assert nets.flatten(now.params, TWO) == pytest.approx(x, rel=1e-5)


def test_older_updates_weigh_less():
    rows = np.float32([[1, 1], [-1, -1]])
    strategy = Strategy(LocalSpec(model=TWO, algorithm="fedbuff"))
    now = strategy.step(Global(two([0, 0])), Gathered(rows, np.ones(2), np.ones(2), np.array([0.0, 3.0])), 2)
    assert nets.flatten(now.params, TWO) == pytest.approx((1 - 0.5) / 1.5)


@pytest.mark.parametrize("rule", ["median", "trimmed", "norm-clip", "geometric-median", "mixed-trimmed", "multi-krum"])
def test_older_updates_are_shortened_where_the_rule_takes_no_weights(rule):
    rows = np.random.default_rng(0).normal([5, -5], 1, (7, 2)).astype(np.float32)
    strategy = Strategy(LocalSpec(model=TWO, algorithm="fedbuff"), aggregator=aggregator(rule, 1))
    moved = [
        nets.flatten(strategy.step(Global(two([0, 0])), Gathered(rows, np.ones(7), np.ones(7), np.full(7, age)), 7).params, TWO)
        for age in (0.0, 3.0)
    ]
    assert moved[1] == pytest.approx(moved[0] / 2, rel=1e-5)


@pytest.mark.parametrize(("examples", "steps"), [(5, -1), (5, 3), (40, 1), (40, 5), (40, 7)])
def test_steps_that_are_no_whole_passes_or_more_than_were_asked_for_are_refused(examples, steps):
    strategy = Strategy(LocalSpec(model=MODEL, epochs=2, batch=16))
    with pytest.raises(BadInput, match="steps"):
        strategy.accept(nets.initial(MODEL, 0), examples, steps)
    for sound in (0, 3, 6):  # not said, one pass, both
        strategy.accept(nets.initial(MODEL, 0), 40, sound)


def hostile_of_ten(algorithm, claim):
    """Return the state after nine honest nodes move along the first number, and one with `claim` steps along the second.

    Each asked for 45 steps; the hostile update is as long as the bound, ten times as long as theirs.
    """
    rows = np.float32([[0.1, 0]] * 9 + [[0, 1]])
    strategy = Strategy(LocalSpec(model=TWO, algorithm=algorithm, epochs=5, batch=16, learning_rate=0.1), norm_bound=1.0)
    gathered = strategy.weigh(rows, np.full(10, 144), np.array([45] * 9 + [claim]))
    return strategy.step(strategy.begin(two([0, 0])), gathered, 10)


@pytest.mark.parametrize("claim", [1, 9, 36])
@pytest.mark.parametrize("algorithm", ["fednova", "scaffold"])
def test_a_claim_of_few_steps_is_no_way_around_the_norm_bound(algorithm, claim):
    after, honest = hostile_of_ten(algorithm, claim), hostile_of_ten(algorithm, 45)
    assert nets.flatten(after.params, TWO)[1] <= 0.1 * 1.001  # its tenth of the bound
    assert nets.flatten(after.params, TWO)[0] == pytest.approx(0.09, rel=0.12)
    if algorithm == "scaffold":
        pace = (9 * 45 + claim) / 10
        assert abs(after.rows["control"][1]) <= 0.1 / (pace * 0.1) * 1.001
        assert after.rows["control"][0] == pytest.approx(honest.rows["control"][0])


def test_fewer_steps_that_stay_within_the_bound_are_believed():
    strategy = Strategy(LocalSpec(model=TWO, algorithm="fednova", epochs=5, batch=16), norm_bound=1.0)
    gathered = strategy.weigh(np.float32([[0.1, 0], [0.1, 0]]), np.full(2, 144), np.array([45, 9]))
    assert gathered.steps.tolist() == [45, 9]


@pytest.mark.parametrize("algorithm", ["fednova", "scaffold"])
def test_who_does_not_count_changes_no_bit(algorithm):
    rows, examples, steps = np.random.default_rng(1).normal(size=(4, 2)).astype(np.float32), np.full(4, 40), np.full(4, 6)
    strategy = Strategy(LocalSpec(model=TWO, algorithm=algorithm), norm_bound=9.0)
    gone = np.array([0, 40, 40, 40])
    over_nodes = strategy.step(strategy.begin(two([1, 2])), strategy.weigh(rows[1:], examples[1:], steps[1:]), 4)
    simulated = strategy.step(strategy.begin(two([1, 2])), strategy.weigh(rows, gone, steps), 4)
    assert np.array_equal(nets.flatten(over_nodes.params, TWO), nets.flatten(simulated.params, TWO))
    assert all(np.array_equal(over_nodes.rows[name], simulated.rows[name]) for name in over_nodes.rows)


def test_an_update_over_the_norm_bound_is_refused():
    strategy = Strategy(LocalSpec(model=MODEL), norm_bound=0.1)
    with pytest.raises(BadInput, match=r"norm .* over the bound 0\.1"):
        strategy.accept(nets.initial(MODEL, 0), 5)


def test_a_claim_of_examples_counts_for_a_few_times_the_middle_one_and_no_more():
    rows = np.float32([[1, 1], [1, 1], [1, 1], [-1, -1]])
    examples, steps = np.array([10, 20, 30, 10**12]), np.array([2, 0, 4, 10**11])
    strategy = Strategy(LocalSpec(model=TWO), weight_most=4.0)
    gathered = strategy.weigh(rows, examples, steps)  # the middle one is the lower of two
    assert gathered.weights.tolist() == [10, 20, 30, 80]
    assert gathered.steps.tolist() == [2, 4, 4, 10**11]  # what an update is divided by: `accept` bounds it by the examples
    assert gathered.believed.tolist() == [2, 4, 4, 10]  # two passes in batches of 16, over what is believed
    assert nets.flatten(strategy.step(Global(two([0, 0])), gathered, 4).params, TWO) == pytest.approx((60 - 80) / 140)
    believing = Strategy(LocalSpec(model=TWO), weight_most=0.0)
    assert believing.weigh(rows, examples, steps).weights.tolist() == examples.tolist()


def test_claimed_steps_do_not_blow_up_fednova():
    rows, examples = np.ones((3, 2), np.float32), np.array([16, 16, 10**12])
    strategy = Strategy(LocalSpec(model=TWO, algorithm="fednova"))
    moved = strategy.step(Global(two([0, 0])), strategy.weigh(rows, examples, np.array([2, 2, 10**11])), 3)
    assert np.abs(nets.flatten(moved.params, TWO)).max() < 5


def test_fednova_divides_by_the_steps_taken_so_that_a_cut_weight_stays_cut():
    rows, examples = np.float32([[2, 2], [2, 2], [20, 20]]), np.array([16, 16, 160])
    strategy = Strategy(LocalSpec(model=TWO, algorithm="fednova"), weight_most=1.0)
    moved = strategy.step(Global(two([0, 0])), strategy.weigh(rows, examples, np.zeros(3, np.int64)), 3)
    assert nets.flatten(moved.params, TWO).tolist() == [2, 2]  # one a step, two steps of each that are believed


def test_scaffold_rests_at_the_minimum_where_one_node_holds_ten_times_the_data():
    curve, centre, _ = quadratics(count=6)
    examples = np.array([16, 16, 16, 16, 16, 160])
    strategy = Strategy(LocalSpec(model=TWO, algorithm="scaffold", learning_rate=0.05))
    taus = np.array([2.0, 2, 2, 2, 2, 20])
    now, own = strategy.begin(two([0, 0])), np.zeros_like(curve)
    for _ in range(400):
        at = nets.flatten(now.params, TWO).astype(np.float64)
        drift = now.rows["control"] - own
        moved = (centre - drift / curve - at) * (1 - (1 - 0.05 * curve) ** taus[:, None])
        own = -drift - moved / (taus[:, None] * 0.05)  # what a node makes of the steps it took
        now = strategy.step(now, strategy.weigh(moved.astype(np.float32), examples, taus.astype(np.int64)), 6)
    counted = np.array([1, 1, 1, 1, 1, 3])[:, None] * curve
    best = (counted * centre).sum(axis=0) / counted.sum(axis=0)
    assert nets.flatten(now.params, TWO) == pytest.approx(best, abs=1e-4)


def test_clients_that_sent_nothing_do_not_lower_what_others_are_believed():
    gathered = Strategy(LocalSpec(model=TWO)).weigh(np.ones((5, 2), np.float32), np.array([0, 0, 0, 40, 40]), np.zeros(5, int))
    assert gathered.weights.tolist() == [0, 0, 0, 40, 40]


def test_an_update_longer_than_any_training_makes_is_refused_without_a_bound():
    huge = {name: np.full(shape, 3e38, np.float32) for name, shape in nets.shapes_of(MODEL).items()}
    with pytest.raises(BadInput, match="over the bound"):
        Strategy(LocalSpec(model=MODEL)).accept(huge, 5)


@pytest.mark.parametrize("algorithm", ["fedavg", "scaffold", "fedyogi"])
def test_a_round_whose_numbers_run_over_does_not_stand(algorithm):
    rows = np.full((2, 2), 3e38, np.float32)
    strategy = Strategy(LocalSpec(model=TWO, algorithm=algorithm))
    with pytest.raises(Conflict, match="not finite"):
        strategy.step(strategy.begin(two([3e38, 3e38])), Gathered(rows, np.ones(2), np.ones(2)), 2)


def test_a_model_whose_loss_is_not_finite_is_not_judged():
    params = {name: np.full(shape, 3e38, np.float32) for name, shape in nets.shapes_of(MODEL).items()}
    x, y = np.ones((2, nets.inputs_of(MODEL)), np.float32), np.zeros(2, np.int64)
    with pytest.raises(Conflict, match="not finite"):
        Strategy(LocalSpec(model=MODEL)).judged(Global(params), x, y)


def test_steps_of_no_length_leave_the_control_variate_as_it_was():
    strategy = Strategy(LocalSpec(model=TWO, algorithm="scaffold", learning_rate=0.0))
    now = Global(two([1, 2]), {"control": np.float32([0.5, -0.5])})
    after = strategy.step(now, Gathered(np.zeros((3, 2), np.float32), np.ones(3), np.full(3, 4.0)), 3)
    assert after.rows["control"].tolist() == [0.5, -0.5]
    assert nets.flatten(after.params, TWO).tolist() == [1, 2]


def test_where_chance_decides_who_takes_part_it_throws_until_the_aggregator_has_enough():
    strategy = Strategy(LocalSpec(model=TWO), sample_ratio=0.7, aggregator=aggregator("trimmed", 1), selection="poisson")
    drawn = [strategy.select(number, 6) for number in range(1, 400)]
    assert min(map(len, drawn)) == 3
    assert np.mean([len(one) for one in drawn]) == pytest.approx(4.2, abs=0.3)

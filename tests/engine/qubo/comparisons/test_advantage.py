import math

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.qubo.comparisons.advantage import FEWEST_RUNS, Times, Verdict, decide, interval, joined, success_interval

DRAWS = {
    "no memory": lambda rng, n: rng.exponential(1.0, n),
    "narrow": lambda rng, n: rng.lognormal(0.0, 0.5, n),
    "in steps": lambda rng, n: rng.geometric(0.3, n).astype(float),
}
RUNS, BUDGET = 50, 3.0


def share(draw, factor: float, budget: float, trials: int, word: str, *, runs: int = RUNS) -> float:
    rng = np.random.default_rng(11)
    says = [
        decide(Times.of(draw(rng, runs), budget), [Times.of(factor * draw(rng, runs), budget)], trial).word
        for trial in range(trials)
    ]
    return says.count(word) / trials


# The bound is held as measured, without the slack that 300 trials would allow.
@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("budget", [BUDGET, 0.7])
@pytest.mark.parametrize("runs", [FEWEST_RUNS, 20, RUNS])
def test_two_identical_solvers_give_a_false_yes_in_at_most_five_percent(name: str, budget: float, runs: int) -> None:
    assert share(DRAWS[name], 1.0, budget, 300, "yes", runs=runs) <= 0.05


def test_two_identical_solvers_that_often_give_up_early_give_a_false_yes_in_at_most_five_percent() -> None:
    rng = np.random.default_rng(12)

    def made() -> Times:
        times = rng.exponential(1.0, FEWEST_RUNS)
        return Times.of(times, 0.7, 0.7 * rng.uniform(0.1, 1.0, FEWEST_RUNS))

    says = [decide(made(), [made()], trial).word for trial in range(300)]
    assert says.count("yes") / 300 <= 0.05


def test_a_miss_spent_what_is_told_of_it_and_a_hit_its_time() -> None:
    assert Times.of([0.5, math.inf, 3.0], 1.0, [0.9, 0.2, 2.5]).spent.tolist() == [0.5, 0.2, 2.5]


def test_too_few_runs_decide_nothing() -> None:
    few, slow = Times.of([1.0] * (FEWEST_RUNS - 1), 10.0), Times.of([9.0] * (FEWEST_RUNS - 1), 10.0)
    assert decide(few, [slow]).word == "undecided"
    enough, other = Times.of([1.0] * FEWEST_RUNS, 10.0), Times.of([9.0] * FEWEST_RUNS, 10.0)
    assert decide(enough, [other]).word == "yes"


@pytest.mark.parametrize("name", DRAWS)
def test_a_real_factor_of_two_is_detected_in_ninety_percent_at_fifty_runs(name: str) -> None:
    assert share(DRAWS[name], 2.0, 10.0, 200, "yes") >= 0.90


def test_a_slower_solver_is_told_as_no() -> None:
    assert share(DRAWS["no memory"], 0.5, 10.0, 100, "no") >= 0.90


def test_memoryless_times_give_the_closed_form_whatever_is_censored() -> None:
    rng = np.random.default_rng(3)
    times = rng.exponential(2.0, 200_000)
    for budget in (0.1, 1.0, 50.0):
        assert Times.of(times, budget).ttt99 == pytest.approx(2.0 * math.log(100), rel=0.03)
    # The field's formula t ln(0.01) / ln(1 - p) is the same for short runs.
    p = Times.of(times, 0.1).success_ratio
    assert Times.of(times, 0.1).ttt99 == pytest.approx(0.1 * math.log(0.01) / math.log(1 - p), rel=0.03)


def test_an_interval_covers_the_truth_in_about_95_percent() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(300):
        low, high = interval(Times.of(rng.exponential(1.0, RUNS), 1.0), trial)
        covered += low <= math.log(100) <= high
    assert covered / 300 > 0.9


def test_a_target_that_nobody_reached_decides_nothing() -> None:
    never = Times.of([math.inf] * 20, 1.0)
    assert never.ttt99 == math.inf
    assert interval(never) == (math.inf, math.inf)
    verdict = decide(never, [never])
    assert (verdict.word, verdict.factor) == ("undecided", 1.0)


def test_a_few_lucky_runs_are_not_enough() -> None:
    lucky, never = Times.of([0.1] * 2 + [math.inf] * 48, 1.0), Times.of([math.inf] * 50, 1.0)
    assert decide(lucky, [never]).word == "undecided"


def test_the_best_of_several_peers_counts() -> None:
    rng = np.random.default_rng(7)
    fast, slow = (Times.of(mean * rng.exponential(1.0, 50), 99.0) for mean in (1.0, 9.0))
    assert decide(fast, [slow, slow]).word == "yes"
    assert decide(slow, [slow, fast]).word == "no"
    assert decide(fast, [slow]).low > 1


def test_views_must_agree() -> None:
    yes, no = Verdict("yes", 0.99, 3, 2, 4), Verdict("no", 0.98, 0.3, 0.2, 0.5)
    assert joined([yes, yes]) == ("yes", 0.99)
    assert joined([yes, no]) == ("undecided", 0.98)


def test_a_success_interval_is_wilsons() -> None:
    low, high = success_interval(9, 10)
    assert (low, high) == (pytest.approx(0.5958, abs=1e-3), pytest.approx(0.9821, abs=1e-3))
    assert success_interval(0, 10)[0] == 0
    assert success_interval(10, 10)[1] == pytest.approx(1)


def test_a_comparison_needs_two() -> None:
    with pytest.raises(BadInput, match="two solvers"):
        decide(Times.of([1.0], 2.0), [])
    with pytest.raises(BadInput, match="one run"):
        interval(Times.of([], 2.0))

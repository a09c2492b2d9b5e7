"""How often the verdict of a comparison is wrong or silent on planted cases: times drawn at random, so these are simulated.

Two identical solvers: the share of comparisons that say "yes" (at most 5 % may), the worst of three kinds of times, of
budgets that censor few or many runs, and of 15, 20 and 50 runs. A real factor of two: the share that says "yes" at 50 runs
(at least 90 % must), the least of the three kinds. Counts, so that it does not matter what else the machine does.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from qubo_common import tell

from app.engine.qubo.comparisons.advantage import FEWEST_RUNS, Times, decide

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
DRAWS: dict[str, Draw] = {
    "exponential": lambda rng, n: rng.exponential(1.0, n),
    "log-normal": lambda rng, n: rng.lognormal(0.0, 0.5, n),
    "geometric": lambda rng, n: rng.geometric(0.3, n).astype(float),
}
BUDGETS = (3.0, 0.7)
RUNS = (FEWEST_RUNS, 20, 50)


def yes_ratio(draw: Draw, factor: float, budget: float, runs: int, trials: int) -> float:
    """Return the share of comparisons that call the first of two solvers faster, the second being `factor` slower."""
    rng = np.random.default_rng(np.random.SeedSequence(20_261))
    said = 0
    for trial in range(trials):
        mine, other = Times.of(list(draw(rng, runs)), budget), Times.of(list(factor * draw(rng, runs)), budget)
        said += decide(mine, [other], trial).word == "yes"
    return said / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    given = parser.parse_args()
    same = {
        f"{name}, budget {budget:g}, {runs} runs": yes_ratio(draw, 1.0, budget, runs, given.trials)
        for name, draw in DRAWS.items() for budget in BUDGETS for runs in RUNS
    }  # fmt: skip
    worst = max(same, key=lambda name: same[name])
    told = {"trials": given.trials, "worst": worst}
    tell("qubo: false yes of two identical solvers, worst case", same[worst], "ratio", "", told)
    twice = {name: yes_ratio(draw, 2.0, 10.0, 50, given.trials) for name, draw in DRAWS.items()}
    least = min(twice, key=lambda name: twice[name])
    told = {"trials": given.trials, "runs": 50, "budget": 10.0, "least": least}
    tell("qubo: a factor of two told as yes at 50 runs, least case", twice[least], "ratio", "", told)


if __name__ == "__main__":
    main()

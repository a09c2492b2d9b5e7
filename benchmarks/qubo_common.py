"""What the benchmarks of the QUBO wing share: the graphs, one timed run, and a line per figure."""

import json
import math
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.engine.base.contracts import Budget
from app.engine.qubo.problem import Qubo
from app.engine.qubo.reader import read_problem

DATA = Path(__file__).parents[2] / "shared" / "data"
# What the peer's tabu search is tuned over.
TENURES = (10, 20, 50, 100, 200)
BEST_KNOWN = {"G1": 11624, "G22": 13359, "G55": 10299}


def graph(name: str) -> Qubo | None:
    path = DATA / "maxcut" / f"{name}.txt"
    return read_problem(path) if path.exists() else None


class Run(NamedTuple):
    """The best objective, the CPU seconds of this process until the target or infinity, and what the solver told."""

    best: float
    hit_s: float
    info: dict[str, Any]


def one_run(problem: Qubo, solver: Any, seconds: float, seed: int, target: float, *, threads: int = 1) -> Run:
    """Return one run; it ends when `target` is reached."""
    began, hit = time.process_time(), math.inf

    def report(_done: float, _total: float, _unit: str = "", partial: dict[str, float] | None = None) -> None:
        nonlocal hit
        if math.isinf(hit) and problem.objective_of((partial or {}).get("best_energy", math.inf)) >= target:
            hit = time.process_time() - began

    found = solver.solve(problem, Budget(seconds, threads), seed, report, lambda: not math.isinf(hit))
    return Run(problem.objective(found.sample), hit, found.info)


def tell(figure: str, value: float, unit: str, peer: str, settings: dict[str, Any]) -> None:
    plain = round(value, 4) if math.isfinite(value) else None
    settings = {key: None if isinstance(one, float) and not math.isfinite(one) else one for key, one in settings.items()}
    line = {"figure": figure, "value": plain, "unit": unit, "peer": peer, "settings": settings}
    print(json.dumps(line, allow_nan=False), flush=True)


def median_ratio(theirs: list[float], ours: list[float], *, cap: float) -> tuple[float, dict[str, bool]]:
    """Return median(theirs) / median(ours), and how to take it: as a floor, `at_least`, where the median of theirs missed.

    Misses are infinite and count as `cap`. Where the median of ours missed there is no ratio: it is not a number.
    """
    above, below = statistics.median(theirs), statistics.median(ours)
    if math.isinf(below):
        return math.nan, {}
    return min(above, cap) / below, {"at_least": True} if math.isinf(above) else {}


def lower_ratio(theirs: list[float], ours: list[float], seed: int = 1, *, cap: float) -> float:
    """Return the lower end of the 95 % bootstrap interval of median(theirs) / median(ours); misses count as `cap`."""
    rng = np.random.default_rng(seed)
    above, below = (np.minimum(np.asarray(side), cap) for side in (theirs, ours))
    drawn = [np.median(rng.choice(above, len(above))) / np.median(rng.choice(below, len(below))) for _ in range(2000)]
    return float(np.quantile(drawn, 0.025))


def restart_bound(theirs: list[float], ours: list[float], *, cap: float) -> float | None:
    """Return a bound of median(theirs) / median(ours) from below where all of theirs missed, None where one hit.

    One-sided, 95 %, our median taken as it was measured. For peers whose reads are independent, so that their time to target
    is exponential: no hit in T seconds leaves a rate of at most 3.0 / T (-ln 0.05), hence a median of at least ln 2 / 3.0 T.
    """
    below = statistics.median(ours)
    if math.isinf(below) or any(map(math.isfinite, theirs)):
        return None
    return math.log(2) * cap * len(theirs) / -math.log(0.05) / below

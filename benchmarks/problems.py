"""Gaps to published values of instances of every kind: the QUBO route, the problem's own method, and others' at equal time.

    python benchmarks/problems.py --data ../shared/data --seconds 20 [--only ft10 | --kind cvrp] [--seeds 1] [--no-peers]

Our two routes share the seconds; each peer has all of them. Prints a JSON line per instance and route: {figure, value (gap, a
ratio: positive is worse), unit, objective, best, peer, settings}; and for routes of up to 100 customers the worst gap of all
instances and seeds by the best of our routes, with what each instance came to and by which.
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from problem_instances import GENERATED, Case, cases
from problem_peers import peers_of

from app.engine.base.contracts import never, silent
from app.engine.base.errors import OutpostError
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.problems.load import load
from app.engine.qubo.problems.work import solve

ROUTING = "cvrp"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="the name of one instance")
    parser.add_argument("--kind", default="", help="instances of this kind alone")
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    worst: dict[str, tuple[float, str]] = {}
    for name, case in cases(given.data).items():
        problem = load(case.spec).problem if given.only in ("", name) else None
        if problem is None or given.kind not in ("", problem.kind):
            continue
        told = {"seconds": given.seconds, "threads": 1, "value_of": case.source}
        for seed in range(given.seeds):
            gap, route = ours(name, case, problem, given.seconds, told | {"seed": seed, "route": "auto"}, seed)
            if problem.kind == ROUTING and case.source != GENERATED:
                worst[name] = max(worst.get(name, (-1.0, "")), (gap, route))
            if not given.no_peers:
                theirs(name, case, problem, given.seconds, told | {"seed": seed}, seed)
    if len(worst) > 1:
        slowest = max(worst, key=lambda name: worst[name])
        settings = {"seconds": given.seconds, "threads": 1, "seeds": given.seeds, "worst": slowest}
        settings |= {name: f"{gap:.4f} by {route}" for name, (gap, route) in worst.items()}
        tell("routing: worst gap to the best known, up to 100 customers", worst[slowest][0], {"settings": settings})


def gap_of(problem: Problem, case: Case, objective: float | None) -> float | None:
    """Return how much worse an objective is than the value of the case, as a ratio of that."""
    if objective is None:
        return None
    sign = -1.0 if problem.sense == "max" else 1.0
    return round(sign * (objective - case.best) / abs(case.best), 6) + 0.0


def ours(  # noqa: PLR0917 - as they come
    name: str, case: Case, problem: Problem, seconds: float, settings: dict[str, Any], seed: int
) -> tuple[float, str]:
    """Print a line per route of one run; return the least gap and the route it is by (infinite: nothing was found)."""
    try:
        result = solve({**case.spec, "seconds": seconds}, seed, silent, never)
    except OutpostError as error:
        tell(f"{name}: gap", None, {"peer": str(error), "settings": settings})
        return float("inf"), ""
    best = (float("inf"), "")
    for row in result["routes"]:
        gap = gap_of(problem, case, row["objective"])
        best = min(best, (float("inf") if gap is None else gap, f"the {row['route']} route"))
        tell(f"{name}: gap to {case.best:.10g} by the {row['route']} route", gap, {
            "objective": row["objective"], "peer": row["solver"] or row["why_not"], "proved": row["proved"],
            "wall_s": row["wall_s"], "settings": settings,
        })  # fmt: skip
    return best


def theirs(  # noqa: PLR0917 - as they come
    name: str, case: Case, problem: Problem, seconds: float, settings: dict[str, Any], seed: int
) -> None:
    """Print a line per peer."""
    for number, (title, peer) in enumerate(peers_of(problem)):
        began = time.perf_counter()
        try:
            answer = peer(problem, seconds, seed)
        except ImportError as error:
            print(f"{name}: {title} is left out: {error}", file=sys.stderr)
            continue
        objective = None if answer is None or problem.check(answer) else problem.objective(answer)
        word = f"a peer{'' if number == 0 else f' ({title})'}"
        tell(f"{name}: gap to {case.best:.10g} by {word}", gap_of(problem, case, objective), {
            "objective": objective, "peer": title, "wall_s": time.perf_counter() - began, "settings": settings,
        })  # fmt: skip


def tell(figure: str, value: float | None, more: dict[str, Any]) -> None:
    """Print one figure."""
    plain = None if value is None or value == float("inf") else value
    print(json.dumps({"figure": figure, "value": plain, "unit": "ratio", **more}), flush=True)


if __name__ == "__main__":
    importlib.import_module("app.engine.qubo.adapters.dwave").load()
    main()

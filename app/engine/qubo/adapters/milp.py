"""HiGHS by `scipy.optimize.milp`, where the bindings below it are not those that are known: nothing is told on the way.

A search that is ended from outside, or by its improvements, is not known there: who waits leaves it behind without values, or
it goes on to its end.
"""

import importlib
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from app.engine.base.contracts import Stop
from app.engine.qubo.adapters.highs_search import CUT, INFEASIBLE, OPTIMAL, Ended, searched

_NAMES: Final = {"mip_rel_gap": "mip_rel_gap", "mip_max_nodes": "node_limit"}
_HOW: Final = {0: OPTIMAL, 1: CUT, 2: INFEASIBLE}
_LEAST_S: Final = 0.01


def load() -> Any:
    """Return what the search is called from."""
    return importlib.import_module("scipy.optimize")


def search(
    columns: tuple[Any, Any, Any, Any], rows: tuple[Any, Any, Any], options: Mapping[str, Any], stop: Stop, until: float
) -> Ended:
    """Return how a search over the columns and rows of `highs_search.Search` ended, `until` its time or until `stop`."""
    scipy, (costs, low, high, whole), (matrix, least, most) = load(), columns, rows
    chosen = {_NAMES[name]: value for name, value in options.items() if name in _NAMES}
    if np.isfinite(until):
        chosen["time_limit"] = max(until - time.perf_counter(), _LEAST_S)
    kept = [scipy.LinearConstraint(matrix, least, most)] if len(least) else []
    ended: list[Any] = []

    def work() -> None:
        try:
            ended.append(
                scipy.milp(
                    costs, integrality=whole.astype(int), bounds=scipy.Bounds(low, high), constraints=kept, options=chosen
                )
            )
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            ended.append(error)

    if not searched(work, lambda: stop() or time.perf_counter() >= until, lambda: None, lambda: None):
        return Ended(CUT, None, -np.inf)
    if isinstance(ended[0], Exception):
        raise ended[0]
    how = _HOW.get(ended[0].status, str(ended[0].message))
    bound = ended[0].mip_dual_bound
    if how == INFEASIBLE:
        return Ended(how, None, np.inf)
    return Ended(how, ended[0].x, -np.inf if bound is None or not np.any(whole) else float(bound))

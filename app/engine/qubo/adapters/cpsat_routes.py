"""CP-SAT (ortools) behind tours: one circuit through all places, or several from a depot with a load that only grows.

Distances become whole numbers, rounded down where they are not, so that a bound on the rounded tours is one on the real tours.
Loads are those of Miller, Tucker, Zemlin 1960 ("Integer programming formulation of traveling salesman problems").
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Budget, Stop
from app.engine.qubo.adapters import cpsat

Floats = NDArray[np.float64]
Tours = list[list[int]]
MOST_PLACES: Final = 100
MOST_SERVED: Final = 40
_STEPS: Final = 2**24


def shorten(  # noqa: PLR0917 - as all methods are called
    d: Floats, loads: tuple[NDArray[np.int64], int] | None, known: Tours, budget: Budget, seed: int, stop: Stop, *,
    goal: float | None = None, told: cpsat.Told = cpsat.untold,
) -> tuple[Tours, float]:  # fmt: skip
    """Return tours no longer than the `known` ones, and a proved bound; `d` (n, n). The `known` ones where none is shorter.

    Without `loads` it is one tour through all places, 0 first; with (demands, capacity) any number of tours from place 0, which
    is in none of them. With `goal`, the `steps_of` the tours of a run made before, it comes to these again; see `cpsat.run`.
    `told` gets the tours found on the way.
    """
    lengths, unit = _whole(d)
    cp: Any = cpsat.package()
    model, arcs = _model(cp, lengths, loads)
    for (i, j), arc in arcs.items():
        model.add_hint(arc, int((i, j) in _steps(known, closed=loads is not None)))
    total = sum(int(lengths[i, j]) * arc for (i, j), arc in arcs.items())
    model.minimize(total)
    # Without the whole relaxation one thread proves hardly anything of tours.
    solver, found = cpsat.run(
        model, budget, seed, stop, linear=2, goal=goal, told=lambda one: told(_tours(arcs, one, single=loads is None))
    )
    bound = float(np.ceil(solver.best_objective_bound - 1e-6)) * unit
    if not found:
        return known, bound
    tours = _tours(arcs, solver, single=loads is None)
    better = _length(d, tours, closed=loads is not None) < _length(d, known, closed=loads is not None)
    return tours if better else known, bound


def _tours(arcs: dict[Any, Any], found: Any, *, single: bool) -> Tours:
    """Return the tours of what CP-SAT `found`; a single one names place 0 first."""
    taken = [step for step, arc in arcs.items() if found.boolean_value(arc)]
    after = {i: j for i, j in taken if i}
    tours = [_from(j, after) for i, j in taken if not i]
    return [[0, *tours[0]]] if single else tours


def steps_of(d: Floats, tours: Tours, *, closed: bool) -> int:
    """Return the length of tours in the whole steps that CP-SAT counts; those of `closed` tours begin and end at place 0."""
    lengths, _ = _whole(d)
    return int(sum(int(lengths[a, b]) for a, b in _steps(tours, closed=closed)))


def _whole(d: Floats) -> tuple[NDArray[np.int64], float]:
    """Return whole distances and what one of their steps is worth."""
    if (d == np.rint(d)).all():
        return d.astype(np.int64), 1.0
    unit = float(d.max()) / _STEPS
    return np.floor(d / unit).astype(np.int64), unit


def _model(cp: Any, lengths: NDArray[np.int64], loads: tuple[NDArray[np.int64], int] | None) -> tuple[Any, dict[Any, Any]]:
    model, n = cp.CpModel(), len(lengths)
    demands, capacity = loads if loads is not None else (np.zeros(n, np.int64), 0)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and (not i * j or demands[i] + demands[j] <= capacity)]
    arcs = {(i, j): model.new_bool_var(f"a{i}_{j}") for i, j in pairs}
    listed = [(i, j, arc) for (i, j), arc in arcs.items()]
    if loads is None:
        model.add_circuit(listed)
        return model, arcs
    model.add_multiple_circuit(listed)
    load = [model.new_int_var(int(one), capacity, f"l{i}") for i, one in enumerate(demands)]
    for (i, j), arc in arcs.items():
        if i and j:
            model.add(load[j] >= load[i] + int(demands[j])).only_enforce_if(arc)
    model.add(sum(arc for (i, _), arc in arcs.items() if not i) >= -(-int(demands.sum()) // max(1, capacity)))
    return model, arcs


def _steps(tours: Tours, *, closed: bool) -> set[tuple[int, int]]:
    """Return the steps from place to place; `closed` tours begin and end at place 0 without naming it."""
    rings = [[0, *one] if closed else one for one in tours]
    return {(a, b) for ring in rings for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)}


def _length(d: Floats, tours: Tours, *, closed: bool) -> float:
    return float(sum(d[a, b] for a, b in sorted(_steps(tours, closed=closed))))


def _from(start: int, after: dict[int, int]) -> list[int]:
    out = [start]
    while after[out[-1]]:
        out.append(after[out[-1]])
    return out

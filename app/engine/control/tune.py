"""Auto-tuning: a random search over a law's settings on tuning loads, confirmed on loads it has not seen.

Tuning draws the loads of part `TUNE`, confirmation those of part `TEST`: other seeds, and of a trace the other half. A
setting whose gain over the present one has an interval that reaches zero is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Stop, never
from app.engine.control import stats
from app.engine.control.loads import TEST, TUNE, Batch, Load, draw
from app.engine.control.physics import Space
from app.engine.control.simulate import ADMISSION, Plant, simulate, spread

Floats = NDArray[np.float64]
_MOST_RUNS: Final = 240


@dataclass(frozen=True)
class Tuned:
    """The best settings found, their mean cost on the tuning loads, and how many were tried."""

    law: Any
    settings: dict[str, float]
    cost: float
    tried: int
    # Of a law that was picked among others: the mean cost of each on the tuning loads.
    costs: dict[str, float] = field(default_factory=dict)


# What the automatic model gives way to where it does better on the tuning loads: the classical laws. No fixed size: it does
# best where nothing happened while it was tuned, and is no help when something does.
CLASSICAL: Final = ("pid", "aimd", "gradient2", "vegas", "hpa", "staffing")


# A lead on the tuning loads that is smaller tells nothing about other loads.
_LEAD: Final = 0.01


def pick(own: Tuned, rivals: Mapping[str, Tuned]) -> Tuned:
    """Return the cheapest on the tuning loads, our own where none is cheaper by one percent, with the costs of all."""
    costs = {own.law.name: own.cost, **{name: found.cost for name, found in rivals.items()}}
    best = min(rivals.values(), key=lambda found: found.cost)
    return replace(best if best.cost < (1 - _LEAD) * own.cost else own, costs=costs)


def candidates(law: Any, space: Space, count: int, random: np.random.Generator, width: float = 0.0) -> dict[str, Floats]:
    """Return `count` settings as columns: the law's own first, those it names to start from, then draws from `space`.

    With `width` above 0 they lie near the law's own, that share of each range away (normal).
    """
    columns: dict[str, Floats] = {}
    starts = getattr(law, "starts", ())[: count - 1] if width == 0 else ()
    for name, (low, high, logarithmic) in space.items():
        own = float(getattr(law, name))
        a, b = (np.log(low), np.log(high)) if logarithmic else (low, high)
        centre = np.log(max(own, low)) if logarithmic else own
        close = np.clip(centre + width * (b - a) * random.standard_normal(count), a, b)
        drawn = close if width > 0 else random.uniform(a, b, count)
        values = np.asarray(np.exp(drawn) if logarithmic else drawn, float)
        values[0] = own
        for place, start in enumerate(starts, 1):
            values[place] = start.get(name, own)
        columns[name] = values
    return columns


def static_candidates(plant: Plant) -> dict[str, Floats]:
    """Return every whole size: a static peer is tuned by trying all."""
    return {"level": np.arange(plant.low, plant.high + 1, dtype=float)}


def tune(law: Any, load: Load, plant: Plant, *, count: int, seeds: int, seed: int, weight: float = 1.0,
         stop: Stop = never) -> Tuned:  # fmt: skip
    """Return the best of about `count` settings of `law` by mean cost on `seeds` tuning loads; equal arguments, equal result.

    Half are drawn from the whole ranges, a quarter near the best of those, a quarter nearer still; a static size is
    tuned by trying every one. Every law, ours or a peer, gets the same number.
    """
    batch = draw(load, TUNE, seed, seeds)
    if law.name == "static":
        return _best(law, static_candidates(plant), batch, load, plant, weight=weight, stop=stop)
    random = np.random.default_rng(np.random.SeedSequence([seed, 77]))
    found = Tuned(law, {}, np.inf, 0)
    for part, width in ((count // 2, 0.0), (count // 4, 0.15), (count - count // 2 - count // 4, 0.05)):
        if part > 0 and not stop():
            tried = found.tried
            columns = candidates(found.law, law.space, part, random, width)
            better = _best(found.law, columns, batch, load, plant, weight=weight, stop=stop)
            found = replace(better, tried=tried + better.tried) if better.cost <= found.cost else found
    return found


def _best(law: Any, columns: dict[str, Floats], batch: Batch, load: Load, plant: Plant, *, weight: float, stop: Stop) -> Tuned:
    seeds, total = len(batch.counts), len(next(iter(columns.values())))
    costs = np.full(total, np.inf)
    step = max(1, _MOST_RUNS // seeds)
    for begin in range(0, total, step):
        if stop() and begin:
            break
        part = {name: values[begin : begin + step] for name, values in columns.items()}
        many, rows = spread(law, part, seeds)
        outcome = simulate(many, batch, plant, load.seconds, rows=rows)
        cost = outcome.cost(load.service_s, weight=weight, contended=plant.kind == ADMISSION)
        costs[begin : begin + step] = cost.reshape(-1, seeds).mean(axis=1)
    best = int(costs.argmin())
    settings = {name: float(values[best]) for name, values in columns.items()}
    return Tuned(replace(law, **settings), settings, float(costs[best]), total)


def costs_of(law: Any, batch: Batch, load: Load, plant: Plant, *, weight: float = 1.0) -> Floats:
    """Return J of `law` on every load of `batch`."""
    outcome = simulate(law, batch, plant, load.seconds)
    return outcome.cost(load.service_s, weight=weight, contended=plant.kind == ADMISSION)


def confirm(before: Any, after: Any, load: Load, plant: Plant, *, seeds: int, seed: int) -> stats.Effect:
    """Return the effect of `after` against `before` on `seeds` loads that tuning has not seen."""
    batch = draw(load, TEST, seed, seeds)
    old, new = costs_of(before, batch, load, plant), costs_of(after, batch, load, plant)
    return stats.paired(new, {"before": old}, seed=seed)[0]

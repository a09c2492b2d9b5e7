"""The simulator: one law, or many settings of it, against many loads at once; a turn is one step of arrays.

The kernel plays the queues, the law sees only what a real sensor would: arrivals, completions, their mean times, queue.
The cost is J = w p99 / (4.605 S) + paid worker seconds / offered Erlang seconds; with no waiting and no idling its floor
is w + 1 (4.605 = ln 100: p99 of an exponential service). On a contended plant it is J = w p99 / (4.605 S) + 20 shed.
"""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.control.loads import Batch
from app.engine.control.ops import ARRAY
from app.engine.control.sight import Sight
from app.engine.control.windows import PAID, WIDE, gather

Floats = NDArray[np.float64]
SIZING: Final = "sizing"
ADMISSION: Final = "admission"
P99_OF_EXPONENTIAL: Final = math.log(100)
SHED_PRICE: Final = 20.0
_DRAIN_S: Final = 3.0


@dataclass(frozen=True)
class Plant:
    """A queue to steer: its kind, bounds, actuation delay and turn in s, and the slowdown σ, κ of a contended one."""

    kind: str = SIZING
    low: int = 2
    high: int = 64
    lag_s: float = 0.3
    tick_s: float = 0.1
    sigma: float = 0.0
    kappa: float = 0.0
    timeout_s: float = math.inf
    start: int = 12

    @property
    def erlang(self) -> float:
        """Return the most Erlang that can be served for long: of a contended plant not where the most work at once."""
        sizes = np.arange(1, self.high + 1)
        return float((sizes / (1 + self.sigma * (sizes - 1) + self.kappa * sizes * (sizes - 1))).max())


CONTENDED: Final = Plant(ADMISSION, 2, 64, 0.0, 0.1, 0.01, 0.0025, 1.0, 8)


@dataclass(frozen=True)
class Outcome:
    """What each run came to, arrays (runs,): p99 in s, paid over offered, share shed, size changes per s, largest size."""

    p99_s: Floats
    resource_ratio: Floats
    shed_ratio: Floats
    resizes_hz: Floats
    most_size: Floats
    sizes: Floats = field(default_factory=lambda: np.empty((0, 0)))
    told: Floats = field(default_factory=lambda: np.zeros((0, WIDE)))

    def cost(self, service_s: float, *, weight: float = 1.0, contended: bool = False) -> Floats:
        """Return J of each run."""
        slow = weight * self.p99_s / (P99_OF_EXPONENTIAL * service_s)
        return slow + (SHED_PRICE * self.shed_ratio if contended else self.resource_ratio)


class Runs:
    """The state of many runs of one plant: `rows[i]` is the load that run i meets."""

    def __init__(self, plant: Plant, batch: Batch, rows: NDArray[np.int64], seconds: float) -> None:
        runs = len(rows)
        self.plant, self.batch, self.rows = plant, batch, rows
        self.turns = math.ceil((seconds + _DRAIN_S) / plant.tick_s)
        self.load_turns = math.ceil(seconds / plant.tick_s)
        self.free = np.zeros((runs, plant.high + 1))
        self.alive = np.full(runs, plant.start, np.int64)
        self.head, self.arrived = np.zeros(runs, np.int64), np.zeros(runs, np.int64)
        self.latency = np.zeros((runs, batch.times.shape[1]), np.float32)
        self.bins = np.zeros((runs, self.turns + 1, 3))
        self.cost = np.zeros(runs)
        self.level = np.full(runs, float(plant.start))
        self.done, self.dropped = np.zeros(runs), np.zeros(runs)
        self.service_s = np.zeros(runs)
        self._kernel: Any = importlib.import_module("app.engine.control.plant_kernel")

    def turn(self, tick: int) -> Sight:
        """Play turn `tick` at the sizes in `level` and return what is seen at its end."""
        plant, dt_s = self.plant, self.plant.tick_s
        before, since = self.arrived.copy(), self.head.copy()
        wanted = np.clip(np.rint(self.level), plant.low, plant.high).astype(np.int64)
        self._kernel.advance(
            tick, dt_s, self.batch.times, self.batch.services, self.rows, wanted, plant.lag_s,
            (plant.sigma, plant.kappa, plant.timeout_s), self.free, self.alive, self.head, self.arrived,
            self.latency, self.bins, self.cost,
        )  # fmt: skip
        dropped = self._kernel.shed(self.latency, since, self.head) if math.isfinite(plant.timeout_s) else self.dropped * 0
        self.dropped += dropped
        done, service, latency = (self.bins[:, tick, k] for k in range(3))
        self.done += done
        some = np.maximum(done, 1)
        mean = service / some
        # A plain mean while little was seen, then one that fades over ten seconds.
        share = np.maximum(done / np.maximum(self.done, 1), dt_s / (10.0 + dt_s))
        self.service_s = np.where(done > 0, self.service_s + share * (mean - self.service_s), self.service_s)
        busy = self.head - self.dropped - self.done
        demand = np.where(self.service_s > 0, (self.arrived - before) * self.service_s / dt_s, busy)
        return Sight(
            demand, np.where(self.service_s > 0, self.service_s, 1e-3), busy, (self.arrived - self.head).astype(float),
            self.level, latency / some, mean, done, dropped, float(plant.low), float(plant.high), plant.lag_s,
        )  # fmt: skip


def simulate(law: Any, batch: Batch, plant: Plant, seconds: float, *, rows: NDArray[np.int64] | None = None,
             keep: bool = False, windows: int = 0, span_s: float = 1.0) -> Outcome:  # fmt: skip
    """Return what `law` (with numbers, or arrays (runs,), as settings) makes of each load; `keep` keeps the sizes.

    With `windows` of a recording `span_s` long, what became of each is gathered in `told`, see `windows`.
    """
    rows = np.arange(len(batch.counts)) if rows is None else rows
    runs = Runs(plant, batch, rows, seconds)
    memory = law.begin(np.zeros(len(rows)))
    resizes, most = np.zeros(len(rows)), np.zeros(len(rows))
    paid = np.zeros(len(rows))
    sizes = np.zeros((len(rows), runs.load_turns)) if keep else np.empty((0, 0))
    bills = np.zeros((len(rows), runs.load_turns)) if windows else np.empty((0, 0))
    for tick in range(runs.turns):
        sight = runs.turn(tick)
        before = np.rint(runs.level)
        memory, wanted = law.step(memory, sight, plant.tick_s, ARRAY)
        wanted = np.where(np.isfinite(wanted), wanted, runs.level)
        runs.level = np.clip(wanted, plant.low, plant.high)
        if tick < runs.load_turns:
            resizes += np.rint(runs.level) != before
            most = np.maximum(most, before)
            if windows:
                bills[:, tick] = runs.cost - paid
            paid = runs.cost.copy()
            if keep:
                sizes[:, tick] = before
    outcome = _outcome(runs, paid, resizes / seconds, most, sizes)
    return replace(outcome, told=_told(runs, bills, windows, span_s)) if windows else outcome


def _outcome(runs: Runs, paid: Floats, resizes_hz: Floats, most: Floats, sizes: Floats) -> Outcome:
    count = len(runs.rows)
    p99_s, shed, offered = np.zeros(count), np.zeros(count), np.zeros(count)
    end_s = runs.turns * runs.plant.tick_s
    for i, row in enumerate(runs.rows):
        tasks, latency = int(runs.batch.counts[row]), _latency(runs, i, row)
        served = latency[latency >= 0]
        p99_s[i] = np.quantile(served, 0.99, method="higher") if len(served) else end_s
        shed[i] = 1 - len(served) / max(tasks, 1)
        offered[i] = runs.batch.services[row, :tasks].sum()
    ratio = paid / np.maximum(offered, 1e-9)
    return Outcome(p99_s, ratio, shed, resizes_hz, most, sizes)


def _latency(runs: Runs, run: int, row: int) -> Floats:
    """Return how long each task of a run took; what was not started by the end took at least until then."""
    tasks, head = int(runs.batch.counts[row]), int(runs.head[run])
    latency = runs.latency[run, :tasks].astype(float)
    end_s = runs.turns * runs.plant.tick_s
    latency[head:] = end_s - runs.batch.times[row, head:tasks] + runs.batch.services[row, head:tasks]
    return latency


def _told(runs: Runs, bills: Floats, windows: int, span_s: float) -> Floats:
    """Return what became of each window of the recording, over all runs; `bills` (runs, turns) is what was paid."""

    def place(at_s: Floats, row: int) -> NDArray[np.int64]:
        share: Floats = (at_s - batch.shifts[row]) % span_s / span_s
        return np.asarray(np.minimum(np.floor(share * windows), windows - 1), np.int64)

    batch, told = runs.batch, np.zeros((windows, WIDE))
    middles_s = (np.arange(bills.shape[1], dtype=np.float64) + 0.5) * runs.plant.tick_s
    for i, row in enumerate(runs.rows):
        tasks = int(batch.counts[row])
        told += gather(place(batch.times[row, :tasks], row), windows, _latency(runs, i, row), batch.services[row, :tasks])
        np.add.at(told[:, PAID], place(middles_s, row), bills[i])
    return told


def spread(law: Any, settings: Mapping[str, Floats], seeds: int) -> tuple[Any, NDArray[np.int64]]:
    """Return (law with every setting repeated for each of `seeds` loads, the load of each run)."""
    count = len(next(iter(settings.values())))
    rows = np.tile(np.arange(seeds), count)
    return replace(law, **{name: np.repeat(values, seeds) for name, values in settings.items()}), rows

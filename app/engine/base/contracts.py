"""Contracts that several wings fill; each has one law under tests that every implementation runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

# What a job tells while it runs: report(done, total, unit, partial, samples); see `engine/jobs/worker.py`.
Report = Callable[..., None]
# Asked often by a job: True once it should end early with what it has.
Stop = Callable[[], bool]


def silent(*_told: Any, **_more: Any) -> None:
    """A report that goes nowhere."""


def never() -> bool:
    """A stop that never comes."""
    return False


@dataclass(frozen=True)
class Budget:
    """What a solver may spend: wall seconds and threads."""

    seconds: float
    threads: int = 1


@dataclass(frozen=True)
class SolverResult:
    """The best sample of a run (int8, shape (n,), 0 or 1), its energy, and samples worth a table."""

    sample: NDArray[np.int8]
    energy: float
    samples: NDArray[np.int8] = field(default_factory=lambda: np.empty((0, 0), np.int8))
    energies: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    info: Mapping[str, Any] = field(default_factory=dict)


class Solver(Protocol):
    """A QUBO solver: describes itself and minimises; `problem` is a `qubo.problem.Qubo`."""

    name: str
    title: str

    def solve(self, problem: Any, budget: Budget, seed: int, report: Report = silent, stop: Stop = never) -> SolverResult:
        """Return the best found within `budget`; equal seeds and sweeps give equal results."""


class ResourceState(NamedTuple):
    """What a controller sees: demand as position, its rates, the size, the queue and the wait, and when.

    A tuple, since one is made at every look at every resource, and a frozen class costs several times as much.

    What a resource knows beyond that helps a law: the demand before any filter, the mean service time, how many are being
    served, and of the tasks that ended since the last look their number, the mean of wait and service, the mean service,
    and how many were turned away. A negative
    demand or number stands for what is not known, 0 for no time.
    """

    at_s: float
    position: float
    velocity: float
    acceleration: float
    size: float
    queue: float
    wait_s: float
    raw: float = -1.0
    service_s: float = 0.0
    busy: float = -1.0
    latency_s: float = 0.0
    rtt_s: float = 0.0
    done: float = 0.0
    dropped: float = 0.0


class Resource(Protocol):
    """Something with a size that can be measured and set; sizes are in its own unit, named in `unit`.

    It may also tell `plant` ("sizing", which is assumed, or "admission" where more at once can be slower) and `delay_s`, how
    long a new size takes to show (one turn is assumed).
    One that outlives the program may know `leave_as_found()`, called at the end after the safe size was set, once or more, and
    `take_up()`, from which on sizes are set anew.
    """

    name: str
    unit: str
    low: float
    high: float

    def measure_state(self) -> ResourceState:
        """Return the state now; cheap, never blocks."""

    def apply_control(self, new_size: float) -> float:
        """Set the size within the bounds and return what was set."""

    def get_metrics(self) -> dict[str, float]:
        """Return figures since the start, units in the names."""


class Aggregator(Protocol):
    """Makes one update of many: `updates` float32 (clients, params), `weights` float64 (clients,)."""

    name: str

    def combine(self, updates: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the combined update, float64 (params,)."""

"""The nouns of control: what a resource is, what a controller decided and why."""

from dataclasses import dataclass
from typing import Final

# Why a size is what it is; shown beside every action.
FREE: Final = "law"
LOW: Final = "lower bound"
HIGH: Final = "upper bound"
RATE: Final = "rate limit"
BAD: Final = "sensor rejected"
STALE: Final = "sensor stale, held"
SAFE: Final = "sensor lost, safe size"


@dataclass(frozen=True)
class ResourceKind:
    """A resource that can be controlled: its names, the unit of its size, its kind of plant and its delay.

    `plant` is "sizing" when more is always faster, "admission" when more can be slower; a demand follower is fit for
    the first only.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    plant: str
    delay_s: float


@dataclass(frozen=True)
class Decision:
    """A size that is safe to apply, and the bound or state that shaped it."""

    size: float
    reason: str


@dataclass(frozen=True)
class Tick:
    """One turn of a controller: what it saw, what it aimed at, what was set and why; sizes in the resource's unit."""

    at_s: float
    target: float
    size: float
    queue: float
    wait_s: float
    reason: str


THREAD_POOL: Final = ResourceKind("threadpool", "Elastic thread pool", "threads", 2, 64, "sizing", 0.1)
KINDS: Final = {kind.name: kind for kind in (THREAD_POOL,)}

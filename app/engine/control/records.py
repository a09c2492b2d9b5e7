"""The nouns of control: what a resource is, what a controller decided and why."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from app.engine.base.errors import BadInput

# Why a size is what it is; shown beside every action.
HOUR_S: Final = 3600.0
FREE: Final = "law"
LOW: Final = "lower bound"
HIGH: Final = "upper bound"
RATE: Final = "rate limit"
BAD: Final = "sensor rejected"
STALE: Final = "sensor stale, held"
SAFE: Final = "sensor lost, safe size"
COOL: Final = "cooling down, held"
RINGS: Final = "oscillation, gain halved"
KILLED: Final = "kill switch, safe size"
DEAD: Final = "controller silent, safe size"
LET_GO: Final = "let go, safe size"
NOT_APPLIED: Final = "not applied: "
OBSERVED: Final = "observed only"
RECOMMENDED: Final = "recommended only"
# What the mode of a run is called that the kill switch took off.
KILLED_MODE: Final = "killed"
# Those of them that are a bound in force.
BOUNDS: Final = (LOW, HIGH, RATE, COOL, RINGS)
# All of them, as a reader may meet them; after `NOT_APPLIED` stands what the actuator said.
REASONS: Final = (
    FREE, LOW, HIGH, RATE, BAD, STALE, SAFE, COOL, RINGS, KILLED, DEAD, LET_GO, OBSERVED, RECOMMENDED,
)  # fmt: skip
# What a controller may do: look, say what it would do, do it.
OBSERVE: Final = "observe"
RECOMMEND: Final = "recommend"
APPLY: Final = "apply"
MODES: Final = (OBSERVE, RECOMMEND, APPLY)


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


class Decision(NamedTuple):
    """A size that is safe to apply, and the bound or state that shaped it."""

    size: float
    reason: str


class Tick(NamedTuple):
    """One turn of a controller: what it saw, what it aimed at, what was set and why; sizes in the resource's unit.

    `force` is the size asked for less the size in force; position and velocity are the demand's. `bound` is the bound in force,
    one of `BOUNDS` or nothing: where the mode only recommends, the one that would be.
    """

    at_s: float
    target: float
    size: float
    queue: float
    wait_s: float
    reason: str
    position: float = 0.0
    velocity: float = 0.0
    force: float = 0.0
    bound: str = ""


@dataclass(frozen=True)
class Action:
    """One change that was made: when, from which size to which, what the law wanted, and why it came out so."""

    at_s: float
    before: float
    wanted: float
    after: float
    reason: str


def _kind(  # noqa: PLR0917 - a table's columns
    name: str, title: str, unit: str, low: float, high: float, plant: str, delay_s: float
) -> ResourceKind:
    return ResourceKind(name, title, unit, low, high, plant, delay_s)


KINDS: Final = {
    kind.name: kind
    for kind in (
        _kind("threadpool", "Elastic thread pool", "threads", 2, 64, "sizing", 0.1),
        _kind("processpool", "Elastic process pool", "processes", 1, 16, "sizing", 0.3),
        _kind("connections", "SQLAlchemy connection pool", "connections", 1, 64, "admission", 0.0),
        _kind("queue", "Bounded asyncio queue with sojourn control", "workers at once", 1, 256, "admission", 0.0),
        _kind("socket", "Socket receive buffer", "bytes", 4096, 16 << 20, "sizing", 0.0),
        _kind("memory", "Cache with a byte budget", "bytes", 1 << 20, 1 << 30, "sizing", 0.0),
        _kind("cgroup", "Memory of a control group", "bytes", 16 << 20, 1 << 34, "sizing", 0.0),
        _kind("balancer", "HTTP load balancer", "backends", 1, 64, "sizing", 0.1),
        _kind("ratelimit", "Rate limiter (token bucket)", "per second", 1, 1e6, "admission", 0.0),
        _kind("batch", "Inference batch size", "items", 1, 256, "admission", 0.0),
    )
}


@dataclass(frozen=True)
class RunRange:
    """What a run takes where nothing is asked: bounds, safe size (0: staffed), tasks per s between bursts (0: none)."""

    low: int
    high: int
    safe: int
    rate_hz: float


# What can be steered: under a load of our own making, but for a group, whose load is yours and whose size is safe as found.
# Rates between bursts are what each can bear on any machine; on those that serve tasks (`WORKERS`) a model can be proved and a
# load played again.
RUNS: Final = {
    "threadpool": RunRange(2, 64, 0, 200.0), "processpool": RunRange(2, 16, 0, 20.0), "connections": RunRange(2, 64, 8, 60.0),
    "queue": RunRange(2, 64, 8, 60.0), "balancer": RunRange(2, 16, 0, 60.0), "batch": RunRange(2, 64, 8, 60.0),
    "socket": RunRange(8192, 262_144, 65_536, 200.0), "memory": RunRange(1 << 20, 32 << 20, 4 << 20, 60.0),
    "ratelimit": RunRange(5, 150, 60, 40.0), "cgroup": RunRange(16 << 20, 1 << 34, 1 << 34, 0.0),
}  # fmt: skip
WORKERS: Final = ("threadpool", "processpool", "connections", "queue", "balancer", "batch")


# Those of them that the simulator has a plant for.
SIMULATED: Final = tuple(name for name in WORKERS if name != "batch")


def need_simulated(name: str) -> ResourceKind:
    """Return the kind of resource called `name`; raise `BadInput` with the reason where no simulated plant is like it."""
    kind = need_kind(name)
    if name == "batch":
        raise BadInput("A larger batch shares one fixed cost and is no contended plant, which is all that could be simulated; "
                       "choose from {known}", field="resource", known=", ".join(SIMULATED))  # fmt: skip
    if name not in SIMULATED:
        raise BadInput("{name} serves no tasks by whose waits models could be told apart; choose from {known}",
                       field="resource", name=name, known=", ".join(SIMULATED))  # fmt: skip
    return kind


def need_run(name: str) -> RunRange:
    """Return what a run on `name` takes; raise `BadInput` where there is no such resource."""
    return RUNS[need_kind(name).name]


def need_kind(name: str) -> ResourceKind:
    """Return the kind of resource called `name`; raise `BadInput` that lists those there are."""
    try:
        return KINDS[name]
    except KeyError:
        raise BadInput(
            "There is no resource {name}; choose from {known}", field="resource", name=name, known=", ".join(KINDS)
        ) from None

"""The nouns of a rollout: what was asked (spec), its groups, and one task per node; all frozen, all plain JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, TypeVar

OFFLINE_POLICIES: Final = ("wait", "skip", "count")
RATES: Final = ("constant", "exponential")
MOST_PER_MINUTE: Final = 1000.0
T = TypeVar("T")


@dataclass(frozen=True)
class Gate:
    """What a group must show before the next begins; ratios 0 to 1.

    `success_ratio` of its nodes must have succeeded. Once `least_executed` have ended, more than `error_ratio` of those
    failing is an error. `p99_ratio_most` bounds the median of new to old 99th percentile latency, `agreement_least` the mean
    agreement with the old model under shadow traffic; None asks for neither.
    """

    success_ratio: float = 1.0
    error_ratio: float = 0.0
    least_executed: int = 1
    p99_ratio_most: float | None = None
    agreement_least: float | None = None


@dataclass(frozen=True)
class Rate:
    """How fast nodes are begun: per minute, and for an exponential one its factor after each `after` successes."""

    kind: str = "constant"
    per_minute: float = 0.0
    factor: float = 2.0
    after: int = 10

    def now(self, succeeded: int) -> float:
        """Return the nodes per minute after so many successes; 0 means as fast as may be."""
        if self.kind == "constant" or not self.per_minute:
            return self.per_minute
        steps = min(succeeded // max(self.after, 1), 64)
        return min(self.per_minute * self.factor**steps, MOST_PER_MINUTE)


@dataclass(frozen=True)
class Window:
    """When nodes may change: days (0 Monday to 6 Sunday; none: all) and seconds of the day in UTC; it may pass midnight."""

    start_s: int
    end_s: int
    days: tuple[int, ...] = ()

    def is_open(self, at_s: float) -> bool:
        """Tell whether the window is open at `at_s`, UTC seconds since 1970 (a Thursday)."""
        day, second = divmod(int(at_s), 86400)
        if self.start_s <= self.end_s:
            return self._on(day) and self.start_s <= second < self.end_s
        return (self._on(day) and second >= self.start_s) or (self._on(day - 1) and second < self.end_s)

    def _on(self, day: int) -> bool:
        return not self.days or (day + 3) % 7 in self.days


@dataclass(frozen=True)
class Spec:
    """How a rollout goes; times in seconds, 0 means without limit."""

    groups: tuple[str, ...] = ("rest",)
    gate: Gate = Gate()
    rate: Rate = Rate()
    windows: tuple[Window, ...] = ()
    offline: str = "wait"
    max_unavailable: int = 0
    at_once: int = 16
    retries: int = 0
    backoff_s: float = 30.0
    backoff_most_s: float = 3600.0
    deadline_s: float = 600.0
    watch_s: float = 0.0
    prefetch: bool = False
    dynamic: bool = False
    downgrade: bool = False
    site_bytes_s: int = 0
    approve_above: int = 0
    confirm: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Group:
    """One lane: its name, state, when it ended, and why it is where it is."""

    name: str
    state: str = "creating"
    began_s: float = 0.0
    ended_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Task:
    """One node's part: `due_s` is when it may begin, `deferred` that it was away and its group does not wait for it.

    `confirmed` is who let it install, where the spec asks for a person; `before` is the version it had (0: none), by which it
    goes back; `way` is how the artifact came.
    """

    node_id: str
    name: str
    group: int
    state: str = "queued"
    reason: str = ""
    attempt: int = 0
    due_s: float = 0.0
    changed_s: float = 0.0
    deferred: bool = False
    confirmed: str = ""
    before: int = 0
    site: str = ""
    bytes_planned: int = 0
    bytes_sent: int = 0
    done_ratio: float = 0.0
    way: str = ""
    agreement_ratio: float | None = None
    p99_before_s: float | None = None
    p99_after_s: float | None = None


@dataclass(frozen=True)
class Link:
    """What a rollout does to one site's link: bytes in all, and the seconds that takes (None: its speed is not known)."""

    site: str
    nodes: int
    bytes: int
    seconds: float | None


@dataclass(frozen=True)
class Rollout:
    """One rollout without its tasks; times are UTC seconds.

    `links` is what the plan said of each link; `planner` is where it was planned: {device, user} of the console and of its
    system; `paper` is the sealed word of who approved it from another console; `artifact` is what the version holds.
    """

    id: str
    title: str
    model_id: str
    model: str
    version: int
    state: str = "creating"
    spec: Spec = Spec()
    groups: tuple[Group, ...] = ()
    targets: str = "all"
    excluded: tuple[tuple[str, str], ...] = ()
    created_s: float = 0.0
    author: str = ""
    approver: str = ""
    reason: str = ""
    waiting: str = ""
    next_start_s: float = 0.0
    undoes: str = ""
    links: tuple[Link, ...] = ()
    planner: Mapping[str, str] = field(default_factory=dict)
    paper: Mapping[str, Any] = field(default_factory=dict)
    artifact: str = ""


def to_json(record: Any) -> dict[str, Any]:
    """Return a record of this file as plain JSON."""
    return asdict(record)


def task_from(document: Mapping[str, Any]) -> Task:
    """Return the task in `document`, unknown fields left out."""
    return Task(**_known(Task, document))


def rollout_from(document: Mapping[str, Any]) -> Rollout:
    """Return the rollout in `document`, unknown fields left out."""
    known = _known(Rollout, document)
    known["spec"] = spec_from(document.get("spec") or {})
    known["groups"] = tuple(Group(**_known(Group, each)) for each in document.get("groups") or ())
    known["excluded"] = tuple((name, reason) for name, reason in document.get("excluded") or ())
    known["links"] = tuple(Link(**_known(Link, each)) for each in document.get("links") or ())
    return Rollout(**known)


def spec_from(document: Mapping[str, Any]) -> Spec:
    """Return the spec in `document`, unknown fields left out."""
    known = _known(Spec, document)
    known["groups"] = tuple(document.get("groups") or ("rest",))
    known["gate"] = Gate(**_known(Gate, document.get("gate") or {}))
    known["rate"] = Rate(**_known(Rate, document.get("rate") or {}))
    known["windows"] = tuple(
        Window(int(each["start_s"]), int(each["end_s"]), tuple(each.get("days") or ()))
        for each in document.get("windows") or ()
    )
    return Spec(**known)


def _known(kind: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in document.items() if name in names}

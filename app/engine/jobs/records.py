"""The nouns of jobs and the machine of their states; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.engine.base.errors import Bug, Infeasible

QUEUED: Final = "queued"
RUNNING: Final = "running"
CANCELLING: Final = "cancelling"
DONE: Final = "done"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
INTERRUPTED: Final = "interrupted"
# How work that ended can be told besides: it was proved that there is no answer, or there may be one that was not found.
INFEASIBLE: Final = "infeasible"
UNANSWERED: Final = "unanswered"

# What may follow what. A job that was asked to end may still have finished, or failed, on its own.
NEXT: Final[dict[str, frozenset[str]]] = {
    QUEUED: frozenset({RUNNING, CANCELLING, CANCELLED, FAILED, INTERRUPTED}),
    RUNNING: frozenset({CANCELLING, DONE, FAILED, CANCELLED, INTERRUPTED}),
    CANCELLING: frozenset({DONE, FAILED, CANCELLED, INTERRUPTED}),
    DONE: frozenset(),
    FAILED: frozenset(),
    CANCELLED: frozenset(),
    INTERRUPTED: frozenset(),
}
FINISHED: Final = frozenset(state for state, after in NEXT.items() if not after)
LIVE: Final = frozenset(NEXT) - FINISHED


@dataclass(frozen=True)
class Job:
    """One piece of work: what, for whom, how far, and how it ended.

    `done` and `total` count in `unit` (total 0: unknown); `partial` is what the eye needs now; a large `result` is
    {"artifact": "sha256:…", "size_bytes": n}; `error` is a problem document.
    """

    id: str
    kind: str
    title: str
    state: str = QUEUED
    created_us: int = 0
    started_us: int = 0
    ended_us: int = 0
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    partial: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    cause: str = ""
    actor: str = ""
    seed: int = 0

    @property
    def outcome(self) -> str:
        """Return its state, or in its stead what came of it; see `outcome_of`."""
        return outcome_of(self.state, self.result, self.error)

    @property
    def finished(self) -> bool:
        """Tell whether nothing more will happen to it."""
        return self.state in FINISHED


def outcome_of(state: str, result: Mapping[str, Any] | None, error: Mapping[str, Any] | None = None) -> str:
    """Return `state`, or INFEASIBLE where it is proved that there is no answer, or UNANSWERED where none was found."""
    told = result or {}
    if (error or {}).get("type") == Infeasible.slug or (state == FAILED and told.get("feasible") is False):
        return INFEASIBLE
    return UNANSWERED if state == DONE and told.get("feasible") is False else state


def advance(job: Job, state: str, at_us: int, **fields: Any) -> Job:
    """Return `job` moved to `state` at `at_us`, with `fields` changed; a move the machine does not know is a `Bug`."""
    if state not in NEXT[job.state]:
        raise Bug("Job {id} cannot go from {before} to {after}", id=job.id, before=job.state, after=state)
    if state == RUNNING:
        fields.setdefault("started_us", at_us)
    if state in FINISHED:
        fields.setdefault("ended_us", at_us)
    return replace(job, state=state, **fields)

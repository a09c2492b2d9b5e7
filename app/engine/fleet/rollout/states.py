"""The state machines of a rollout, its groups and its nodes, as data: code, tests and the pictures in the manual read them.

The words are those of the field: rollouts and groups of hawkBit, device deployments of Mender, executions of AWS IoT Jobs.
`unknown` is no failure: nobody answered, and it resolves when the node does. `rollback_failed` means a person must go there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.engine.base.errors import Conflict

Row = tuple[str, str, str]


@dataclass(frozen=True)
class Machine:
    """One state machine: `rows` are (state, event, next state); from `ends` nothing goes on by itself."""

    name: str
    initial: str
    ends: frozenset[str]
    rows: tuple[Row, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """Return every state, in the order of the rows."""
        return tuple(dict.fromkeys(state for before, _, after in self.rows for state in (before, after)))

    @property
    def events(self) -> tuple[str, ...]:
        """Return every event, in the order of the rows."""
        return tuple(dict.fromkeys(event for _, event, _ in self.rows))

    def allows(self, state: str, event: str) -> bool:
        """Tell whether `event` may happen in `state`."""
        return any(before == state and happened == event for before, happened, _ in self.rows)

    def step(self, state: str, event: str) -> str:
        """Return the state after `event`; raise `Conflict` when it cannot happen in `state`."""
        for before, happened, after in self.rows:
            if before == state and happened == event:
                return after
        raise Conflict("A {machine} that is {state} cannot {event}", machine=self.name, state=state, event=event)

    def picture(self) -> str:
        """Return the machine as a Mermaid state diagram, events between the same two states on one arrow."""
        arrows: dict[tuple[str, str], list[str]] = {}
        for before, event, after in self.rows:
            arrows.setdefault((before, after), []).append(event)
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in arrows.items()]
        lines += [f"    {state} --> [*]" for state in self.states if state in self.ends]
        return "\n".join(lines)


def _from(states: Iterable[str], event: str, after: str) -> tuple[Row, ...]:
    return tuple((state, event, after) for state in states)


ROLLOUT: Final = Machine(
    "rollout", "creating", frozenset({"approval_denied", "finished", "stopped", "deleted"}),
    (
        ("creating", "plan", "ready"),
        ("creating", "ask_approval", "waiting_for_approval"),
        ("waiting_for_approval", "approve", "ready"),
        ("waiting_for_approval", "deny", "approval_denied"),
        ("ready", "start", "starting"),
        ("starting", "begin", "running"),
        ("running", "pause", "paused"),
        ("paused", "resume", "running"),
        ("running", "finish", "finished"),
        *_from(("starting", "running", "paused"), "stop", "stopping"),
        ("stopping", "settle", "stopped"),
        *_from(("finished", "stopped", "paused"), "retry", "running"),
        *_from(("waiting_for_approval", "approval_denied", "ready", "finished", "stopped"), "delete", "deleting"),
        ("deleting", "settle", "deleted"),
    ),
)  # fmt: skip

GROUP: Final = Machine(
    "group", "creating", frozenset({"finished", "error"}),
    (
        ("creating", "plan", "ready"),
        ("ready", "schedule", "scheduled"),
        ("scheduled", "begin", "running"),
        ("running", "succeed", "finished"),
        ("running", "fail", "error"),
        *_from(("error", "finished"), "retry", "running"),
        ("error", "accept", "finished"),
    ),
)  # fmt: skip

FETCHING: Final = ("notified", "downloading", "download_paused")
INSTALLING: Final = ("verifying", "installing", "warming", "activated", "committing")
MOVING: Final = (*FETCHING, *INSTALLING, "rolling_back", "canceling")
READY: Final = ("downloaded", "wait_confirmation", "wait_window")
GOOD: Final = frozenset({"succeeded", "already_installed"})
BAD: Final = frozenset({"failed", "rolled_back", "rollback_failed", "timed_out", "rejected", "no_artifact"})
GONE: Final = frozenset({"canceled", "removed", "decommissioned"})
# A rollback that failed is for a person, and an artifact that is not there does not come by asking again.
RETRIED: Final = ("failed", "rolled_back", "timed_out", "rejected")
_BEFORE_TRAFFIC: Final = (*FETCHING, *READY, "verifying", "installing", "warming")

NODE: Final = Machine(
    "node", "queued", GOOD | BAD | GONE | {"cancel_rejected"},
    (
        ("queued", "notify", "notified"),
        ("notified", "download", "downloading"),
        ("downloading", "pause_download", "download_paused"),
        ("download_paused", "download", "downloading"),
        ("downloading", "downloaded", "downloaded"),
        ("notified", "downloaded", "downloaded"),
        ("downloaded", "ask", "wait_confirmation"),
        *_from(("downloaded", "wait_confirmation"), "close_window", "wait_window"),
        *_from(READY, "verify", "verifying"),
        ("verifying", "install", "installing"),
        ("installing", "warm", "warming"),
        ("warming", "activate", "activated"),
        ("activated", "commit", "committing"),
        ("committing", "succeed", "succeeded"),
        *_from(("queued", "notified", "verifying", "unknown"), "present", "already_installed"),
        *_from(("queued", "notified"), "absent", "no_artifact"),
        *_from(("queued", *_BEFORE_TRAFFIC, "unknown"), "fail", "failed"),
        *_from(("queued", "notified", "downloading", "verifying"), "reject", "rejected"),
        *_from(("unknown",), "time_out", "timed_out"),
        *_from(INSTALLING, "roll_back", "rolling_back"),
        ("rolling_back", "rolled_back", "rolled_back"),
        ("rolling_back", "fail_rollback", "rollback_failed"),
        ("rolling_back", "fail", "failed"),
        *_from((*FETCHING, *READY, *INSTALLING, "rolling_back"), "lose", "unknown"),
        ("unknown", "find_old", "queued"),
        ("unknown", "succeed", "succeeded"),
        *_from(("queued", *_BEFORE_TRAFFIC), "cancel", "canceling"),
        ("unknown", "cancel", "canceled"),
        ("canceling", "canceled", "canceled"),
        ("canceling", "reject_cancel", "cancel_rejected"),
        *_from((*RETRIED, "canceled", "no_artifact", "rollback_failed", "cancel_rejected"), "retry", "queued"),
        *_from(("queued", "unknown"), "remove", "removed"),
        *_from(("queued", "unknown"), "decommission", "decommissioned"),
    ),
)  # fmt: skip

MACHINES: Final = (ROLLOUT, GROUP, NODE)

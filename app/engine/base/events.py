"""Everything rare that happens, as one union of frozen types; told on the loop that owns the truth.

Subscribers are called in order, on the asyncio loop, and must return at once. Telemetry never travels here.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from app.engine.base.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every event carries: when (UTC microseconds), who, and the command run it came from."""

    at_us: int
    actor: str
    cause: str = ""


@dataclass(frozen=True, kw_only=True)
class EngineStarted(Event):
    """The engine opened its store and is ready."""

    unclean: bool = False


@dataclass(frozen=True, kw_only=True)
class CommandFinished(Event):
    """A command was run; `outcome` is ok or the slug of its error."""

    command: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class JobStateChanged(Event):
    """A job moved from one state to another."""

    job_id: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class NodePaired(Event):
    """A node and this console pinned each other's identities."""

    node_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class NodeRemoved(Event):
    """A node was taken out of the fleet."""

    node_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class NodeStateChanged(Event):
    """A node's health changed; `as_of_us` is when it was last heard."""

    node_id: str
    name: str
    before: str
    after: str
    as_of_us: int


@dataclass(frozen=True, kw_only=True)
class TelemetryLost(Event):
    """A range of a node's telemetry can no longer be had; sequence numbers, both ends included."""

    node_id: str
    name: str
    epoch: str
    first_seq: int
    last_seq: int


@dataclass(frozen=True, kw_only=True)
class ModelActivated(Event):
    """A node committed a model to a slot."""

    node_id: str
    name: str
    model_id: str
    slot: str


@dataclass(frozen=True, kw_only=True)
class RoundFinished(Event):
    """A round of federated learning was aggregated; accuracy is a ratio 0 to 1 on the test set."""

    run_id: str
    round: int
    accuracy: float
    loss: float


@dataclass(frozen=True, kw_only=True)
class SettingChanged(Event):
    """A setting has a new value."""

    key: str


@dataclass(frozen=True, kw_only=True)
class StoreTroubled(Event):
    """The store could not write (a full disk, say), or is damaged; `hint` says what to do."""

    detail: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class SyncFinished(Event):
    """An exchange with a hub came to its end; `name` is the hub's, `detail` what went wrong, or nothing."""

    peer_id: str
    name: str
    sent_count: int
    taken_count: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class WindowAsked(Event):
    """Somebody started a second window: raise the first."""


AnyEvent: TypeAlias = (
    EngineStarted
    | CommandFinished
    | JobStateChanged
    | NodePaired
    | NodeRemoved
    | NodeStateChanged
    | TelemetryLost
    | ModelActivated
    | RoundFinished
    | SettingChanged
    | StoreTroubled
    | SyncFinished
    | WindowAsked
)


def _dotted(name: str) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).split()
    return words[0] + "." + "_".join(words[1:])


NAMES: dict[str, type[Event]] = {_dotted(kind.__name__): kind for kind in AnyEvent.__args__}
_NAME_OF = {kind: name for name, kind in NAMES.items()}


def to_json(event: AnyEvent) -> dict[str, Any]:
    """Return the event as a plain document with its name under `event`."""
    return {"event": _NAME_OF[type(event)], **dataclasses.asdict(event)}


def from_json(document: dict[str, Any]) -> AnyEvent:
    """Return the event a document describes; unknown fields are dropped, an unknown name raises `BadInput`."""
    kind = NAMES.get(str(document.get("event")))
    if kind is None:
        raise BadInput("Unknown event {name}", name=document.get("event"))
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{key: value for key, value in document.items() if key in known})  # type: ignore[return-value]


class Bus:
    """Hands each published event to its subscribers; a failing subscriber is reported and harms no other."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._subscribers: list[tuple[Callable[[Any], None], tuple[type[Event], ...]]] = []

    def subscribe(self, subscriber: Callable[[Any], None], *kinds: type[Event]) -> Callable[[], None]:
        """Call `subscriber` for events of `kinds` (none given: all); the function returned ends that."""
        entry = (subscriber, kinds or (Event,))
        self._subscribers.append(entry)

        def undo() -> None:
            if entry in self._subscribers:
                self._subscribers.remove(entry)

        return undo

    def publish(self, event: AnyEvent) -> None:
        """Tell every subscriber of `event`, on the loop that owns the truth."""
        for subscriber, kinds in tuple(self._subscribers):
            if isinstance(event, kinds):
                try:
                    subscriber(event)
                except Exception as error:  # noqa: BLE001 - one bad listener must not silence the others
                    self._failed(error)

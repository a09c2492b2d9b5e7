"""An artifact to a node by the cheapest way there is: nothing, a delta, the missing pieces, and last the whole.

Each way falls back to the next when it fails for a reason of its own; a lost connection is told, and the next try goes on
where this one broke off.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.errors import BadInput, Conflict, Missing

if TYPE_CHECKING:
    from app.engine.link.client import NodeClient, Pace, Progress


@dataclass(frozen=True)
class Delta:
    """A difference that turns the artifact `base` into another: its own content id, file, and pieces as JSON."""

    base: str
    artifact: str
    path: Path
    size_bytes: int
    chunks: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return what the node is told of it."""
        return {"base": self.base, "artifact": self.artifact, "size_bytes": self.size_bytes, "chunks": dict(self.chunks)}


@dataclass(frozen=True)
class Parcel:
    """What is to be sent: the model's name, its sealed manifest, its artifact and file."""

    name: str
    sealed: Mapping[str, Any]
    artifact: str
    path: Path
    size_bytes: int


@dataclass(frozen=True)
class Sent:
    """How it went: by which way (none, delta, pieces, whole) and with how many bytes of payload."""

    way: str
    sent_bytes: int


DeltaFrom = Callable[[Sequence[str], int], Awaitable[Delta | None]]


async def at_once(_count: int) -> None:
    """Pace nothing."""


async def no_delta(_bases: Sequence[str], _most_bytes: int) -> Delta | None:
    """Know no delta."""
    return None


def untold(_have: int, _size: int) -> None:
    """Tell nobody."""


async def send(
    client: "NodeClient",
    parcel: Parcel,
    *,
    delta_from: DeltaFrom = no_delta,
    pace: "Pace" = at_once,
    progress: "Progress" = untold,
) -> Sent:
    """Bring the artifact of `parcel` to the node, whatever it has of it already.

    `delta_from(bases, bytes)` returns a delta from one of the node's artifacts that is smaller than `bytes`, or None.
    """
    told = await client.announce(parcel.name, parcel.sealed)
    if told["complete"]:
        return Sent("none", 0)
    left = sum(end - first for first, end in told["missing"])
    delta, spent = await delta_from(told.get("bases", ()), left), 0
    if delta is not None:
        try:
            there = await client.announce(parcel.name, parcel.sealed, delta.document())
            spent = await client.put_pieces(delta.artifact, delta.path, there.get("delta", there), pace, progress)
            await client.assemble(parcel.name, delta.base, delta.artifact, parcel.artifact)
        except (BadInput, Missing, Conflict):
            told = await client.announce(parcel.name, parcel.sealed)
        else:
            progress(parcel.size_bytes, parcel.size_bytes)
            return Sent("delta", spent)
    whole = left == parcel.size_bytes
    try:
        spent += await client.put_pieces(parcel.artifact, parcel.path, told, pace, progress)
    except BadInput:
        if whole:
            raise
        told, whole = await client.announce(parcel.name, parcel.sealed, fresh=True), True
        spent += await client.put_pieces(parcel.artifact, parcel.path, told, pace, progress)
    return Sent("whole" if whole else "pieces", spent)

"""The nouns of the link: a peer, what is pulled from it, and what one pull brought."""

from dataclasses import dataclass
from typing import Any

from app.engine.base.errors import OutpostError, from_problem
from app.wire.identity import PublicIdentity
from app.wire.status import Status
from app.wire.telemetry import Measurement


@dataclass(frozen=True)
class Peer:
    """A paired node: the console's id for it, where it listens (host:port), and its pinned identity."""

    id: str
    address: str
    identity: PublicIdentity

    def to_json(self) -> dict[str, Any]:
        """Return the peer as plain JSON."""
        return {"id": self.id, "address": self.address, "identity": self.identity.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Peer":
        """Return the peer in `document`; raise `BadInput` when its identity is malformed."""
        return cls(str(document["id"]), str(document["address"]), PublicIdentity.from_json(document["identity"]))


@dataclass(frozen=True)
class Target:
    """A peer to pull from and the cursor to go on at: the spool's epoch and the last sequence number dealt with.

    `every_s` is the wait between pages where that is not the cadence of all; the first page is waited for, too.
    """

    peer: Peer
    epoch: str = ""
    seq: int = 0
    every_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the target as plain JSON."""
        return {"peer": self.peer.to_json(), "epoch": self.epoch, "seq": self.seq, "every_s": self.every_s}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Target":
        """Return the target in `document`; raise `BadInput` when its identity is malformed."""
        return cls(Peer.from_json(document["peer"]), str(document["epoch"]), int(document["seq"]), float(document["every_s"]))


@dataclass(frozen=True)
class Batch:
    """What one pull from a node brought, or why it failed.

    `at_us` is our clock at the answer, `epoch` and `seq` the cursor after it, `lost` the ranges the node had to drop,
    `status` comes with some pulls only, `problem` is the problem document of a failed pull,
    `link_bytes` what the pull carried both ways.
    """

    node_id: str
    at_us: int
    epoch: str = ""
    seq: int = 0
    items: tuple[Measurement, ...] = ()
    lost: tuple[tuple[int, int], ...] = ()
    status: Status | None = None
    round_trip_s: float | None = None
    problem: dict[str, Any] | None = None
    link_bytes: int = 0

    @property
    def error(self) -> OutpostError | None:
        """Return what went wrong, or None when the node answered."""
        return None if self.problem is None else from_problem(self.problem)

    def to_json(self) -> dict[str, Any]:
        """Return the batch as plain JSON."""
        return {
            "node_id": self.node_id, "at_us": self.at_us, "epoch": self.epoch, "seq": self.seq,
            "items": [item.to_json() for item in self.items], "lost": [list(span) for span in self.lost],
            "status": None if self.status is None else self.status.to_json(),
            "round_trip_s": self.round_trip_s, "problem": self.problem, "link_bytes": self.link_bytes,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Batch":
        """Return the batch in `document`, as another process of ours wrote it."""
        status = document["status"]
        return cls(
            node_id=document["node_id"], at_us=document["at_us"], epoch=document["epoch"], seq=document["seq"],
            items=tuple(map(Measurement.trusted, document["items"])),
            lost=tuple((first, last) for first, last in document["lost"]),
            status=None if status is None else Status.from_json(status),
            round_trip_s=document["round_trip_s"], problem=document["problem"], link_bytes=document["link_bytes"],
        )  # fmt: skip


@dataclass(frozen=True)
class Paired:
    """A node that has just pinned this console, and is to be pinned here."""

    address: str
    identity: PublicIdentity

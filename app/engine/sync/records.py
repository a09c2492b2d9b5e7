"""The nouns of sync: a peer and how we stand with it, a conflict and both its values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from app.engine.base.errors import BadInput
from app.engine.store.rows import Row
from app.wire.documents import list_of, text_of, whole_of

LINK: Final = "link"
SHORT: Final = 8  # signs of a device's id that people are told, also behind a writer's name
HEARD: Final = ("synced_us", "tried_us", "received_bytes", "sent_bytes")
HUB: Final = "hub"
BUNDLE: Final = "bundle"  # another console, whose bundles are taken
_CONSOLE: Final = "console"
_STANDS: Final = ("cursor", "acked", "durable", "schema", "epoch")  # of a console that joined this hub, as its replica tells


@dataclass(frozen=True)
class SyncPeer:
    """A hub, a console of this hub, or a console whose bundles are taken; times in UTC microseconds."""

    id: str
    kind: str
    name: str
    address: str
    epoch: str
    cursor: int
    acked: int
    durable: int
    sent_bytes: int
    received_bytes: int
    synced_us: int
    tried_us: int
    error: str
    schema: int
    bytes_s: int = 0
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the peer as plain JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Met:
    """A value that lost, and the one that stands, times in UTC microseconds.

    `kept` and `lost` are {"value", "seen_us"}: `seen_us` is when what its writer had before them was written, 0 if nothing.
    """

    id: str
    table_name: str
    row_id: str
    column_name: str
    title: str
    reason: str
    kept: dict[str, Any] | None
    kept_us: int
    kept_by: str
    lost: dict[str, Any] | None
    lost_us: int
    lost_by: str
    state: str
    choice: str
    resolved_by: str
    resolved_us: int

    def to_json(self) -> dict[str, Any]:
        """Return the conflict as plain JSON, its values unwrapped."""
        told = dict(vars(self))
        for side, wrapped in (("kept", self.kept or {}), ("lost", self.lost or {})):
            told |= {side: wrapped.get("value"), f"{side}_seen_us": wrapped.get("seen_us", 0)}
        return told


@dataclass(frozen=True)
class Caller:
    """A node that called a hub because consoles may not reach it: `address` in its own network, `seen_from` as the hub saw it.

    `known` tells whether a console has paired with it; `heard_us` is on this machine's clock.
    """

    id: str
    name: str
    address: str
    seen_from: str
    hub: str
    known: bool
    heard_us: int

    def to_json(self) -> dict[str, Any]:
        """Return the caller as plain JSON."""
        return dict(vars(self))


T = TypeVar("T")


def callers_of(document: dict[str, Any], hub: str, now_us: int) -> list[Caller]:
    """Return the nodes in a hub's answer; raise `BadInput` for a malformed one."""
    shift_us = now_us - whole_of(document, "now_us")
    found = []
    for told in list_of(document, "nodes"):
        if not isinstance(told, dict):
            raise BadInput("A node in the hub's list is an object", field="nodes")
        texts = {name: text_of(told, name, "") for name in ("name", "address", "seen_from")}
        heard_us = min(now_us, whole_of(told, "heard_us") + shift_us)
        found.append(Caller(text_of(told, "device"), **texts, hub=hub, known=told.get("known") is True, heard_us=heard_us))
    return found


def peer_of(row: Row) -> SyncPeer:
    """Return the peer in a row; budget and priority of its link stand in its state."""
    link = row["state"].get(LINK, {})
    return SyncPeer(
        **{name: row[name] for name in SyncPeer.__dataclass_fields__ if name in row},
        bytes_s=link.get("bytes_s", 0), priority=link.get("priority", 0),
    )  # fmt: skip


def conflict_of(row: Row) -> Met:
    """Return the conflict in a row."""
    told = {name: row[name] for name in Met.__dataclass_fields__}
    sides = {side: told[side] for side in ("kept", "lost") if told[side] is not None}  # an earlier version took any JSON there
    return Met(**told | {side: value if isinstance(value, dict) else {"value": value} for side, value in sides.items()})


def only(found: list[T], key: str) -> T:
    """Return the one that `key` was found to name; raise `BadInput` for more than one."""
    if len(found) > 1:
        raise BadInput("{name} names {count}, not one", name=key, count=len(found), hint="Give the whole id.")
    return found[0]


def with_heard(stored: SyncPeer, known: SyncPeer | None) -> SyncPeer:
    """Return a peer as it is stored, but for what was heard of it since: of a hub's consoles that is written now and then."""
    if known is None or stored.kind == HUB:
        return stored
    heard = {name: max(getattr(stored, name), getattr(known, name)) for name in HEARD}
    return replace(stored, **heard, **({name: getattr(known, name) for name in _STANDS} if stored.kind == _CONSOLE else {}))


def with_replica(peer: SyncPeer, replicas: Iterable[Row], epoch: str) -> SyncPeer:
    """Return a console of this hub as its replica that was heard of last stands here; any other peer as it is."""
    own = [row for row in replicas if row["device"] == peer.id]
    if peer.kind != _CONSOLE or not own:
        return peer
    last = max(own, key=lambda row: int(row["seen_us"]))
    return replace(peer, epoch=epoch, **{name: last[name] for name in _STANDS if name != "epoch"})

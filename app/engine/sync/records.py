"""The nouns of sync: a peer and how we stand with it, a conflict and both its values."""

from dataclasses import dataclass
from typing import Any

from app.engine.store.rows import Row


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

    def to_json(self) -> dict[str, Any]:
        """Return the peer as plain JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Met:
    """A value that lost, and the one that stands; `kept` and `lost` are {"value": …}, times in UTC microseconds."""

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
        return {**told, "kept": (self.kept or {}).get("value"), "lost": (self.lost or {}).get("value")}


def peer_of(row: Row) -> SyncPeer:
    """Return the peer in a row."""
    return SyncPeer(**{name: row[name] for name in SyncPeer.__dataclass_fields__})


def conflict_of(row: Row) -> Met:
    """Return the conflict in a row."""
    return Met(**{name: row[name] for name in Met.__dataclass_fields__})

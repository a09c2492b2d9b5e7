"""How a home stands with others, read from its store: what waits, how old that is, what is open, when a hub was reached."""

import json
from typing import Any, Final

from app.engine.store import rows
from app.engine.store.shelf import Shelf
from app.engine.sync import copied
from app.engine.sync.conflicts import OPEN
from app.engine.sync.conflicts import TABLE as CONFLICTS
from app.engine.sync.guards import undecided_in
from app.engine.sync.records import HUB

_PEERS: Final = "sync_peers"


def standing_in(conn: rows.Conn) -> tuple[rows.Row, int, int, Any, int, str]:
    """Return who we are, what waits and since when, what is undecided, what is open, and whether we are a copy."""
    shelf = Shelf(conn)
    return shelf.here(), pending_in(conn), _oldest_us(conn), undecided_in(shelf), _open_count(conn), copied.standing(shelf)


def pending_in(conn: rows.Conn) -> int:
    """Return how many changes one of the hubs does not have yet; none wait where no hub is joined."""
    hubs = _hubs(conn)
    return _waiting(conn, hubs) if hubs else 0


def glance(conn: rows.Conn) -> dict[str, Any]:
    """Return {pending_count, conflicts_count, hubs_count, hub_us, hub_problem}: `hub_us` is when one was reached last, 0 never.

    `hub_problem` is why none is reached now.
    """
    hubs = _hubs(conn)
    problems = [str(hub["error"]) for hub in hubs]
    return {
        "pending_count": _waiting(conn, hubs) if hubs else 0, "conflicts_count": _open_count(conn), "hubs_count": len(hubs),
        "hub_us": max((int(hub["synced_us"]) for hub in hubs), default=0),
        "hub_problem": problems[0] if problems and all(problems) else "",
    }  # fmt: skip


def _hubs(conn: rows.Conn) -> list[rows.Row]:
    return rows.select(conn, _PEERS, where={"kind": HUB})


def _open_count(conn: rows.Conn) -> int:
    return rows.count(conn, CONFLICTS, where={"state": OPEN})


def _waiting(conn: rows.Conn, hubs: list[rows.Row]) -> int:
    acked = min(int(hub["acked"]) for hub in hubs)
    return rows.count(conn, "outbox") + rows.count(conn, "sync_ops", where={"seq >": acked})


def _oldest_us(conn: rows.Conn) -> int:
    """Return when the oldest change that no hub has was made; 0 when there is none."""
    sealed = Shelf(conn).own(min((int(hub["acked"]) for hub in _hubs(conn)), default=0), 1)
    if sealed:
        return int(json.loads(sealed[0]["op"])["hlc"])
    first = rows.select(conn, "outbox", order="seq", limit=1)
    return int(first[0]["at_us"]) if first else 0

"""A copied disk: two machines with one device's keys and one log, and how the copy comes to have its own.

A hub tells: the log it knows as ours is not ours (a fork), or another replica of this device has been there since we last were
(a twin). Where, besides, this is not the machine that the keys were made on (`link/machine.py`), the store is marked: no hub
is asked any more, and no stick written or taken, until a person says which it is. A disk that was moved is at home from then on
where it is. A copy gets keys of its own when Outpost is opened next, before anything runs: the mark is taken away last, so a
kill repeats it.
"""

import logging
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import Conflict, Missing, Refused
from app.engine.base.text import tr
from app.engine.learning.sessions import UNDER_WAY
from app.engine.link.identity import drop_identity
from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.store.store import Store
from app.engine.store.threads import in_thread
from app.engine.sync.console import Console
from app.engine.sync.hub import is_hub
from app.engine.sync.ownlog import COPIED, TWIN, OwnLog
from app.engine.sync.records import HUB
from app.engine.sync.rewriting import numbered, settled

log = logging.getLogger(__name__)
_META: Final = "sync.copied"
_ASKED: Final = "asked"  # in it: that a person had keys made anew, at the next start
_APART: Final = "apart"  # in a peer's state: it knows us by keys that this copy has no longer


def refused() -> Refused:
    """Return what is told where this disk was found to be a copy."""
    return Refused(
        "This disk looks like a copy of one that another machine uses", field=COPIED,
        hint="If it is, run: outpost sync renew. It then has keys of its own, keeps what waits, and is to join the hub and "
        "pair with nodes anew. If it was moved here, and nothing else uses its keys: outpost sync renew --keep.",
    )  # fmt: skip


def mark(shelf: Shelf, *, now_us: int, asked: bool = False) -> None:
    """Note that this is a copy; `asked` by a person, the next start makes keys of its own.

    Raises `Conflict` for a hub, which its consoles know by its keys.
    """
    if is_hub(shelf):
        raise Conflict("This home is a hub: its consoles know it by its keys", hint="Begin another hub in another home.")
    shelf.put("meta", {"id": _META, "value": {"at_us": now_us, _ASKED: asked}})


def unmark(shelf: Shelf) -> None:
    """Take a person's word that nothing else uses this disk's keys."""
    if shelf.get("meta", _META) is not None:
        rows.delete(shelf.conn, "meta", _META, actor="", cause="", now_us=0)
    for peer in shelf.all("sync_peers"):
        if COPIED in peer["state"]:
            shelf.put("sync_peers", {"id": peer["id"], "state": {**peer["state"], COPIED: ""}})


def look(shelf: Shelf, peer: str, now_us: int) -> bool:
    """Tell, elsewhere than our keys were made, whether the last meeting with a peer showed that this is a copy; mark it."""
    found = shelf.get("sync_peers", peer)
    if found is None or not found["state"].get(COPIED):
        return False
    mark(shelf, now_us=now_us)
    return True


def standing(shelf: Shelf) -> str:
    """Return how it stands: "due" where a person is to say what this is, "twin" where a hub told of another machine, or ""."""
    if shelf.get("meta", _META) is not None:
        return "due"
    return TWIN if any(peer["state"].get(COPIED) == TWIN for peer in shelf.all("sync_peers")) else ""


def need_peer(shelf: Shelf, key: str, name: str) -> rows.Row:
    """Return the row of a peer; raise `Refused` for a hub that is to be joined anew, and where keys of our own are due."""
    peer = shelf.get("sync_peers", key)
    if peer is None:
        raise Missing("There is no peer {name}", name=name)
    if shelf.get("meta", _META) is not None:
        raise refused()
    if peer["kind"] == HUB and peer["state"].get(_APART):
        raise Refused(
            "{name} does not know the keys that this copy has by now", name=peer["name"],
            hint="Join it anew: outpost sync join ADDRESS CODE, with a code of: outpost hub token. What waits is kept.",
        )  # fmt: skip
    return peer


def met_anew(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a peer that knows our keys as they are now."""
    return {name: value for name, value in state.items() if name not in (COPIED, _APART)}


async def part_ways(store: Store, folder: Path, now_us: int) -> bool:
    """Make this copy a device of its own, if a person asked for it: drop the keys in `folder`, go on under a new replica id."""
    kept = await store.read(lambda conn: Shelf(conn).get("meta", _META))
    if kept is None or not kept["value"].get(_ASKED):
        return False
    try:
        await in_thread(partial(drop_identity, folder), "identity")
    except OSError as error:
        log.warning("the keys of the disk this was copied from could not be removed: %s", error)
        return False
    await numbered(store)
    await settled(store, lambda conn: _begin_anew(conn, now_us))
    return True


def _begin_anew(conn: rows.Conn, now_us: int) -> None:
    """Hand over under a new name what waits, and leave to the other machine what it runs."""
    with capture.quiet(conn):
        shelf = Shelf(conn)
        hubs = [peer for peer in shelf.all("sync_peers") if peer["kind"] == HUB]
        if hubs:
            Console(shelf, str(min(hubs, key=lambda peer: int(peer["acked"]))["id"]), now_us).go_by_another_name()
        else:
            OwnLog(shelf, "").begin_anew(0)
        for peer in shelf.all("sync_peers"):
            told = tr("It is to trust this console's card anew")
            if peer["kind"] == HUB:
                told = tr("Join it anew: outpost sync join ADDRESS CODE")
            shelf.put("sync_peers", {"id": peer["id"], "error": told, "state": {**met_anew(peer["state"]), _APART: True}})
        rows.drop_many(conn, "rollout_tasks", where={"rollout_id !=": ""})
        under_way = {row["id"] for row in rows.select(conn, "federated_training_sessions") if row["status"] in UNDER_WAY}
        runs = rows.select(conn, "learning_runs", where={"id": sorted(under_way)}) if under_way else []
        rows.drop_many(conn, "jobs", where={"id": [row["job_id"] for row in runs]})
        rows.delete(conn, "meta", _META, actor="", cause="", now_us=now_us)

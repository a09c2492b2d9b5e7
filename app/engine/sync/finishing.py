"""What the first start on a restored or salvaged store finishes, in the transaction that takes its mark away.

The mark was put into the file before it took the place of the store, so a kill at any point leaves either the old store or
one that still knows what it owes: to its consoles a new epoch, to its hubs a question for everything.
"""

from app.engine.store import capture, rows
from app.engine.store.care import DUE
from app.engine.store.shelf import Shelf
from app.engine.sync.console import Console
from app.engine.sync.hub import META, Hub
from app.engine.sync.ownlog import SET_BACK
from app.engine.sync.records import HUB


def finish(conn: rows.Conn, now_us: int) -> bool:
    """Begin a new epoch where a hub was set back, ask hubs for everything where a store was pieced together; tell whether."""
    shelf = Shelf(conn)
    due = shelf.get("meta", DUE)
    if due is None:
        return False
    pieced = bool(due["value"].get("pieced"))
    with capture.quiet(conn):
        for peer in shelf.all("sync_peers"):
            if peer["kind"] == HUB:  # it will say that it knows of more: this is why, and no other machine
                shelf.put("sync_peers", {"id": peer["id"], "state": {**peer["state"], SET_BACK: True}})
        if pieced:
            _ask_anew(shelf, now_us)
        if shelf.get("meta", META) is not None:
            Hub(shelf, max(now_us, int(due["value"].get("hub_us", 0)))).restored(pieced=pieced)
        rows.delete(conn, "meta", DUE, actor="", cause="", now_us=now_us)
    return True


def _ask_anew(shelf: Shelf, now_us: int) -> None:
    hubs = [peer for peer in shelf.all("sync_peers") if peer["kind"] == HUB]
    for place, peer in enumerate(sorted(hubs, key=lambda peer: int(peer["acked"]))):
        Console(shelf, str(peer["id"]), now_us).mend(anew=place == 0)

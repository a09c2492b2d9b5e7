"""What a hub told of others' logs, which sticks tell of too: late, or with stamps that the writer has exchanged since."""

from collections.abc import Mapping
from typing import Final

from app.engine.store.shelf import Shelf
from app.engine.sync.records import BUNDLE

_MOST: Final = 1000  # replicas, those of the last page among them
_META: Final = "sync.told"  # {replica: up to which number a hub told of its log}, where sticks are taken


def by_sticks(shelf: Shelf) -> bool:
    """Tell whether consoles are known that take our bundles, and whose we take."""
    return any(peer["kind"] == BUNDLE for peer in shelf.all("sync_peers"))


def exchanged(shelf: Shelf, moved: Mapping[str, int], known: Mapping[str, int]) -> dict[str, int]:
    """Return since when replicas that sticks told of have given other times, by what is `known` and a page's `moved`."""
    found = dict(known)
    peers = [peer for peer in shelf.all("sync_peers") if peer["kind"] == BUNDLE] if moved else []
    for replica in moved.keys() & {name for peer in peers for name in peer["state"].get("replicas", {})}:
        found[replica] = min(moved[replica], found.get(replica, moved[replica]))
    return found


def note(shelf: Shelf, reached: Mapping[str, int]) -> None:
    """Note up to which number a hub told of others' logs: what a stick tells of that is known, with the stamps it has now."""
    if reached and by_sticks(shelf):
        found = shelf.get("meta", _META)
        known = found["value"] if found else {}
        later = {name: max(seq, known.get(name, 0)) for name, seq in reached.items()}
        kept = {name: seq for name, seq in known.items() if name not in later} | later
        shelf.put("meta", {"id": _META, "value": dict([*kept.items()][-_MOST:])})


def upto(shelf: Shelf, replica: str) -> int:
    """Return up to which number a hub told of a replica's log."""
    found = shelf.get("meta", _META)
    return int(found["value"].get(replica, 0)) if found else 0

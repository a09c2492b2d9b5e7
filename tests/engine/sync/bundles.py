"""Bundles all at once, as `sticks.py` writes them part by part: body, and {name: bytes} of the files."""

from app.engine.sync import carry
from app.engine.sync.batch import encode, pack


def from_console(shelf, hub, name, now_us):
    """Return body and files of a console's bundle for `hub`: whole transactions the hub is not known to have."""
    files, batch = {}, carry.next_batch(shelf, hub, now_us, None)
    while batch is not None and len(files) < carry.MOST_PARTS:
        files[carry.name_of(len(files))] = encode(batch)
        batch = carry.next_batch(shelf, hub, now_us, batch)
    return {**carry.card_of(shelf, hub, name), "count": len(files)}, files


def from_hub(shelf, device, now_us, *, term=None):
    """Return body and files of a hub's bundle for the console on `device`: the log after what it is known to have."""
    body, files = carry.greeting(shelf, device, now_us, term=term), {}
    page = carry.next_page(shelf, body, now_us, None, term=term)
    while page is not None and len(files) < carry.MOST_PARTS:
        files[carry.name_of(len(files))] = pack(page)
        page = carry.next_page(shelf, body, now_us, page, term=term)
    return {**body, "count": len(files)}, files


def from_peer(shelf, other, name, now_us):
    """Return body and files of a console's bundle for another console: what it wrote, after what that one is known to have."""
    known = carry.known_to_us(shelf, other, now_us)
    body, files = from_console(shelf, other, name, now_us)
    return {**body, "known": known}, files

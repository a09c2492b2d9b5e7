"""What sync carries on a stick: the same batches and pages as over HTTPS, in a bundle signed by whoever wrote it.

A console's bundle holds what the hub does not have yet, the hub's what a console has not pulled yet. Both know each other from
pairing; taking a bundle twice, or late, has the effect of an exchange that was repeated. Two consoles that trust each other's
cards carry what they wrote themselves, and how far each has the other's; the hub numbers it when its writer meets it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from app.engine.base.errors import BadInput, Conflict, Refused
from app.engine.base.platform import replace_file
from app.engine.store import upcast
from app.engine.store.shelf import Shelf
from app.engine.sync.batch import Batch, decode, unpack
from app.engine.sync.console import FLOOR, LONG, Console
from app.engine.sync.hub import Hub
from app.engine.sync.ops import FIRST_CHAIN
from app.engine.sync.ownlog import BY_STICK, COMPARE, LACKS, MET_US, OwnLog, known_to
from app.engine.sync.reading import NARROW
from app.engine.sync.sealing import SCHEMA, replica_of, seal
from app.wire.documents import object_of, parse_object, text_of, to_bytes, whole_of
from app.wire.identity import PublicIdentity

MOST_PARTS: Final = 1000
_CARD_BYTES: Final = 64 << 10
_OPS: Final = 5000
_BYTES: Final = 4 << 20
_AGAIN: Final = "Export the bundle again, with everything since the last one taken."
_BY_HUB: Final = "Have it exchange with the hub once, then trust its card here again: outpost sync trust FILE DEVICE"
_ONLINE: Final = "Exchange once over the network."
_AHEAD: Final = "ahead_us"  # in a console's state at a hub, and in what it is told: by how much its clock is ahead at least

Part: TypeAlias = bytes | Batch | dict[str, Any]  # a file of a bundle, opened or not


def card_of(shelf: Shelf, to: str, name: str) -> dict[str, Any]:
    """Return the body of a console's bundle, but for how many files it has."""
    return {"to": to, "replica": replica_of(shelf), "name": name, "data_schema": SCHEMA}


def next_batch(shelf: Shelf, to: str, now_us: int, behind: Batch | None) -> Batch | None:
    """Return the batch of a console's bundle that follows `behind`, the first one after what `to` is known to have."""
    return Console(shelf, to, now_us).outgoing(_OPS, _BYTES, behind)


def to_hub(
    shelf: Shelf, device: str, body: dict[str, Any], parts: Sequence[Part], now_us: int, *, term: int | None = None
) -> tuple[int, set[str]]:
    """Take a console's bundle, or some of its parts, at the hub that leads by `term`.

    Returns how many operations were new, and their tables.
    """
    hub, taken, tables = Hub(shelf, now_us, term), 0, set[str]()
    _greet(hub, device, body)
    for part in parts:
        batch = _batch_in(part)
        if not batch.epoch:  # by a console that knows no epoch yet: this is how they meet
            batch = replace(batch, epoch=hub.epoch)
        taken += int(hub.receive(batch, device)["taken"])
        tables.update(op.table for op in batch.ops)
    _note_ahead(shelf, device, 0)
    return taken, tables


def note_ahead(shelf: Shelf, device: str, body: dict[str, Any], now_us: int, *, ahead_us: int, term: int | None = None) -> None:
    """Note at a hub that a console's bundle, refused for its stamps, was written `ahead_us` later than it came here.

    The next bundle for that console tells it so, and has it stamp anew what it has not handed over.
    """
    hub = Hub(shelf, now_us, term)
    _greet(hub, device, body)
    _note_ahead(shelf, device, ahead_us)


def _greet(hub: Hub, device: str, body: dict[str, Any]) -> None:
    name, schema = text_of(body, "name", "")[:64], whole_of(body, "data_schema", 0)
    hub.hello(text_of(body, "replica"), device, name, schema, carried=True)


def _note_ahead(shelf: Shelf, device: str, ahead_us: int) -> None:
    state = (shelf.get("sync_peers", device) or {"state": {}})["state"]
    if state.get(_AHEAD, 0) != ahead_us:
        shelf.put("sync_peers", {"id": device, "state": {**state, _AHEAD: ahead_us}})


def greeting(shelf: Shelf, device: str, now_us: int, *, term: int | None = None) -> dict[str, Any]:
    """Return the body of a hub's bundle for the console on `device`, but for how many files it has."""
    hub = Hub(shelf, now_us, term)
    entry = hub.latest(device)
    if entry is None:
        raise Conflict(
            "This console has not exchanged with the hub yet", hint="Once over the network, or by a bundle of its own."
        )
    hello = hub.hello(str(entry["id"]), device, str(entry["name"]), int(entry["schema"]), carried=True)
    known = shelf.get("sync_peers", device) or {"state": {}}
    told = {**hello, _AHEAD: known["state"].get(_AHEAD, 0)}
    whole = not hub.goes_by_one_name(device)
    return {"to": device, "hello": told, "about": entry["id"], "after": int(entry["cursor"]), "whole": whole}


def next_page(
    shelf: Shelf, body: dict[str, Any], now_us: int, behind: dict[str, Any] | None, *, term: int | None = None
) -> dict[str, Any] | None:
    """Return the page of a hub's bundle that follows `behind`; None once all is told that stood there at the greeting.

    The console is not taken to have any of it yet.
    """
    hub, after = Hub(shelf, now_us, term), int(body["after"] if behind is None else behind["cursor"])
    if after >= int(body["hello"]["head"]):
        return None
    page = hub.page(
        str(body["about"]), str(body["to"]), after, str(body["hello"]["epoch"]), seen=int(body["after"]), whole=body["whole"]
    )
    if page.get("snapshot"):
        raise _too_little(FLOOR)
    return {**page, "after": after}


def to_console(shelf: Shelf, hub: str, body: dict[str, Any], parts: Sequence[Part], now_us: int) -> tuple[int, set[str]] | None:
    """Take a hub's bundle, or some of its parts, at a console; return how many operations it brought, and their tables.

    None: our own log is being written anew since, or went on under another name, and the same is to be asked again.
    """
    console, taken, tables = Console(shelf, hub, now_us), 0, set[str]()
    hello, name = object_of(body, "hello"), console.replica
    if text_of(body, "about", name) != name:  # under a name that we had, or a copy of this disk has
        if (
            body.get("whole") is not True
        ):  # what was written under that name may be ours no longer, or another's, and is left out
            raise Conflict("This bundle was written before the hub knew this console by its present name", field="about",
                           hint="Export a bundle for the hub here, have it take that, and export anew there.")  # fmt: skip
        hello = {**hello, "acked": 0, "chain": FIRST_CHAIN, "durable": 0}
    hello = _lately(hello, console)
    if console.is_replaced(hello):
        raise Conflict("This bundle was written before its hub was restored, or by one that was replaced", hint=_AGAIN)
    met_us, skew_us = int(console.peer["state"].get(MET_US, 0)), int(shelf.here()["skew_us"])
    due = console.met({**hello, "now_us": _time_at_hub(hello, now_us, skew_us, met_us)})
    if not console.is_whole or console.replica != name:  # by the name before, what a copy of this disk wrote is left out
        return None
    if due:
        raise _too_little(console.due(whole_of(hello, "head", 0), whole_of(hello, "floor", 0)))
    for part in parts:
        page = _page_in(part)
        if whole_of(page, "after") > int(console.peer["cursor"]):
            raise Conflict("Something is missing before this bundle", field="after", hint=_AGAIN)
        if whole_of(page, "cursor") > int(console.peer["cursor"]):
            tables.update(console.take_page(page))
            taken += len(page["ops"])
    if taken:
        console.note(state={**console.peer["state"], BY_STICK: True})
    return taken, tables


def _time_at_hub(hello: dict[str, Any], now_us: int, skew_us: int, met_us: int) -> int:
    """Return what time it is at a hub, by our clock `now_us` and a bundle: no earlier than when that was written.

    A clock that was ahead, as the bundle tells or as we know, is taken to be so still where that can be. What was written
    before we last met the hub, at `met_us` there, tells of no clock.
    """
    if whole_of(hello, "now_us") <= met_us and not whole_of(hello, _AHEAD, 0):
        return max(now_us + skew_us, met_us)
    written_us, ahead_us = whole_of(hello, "now_us"), max(whole_of(hello, _AHEAD, 0), -skew_us)
    return now_us - ahead_us if now_us - ahead_us >= written_us else max(written_us, now_us)


def _too_little(reason: str) -> Conflict:
    """Return why the log alone does not bring a console up to date; see `Console.due`."""
    if reason == COMPARE:
        return Conflict("This hub was restored, or takes the place of another: rows are to be compared first", hint=_ONLINE)
    if reason == NARROW:
        return Conflict("This version knows of more than the one before did, and lacks it so far", hint=_ONLINE)
    if reason == LONG:
        return Conflict("The hub's log is too long to begin with by a bundle", hint=_ONLINE)
    return Conflict("The hub has let go of changes that the console lacks: it was away for too long", hint=_ONLINE)


def _lately(hello: dict[str, Any], console: Console) -> dict[str, Any]:
    """Return a hub's word as of when its bundle was written, without what we have heard from the hub of later since."""
    peer = console.peer
    if text_of(hello, "epoch") != peer["epoch"]:
        return hello
    term = max(whole_of(hello, "term", 0), int(peer["state"].get("term", 0)))
    if whole_of(hello, "acked") > peer["acked"]:
        return {**hello, "term": term}
    told = {"acked": int(peer["acked"]), "chain": str(peer["state"].get("chain", FIRST_CHAIN)), "durable": int(peer["durable"])}
    return {**hello, "term": term, **told}


def known_to_us(shelf: Shelf, other: str, now_us: int) -> dict[str, Any]:
    """Return what we have of another console, which is to be told; raise `Conflict` where it lacks what is kept no longer."""
    console, replica = Console(shelf, other, now_us), replica_of(shelf)
    state = console.peer["state"]
    if state.get(LACKS):
        raise Conflict("Some of what this console lacks is kept by the hub alone by now", field="peer", hint=_BY_HUB)
    if state.get("replica") != replica:  # never heard from, or we go by another name by now
        console.note(acked=0, state={**state, "replica": replica, "chain": FIRST_CHAIN})
    if OwnLog(shelf, other).let_go_after(int(console.peer["acked"])):
        raise Conflict("Some of what this console lacks is kept by the hub alone by now", field="peer", hint=_BY_HUB)
    known: dict[str, Any] = console.peer["state"].get("replicas", {})
    return known


def to_peer(shelf: Shelf, other: str, body: dict[str, Any], parts: Sequence[Part], now_us: int) -> tuple[int, set[str]]:
    """Take another console's bundle, or some of its parts; return how many operations were new, and their tables."""
    upcast.check_version(whole_of(body, "data_schema", 0))
    console, replica, tables = Console(shelf, other, now_us), text_of(body, "replica"), set[str]()
    before = _seq_of(console.peer["state"].get("replicas", {}), replica)
    for part in parts:
        batch = _batch_in(part)
        if batch.replica != replica or replica == replica_of(shelf):
            raise BadInput("A batch names its replica", field="replica")
        tables.update(console.take_batch(batch))
    state, own = console.peer["state"], replica_of(shelf)
    known = object_of(body, "known").get(own)
    if isinstance(known, list) and len(known) == 2 and shelf.chain(_seq_of({own: known}, own)) == known[1]:
        stale = state.get("replica") == own and known[0] < console.peer["acked"]  # we have heard of more since
        console.note(**{} if stale else {"acked": known[0], "state": {**state, "replica": own, "chain": known[1]}})
    return _seq_of(state.get("replicas", {}), replica) - before, tables


def make_up(shelf: Shelf, other: str) -> None:
    """Take another console, trusted anew, to have from elsewhere what is kept here no longer: bundles go on with what is.

    Where nothing else had our log begin anew, this does: under another name, with all the stamps it has.
    """
    while seal(shelf):
        pass
    peer, log = shelf.get("sync_peers", other), OwnLog(shelf, other)
    if peer is None:
        return
    if not peer["state"].get(LACKS) and log.let_go_after(known_to(peer, replica_of(shelf))):
        log.begin_behind()
    state = (shelf.get("sync_peers", other) or peer)["state"]
    shelf.put("sync_peers", {"id": other, "state": {name: value for name, value in state.items() if name != LACKS}})


def _seq_of(replicas: dict[str, Any], replica: str) -> int:
    seq = replicas.get(replica, [0])[0]
    return seq if isinstance(seq, int) else 0


def write_card(file: Path, public: PublicIdentity) -> None:
    """Write who a console is; blocks, raises `BadInput` when the file cannot be written."""
    try:
        replace_file(file, to_bytes({"schema": 1, "card": public.to_json()}))
    except OSError as error:
        raise BadInput("{file} cannot be written: {reason}", file=file, reason=error.strerror or str(error)) from None


def read_card(file: Path, device: str) -> PublicIdentity:
    """Return who a console is; blocks, raises `Refused` unless it is `device`, `BadInput` for what is no card."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_CARD_BYTES)
    except OSError as error:
        raise BadInput("{file} cannot be read: {reason}", file=file, reason=error.strerror or str(error)) from None
    public = PublicIdentity.from_json(parse_object(data).get("card"))
    if public.device_id != device:
        raise Refused(
            "The card in {file} is that of device {found}", file=file, found=public.device_id,
            hint="Have the other console read its device id out to you: outpost sync card FILE shows it.",
        )  # fmt: skip
    return public


def check(body: dict[str, Any], device: str) -> int:
    """Return how many parts a bundle for `device` has; raise `BadInput` for one that is for somebody else."""
    count = whole_of(body, "count")
    if text_of(body, "to") != device or count > MOST_PARTS:
        raise BadInput("This bundle is for another device", field="file")
    return count


def opened(part: bytes, *, of_hub: bool) -> Part:
    """Return what is in a file of a bundle; raises `Limit` and `BadInput` as `batch.py` does."""
    return unpack(part) if of_hub else decode(part)


def _batch_in(part: Part) -> Batch:
    batch = decode(part) if isinstance(part, bytes) else part
    assert isinstance(batch, Batch)
    return batch


def _page_in(part: Part) -> dict[str, Any]:
    page = unpack(part) if isinstance(part, bytes) else part
    assert isinstance(page, dict)
    return page


def name_of(place: int) -> str:
    """Return the name of a bundle's file."""
    return f"part-{place:04d}"


def names(count: int) -> list[str]:
    """Return the names of the first `count` files of a bundle."""
    return [*map(name_of, range(count))]

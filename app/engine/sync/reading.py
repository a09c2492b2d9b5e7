"""A console and the rows of a hub as they stand: page after page, each with the place where it ends in one transaction.

A cut repeats one page at most, for the next exchange goes on at that place: while the hub's epoch is the same, all pages mean
the same to us, and the hub's log is kept since the first of them. What changed since then is pulled from the log.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.store import upcast
from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import conflicts, restamp
from app.engine.sync.fits import check_cells, check_row
from app.engine.sync.merge import Loss
from app.engine.sync.ops import Op
from app.engine.sync.ownlog import AHEAD, BY_STICK, COMPARE, MOVED, PLACE, OwnLog
from app.engine.sync.records import HUB
from app.engine.sync.sealing import SCHEMA, hear, replica_of, seal, time_at_hub
from app.engine.sync.session import Session
from app.engine.sync.snapshot import Snapshot, standing
from app.wire.documents import list_of, text_of, whole_of

NARROW: Final = "narrow"  # in a peer's state: our schema when we took a snapshot of a later one, and left out what it has more
START: Final[Key] = ("", "")
_DONE: Final = (PLACE, COMPARE, AHEAD, MOVED, BY_STICK)


class Reading:
    """A console's verbs about a hub's rows, inside one transaction, and what they share with the others; see `Console`."""

    def __init__(self, shelf: Shelf, peer: str, now_us: int) -> None:
        self._shelf, self._peer, self._now_us = shelf, peer, now_us
        self._log = OwnLog(shelf, peer)

    @property
    def peer(self) -> Row:
        """Return the row of the peer; an unknown one is made."""
        found = self._shelf.get("sync_peers", self._peer)
        if found is None:
            self._shelf.put("sync_peers", {"id": self._peer, "kind": HUB})
            found = self._shelf.get("sync_peers", self._peer)
        assert found is not None
        return found

    def note(self, **values: Any) -> None:
        """Change the row of the peer."""
        self._shelf.put("sync_peers", {"id": self._peer, **values})

    @property
    def replica(self) -> str:
        """Return our name."""
        return replica_of(self._shelf)

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing of our own log is still to be written anew."""
        return self._log.is_whole

    @property
    def place(self) -> Key:
        """Return behind which row of the hub's the next page begins."""
        place = self.peer["state"].get(PLACE, {})
        return _key(place["next"]) if place.get("of") == self._meaning() else START

    def take_snapshot(self, page: Mapping[str, Any]) -> list[str]:
        """Take a page of whole rows as they stand at the hub, with what is later here on top of them.

        It begins `after` our place, or anew. The last one moves the cursor to the head of the first.
        """
        document = dict(page)
        self._need_epoch(document)
        after = _key(document.get("after", START))
        if after not in (START, self.place):
            raise Conflict("These rows do not go on where the ones before them ended", field="place")
        while seal(self._shelf):
            pass
        taking = self._snapshot()
        schema = self._schema_of(document)
        stood = map(standing, list_of(document, "rows"))
        told = [(key, *upcast.row_of(key[0], schema, row, cells)) for key, row, cells in stood]
        for (table, _), values, cells in told:
            kinds = self._shelf.kinds(table)
            if kinds is not None:
                check_cells(table, cells, kinds, kept=True)
                check_row(table, values or {}, kinds)
        changed = taking.take(told)
        self._keep_here(taking.lost)
        self._forget(taking.erased)
        hear(self._shelf, whole_of(document, "hlc", 0))
        # Pages are of different moments: until the log is followed to that of the last one, the whole is not of one.
        peer, last = self.peer, document.get("next") is None
        head = whole_of(document, "head") if after == START else int(peer["state"][PLACE]["head"])
        state = {**peer["state"], "whole_at": whole_of(document, "head") if last else -1}
        state[PLACE] = {"of": self._meaning(), "head": head, "next": list(after)}
        if last:
            state.pop(NARROW, None)
            state |= {NARROW: SCHEMA} if peer["schema"] > SCHEMA else {}
        self.note(state=state, **({"cursor": max(head, int(peer["cursor"]))} if last else {}))
        if COMPARE not in state:
            self._go_on(document)
        return changed

    def left_out(self, page: Mapping[str, Any], start: Key) -> Key | None:
        """Hand over rows after `start` that this page of the hub's rows should tell of and does not.

        Returns where to go on, None when that was all; then the next page is looked at in the same way.
        """
        document = dict(page)
        if not self.peer["state"].get(COMPARE):
            return None
        upto = document.get("next")
        told = frozenset(standing(each)[0] for each in list_of(document, "rows"))
        behind = self._snapshot().left_out(told, start, None if upto is None else _key(upto))
        if behind is None:
            self._go_on(document)
        return behind

    def _go_on(self, page: dict[str, Any]) -> None:
        """Note that a page is done with: what was looked for on all of them is found with the last."""
        state, upto = self.peer["state"], page.get("next")
        if upto is None:
            done = _DONE if COMPARE in state else (PLACE,)
            self.note(state={name: value for name, value in state.items() if name not in done})
        elif PLACE in state:
            self.note(state={**state, PLACE: {**state[PLACE], "next": list(_key(upto))}})

    def _meaning(self) -> dict[str, Any]:
        """Return what has to be the same for all pages of a snapshot: whose they are, who we are, and what we look for."""
        peer = self.peer
        state = {name: peer["state"][name] for name in (COMPARE, MOVED) if name in peer["state"]}
        return {"epoch": peer["epoch"], "replica": self.replica, "schema": SCHEMA, **state}

    def _snapshot(self) -> Snapshot:
        peer = self.peer
        state, lowered = peer["state"], None
        if AHEAD in state or MOVED in state:
            bound = max(int(state.get(AHEAD, 1 << 63)), time_at_hub(self._shelf, self._now_us))
            lowered = restamp.lowered(bound, self.replica, state.get(MOVED))
        return Snapshot(self._shelf, int(peer["acked"]), self._now_us, compare=COMPARE in state, lowered=lowered)

    def _keep_here(self, lost: list[tuple[Op, Loss]]) -> None:
        """Note in this machine's own inbox what was covered of what stays here."""
        session = Session(self._shelf)
        conflicts.keep_here(self._shelf, session, lost)
        session.flush()

    def _forget(self, erased: Mapping[Key, str]) -> None:
        """Take what is left of erased rows out of our own operations and the inbox."""
        if erased:
            from app.engine.sync.erase import forget

            forget(self._shelf, erased, self._now_us)

    def _need_epoch(self, page: dict[str, Any]) -> None:
        """Raise `Conflict` for a page of another hub than was met, or of the same before or after it was set back."""
        if text_of(page, "epoch") != self.peer["epoch"]:
            raise Conflict("The hub was restored since: its epoch is {epoch}", epoch=page["epoch"], field="epoch")

    def _schema_of(self, page: dict[str, Any]) -> int:
        """Return the version of the hub that wrote a page; one of before told it at the meeting alone."""
        return whole_of(page, "data_schema", int(self.peer["schema"]))


def _key(told: Any) -> Key:
    """Return a place among rows, as a page tells it; raise `BadInput`."""
    if not (isinstance(told, list | tuple) and len(told) == 2 and all(isinstance(part, str) for part in told)):
        raise BadInput("A place among rows is a table and a row", field="next")
    return told[0], told[1]

"""A console's part of the protocol, over one transaction's shelf: what to hand over, and what to make of the hub's answers.

Every answer is taken with the cursor it moves in one transaction, so a cut at any byte, a repeated answer and a kill lose
nothing and do nothing twice.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.errors import Conflict
from app.engine.store import upcast
from app.engine.store.rows import Row
from app.engine.sync import conflicts, others
from app.engine.sync.batch import Batch, Texts, number_of
from app.engine.sync.epochs import past_of, restored_head
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.ops import FIRST_CHAIN
from app.engine.sync.ownlog import AHEAD, CARRIED, COMPARE, COPIED, FORK, MET_US, MOVED, PLACE, SET_BACK, TWIN
from app.engine.sync.reading import NARROW, Reading
from app.engine.sync.records import BUNDLE, HUB
from app.engine.sync.sealing import SCHEMA, hear, replica_of, seal, time_at_hub
from app.engine.sync.taking import Taking
from app.engine.sync.waiting import next_texts
from app.wire.documents import list_of, text_of, whole_of

_BY_US: Final = "Exchange once over the network."
_BY_THEM: Final = "Have the other console exchange with the hub once."
_PAST: Final = "past"  # in a peer's state: the epochs that the hub had before, to which nobody is to come back
_LAST_MET: Final = "sync.met"  # in `meta`: the epoch of the hub that was met first or last anew
FLOOR: Final = "floor"  # why a snapshot is due: the hub has let go of what we lack
LONG: Final = "long"  # or it is quicker than so long a log
LOG_RATHER: Final = 5000  # a first sync with a longer log than this takes a snapshot


class Console(Reading):
    """A console's verbs towards one peer, inside one transaction; `now_us` is this machine's time."""

    # meeting

    def met(self, hello: Mapping[str, Any]) -> bool:
        """Take the hub's word on where it stands; return whether a snapshot is due.

        A new epoch moves us back to what the hub held when it was restored. A log that is not ours goes on under a new
        replica id; stamps that a wrong clock made are made anew. Unless it then `is_whole`, under its name, meet again.
        """
        if not self.goes_on(hello):
            while seal(self._shelf):
                pass
        peer, document = self.peer, dict(hello)
        epoch, acked, hub_us = text_of(document, "epoch"), whole_of(document, "acked"), whole_of(document, "now_us")
        upcast.check_version(whole_of(document, "data_schema", 0))
        head, floor = (whole_of(document, name, 0) for name in ("head", "floor"))
        if self.is_replaced(document):
            raise Conflict(
                "This hub was replaced by a later one", field="term",
                hint="Stop it, or restore a backup there, or leave it and join the one that leads.",
            )  # fmt: skip
        chain, forgotten = text_of(document, "chain"), self._is_forgotten(document)
        back = bool(peer["epoch"]) and epoch != peer["epoch"]
        state = self._state_at(peer, document, anew=back or forgotten)
        foreign = self._is_foreign(peer, acked, chain)
        state[COPIED] = "" if state.pop(SET_BACK, False) else _copied(str(state.get(COPIED, "")), document, foreign=foreign)
        if foreign or forgotten or self._log.let_go_after(acked):
            if foreign:
                self._log.begin_anew(int(peer["durable"] if back else peer["acked"]))
            else:
                held = str(peer["state"].get("chain", FIRST_CHAIN))
                self._log.mind_clock(peer, hub_us, self._now_us, int(peer["acked"]), held)
                if not self._log.is_whole:
                    return False
                self._log.begin_behind(int(peer["acked"]) if forgotten else 0)
                state[COMPARE] = True
            acked, chain, peer = 0, FIRST_CHAIN, {**peer, "epoch": ""}  # what others wrote under our old name comes anew
        cursor = int(peer["cursor"]) if peer["epoch"] else 0
        state |= self._log.time_of(acked) | ({AHEAD: hub_us + DRIFT_US} if COMPARE in state else {})
        if back:
            cursor = min(cursor, restored_head(document, str(peer["epoch"])))
        self.note(
            epoch=epoch, acked=acked, durable=min(whole_of(document, "durable"), acked), cursor=cursor,
            schema=whole_of(document, "data_schema", 0), state={**state, "chain": chain},
        )  # fmt: skip
        if not self._log.is_whole:
            return False
        known = max(acked, int(peer["acked"])) if back and peer["epoch"] else acked
        later = self._shelf.chain(known) if known > acked else None
        self._log.mind_clock(peer, hub_us, self._now_us, *((known, later) if later else (acked, chain)))
        return bool(self.due(head, floor))

    def _state_at(self, peer: Row, hello: dict[str, Any], *, anew: bool) -> dict[str, Any]:
        """Return our state with a hub by its hello; `anew`: it may lack what we have let go of."""
        epoch, hub_us = text_of(hello, "epoch"), whole_of(hello, "now_us")
        compare = {COMPARE: True} if anew or self._is_another(peer, epoch) else {}
        compare |= self._ahead(hub_us)
        state = {**peer["state"], **compare, "term": whole_of(hello, "term", 0)}
        if "twin" in hello:  # a hub's own word on its time, and not our estimate by a stick
            state[MET_US] = hub_us
        state[_PAST] = [each[0] for each in past_of(hello) if each[0] != epoch]
        if compare or state.get(PLACE, {}).get("head", 0) < whole_of(hello, "floor", 0):
            state.pop(PLACE, None)  # there is more to look for on every page, or the log since the first of them is gone
        return state

    def goes_on(self, hello: Mapping[str, Any]) -> bool:
        """Tell whether our log merely goes on at this hub: what has no number yet may then get it batch by batch.

        Else it begins anew, or is stamped anew, and all that waits has to stand in it.
        """
        document, bound = dict(hello), whole_of(dict(hello), "now_us") + DRIFT_US
        acked, ahead = whole_of(document, "acked"), int(self._shelf.here()["hlc"]) > bound
        anew = self._is_forgotten(document) or self._is_foreign(self.peer, acked, text_of(document, "chain"))
        return not (ahead or anew or self._log.let_go_after(acked))

    def is_replaced(self, hello: dict[str, Any]) -> bool:
        """Tell whether the hub met last has taken the place of this one: by the epochs that either had, or by their terms."""
        peer, epoch = self.peer, text_of(hello, "epoch")
        if epoch != peer["epoch"]:
            if epoch in peer["state"].get(_PAST, ()):
                return True
            if any(each[0] == peer["epoch"] for each in past_of(hello)):
                return False
        return whole_of(hello, "term", 0) < int(peer["state"].get("term", 0))

    def due(self, head: int, floor: int) -> str:
        """Return why a snapshot is due, as the hub was met, with a log from `floor` to `head`; nothing where none is."""
        peer = self.peer
        cursor, state = int(peer["cursor"]), peer["state"]
        reasons = (
            (COMPARE, COMPARE in state), (NARROW, state.get(NARROW, SCHEMA) < SCHEMA), (FLOOR, cursor < floor),
            (LONG, cursor == 0 and head > LOG_RATHER),
        )  # fmt: skip
        return next((reason for reason, holds in reasons if holds), "")

    def _is_another(self, peer: Row, epoch: str) -> bool:
        """Tell whether this is the first meeting with a hub after we met others: it may lack what they had."""
        kept = self._shelf.get("meta", _LAST_MET)
        last = str(kept["value"]["epoch"]) if kept else ""
        if not last:
            last = next((str(one["epoch"]) for one in self._shelf.all("sync_peers") if one["kind"] == HUB and one["epoch"]), "")
        if peer["epoch"] != epoch or not kept:
            self._shelf.put("meta", {"id": _LAST_MET, "value": {"epoch": epoch}})
        return not peer["epoch"] and last not in ("", epoch)

    def _ahead(self, hub_us: int) -> dict[str, Any]:
        """Return what is to be noted where a stick brought what a clock as wrong as ours stamped.

        Whoever wrote it hands it over under another time.
        """
        bound = hub_us + DRIFT_US
        wrong = [peer for peer in self._shelf.all("sync_peers") if peer["state"].get(CARRIED, 0) > bound]
        for peer in wrong:
            self._shelf.put("sync_peers", {"id": peer["id"], "state": {**peer["state"], CARRIED: 0}})
        return {COMPARE: True} if wrong else {}

    def _is_foreign(self, peer: Row, acked: int, chain: str) -> bool:
        """Tell whether what the hub knows as ours is not: a copied disk, or a store set back to an earlier day."""
        if acked == 0:
            return False
        here = self._shelf.here()
        if acked > here["seq"]:
            return True
        ours = here["chain"] if acked == here["seq"] else self._shelf.chain(acked)
        if ours is None:
            ours = peer["state"].get("chain") if acked == peer["acked"] else None
        return ours is not None and ours != chain

    def _is_forgotten(self, hello: dict[str, Any]) -> bool:
        """Tell whether the hub forgot this replica, silent for long: what it had of it, it would take a second time."""
        peer = self.peer
        return whole_of(hello, "acked") == 0 < int(peer["acked"]) and text_of(hello, "epoch") == peer["epoch"]

    def go_by_another_name(self) -> None:
        """Go on under a new replica id, with what is not known to be handed over yet."""
        while seal(self._shelf):
            pass
        peer = self.peer
        self._log.begin_anew(int(peer["acked"]))
        self.note(epoch="", acked=0, durable=0, state={**peer["state"], "chain": FIRST_CHAIN})

    def mend(self, *, anew: bool) -> None:
        """After the store was pieced together: go on under a new replica id, and take a snapshot at the next exchange."""
        if anew:
            while seal(self._shelf):
                pass
            self._log.begin_anew(int(self.peer["acked"]), apply=True)
        state = {name: value for name, value in self.peer["state"].items() if name != PLACE}
        self.note(cursor=-1, acked=0, durable=0, state={**state, "chain": FIRST_CHAIN, COMPARE: True})

    # push

    def number(self, most_ops: int, behind: Batch | None = None) -> bool:
        """Number some of what waits, unless the next batch has `most_ops` already; tell whether there was anything."""
        acked = int(self.peer["acked"]) if behind is None else behind.last
        return int(self._shelf.here()["seq"]) - acked < most_ops and seal(self._shelf) > 0

    def outgoing(self, most_ops: int, most_bytes: int, behind: Batch | None = None) -> Batch | None:
        """Return the next batch for the hub, of whole transactions; None when it has everything.

        `behind` is the batch under way, which it is then to follow.
        """
        seal(self._shelf)
        peer = self.peer
        acked = int(peer["acked"]) if behind is None else behind.last
        found = next_texts(self._shelf, acked, most_ops, most_bytes)
        if not found and not self._log.let_go_after(acked):
            return None
        first = number_of(found[0]) if found else int(self._shelf.here()["seq"]) + 1
        if first > acked + 1:
            raise Conflict(
                "Operations {first} to {last} are kept by the hub alone by now", first=acked + 1, last=first - 1, field="peer",
                hint=_BY_THEM if peer["kind"] == BUNDLE else _BY_US,
            )  # fmt: skip
        chain = peer["state"].get("chain") if behind is None else self._shelf.chain(acked)
        chain = str(chain or FIRST_CHAIN)
        replica = replica_of(self._shelf)
        return Batch(replica, str(peer["epoch"]), acked, chain, Texts(found, replica))

    def receipt(self, answer: Mapping[str, Any]) -> None:
        """Take the hub's word that it holds our operations up to a number, and let go of those a backup of it holds."""
        document = dict(answer)
        acked, durable = whole_of(document, "acked"), whole_of(document, "durable")
        here, chain = self._shelf.here(), text_of(document, "chain")
        ours = here["chain"] if acked == here["seq"] else self._shelf.chain(acked)
        if acked > here["seq"] or (ours is not None and acked and ours != chain):
            raise Conflict("The hub holds another log under our name", field="fork")
        known = {"chain": chain, **self._log.time_of(acked)}
        self.note(acked=acked, durable=min(durable, acked), state={**self.peer["state"], **known})
        self._log.let_go()

    # pull

    def take_page(self, page: Mapping[str, Any]) -> list[str]:
        """Apply a page of the hub's log and move the cursor past it; return the tables that changed."""
        document = dict(page)
        self._need_epoch(document)
        while seal(self._shelf):
            pass
        # It was held to the hub's time, which may differ from ours by less than makes a clock wrong.
        at_us = max(time_at_hub(self._shelf, self._now_us), whole_of(document, "now_us", 0))
        taking = Taking(self._shelf, self.replica, at_us)
        taking.take(list_of(document, "ops"), self._schema_of(document))
        session = taking.session
        changed = session.tables()
        conflicts.keep_here(self._shelf, session, conflicts.apart(session, taking.lost)[0])
        session.flush()
        hear(self._shelf, taking.heard)
        self._shelf.later(taking.later)
        self._forget(session.erased)
        state = self.peer["state"]
        known = state.get(MOVED, {})
        if (moved := others.exchanged(self._shelf, taking.moved, known)) != known:
            self.note(state={**state, COMPARE: True, MOVED: moved})
        others.note(self._shelf, taking.reached)
        self.note(cursor=whole_of(document, "cursor"), durable=min(whole_of(document, "durable", 0), self.peer["acked"]))
        return changed

    # directly from another console

    def take_batch(self, batch: Batch) -> list[str]:
        """Apply what another console wrote, as it came in a bundle; what is known already is left alone.

        Guarded columns wait for a hub's decision. Raises `Conflict` for a gap or a forked log.
        """
        while seal(self._shelf):
            pass
        peer = self.peer
        known = peer["state"].get("replicas", {}).get(batch.replica, [0, FIRST_CHAIN])
        chains = [batch.chain, *batch.chains()]
        overlap = int(known[0]) - batch.after
        if overlap < 0:
            raise Conflict(
                "Operations {first} to {last} are missing", first=int(known[0]) + 1, last=batch.after, field="after",
                hint="Export the bundle again, with everything since the last one taken.",
            )  # fmt: skip
        if overlap < len(chains) and known[0] and chains[overlap] != known[1]:
            raise Conflict("This log is not the one that was begun here: the device was copied or set back", field="fork")
        fresh, from_hub = batch.ops[overlap:], others.upto(self._shelf, batch.replica)
        taking = Taking(self._shelf, "", time_at_hub(self._shelf, self._now_us))
        taking.take_ops([op for op in fresh if op.seq + op.left > from_hub])
        session = taking.session
        hear(self._shelf, taking.heard)
        conflicts.record(self._shelf, session, taking.lost, now_us=self._now_us)
        changed = session.tables()
        session.flush()
        self._shelf.later(taking.later)
        self._forget(session.erased)
        if fresh:
            replicas = {**peer["state"].get("replicas", {}), batch.replica: [batch.last, chains[-1]]}
            carried = max(taking.heard, int(peer["state"].get(CARRIED, 0)))
            self.note(state={**self.peer["state"], "replicas": replicas, CARRIED: carried})
        return changed


def _copied(before: str, hello: dict[str, Any], *, foreign: bool) -> str:
    """Return what a meeting tells of another machine with our keys; a bundle, which may be late, tells of no twin."""
    if foreign:
        return FORK
    return TWIN if hello.get("twin", before == TWIN) is True else ""

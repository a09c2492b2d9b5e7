"""A console's part of the protocol, over one transaction's shelf: what to hand over, and what to make of the hub's answers.

Every answer is taken with the cursor it moves in one transaction, so a cut at any byte, a repeated answer and a kill lose
nothing and do nothing twice.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import conflicts, restamp, sealing
from app.engine.sync.batch import Batch, Texts
from app.engine.sync.fits import check_cells, check_op, check_row, check_verdicts
from app.engine.sync.giveback import give_back
from app.engine.sync.hlc import DRIFT_US, ZERO, Stamp, observe, tick
from app.engine.sync.merge import ERASED, FIRST, GONE
from app.engine.sync.ops import FIRST_CHAIN, Op, canonical, parsed
from app.engine.sync.restamp import Moved
from app.engine.sync.sealing import keep, replica_of, seal
from app.engine.sync.session import Session
from app.engine.sync.waiting import next_texts
from app.wire.documents import list_of, text_of, whole_of

HUB: Final = "hub"
BUNDLE: Final = "bundle"  # another console, whose bundles are taken
LOG_RATHER: Final = 5000  # a first sync with a longer log than this takes a snapshot


class Console:
    """A console's verbs towards one peer, inside one transaction; `now_us` is this machine's time."""

    def __init__(self, shelf: Shelf, peer: str, now_us: int) -> None:
        self._shelf, self._peer, self._now_us = shelf, peer, now_us

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

    # meeting

    def met(self, hello: Mapping[str, Any]) -> bool:
        """Take the hub's word on where it stands; return whether a snapshot is due.

        A new epoch moves us back to what the hub held when it was restored. A log that is not ours goes on under a new
        replica id; stamps that a wrong clock made are made anew by the hub's.
        """
        while seal(self._shelf):
            pass
        peer, document = self.peer, dict(hello)
        epoch, acked, hub_us = text_of(document, "epoch"), whole_of(document, "acked"), whole_of(document, "now_us")
        head, floor, term = (whole_of(document, name, 0) for name in ("head", "floor", "term"))
        if term < peer["state"].get("term", 0):
            raise Conflict(
                "This hub was replaced by a later one", field="term", hint="Stop it, or leave it and join the one that leads.",
            )  # fmt: skip
        chain = text_of(document, "chain")
        back = bool(peer["epoch"]) and epoch != peer["epoch"]
        if self._is_foreign(peer, acked, chain):
            self._begin_anew(int(peer["durable"] if back else peer["acked"]))
            acked, chain, peer = 0, FIRST_CHAIN, {**peer, "epoch": ""}  # what others wrote under our old name comes anew
        cursor = int(peer["cursor"]) if peer["epoch"] else 0
        restored_head, restored_hlc = _since(document, str(peer["epoch"]))
        if back:
            cursor = min(cursor, restored_head)
        self.note(
            epoch=epoch, acked=acked, durable=min(whole_of(document, "durable"), acked), cursor=cursor,
            schema=whole_of(document, "data_schema", 0), state={**peer["state"], "chain": chain, "term": term},
        )  # fmt: skip
        known = max(acked, int(peer["acked"])) if back and peer["epoch"] else acked
        held = self._shelf.chain(known) if known > acked else None
        self._mind_clock(hub_us, *((known, held) if held else (acked, chain)))
        if back:
            give_back(self._shelf, text_of(document, "replica", ""), restored_hlc)
        return cursor < floor or (cursor == 0 and head > LOG_RATHER)

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

    def mend(self, *, anew: bool) -> None:
        """After the store was pieced together: go on under a new replica id, and take a snapshot at the next exchange."""
        while seal(self._shelf):
            pass
        peer = self.peer
        if anew:
            self._begin_anew(int(peer["acked"]))
            session = Session(self._shelf)
            for op in self._own_ops(0):
                state = session.state((op.table, op.row))
                if state.row is None and GONE not in state.cells:
                    state.cells = {}  # the row was lost, and is made again
                session.apply(op)
            session.flush()
        self.note(cursor=-1, acked=0, durable=0, state={**peer["state"], "chain": FIRST_CHAIN})

    def _begin_anew(self, after: int) -> None:
        """Go on under a new replica id: what was not handed over yet is handed over under it."""
        old, own = replica_of(self._shelf), self._own_ops(after)
        fresh = sealing.fresh_name()
        self._shelf.forget_own(int(self._shelf.here()["seq"]))
        self._shelf.set_here(replica=fresh, seq=0, chain=FIRST_CHAIN)
        self._rewrite([replace(op, replica=fresh, seq=at) for at, op in enumerate(own, 1)], {
            (op.hlc, old): (op.hlc, fresh) for op in own
        })  # fmt: skip

    def _mind_clock(self, hub_us: int, acked: int, chain: str) -> None:
        """Go by the hub's clock when ours is wrong by more than a stamp may be, and stamp anew what went too far ahead."""
        skew_us = hub_us - self._now_us
        skew_us = 0 if abs(skew_us) <= DRIFT_US else skew_us
        here, bound = self._shelf.here(), hub_us + DRIFT_US
        if skew_us != here["skew_us"]:
            self._shelf.set_here(skew_us=skew_us)
        if here["hlc"] <= bound:
            return
        kept = self._own_ops(0)
        own = [op for op in kept if op.seq > acked]
        hlc = max([int(self.peer["state"].get("hlc", 0)), *(op.hlc for op in kept if op.seq <= acked)])
        replica, moved, rest = replica_of(self._shelf), dict[Stamp, Stamp](), []
        ahead = max((op.hlc for op in own), default=0) - hub_us
        for op in own:
            if (op.hlc, replica) not in moved:
                seen = max((at[0] for at in op.seen.values() if at not in moved), default=0)
                hlc = max(hlc + 1, seen + 1, op.hlc - ahead if op.hlc > bound else op.hlc)
                moved[op.hlc, replica] = (hlc, replica)
            rest.append(replace(op, hlc=moved[op.hlc, replica][0]))
        self._shelf.drop_own(acked)
        self._shelf.set_here(seq=acked, chain=chain, hlc=max(hlc, hub_us))
        self._rewrite(rest, moved)

    def _rewrite(self, ops: list[Op], moved: Moved) -> None:
        """Put `ops` in the place of our own operations, and their new stamps in the place of the old ones."""
        session, rest = Session(self._shelf), []
        counted: dict[tuple[str, str, str], Any] = {}
        session.load((op.table, op.row) for op in ops)
        for op in ops:
            state, kinds = session.state((op.table, op.row)), self._shelf.kinds(op.table) or {}
            state.cells = restamp.moved_in(state.cells, moved)
            fields = restamp.fields_of(op, kinds, moved, state.cells, counted)
            seen = {name: moved.get(at, at) for name, at in op.seen.items()}
            rest.append(replace(op, fields=fields, seen=seen))
        keep(self._shelf, rest, str(self._shelf.here()["chain"]), 0)
        session.flush()

    def _own_ops(self, after: int, most: int = 10_000_000) -> list[Op]:
        replica = replica_of(self._shelf)
        return [Op.from_text(text, replica) for text in self._shelf.own_texts(after, most)]

    # push

    def outgoing(self, most_ops: int, most_bytes: int, behind: Batch | None = None) -> Batch | None:
        """Return the next batch for the hub, of whole transactions; None when it has everything.

        `behind` is the batch under way, which it is then to follow.
        """
        seal(self._shelf)
        peer = self.peer
        acked = int(peer["acked"]) if behind is None else behind.last
        found = next_texts(self._shelf, acked, most_ops, most_bytes)
        if not found:
            return None
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
        last = self._own_ops(acked - 1, 1)
        known = {"hlc": last[0].hlc} if last else {}
        self.note(acked=acked, durable=min(durable, acked), state={**self.peer["state"], "chain": chain, **known})
        self._shelf.forget_own(min(durable, acked))

    # pull

    def take_page(self, page: Mapping[str, Any]) -> list[str]:
        """Apply a page of the hub's log and move the cursor past it; return the tables that changed."""
        document = dict(page)
        if text_of(document, "epoch") != self.peer["epoch"]:
            raise Conflict("The hub was restored since: its epoch is {epoch}", epoch=document["epoch"], field="epoch")
        while seal(self._shelf):
            pass
        replica, session, later, erased = replica_of(self._shelf), Session(self._shelf), [], list[Key]()
        hlc, now_us = int(self._shelf.here()["hlc"]), self._now_us + self._shelf_skew()
        told = [_entry(each) for each in list_of(document, "ops")]
        session.load((op.table, op.row) for op, _ in told)
        for op, verdicts in told:
            if op.replica != replica:
                hlc = observe(hlc, op.hlc, now_us)
            check_op(op, self._shelf.kinds(op.table))
            check_verdicts(op, verdicts, self._shelf.kinds(op.table))
            outcome = session.apply(op, verdicts=verdicts)
            erased += [(op.table, op.row)] if outcome.erased else []
            if verdicts:
                hlc = max([hlc, *(verdict["at"] for verdict in verdicts.values() if isinstance(verdict, dict))])
            if outcome.unknown and op.replica != replica:
                later.append({"replica": op.replica, "op": canonical({**op.to_json(), "fields": outcome.unknown})})
        changed = session.tables()
        session.flush()
        self._shelf.set_here(hlc=hlc)
        self._shelf.later(later)
        self._forget(erased)
        self.note(cursor=whole_of(document, "cursor"), durable=min(whole_of(document, "durable", 0), self.peer["acked"]))
        return changed

    def _forget(self, erased: list[Key]) -> None:
        """Take what is left of erased rows out of our own operations and the inbox."""
        if erased:
            from app.engine.sync.erase import forget

            for key in dict.fromkeys(erased):
                forget(self._shelf, key, self._now_us)

    def _shelf_skew(self) -> int:
        return int(self._shelf.here()["skew_us"])

    def take_snapshot(self, page: Mapping[str, Any], head: int) -> list[str]:
        """Take a page of whole rows as they stand at the hub, and what it does not have of ours on top of them.

        `head` is that of the first page: the last one moves the cursor there.
        """
        document = dict(page)
        while seal(self._shelf):
            pass
        told = [_row_of(each) for each in list_of(document, "rows")]
        session = Session(self._shelf)
        session.load(key for key, _, _ in told)
        hlc = max(int(self._shelf.here()["hlc"]), whole_of(document, "hlc", 0))
        for (table, id_), values, cells in told:
            kinds = self._shelf.kinds(table)
            if kinds is None:
                continue
            check_cells(table, cells, kinds)
            check_row(table, values or {}, kinds)
            state = session.state((table, id_))
            state.cells = cells
            if values is None:
                state.row = None
                continue
            row = state.row or self._shelf.fresh(table)
            row.update((name, value) for name, value in values.items() if kinds.get(name, "local") != "local")
            row["id"], state.row = id_, row
        replica = replica_of(self._shelf)
        for row in self._shelf.own_of([key for key, _, _ in told], int(self.peer["acked"])):
            session.apply(Op.from_json(json.loads(row["op"]), replica))
        changed = session.tables()
        session.flush()
        self._forget([key for key, _, cells in told if ERASED in cells])
        self._shelf.set_here(hlc=max(hlc, int(self._shelf.here()["hlc"])))
        # Pages are of different moments: until the log is followed to that of the last one, the whole is not of one.
        standing = {**self.peer["state"], "whole_at": whole_of(document, "head") if document.get("next") is None else -1}
        self.note(state=standing, **({"cursor": head} if document.get("next") is None else {}))
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
        session, lost, hlc = Session(self._shelf), [], int(self._shelf.here()["hlc"])
        now_us = self._now_us + self._shelf_skew()
        fresh = batch.ops[overlap:]
        session.load((op.table, op.row) for op in fresh)
        erased = list[Key]()
        for op in fresh:
            hlc = observe(hlc, op.hlc, now_us)
            check_op(op, self._shelf.kinds(op.table))
            outcome = session.apply(op)
            lost += [(op, loss) for loss in outcome.losses]
            erased += [(op.table, op.row)] if outcome.erased else []
        self._shelf.set_here(hlc=hlc)
        conflicts.record(self._shelf, session, lost, now_us=tick(hlc, self._now_us))
        changed = session.tables()
        session.flush()
        self._forget(erased)
        if fresh:
            replicas = {**peer["state"].get("replicas", {}), batch.replica: [batch.last, chains[-1]]}
            self.note(state={**self.peer["state"], "replicas": replicas})
        return changed


def retry_later(shelf: Shelf) -> int:
    """Apply what an older version could not understand and this one does; return how many operations that were."""
    kept, done = shelf.all("sync_later"), 0
    if not kept:
        return 0
    session, left = Session(shelf), []
    for row in kept:
        op = Op.from_json(json.loads(row["op"]), row["replica"])
        _unwrite(session, op)
        unknown = session.apply(op).unknown
        done += len(unknown) < len(op.fields)
        if unknown:
            left.append({"replica": row["replica"], "op": canonical({**op.to_json(), "fields": unknown})})
    session.flush()
    if done:
        shelf.drop_later(int(kept[-1]["number"]))
        shelf.later(left)
    return done


def _unwrite(session: Session, op: Op) -> None:
    """Have columns that a row's first write named, and nobody here knew, count as not written yet."""
    cells = session.state((op.table, op.row)).cells
    if cells.get(FIRST) == list(op.stamp):
        cells.update({name: list(ZERO) for name in op.fields if name not in cells})


def _since(document: dict[str, Any], epoch: str) -> tuple[int, int]:
    """Return how far back the restores since `epoch` reached: log entry and clock; the log's beginning for an unknown epoch."""
    head, hlc = whole_of(document, "restored_head", 0), whole_of(document, "restored_hlc", 0)
    past = [each for each in list_of(document, "past") if isinstance(each, list) and len(each) == 3]
    at = next((place for place, each in enumerate(past) if each[0] == epoch), None)
    later = past if at is None else past[at + 1 :]
    heads, hlcs = ([each[column] for each in later if isinstance(each[column], int)] for column in (1, 2))
    return (0 if at is None else min([head, *heads])), min([hlc, *hlcs])


def _entry(each: Any) -> tuple[Op, dict[str, Any]]:
    told = parsed(each)
    if not isinstance(told, list) or len(told) < 3 or not isinstance(told[0], str):
        raise BadInput("An entry of the log names its replica, what was decided, and the operation")
    return Op.from_json(told[2], told[0]), told[1] if isinstance(told[1], dict) else {}


def _row_of(each: Any) -> tuple[Key, Row | None, dict[str, Any]]:
    told = parsed(each)
    if not (
        isinstance(told, list) and len(told) >= 4 and isinstance(told[0], str) and isinstance(told[1], str)
        and (told[2] is None or isinstance(told[2], dict)) and isinstance(told[3], dict)
    ):  # fmt: skip
        raise BadInput("A row of a snapshot has values and cells")
    return (told[0], told[1]), told[2], told[3]

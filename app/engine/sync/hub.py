"""The hub's part of the protocol, over one transaction's shelf: number, dedupe, merge, serve, compact.

An answer is plain JSON. A push is taken whole or not at all: wrong epoch, a gap, a forked log, a stamp from the future and a
foreign replica raise, and the transaction they came in is rolled back.
"""

from collections.abc import Iterable
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Refused
from app.engine.store import upcast
from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import conflicts, guards, join, sealing
from app.engine.sync.batch import PAGE_BYTES, Batch
from app.engine.sync.fits import check_op
from app.engine.sync.forgetting import forgettable
from app.engine.sync.hlc import observe, tick
from app.engine.sync.hubtime import time_at
from app.engine.sync.merge import GONE, Loss
from app.engine.sync.ops import FIRST_CHAIN, Op, canonical
from app.engine.sync.pages import Page, Pages, Place, Read, page_of
from app.engine.sync.sealing import SCHEMA, replica_of, scrubbed, seal
from app.engine.sync.session import Session
from app.engine.sync.whole import hand_over

META: Final = "sync.hub"
LIVE, EXPIRED = "live", "expired"
PAGE: Final = 2000
_SLICE: Final = 5000
_CAME: Final = "sync.came."  # in `meta`, for each device: which of its replicas came over the network, the last one last
_REMEMBERED: Final = 16
MOST_LIVE: Final = 64  # replicas of one device that hold the log back: those heard of last
_HEARD_US: Final = 60_000_000  # a page is told without a note that somebody was heard of, where one is no older
_NOTED_US: Final = 1_000_000  # how often its time, and what its clock read then, is noted; see `hubtime.py`
_PAST: Final = 64  # epochs remembered, each with where its restore stood


class Hub:
    """A hub's verbs inside one transaction; `now_us` is what its clock reads, `ahead_us` how much later its own time is.

    `pages` are those read before; one that was `read` now is for whoever calls to keep there, once this is committed.
    """

    def __init__(self, shelf: Shelf, now_us: int, term: int | None = None, pages: Pages | None = None) -> None:
        """Begin; raises `Conflict` when `term` (from `lead`) is not the latest: somebody else leads by now."""
        self._shelf, self._pages = shelf, pages
        self.read: Read | None = None
        shelf.lock()
        found = shelf.get("meta", META)
        self._meta: dict[str, Any] = dict(found["value"]) if found else {}
        clock = self._meta.get("clock", (0, 0))
        self._now_us, self.ahead_us = (at_us := time_at(clock, now_us)), at_us - now_us
        if not found:
            epoch = sealing.fresh_name()
            self._set_meta(epoch=epoch, floor=0, restored_head=0, term=0, past=[[epoch, 0, 0]])
            replica_of(shelf)
        if abs(now_us - clock[1]) >= _NOTED_US:
            self._set_meta(clock=[self._now_us, now_us])
        if term is not None and term != self._meta["term"]:
            raise Conflict("Another hub has taken over this store", field="term", hint="Stop this one.")

    def _set_meta(self, **values: Any) -> None:
        self._meta |= values
        self._shelf.put("meta", {"id": META, "value": self._meta})

    @property
    def epoch(self) -> str:
        """Return the hub's epoch: another one after every restore."""
        return str(self._meta["epoch"])

    def _head(self) -> int:
        """Return the number of the newest entry, those that were let go of included."""
        return max(self._shelf.head(), int(self._meta["floor"]))

    def lead(self) -> int:
        """Take the lead of this store from whoever has it, and return the token that says so: later ones are greater."""
        term = max(int(self._meta["term"]) + 1, self._now_us)
        self._set_meta(term=term, clock=[self._now_us, self._now_us - self.ahead_us])  # no later one is to be told a smaller
        return term

    # meeting

    def hello(self, replica: str, device: str, name: str, schema: int, *, carried: bool = False) -> dict[str, Any]:
        """Return where a replica stands here; a new one is noted, one of another device refused.

        What is `carried` on a stick may be late: it tells nothing of who exchanges by now.
        """
        upcast.check_version(schema)
        self.absorb()
        entry = self._entry(replica, device, name, schema)
        return {
            "schema": 1, "epoch": self.epoch, "acked": entry["acked"], "chain": entry["chain"], "durable": entry["durable"],
            "head": self._head(), "floor": self._meta["floor"], "restored_head": self._meta["restored_head"],
            "now_us": self._now_us, "data_schema": SCHEMA, "term": self._meta["term"],
            "replica": replica_of(self._shelf), "restored_hlc": self._meta.get("restored_hlc", 0),
            "past": self._meta.get("past", []), **({} if carried else {"twin": self._has_twin(replica, device)}),
        }  # fmt: skip

    def _has_twin(self, replica: str, device: str) -> bool:
        """Tell whether another replica of a device came since this one did: two machines have one device's keys.

        Noted is the order in which they came, which no clock changes.
        """
        came = self._came(device)
        if came[-1:] == [replica]:
            return False
        latest = [*(one for one in came if one != replica), replica][-_REMEMBERED:]
        self._shelf.put("meta", {"id": _CAME + device, "value": {"replicas": latest}})
        return replica in came

    def _came(self, device: str) -> list[str]:
        kept = self._shelf.get("meta", _CAME + device)
        return list(kept["value"]["replicas"]) if kept else []

    def latest(self, device: str) -> Row | None:
        """Return where the replica stands by which a device goes by now: none that another came after, a late stick or not."""
        before = self._came(device)[:-1]
        live = [row for row in self._shelf.all("sync_replicas") if row["device"] == device and row["state"] == LIVE]
        return max((row for row in live if row["id"] not in before), key=lambda row: int(row["seen_us"]), default=None)

    def goes_by_one_name(self, device: str) -> bool:
        """Tell whether no more than one replica of a device came so far."""
        return len([row for row in self._shelf.all("sync_replicas") if row["device"] == device]) <= 1

    def _entry(self, replica: str, device: str, name: str = "", schema: int = 0, *, within_us: int = 0) -> Row:
        """Return where a replica stands, with a note that it was heard of, unless it was `within_us`."""
        if not replica or len(replica) > 64 or replica == replica_of(self._shelf):
            raise BadInput("A batch names its replica", field="replica")
        known = self._shelf.get("sync_replicas", replica)
        if known is not None and known["device"] != device:
            raise Refused("This replica is another device's", field="replica")
        fresh = {"acked": 0, "chain": FIRST_CHAIN, "cursor": 0, "durable": 0, "name": "", "schema": 0}
        entry = {**(known or fresh), "id": replica, "device": device, "state": LIVE, "seen_us": self._now_us}
        entry |= {key: value for key, value in (("name", name), ("schema", schema)) if value}
        if known is None or known["state"] != LIVE or self._now_us - int(known["seen_us"]) >= within_us:
            self._shelf.put("sync_replicas", entry)
        if known is None or known["state"] != LIVE:
            self._bound(device)
        return entry

    def _bound(self, device: str) -> None:
        """Have a device's replicas but the newest hold the log back no longer; of those nobody wrote under, nothing stays."""
        rows = [row for row in self._shelf.all("sync_replicas") if row["device"] == device and row["state"] == LIVE]
        for row in sorted(rows, key=lambda row: int(row["seen_us"]), reverse=True)[MOST_LIVE:]:
            if row["acked"]:
                self._shelf.put("sync_replicas", {"id": row["id"], "state": EXPIRED})
            else:
                self._shelf.remove("sync_replicas", row["id"])

    # push

    def receive(self, batch: Batch, device: str) -> dict[str, Any]:
        """Take a batch of `device`: what is new of it is merged and numbered; returns how far that replica is known now.

        What was written at the hub itself comes first: it was there before, and its numbers go on behind it.
        """
        self.absorb()
        entry = self._entry(batch.replica, device)
        if batch.epoch != self.epoch:
            raise Conflict("The hub was restored since: its epoch is {epoch}", epoch=self.epoch, field="epoch")
        acked = int(entry["acked"])
        if batch.after > acked:
            raise Conflict(
                "Operations {first} to {last} are missing", first=acked + 1, last=batch.after, field="after",
                hint="Exchange once over the network.",
            )  # fmt: skip
        chains = [batch.chain, *batch.chains()]
        known = acked - batch.after
        if known < len(chains) and acked and chains[known] != entry["chain"]:
            raise Conflict("This log is not the one that was begun here: the device was copied or set back", field="fork")
        fresh = batch.ops[known:]
        if fresh:
            self._merge(fresh)
            entry |= {"acked": batch.last, "chain": chains[-1]}
            self._shelf.put("sync_replicas", entry)
        return {
            "schema": 1, "epoch": self.epoch, "acked": entry["acked"], "chain": entry["chain"], "durable": entry["durable"],
            "head": self._head(), "now_us": self._now_us, "taken": len(fresh),
        }  # fmt: skip

    def _merge(self, ops: Iterable[Op]) -> None:
        ops = tuple(ops)
        hlc = int(self._shelf.here()["hlc"])
        for op in ops:
            kinds = self._shelf.kinds(op.table)
            if kinds is None and op.schema <= SCHEMA:
                raise BadInput("There is no table {table}", table=op.table, field="table")
            check_op(op, kinds)
            hlc = observe(hlc, join.last_of(op, kinds), self._now_us)
        session, entries, lost, later = Session(self._shelf), [], [], []
        bridged = list[conflicts.Bridged]()
        session.load((op.table, op.row) for op in ops)
        for op in ops:
            hlc = tick(hlc, self._now_us)
            outcome = session.apply(op, judge=_judge_of(op.table), decided_hlc=hlc)
            lost += [(op, loss) for loss in outcome.losses]
            bridged += [(op, *each) for each in outcome.bridged]
            entries.append(self._log_entry(op, outcome.verdicts))
            if outcome.unknown:
                later.append({"replica": op.replica, "op": canonical({**op.to_json(), "fields": outcome.unknown})})
        self._shelf.set_here(hlc=hlc)
        self._shelf.append(entries)
        self._shelf.later(later)
        self._settle(session, lost, conflicts.known_after_all(bridged, ops))
        if session.erased:
            from app.engine.sync.erase import forget

            forget(self._shelf, session.erased, self._now_us)

    def _settle(self, session: Session, lost: list[tuple[Op, Loss]], known: list[str]) -> None:
        """Write what lost, settle conflicts `known` to be none, have rows go that others with one unique key were before."""
        own = conflicts.record(self._shelf, session, lost, now_us=self._now_us)
        own += conflicts.withdraw(self._shelf, session, known, now_us=self._now_us)
        yielded = session.flush()
        self._log_own(own)
        if yielded:
            from app.engine.sync.twins import delete_twins

            again = Session(self._shelf)
            self._log_own(delete_twins(self._shelf, again, yielded, now_us=self._now_us))
            again.flush()

    def _log_entry(self, op: Op, verdicts: dict[str, Any]) -> Row:
        return {
            "replica": op.replica, "seq": op.seq, "left_count": op.left, "table_name": op.table, "row_id": op.row,
            "at_us": self._now_us, "op": op.text, "verdicts": canonical(verdicts) if verdicts else "",
        }  # fmt: skip

    def _log_own(self, ops: list[Op]) -> None:
        self._shelf.append([self._log_entry(op, {}) for op in ops])
        if ops:
            self._shelf.forget_own(ops[-1].seq)

    def absorb(self) -> None:
        """Number and log what was written at this hub itself; what it decides is decided."""
        if not self._shelf.has_own():
            return
        while seal(self._shelf):
            pass
        replica = replica_of(self._shelf)
        while texts := self._shelf.own_texts(0, _SLICE, PAGE_BYTES):  # what is cut of a transaction follows next round
            ops = [Op.from_text(text, replica) for text in texts]
            session, entries, lost = Session(self._shelf), [], list[tuple[Op, Loss]]()
            session.load((op.table, op.row) for op in ops)
            for op in ops:
                verdicts = _own_verdicts(op, self._shelf)
                outcome = session.apply(op, verdicts=verdicts)
                if GONE in outcome.verdicts:  # written over a row that was let go of
                    session.state((op.table, op.row)).row = None
                    lost += [(op, loss) for loss in outcome.losses]
                entries.append(self._log_entry(op, verdicts | outcome.verdicts))
            self._shelf.append(entries)
            self._shelf.forget_own(ops[-1].seq)
            conflicts.record(self._shelf, session, lost, now_us=self._now_us)  # numbered in the next round
            session.flush()

    # pull

    def page(
        self,
        replica: str,
        device: str,
        after: int,
        epoch: str,
        most: int = PAGE,
        *,
        seen: int | None = None,
        whole: bool = False,
    ) -> dict[str, Any]:
        """Return what came after entry `after`, whole transactions only, own operations left out unless they were judged.

        `seen` is how far that replica has it for good, `after` if left out: it may ask ahead. `whole`: nothing is left out.
        """  # fmt: skip
        seen = after if seen is None else min(seen, after)
        self.absorb()
        if epoch != self.epoch:
            raise Conflict("The hub was restored since: its epoch is {epoch}", epoch=self.epoch, field="epoch")
        entry = self._entry(replica, device, within_us=_HEARD_US)
        head = self._head()
        answer = {"schema": 1, "epoch": self.epoch, "head": head, "now_us": self._now_us, "ops": [], "cursor": after}
        answer["data_schema"] = SCHEMA
        answer |= {"acked": entry["acked"], "durable": entry["durable"]}
        if after < self._meta["floor"]:
            return {**answer, "snapshot": True}
        if after > head:
            raise Conflict("Entry {after} has not been written yet", after=after, field="after")
        most = min(max(most, 1), PAGE)
        page = self._page((after, most - after % most), head)  # up to a multiple: the same for whoever comes from elsewhere
        answer |= {"ops": page.told_to(replica, whole=whole), "cursor": page.cursor}
        if seen > int(entry["cursor"]):
            self._shelf.put("sync_replicas", {"id": replica, "cursor": seen})
        return answer

    def _page(self, place: Place, head: int) -> Page:
        """Return the page of a place: what was read once for another console, or anew."""
        era = (self.epoch, scrubbed(self._shelf)) if self._pages is not None else ("", 0)
        if self._pages is not None and (kept := self._pages.find(era, place)) is not None:
            return kept
        page = page_of(self._shelf.log(*place, PAGE_BYTES), place)
        if page.cursor < head:
            self.read = (era, place, page)
        return page

    def snapshot(self, after: Key, most: int = PAGE) -> dict[str, Any]:
        """Return the next rows with their cells, deleted ones too; a cursor at `head` of the first page goes on from there."""
        if not after[0]:
            self.absorb()
        found = self._shelf.whole(after, min(max(most, 1), PAGE), PAGE_BYTES)
        rows = [line for line in (join.line_of(*each) for each in found) if line]
        last = list(found[-1][0]) if found else None
        hlc = int(self._shelf.here()["hlc"])
        told = {"schema": 1, "data_schema": SCHEMA, "epoch": self.epoch, "head": self._head()}
        return {**told, "hlc": hlc, "rows": rows, "next": last}

    # care

    def compact(self, *, keep_us: int, expire_us: int, tombstone_us: int) -> dict[str, int]:
        """Drop what every live replica has seen and is old enough, and tombstones nobody can need; returns what is left.

        A replica silent for `expire_us` no longer holds the log back; when it comes it takes a snapshot.
        """
        replicas = self._shelf.all("sync_replicas")
        for row in replicas:
            if row["state"] == LIVE and row["seen_us"] < self._now_us - expire_us:
                row["state"] = EXPIRED
                self._shelf.put("sync_replicas", row)
        for row in forgettable([row for row in replicas if row["state"] == EXPIRED], self._now_us, expire_us):
            if not row["acked"] or not self._shelf.has_written(row["id"]):
                self._shelf.remove("sync_replicas", row["id"])
        cursors = [int(row["cursor"]) for row in replicas if row["state"] == LIVE]
        floor = self._shelf.compact(min(cursors, default=self._head()), self._now_us - keep_us)
        if floor > self._meta["floor"]:
            self._set_meta(floor=floor)
        dead = self._shelf.dead(self._now_us - tombstone_us) if cursors or not replicas else []
        session = Session(self._shelf)
        session.load(dead)
        told = []
        for key in dead:
            state = session.state(key)
            stays, gone = join.STAYS in state.cells, {GONE: state.cells.get(GONE) or list(state.stamp("deleted_us"))}
            state.row, state.cells = None, gone
            told += [] if stays else [(key, {join.WHOLE: {"row": None, "cells": gone}})]
        session.flush()
        if told:  # consoles let go of it too, each where it stands in the log
            hand_over(self._shelf, told, self._now_us)
        return {"floor": int(self._meta["floor"]), "head": self._head(), "purged": len(dead)}

    def acked(self) -> dict[str, int]:
        """Return how far every replica is known."""
        return {str(row["id"]): int(row["acked"]) for row in self._shelf.all("sync_replicas")}

    def backed_up(self, acked: dict[str, int]) -> None:
        """Note that a backup holds these replicas' operations up to these numbers: devices may let go of them."""
        for replica, seq in acked.items():
            row = self._shelf.get("sync_replicas", replica)
            if row is not None and seq > row["durable"]:
                self._shelf.put("sync_replicas", {"id": replica, "durable": min(seq, int(row["acked"]))})

    def restored(self, *, pieced: bool = False) -> str:
        """Begin a new epoch after a restore, so that devices hand over again what the backup does not hold.

        Of a store that was `pieced` together nobody knows what is missing where: its log counts for nothing, so everybody
        takes a snapshot and gives back whatever this hub has written.
        """
        self.lead()
        epoch, head, hlc = sealing.fresh_name(), self._head(), int(self._shelf.here()["hlc"])
        if pieced:
            self._set_meta(floor=head)
            head, hlc = 0, 0
        past = [*self._meta.get("past", []), [epoch, head, hlc]][-_PAST:]
        self._set_meta(epoch=epoch, restored_head=head, restored_hlc=hlc, past=past)
        for row in self._shelf.all("sync_replicas"):
            self._shelf.put("sync_replicas", {"id": row["id"], "durable": min(int(row["durable"]), int(row["acked"]))})
        return self.epoch


def replicas_in(shelf: Shelf) -> tuple[list[Row], str]:
    """Return the replicas that a hub in this store knows, and its epoch; nothing where there is none."""
    hub = shelf.get("meta", META)
    return (shelf.all("sync_replicas"), str(hub["value"]["epoch"])) if hub else ([], "")


def is_hub(shelf: Shelf) -> bool:
    """Tell whether this store is a hub's, served at present or once."""
    return shelf.get("meta", META) is not None


def _judge_of(table: str) -> Any:
    return lambda column, now, before, after: guards.refusal(table, column, now, before, after)


def _own_verdicts(op: Op, shelf: Shelf) -> dict[str, Any]:
    kinds = shelf.kinds(op.table) or {}
    return {
        column: {"at": op.hlc, "ok": True, "value": value["to"], "reason": ""}
        for column, value in op.fields.items()
        if kinds.get(column) == "guarded" and isinstance(value, dict)
    }

"""Our own log, begun anew where its replica id is no longer ours alone, stamped anew where our clock was wrong."""

from dataclasses import replace
from typing import Any, Final

from app.engine.store.rows import Row
from app.engine.store.shelf import Key, Shelf
from app.engine.sync import join, restamp, sealing
from app.engine.sync.hlc import DRIFT_US, Stamp
from app.engine.sync.join import STAYS, WHOLE
from app.engine.sync.ops import BY, FIRST_CHAIN, WAS, Op
from app.engine.sync.residency import staying
from app.engine.sync.restamp import Moved
from app.engine.sync.sealing import keep, replica_of
from app.engine.sync.session import Session

HUB: Final = "hub"
BUNDLE: Final = "bundle"  # another console, whose bundles are taken
COMPARE: Final = "compare"  # in a peer's state: this hub may lack what was let go of
LACKS: Final = "lacks"  # in the state of a console that takes our bundles: what it lacks is kept by the hub alone by now
COPIED: Final = "copied"  # in a peer's state: that our log is somebody else's too, as seen at the last meeting
SET_BACK: Final = "set_back"  # in a hub's state: that this store was set back here, and the hub is to find out
FORK: Final = "fork"
TWIN: Final = "twin"
_PAGE: Final = 2000


class OwnLog:
    """Our own operations, in one transaction, as the hub `peer` stands to them."""

    def __init__(self, shelf: Shelf, peer: str) -> None:
        self._shelf, self._peer = shelf, peer

    def ops(self, after: int, most: int = 10_000_000) -> list[Op]:
        """Return our operations after number `after`."""
        replica = replica_of(self._shelf)
        return [Op.from_text(text, replica) for text in self._shelf.own_texts(after, most)]

    def let_go_after(self, acked: int) -> bool:
        """Tell whether operations after number `acked` were let go of, for a backup of a hub had held them."""
        kept, here = self._shelf.own(acked, 1), self._shelf.here()
        return int(kept[0]["seq"] if kept else here["seq"] + 1) > acked + 1

    def let_go(self) -> None:
        """Let go of what every hub we know holds in a backup."""
        hubs = [peer for peer in self._shelf.all("sync_peers") if peer["kind"] == HUB]
        self._shelf.forget_own(min((int(peer["durable"]) for peer in hubs), default=0))

    def begin_anew(self, after: int) -> None:
        """Go on under a new replica id: what was not handed over yet is handed over under it, with stamps of its own.

        So is what was written while its table stays, for whoever goes on under the old id may have given the same stamps away.
        What the hub has and a console that takes our bundles has not stands before it, under the stamps it was given.
        """
        old, apart, own = replica_of(self._shelf), self._apart(), self.ops(after)
        owed = [op for op in self.ops(min(self._known_to_consoles(), default=after)) if op.seq <= after]
        peer = self._shelf.get("sync_peers", self._peer) or {"state": {}}
        known, fresh = int(peer["state"].get("hlc", 0)), self._rename()
        marks = join.stamps_in([cells[STAYS] for cells in apart.values()])
        told = join.stamps_in([op.fields[WHOLE]["cells"] for op in own if WHOLE in op.fields])  # what may travel again
        moved = {at: (at[0], fresh) for at in (*marks, *(one for one in told if one[0] > known)) if at[1] == old}
        keep(self._shelf, _as_they_were(owed, fresh), FIRST_CHAIN, 0)
        self._rewrite(
            [replace(op, replica=fresh, seq=at) for at, op in enumerate(own, len(owed) + 1)],
            moved | {op.stamp: (op.hlc, fresh) for op in own if BY not in op.extra}, apart,
        )  # fmt: skip

    def begin_behind(self) -> None:
        """Go on under a new replica id, for a hub that lacks what was let go of: our log begins anew with what is kept of it.

        Nothing of that is stamped anew, so whoever knows it already takes it for what it is.
        """
        own, fresh = self.ops(0), self._rename()
        keep(self._shelf, _as_they_were(own, fresh), FIRST_CHAIN, 0)

    def _known_to_consoles(self) -> list[int]:
        """Return up to which number each console that takes our bundles has what we wrote under our present name."""
        ours = replica_of(self._shelf)
        return [_known_to(peer, ours) for peer in self._shelf.all("sync_peers") if peer["kind"] == BUNDLE]

    def _rename(self) -> str:
        """Take a new replica id, with no operations; other hubs have what they lack handed over by rows.

        It is noted which of the consoles that take our bundles lack what is kept here no longer: their log begins anew.
        """
        old, fresh = replica_of(self._shelf), sealing.fresh_name()
        for peer in self._shelf.all("sync_peers"):
            if peer["kind"] == BUNDLE and self.let_go_after(_known_to(peer, old)):
                self._shelf.put("sync_peers", {"id": peer["id"], "state": {**peer["state"], LACKS: True}})
        self._shelf.forget_own(int(self._shelf.here()["seq"]))
        self._shelf.set_here(replica=fresh, seq=0, chain=FIRST_CHAIN)
        for peer in self._shelf.all("sync_peers"):
            if peer["kind"] == HUB and peer["id"] != self._peer:
                state = {**peer["state"], "chain": FIRST_CHAIN, COMPARE: True}
                self._shelf.put("sync_peers", {"id": peer["id"], "acked": 0, "durable": 0, "state": state})
        return fresh

    def mind_clock(self, peer: Row, hub_us: int, now_us: int, acked: int, chain: str) -> None:
        """Go by the hub's clock when ours is wrong by more than a stamp may be, and stamp anew what went too far ahead."""
        skew_us = hub_us - now_us
        skew_us = 0 if abs(skew_us) <= DRIFT_US else skew_us
        here, bound = self._shelf.here(), hub_us + DRIFT_US
        if skew_us != here["skew_us"]:
            self._shelf.set_here(skew_us=skew_us)
        if here["hlc"] <= bound:
            return
        kept = self.ops(0)
        own = [op for op in kept if op.seq > acked]
        seen = {op.stamp: list(op.seen.values()) for op in own if BY not in op.extra or op.hlc > bound}
        apart = self._apart(bound)
        for cells in (*(op.fields[WHOLE]["cells"] for op in own if WHOLE in op.fields), *apart.values()):
            for at in join.stamps_in(cells):
                if at[0] > bound:
                    seen.setdefault(at, [])
            for at, had in join.seen_in(cells):
                if at in seen:
                    seen[at].append(had)
        hlc = max([int(peer["state"].get("hlc", 0)), *(op.hlc for op in kept if op.seq <= acked)])
        ahead = max((at[0] for at in seen), default=0) - hub_us
        moved = dict[Stamp, Stamp]()
        for at in sorted(seen):
            before = max((one[0] for one in seen[at] if one not in moved), default=0)
            hlc = max(hlc + 1, before + 1, at[0] - ahead if at[0] > bound else at[0])
            moved[at] = (hlc, at[1])
        self._shelf.drop_own(acked)
        self._shelf.set_here(seq=acked, chain=chain, hlc=max(hlc, hub_us))
        self._rewrite([replace(op, hlc=moved.get(op.stamp, op.stamp)[0]) for op in own], moved, apart)

    def _apart(self, bound: int = 0) -> dict[Key, dict[str, Any]]:
        """Return the cells of rows that were changed here while their table stays, where stamps are later than `bound`."""
        found: dict[Key, dict[str, Any]] = {}
        for table in sorted(staying(self._shelf)):
            at: Key = (table, "")
            while page := [(key, each) for key, each in self._shelf.page(at, _PAGE) if key[0] == table]:
                at = page[-1][0]
                for key, (_, cells) in page:
                    if STAYS in cells and any(at[0] > bound for at in join.stamps_in(cells)):
                        found[key] = cells
        return found

    def _rewrite(self, ops: list[Op], moved: Moved, keys: Any = ()) -> None:
        """Put `ops` in the place of our own operations, and new stamps in the place of old ones, in the rows `keys` too."""
        session, rest, was = Session(self._shelf), [], {new: old for old, new in moved.items()}
        counted: dict[tuple[str, str, str], Any] = {}
        found = dict.fromkeys([*((op.table, op.row) for op in ops), *keys])
        session.load(found)
        for key in found:
            state = session.state(key)
            state.cells = restamp.moved_in(state.cells, moved)
        for op in ops:
            state, kinds = session.state((op.table, op.row)), self._shelf.kinds(op.table) or {}
            fields = restamp.fields_of(op, kinds, moved, state.cells, counted, was=was.get(op.stamp, op.stamp))
            seen = {name: moved.get(at, at) for name, at in op.seen.items()}
            rest.append(replace(op, fields=fields, seen=seen, extra=_without(op, WAS)))
        keep(self._shelf, rest, str(self._shelf.here()["chain"]), 0)
        session.flush()


def _known_to(peer: Row, ours: str) -> int:
    return int(peer["acked"]) if peer["state"].get("replica") == ours else 0


def _as_they_were(ops: list[Op], replica: str) -> list[Op]:
    """Return operations as the first ones of a log under another name, with the stamps that they have."""
    return [replace(op, replica=replica, seq=at, extra={**_without(op, WAS), BY: op.writer}) for at, op in enumerate(ops, 1)]


def _without(op: Op, name: str) -> dict[str, Any]:
    return {known: value for known, value in op.extra.items() if known != name}

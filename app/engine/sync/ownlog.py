"""Our own log, begun anew where its replica id is no longer ours alone, stamped anew where our clock was wrong."""

from typing import Any, Final

from app.engine.store.rows import Row
from app.engine.store.shelf import Shelf
from app.engine.sync import rewriting, sealing
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.ops import BY, FIRST_CHAIN, Op
from app.engine.sync.records import BUNDLE, HUB
from app.engine.sync.sealing import heard_of, mark_of, replica_of

COMPARE: Final = "compare"  # in a peer's state: this hub may lack what was let go of
AHEAD: Final = "ahead"  # in a hub's state: after which time nothing counts that came from a wrong clock otherwise than by it
MOVED: Final = "moved"  # in a hub's state: since when each replica that sticks told of has given its writes other times
BY_STICK: Final = "by_stick"  # in a hub's state: that pages of it came on a stick, by our clock and no better one
MET_US: Final = "met_us"  # in a hub's state: what time it was there when it was met last
PLACE: Final = "place"  # in a peer's state: the head of a snapshot's first page, where to go on, what pages are taken for
CARRIED: Final = "carried"  # in the state of a console whose bundles are taken: the latest time they spoke of
LACKS: Final = "lacks"  # in the state of a console that takes our bundles: what it lacks is kept by the hub alone by now
COPIED: Final = "copied"  # in a peer's state: that our log is somebody else's too, as seen at the last meeting
SET_BACK: Final = "set_back"  # in a hub's state: that this store was set back here, and the hub is to find out
FORK: Final = "fork"
TWIN: Final = "twin"


class OwnLog:
    """Our own operations, in one transaction, as the hub `peer` stands to them.

    To be written anew is begun here, and done at once where there is little; see `rewriting.py`.
    """

    def __init__(self, shelf: Shelf, peer: str) -> None:
        self._shelf, self._peer = shelf, peer

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing of it is still to be written anew."""
        return not mark_of(self._shelf)

    def ops(self, after: int, most: int) -> list[Op]:
        """Return our operations after number `after`."""
        replica = replica_of(self._shelf)
        return [Op.from_text(text, replica) for text in self._shelf.own_texts(after, most)]

    def time_of(self, seq: int) -> dict[str, int]:
        """Return {"hlc": when our operation number `seq` was written}, nothing where it is not kept."""
        found = self.ops(seq - 1, 1) if seq else []
        return {"hlc": found[0].hlc} if found and found[0].seq == seq else {}

    def let_go_after(self, acked: int) -> bool:
        """Tell whether operations after number `acked` were let go of, for a backup of a hub had held them."""
        kept, here = self._shelf.own(acked, 1), self._shelf.here()
        return int(kept[0]["seq"] if kept else here["seq"] + 1) > acked + 1

    def let_go(self) -> None:
        """Let go of what every hub we know holds in a backup."""
        hubs = [peer for peer in self._shelf.all("sync_peers") if peer["kind"] == HUB]
        self._shelf.forget_own(min((int(peer["durable"]) for peer in hubs), default=0))

    def begin_anew(self, after: int, *, apply: bool = False) -> None:
        """Go on under a new replica id: what was not handed over yet is handed over under it, with stamps of its own.

        So is what was written while its table stays, for whoever goes on under the old id may have given the same stamps away.
        What the hub has and a console that takes our bundles has not stands before it, under the stamps it was given. To
        `apply` it makes rows again that were lost.
        """
        known, start = self._known_upto(after), min([after, *self._known_to_consoles()])
        self._rename(start, after=after, known=known, apart=["", ""], apply=apply)

    def begin_behind(self, after: int = 0) -> None:
        """Go on under a new replica id, for a hub that lacks what was let go of: our log begins anew with what is kept of it.

        So it does behind number `after` for a hub that has forgotten us. Nothing of that is stamped anew, so whoever knows it
        already, as of a stick, takes it for what it is.
        """
        start = min([after, *self._known_to_consoles()])
        self._rename(start, after=int(self._shelf.here()["seq"]), known=0, apart=None, apply=False)

    def _known_upto(self, after: int) -> int:
        """Return the time of the last stamp under our present name that whoever has operations up to `after` can know."""
        peer = self._shelf.get("sync_peers", self._peer) or {"acked": 0, "state": {}}
        last, following = (self.ops(after - 1, 1) if after else []), self.ops(after, 1)
        known = int(peer["state"].get("hlc", 0)) if after and after == peer["acked"] else 0
        if last and last[0].seq == after:
            known = 0 if BY in last[0].extra else last[0].hlc
        elif after and not known:
            known = following[0].hlc - 1 if following else int(self._shelf.here()["hlc"])
        if following and BY not in following[0].extra:
            known = min(known, following[0].hlc - 1)
        return known

    def _known_to_consoles(self) -> list[int]:
        """Return up to which number each console that takes our bundles has what we wrote under our present name."""
        ours = replica_of(self._shelf)
        return [known_to(peer, ours) for peer in self._shelf.all("sync_peers") if peer["kind"] == BUNDLE]

    def _rename(self, start: int, **how: Any) -> None:
        """Take a new replica id and begin to write the log after number `start` under it; other hubs are handed rows.

        It is noted which of the consoles that take our bundles lack what is kept here no longer: their log begins anew.
        """
        old, fresh, upto = replica_of(self._shelf), sealing.fresh_name(), int(self._shelf.here()["seq"])
        for peer in self._shelf.all("sync_peers"):
            if peer["kind"] == BUNDLE and self.let_go_after(known_to(peer, old)):
                self._shelf.put("sync_peers", {"id": peer["id"], "state": {**peer["state"], LACKS: True}})
        self._shelf.forget_own(start)
        self._shelf.set_here(replica=fresh, seq=0, chain=FIRST_CHAIN)
        for peer in self._shelf.all("sync_peers"):
            if peer["kind"] == HUB and peer["id"] != self._peer:
                state = {**peer["state"], "chain": FIRST_CHAIN, COMPARE: True}
                self._shelf.put("sync_peers", {"id": peer["id"], "acked": 0, "durable": 0, "state": state})
        mark = {"kind": "name", "old": old, "fresh": fresh, "at": start, "upto": upto, "seq": 0}
        rewriting.begin(self._shelf, mark | how)

    def mind_clock(self, peer: Row, hub_us: int, now_us: int, acked: int, chain: str) -> None:
        """Go by the hub's clock when ours is wrong by more than a stamp may be, and stamp anew what went too far ahead."""
        skew_us = hub_us - now_us
        skew_us = 0 if abs(skew_us) <= DRIFT_US else skew_us
        here, bound = self._shelf.here(), hub_us + DRIFT_US
        shift_us = int(here["skew_us"]) - skew_us  # by how much what we went by so far is later than this hub's
        if shift_us:
            self._shelf.set_here(skew_us=skew_us)
        if here["hlc"] <= bound:
            return
        hlc = max(int(peer["state"].get("hlc", 0)), self.time_of(acked).get("hlc", 0))
        known = self._shelf.get("sync_peers", self._peer)
        if known is not None and known["state"].get(BY_STICK):  # what they brought met what we had stamped ahead, and gave way
            self._shelf.put("sync_peers", {"id": self._peer, "state": {**known["state"], COMPARE: True, PLACE: {}}})
        rewriting.begin(self._shelf, {
            "kind": "clock", "phase": "look", "hub_us": hub_us, "bound": bound, "acked": acked, "chain": chain, "hlc": hlc,
            "at": acked, "upto": here["seq"], "apart": ["", ""], "next": [0, ""], "heard": min(heard_of(self._shelf), bound),
            "shift": shift_us,
        })  # fmt: skip


def known_to(peer: Row, ours: str) -> int:
    """Return up to which number another console has what we wrote under the name `ours`."""
    return int(peer["acked"]) if peer["state"].get("replica") == ours else 0

"""The verbs of sync: join a hub, exchange with it now and then, say how things stand, resolve what met."""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Missing, Offline, OutpostError
from app.engine.base.events import SyncFinished
from app.engine.base.funnel import as_outpost_error
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.link.records import Peer
from app.engine.link.service import Link
from app.engine.store import capture, rows
from app.engine.store.care import DUE
from app.engine.store.shelf import Shelf
from app.engine.sync import copied, records
from app.engine.sync.again import tried
from app.engine.sync.backups import Backups
from app.engine.sync.calling import Calling
from app.engine.sync.conflicts import TABLE as CONFLICTS
from app.engine.sync.exchange import PUSH_BYTES, Asking, Exchange, Tally
from app.engine.sync.finishing import finish
from app.engine.sync.followers import Followers
from app.engine.sync.hub import Hub, is_hub, replicas_in
from app.engine.sync.inbox import Inbox
from app.engine.sync.keeping import Keeping
from app.engine.sync.later import retry_later
from app.engine.sync.records import HEARD, HUB, LINK, SHORT, SyncPeer, callers_of, only, peer_of, with_heard
from app.engine.sync.rewriting import numbered, settled
from app.engine.sync.sealing import SCHEMA, mark_of
from app.engine.sync.standing import glance, pending_in, standing_in
from app.engine.sync.sticks import Sticks
from app.wire.documents import parse_object
from app.wire.identity import PublicIdentity

log = logging.getLogger(__name__)

_PEERS: Final = "sync_peers"
_FIRST_S: Final = 1.0
_PART_S: Final = 10  # of what a budget allows, at once
_LEAST_BYTES: Final = 64 << 10
_BREATH_S: Final = 0.5  # of a pause that a budget asks for, until the budget is looked at again
_MOVED: Final = "If the hub has another address or port by now, join it again: outpost sync join ADDRESS CODE"
_LIMIT_S: Final = 60.0  # for one answer


class SyncService:
    """One home's sync: its peers and the conflicts that wait for a person."""

    def __init__(self, base: Base, link: Link) -> None:
        self._base, self._link = base, link
        self.peers: Records[SyncPeer] = Records(lambda peer: peer.id, "peer")
        self.calling = Calling(base)
        self.callers = self.calling.records
        self._heard: set[str] = set()  # peers of whom more was heard than stands in the store
        self.busy = ""
        self._owed: dict[str, float] = {}  # bytes that the link to a peer is still to be given time for
        self.host: Any = None  # the hub that this engine serves, while it does
        self.turn = asyncio.Lock()  # of whoever exchanges, over the network or by a stick
        self._loop: asyncio.Task[None] | None = None
        self.followers = Followers()
        self.sticks = Sticks(base, link, self)
        self.keeping = Keeping(base, self.followers)
        self.inbox = Inbox(base, self.followers)
        self.backups = Backups(base, lambda: self.host is not None)

    async def start(self) -> None:
        """Finish what a restore began, load peers and conflicts, apply what an older version could not, begin to exchange."""
        now_us = self._base.clock.now_us()
        if await self._base.store.read(lambda conn: Shelf(conn).get("meta", DUE)) is not None:
            await numbered(self._base.store)
            await settled(self._base.store, lambda conn: finish(conn, now_us))
        await self._base.store.write(_retry)
        await self._load()
        await self.calling.load()
        self.followers.follow({CONFLICTS: self._load})
        self._loop = asyncio.get_running_loop().create_task(self._every(), name="sync")

    async def stop(self) -> None:
        """Exchange no more."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        await tried(log, "peers", self.keep_heard)
        await tried(log, "callers", partial(self.calling.keep, at_once=True))
        await self.followers.stop()

    # peers

    async def join(self, address: str, code: str, *, actor: str, cause: str) -> dict[str, Any]:
        """Pair with the hub at `address` that shows `code`; from now on changes are exchanged with it."""
        _ = actor, cause
        if await self._base.store.read(lambda conn: is_hub(Shelf(conn))):
            raise Conflict(
                "This home is a hub, and hands on to no other one", hint="Join from another home: outpost --home DIR sync join"
            )
        paired = await self._link.pair(address, code)
        known = await self._base.store.read(lambda conn: Shelf(conn).get(_PEERS, paired.identity.device_id))
        row = {
            "id": paired.identity.device_id, "kind": HUB, "name": paired.identity.name, "address": paired.address,
            "identity": paired.identity.to_json(), "error": "", "state": copied.met_anew(known["state"] if known else {}),
        }  # fmt: skip
        await self._put_peer(row)
        return self.peers.need(paired.identity.device_id).to_json()

    async def keep_peer(self, row: dict[str, Any]) -> None:
        """Keep a peer that was paired with, such as a console that joined this hub."""
        await self._put_peer(row)

    def heard(self, peer_id: str, *, received: int = 0, sent: int = 0) -> None:
        """Note that a console of this hub was heard; written now and then."""
        peer = self.peers.get(peer_id)
        if peer is not None:
            now_us = self._base.clock.now_us()
            got, gave = peer.received_bytes + received, peer.sent_bytes + sent
            self.peers.put(replace(peer, synced_us=now_us, tried_us=now_us, received_bytes=got, sent_bytes=gave))
            self._heard.add(peer_id)

    async def keep_heard(self) -> None:
        """Write down what was heard of peers since it was last written down."""
        heard, self._heard = self._heard, set()
        known = [peer for peer in map(self.peers.get, sorted(heard)) if peer is not None]
        told = [{name: getattr(peer, name) for name in ("id", *HEARD)} for peer in known]

        def work(conn: rows.Conn) -> None:
            shelf = Shelf(conn)
            for row in told:
                if shelf.get(_PEERS, row["id"]) is not None:
                    shelf.put(_PEERS, row)

        try:
            if told:
                await self._base.store.write(work)
        except OutpostError:
            self._heard |= heard
            raise

    async def epoch(self) -> str:
        """Return the epoch of the hub in this home."""
        now_us = self._base.clock.now_us()

        def work(conn: rows.Conn) -> str:
            with capture.quiet(conn):
                return Hub(Shelf(conn), now_us).epoch

        return await self._base.store.write(work)

    async def leave(self, key: str) -> dict[str, Any]:
        """Exchange no longer with a peer; what came from it stays."""
        peer = self.find(key)
        await self._base.store.write(lambda conn: rows.delete(conn, _PEERS, peer.id, actor="", cause="", now_us=0))
        self.peers.discard(peer.id)
        self.calling.take(peer.id, [])
        return peer.to_json()

    def find(self, key: str) -> SyncPeer:
        """Return a peer by id (its beginning will do), name or address; raise `Missing` for none, `BadInput` for several."""
        begun = len(key) >= SHORT
        found = [
            peer for peer in self.peers if key in (peer.id, peer.name, peer.address) or (begun and peer.id.startswith(key))
        ]
        if not found:
            raise Missing("There is no peer {name}", name=key, field="peer")
        return only([peer for peer in found if peer.id == key] or found, key)

    # exchange

    async def now(self) -> dict[str, Any]:
        """Exchange with every hub now; raises what kept it from that when no hub could be reached."""
        hubs = self._in_turn()
        if not hubs:
            raise Missing("No hub is known", hint="Join one: outpost sync join ADDRESS CODE")
        told, failed = [], None
        for peer in hubs:
            try:
                tally = await self.exchange(peer)
            except OutpostError as error:
                failed = error
                nothing = {"sent_count": 0, "taken_count": 0, "sent_bytes": 0, "received_bytes": 0}
                told.append({"peer": peer.name, "device": peer.id, "error": str(error), **nothing})
            else:
                told.append({
                    "peer": peer.name, "device": peer.id, "sent_count": tally.sent_count, "taken_count": tally.taken_count,
                    "error": "", "sent_bytes": tally.sent_bytes, "received_bytes": tally.received_bytes,
                })  # fmt: skip
        if failed is not None and all(one["error"] for one in told):
            raise failed
        return {"peers": told, "pending_count": await self.pending_count()}

    async def exchange(self, peer: SyncPeer) -> Tally:
        """Exchange with one hub until both have the same; one exchange at a time."""
        async with self.turn:
            clock = self._base.clock
            row = await self._base.store.read(lambda conn: copied.need_peer(Shelf(conn), peer.id, peer.name))
            await self._link.identity()
            transport = self._link.transport(Peer(peer.id, row["address"], PublicIdentity.from_json(row["identity"])))

            async def ask(method: str, target: str, body: bytes = b"", /) -> bytes:
                kind = {"Content-Type": "application/octet-stream"}
                return (await transport.send(method, target, body=body, headers=kind, limit_s=_LIMIT_S)).body

            going = Exchange(
                self._base.store, clock, peer.id, ask, partial(self._pace, peer.id), elsewhere=self._link.elsewhere,
                part_bytes=self._part_bytes(peer.id),
            )  # fmt: skip
            self.busy, problem, done = peer.id, "", False
            try:
                tally = await going.run(str(self._base.settings["user.name"]))
                await self._hear(peer, ask)
                done = True
                return tally
            except Offline as error:
                problem, error.hint_source = str(error), error.hint_source or _MOVED
                raise
            except Exception as error:
                problem = str(as_outpost_error(error))
                raise
            finally:
                self.busy = ""
                self._owed[peer.id] = self._owed.get(peer.id, 0.0) + going.owed
                await transport.close()
                await self._note(peer, going.tally, problem, done=done)

    async def renew(self, *, keep: bool = False) -> None:
        """Have the next start make keys of its own for this home, the copy of another; raise `Conflict` for a hub.

        `keep` has it keep those it has: from now on it is at home on this machine.
        """
        now_us = self._base.clock.now_us()
        if keep:
            await self._link.settle()
            await self._base.store.write(lambda conn: copied.unmark(Shelf(conn)))
        else:
            await self._base.store.write(lambda conn: copied.mark(Shelf(conn), now_us=now_us, asked=True))

    async def _hear(self, peer: SyncPeer, ask: Asking) -> None:
        """Take over which nodes called the hub; one of an earlier version knows of none."""
        try:
            document = parse_object(await ask("GET", "/sync/nodes"))
        except Missing:
            return
        self.calling.take(peer.id, callers_of(document, peer.id, self._base.clock.now_us()))

    async def _note(self, peer: SyncPeer, tally: Tally, problem: str, *, done: bool) -> None:
        """Note how an exchange ended; of one that was broken off neither that it was done nor why it was not."""
        now_us = self._base.clock.now_us()
        row = await self._base.store.read(lambda conn: Shelf(conn).get(_PEERS, peer.id))
        if row is None:
            return
        changed = {
            "id": peer.id, "tried_us": now_us, "sent_bytes": row["sent_bytes"] + tally.sent_bytes,
            "received_bytes": row["received_bytes"] + tally.received_bytes,
        }  # fmt: skip
        ended = {"error": problem} if problem else {"error": "", "synced_us": now_us} if done else {}
        await self._put_peer(changed | ended)
        self.followers.changed(tally.tables)
        await self.followers.settled()
        if tally.sent_count or tally.taken_count or problem != peer.error:
            self._base.bus.publish(SyncFinished(
                at_us=now_us, actor="sync", peer_id=peer.id, name=peer.name, sent_count=tally.sent_count,
                taken_count=tally.taken_count, detail=problem,
            ))  # fmt: skip

    async def _pace(self, peer_id: str, size: int) -> None:
        """Wait while the link to a peer carries `size` bytes more; a limit that is changed meanwhile counts from then on."""
        self._owed[peer_id] = self._owed.get(peer_id, 0.0) + size
        while left_s := self.pause_s(peer_id, self._owed[peer_id]):
            now_s = self._base.clock.monotonic_s()
            await asyncio.sleep(min(left_s, _BREATH_S))
            paid = self._owed[peer_id] * (self._base.clock.monotonic_s() - now_s) / left_s
            self._owed[peer_id] = max(0.0, self._owed[peer_id] - paid)
        self._owed[peer_id] = 0.0

    def pause_s(self, peer_id: str, size: float) -> float:
        """Return how long `size` bytes keep the link to a peer: the lesser of its own budget and that of all links holds."""
        budget = self._budget(peer_id)
        return size / budget if budget else 0.0

    def _budget(self, peer_id: str) -> int:
        """Return how many bytes a second the link to a peer may carry, 0 without a bound."""
        peer = self.peers.get(peer_id)
        return min(
            (most for most in (int(self._base.settings["sync.bytes_s"]), peer.bytes_s if peer else 0) if most), default=0
        )

    def _part_bytes(self, peer_id: str) -> int:
        """Return how much is to go with one request: no more than the budget holds in a few seconds."""
        budget = self._budget(peer_id)
        return min(PUSH_BYTES, max(_LEAST_BYTES, budget * _PART_S)) if budget else PUSH_BYTES

    def _in_turn(self) -> list[SyncPeer]:
        """Return the hubs in the order they are exchanged with: the greater priority first."""
        return sorted((peer for peer in self.peers if peer.kind == HUB), key=lambda peer: -peer.priority)

    async def limit(self, key: str, *, bytes_s: int | None, priority: int | None) -> dict[str, Any]:
        """Set what the link to a hub may carry, and its turn; what is None stays. Raises `BadInput` for any other peer."""
        peer = self.find(key)
        if peer.kind != HUB and (bytes_s or priority):
            raise BadInput(
                "{name} is no hub of this home, and only the link to a hub is limited here", name=peer.name, field="peer",
                hint="A console limits its own link to its hub: outpost sync limit there. Sticks go by no link.",
            )  # fmt: skip
        told = {
            "bytes_s": peer.bytes_s if bytes_s is None else bytes_s,
            "priority": peer.priority if priority is None else priority,
        }

        def work(conn: rows.Conn) -> rows.Row:
            row = rows.need(conn, _PEERS, peer.id)
            changed = {"id": peer.id, "state": {**row["state"], LINK: told}}
            return rows.put(conn, _PEERS, changed, actor="", cause="", now_us=0)

        self.peers.put(with_heard(peer_of(await self._base.store.write(work)), peer))
        return self.peers.need(peer.id).to_json()

    async def _every(self) -> None:
        wait_s, left = _FIRST_S, [_retry]  # once more, where a log that was half written kept it from that at the start
        while True:
            await asyncio.sleep(wait_s)
            wait_s = float(self._base.settings["sync.cadence_s"])
            await tried(log, "stamps", lambda: settled(self._base.store, left.pop() if left else _look))
            await tried(log, "backup", self.backups.keep_up, usual=(Offline,))
            await tried(log, "peers", self.keep_heard)
            await tried(log, "callers", self.calling.keep)
            if self.keeping.due:
                await tried(log, "retention", self.keeping.retain, usual=(Offline,))
            for peer in self._in_turn():
                await tried(log, peer.name, partial(self.exchange, peer), usual=(Offline,))

    # how things stand

    async def pending_count(self) -> int:
        """Return how many changes no hub has yet."""
        return await self._base.store.read(pending_in)

    async def glance(self) -> dict[str, Any]:
        """Return the few figures of sync that are told everywhere: what waits, what is open, when a hub was last reached."""
        return {**await self._base.store.read(glance), "hub_busy": bool(self.busy)}

    async def look(self) -> list[dict[str, Any]]:
        """Return how we stand with every peer, as plain JSON; consoles of this hub as they stand in its store."""
        replicas, epoch = await self._base.store.read(lambda conn: replicas_in(Shelf(conn)))
        for peer in [*self.peers]:
            if (told := records.with_replica(peer, replicas, epoch)) != peer:
                self.peers.put(told)
        return [peer.to_json() for peer in self.peers]

    async def status(self) -> dict[str, Any]:
        """Return who we are to others, what waits, and how we stand with every peer."""
        here, pending, oldest, undecided, opened, copy = await self._base.store.read(standing_in)
        return {
            "device": self._link.device_id, "replica": here["replica"], "schema": SCHEMA, "pending_count": pending,
            "oldest_pending_us": oldest,
            "conflicts_count": opened, "busy": bool(self.busy),
            "clock_skew_s": here["skew_us"] / 1e6, "hub": self.host.status() if self.host is not None else None,
            "peers": await self.look(), "backup": await self.backups.look(), "undecided": undecided,
            "copy": copy, "elsewhere": self._link.elsewhere, "damage": str(self._base.store.damage or ""),
        }  # fmt: skip

    async def _put_peer(self, row: dict[str, Any]) -> None:
        put = await self._base.store.write(lambda conn: rows.put(conn, _PEERS, row, actor="", cause="", now_us=0))
        self.peers.put(with_heard(peer_of(put), self.peers.get(row["id"])))

    async def _load(self) -> None:
        peers = await self._base.store.read(lambda conn: rows.select(conn, _PEERS))
        for row in [row for row in peers if row["kind"] == HUB and not (row["name"] or row["identity"])]:
            # An earlier version made it where a hub was left during an exchange with it.
            await self._base.store.write(partial(rows.delete, table=_PEERS, id=row["id"], actor="", cause="", now_us=0))
            peers.remove(row)
        self.peers.replace_all([with_heard(peer_of(row), self.peers.get(row["id"])) for row in peers])
        await self.inbox.load()


def _retry(conn: rows.Conn) -> int:
    with capture.quiet(conn):
        shelf = Shelf(conn)
        return 0 if mark_of(shelf) else retry_later(shelf)


def _look(_conn: rows.Conn) -> int:
    return 0

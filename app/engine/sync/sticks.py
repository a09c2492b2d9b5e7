"""The verbs of a stick: bundles for a hub, a console of it or another console, and the cards by which consoles are known."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.engine.base.errors import Conflict, Missing
from app.engine.jobs.base import Base
from app.engine.link.service import Link
from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.store.threads import in_thread
from app.engine.sync import carry, copied
from app.engine.sync.batch import encode, pack
from app.engine.sync.conflicts import TABLE as CONFLICTS
from app.engine.sync.hlc import DRIFT_US
from app.engine.sync.records import BUNDLE, HUB, SyncPeer
from app.engine.sync.rewriting import settled
from app.wire.bundles import Bundle, BundleWriter, read_bundle
from app.wire.identity import PublicIdentity

if TYPE_CHECKING:
    from app.engine.sync.service import SyncService

T = TypeVar("T")
_PEERS: Final = "sync_peers"
_PARTS: Final = 1  # of a bundle that are taken in one transaction
_MEETINGS: Final = 6


class Sticks:
    """What one home carries; `sync` knows its peers, and the hub that is served here."""

    def __init__(self, base: Base, link: Link, sync: "SyncService") -> None:
        self._base, self._link, self._sync = base, link, sync

    async def card(self, file: Path) -> dict[str, Any]:
        """Write who this console is, for another console that is to take its bundles; the device id is what to compare."""
        public = (await self._link.identity()).public
        await in_thread(partial(carry.write_card, file, public), "card")
        return {"file": str(file), "device": public.device_id, "name": public.name}

    async def trust(self, file: Path, device: str) -> dict[str, Any]:
        """Take bundles from the console whose card is in `file` if its device id is `device`; raise `Refused` if not."""
        public = await in_thread(partial(carry.read_card, file, device), "card")
        known = self._sync.peers.get(device)
        if device == self._link.device_id or (known is not None and known.kind != BUNDLE):
            raise Conflict("{name} is known already", name=public.name, field="file")
        row = {"id": device, "kind": BUNDLE, "name": public.name, "identity": public.to_json(), "error": ""}
        await self._sync.keep_peer(row)
        if known is not None:
            await self._on_shelf(lambda shelf: carry.make_up(shelf, device))
        return self._sync.peers.need(device).to_json()

    async def export(self, file: Path, key: str) -> dict[str, Any]:
        """Write what a peer lacks into a bundle signed by this console or hub; `key` names the peer, empty the only one."""
        peer = self._sync.find(key) if key else next(iter(self._sync.peers), None)
        if peer is None:
            raise Missing("No hub is known", hint="Join one: outpost sync join ADDRESS CODE")
        now_us = self._base.clock.now_us()
        identity = await self._link.identity()
        async with self._sync.turn:
            writer = await in_thread(partial(BundleWriter, file), "bundle")
            try:
                body = await (self._of_console if peer.kind in (HUB, BUNDLE) else self._of_hub)(peer, now_us, writer)
                size = await in_thread(partial(writer.close, identity, "sync", body, at_us=now_us), "bundle")
            finally:
                writer.drop()
        return {"file": str(file), "size_bytes": size, "peer": peer.name, "parts": body["count"]}

    async def _of_console(self, peer: SyncPeer, now_us: int, writer: BundleWriter) -> dict[str, Any]:
        """Read what a hub or another console lacks, a transaction for each part, which is packed and written between two.

        Returns the body of the bundle.
        """
        name, count, batch = str(self._base.settings["user.name"]), 0, None

        def begun(shelf: Shelf) -> dict[str, Any]:
            copied.need_peer(shelf, peer.id, peer.name)
            known = {"known": carry.known_to_us(shelf, peer.id, now_us)} if peer.kind == BUNDLE else {}
            return {**carry.card_of(shelf, peer.id, name), **known}

        body = await self._on_shelf(begun)
        while count < carry.MOST_PARTS:
            batch = await self._on_shelf(lambda shelf, behind=batch: carry.next_batch(shelf, peer.id, now_us, behind))  # type: ignore[misc]
            if batch is None:
                break
            await in_thread(partial(_write, writer, count, encode, batch), "bundle")
            count += 1
        return {**body, "count": count}

    async def _of_hub(self, peer: SyncPeer, now_us: int, writer: BundleWriter) -> dict[str, Any]:
        """Read what a console lacks in the same way."""
        count, page, term = 0, None, self._term

        def begun(shelf: Shelf) -> dict[str, Any]:
            copied.need_peer(shelf, peer.id, peer.name)
            return carry.greeting(shelf, peer.id, now_us, term=term)

        body = await self._on_shelf(begun)
        while count < carry.MOST_PARTS:
            page = await self._on_shelf(
                lambda shelf, behind=page: carry.next_page(shelf, body, now_us, behind, term=term)  # type: ignore[misc]
            )
            if page is None:
                break
            await in_thread(partial(_write, writer, count, pack, page), "bundle")
            count += 1
        return {**body, "count": count}

    async def take(self, file: Path) -> dict[str, Any]:
        """Take a bundle that a peer wrote for this device, some parts at a time: nothing of it twice.

        All of it is what was signed before any of it is taken; what a kill cuts off comes when the file is taken again.
        """
        stored = await self._base.store.read(lambda conn: rows.select(conn, _PEERS))
        known = {row["id"]: PublicIdentity.from_json(row["identity"]) for row in stored if row["identity"]}
        bundle = await in_thread(partial(read_bundle, file, "sync", known.get), "bundle")
        device = (await self._link.identity()).public.device_id
        peer, count = self._sync.peers.need(bundle.signer), carry.check(bundle.body, device)
        size = await in_thread(lambda: sum(len(bundle.read(name)) for name in carry.names(count)), "bundle")
        now_us = self._base.clock.now_us()
        try:
            async with self._sync.turn:
                taken = await self._take_parts(peer, bundle, carry.names(count), now_us)
        except Conflict as error:
            if error.field == "hlc":
                await self._mind_clock(peer, bundle, now_us)
            raise
        got = peer.received_bytes + size
        told = {"error": ""} if peer.kind == BUNDLE else {}  # what stood there was that it knows our keys no more
        await self._sync.keep_peer({"id": peer.id, "synced_us": now_us, "received_bytes": got, **told})
        await self._sync.followers.settled()
        return {"peer": peer.name, "as_of_us": bundle.at_us, "taken_count": taken}

    async def _take_parts(self, peer: SyncPeer, bundle: Bundle, names: list[str], now_us: int) -> int:
        taken = 0
        for at in range(0, max(len(names), 1), _PARTS):
            parts = await in_thread(partial(_opened, bundle, names[at : at + _PARTS], of_hub=peer.kind == HUB), "bundle")
            count, tables = await self._take_some(peer, bundle, parts, now_us)
            taken += count
            self._sync.followers.changed({CONFLICTS, *tables})
        return taken

    async def _take_some(
        self, peer: SyncPeer, bundle: Bundle, parts: Sequence[carry.Part], now_us: int
    ) -> tuple[int, set[str]]:
        for _ in range(_MEETINGS):
            told = await self._on_shelf(lambda shelf: self._taken(shelf, peer, bundle, parts, now_us))
            if told is not None:
                return told
        raise Conflict("The hub holds another log under our name", field="fork")

    def _taken(
        self, shelf: Shelf, peer: SyncPeer, bundle: Bundle, parts: Sequence[carry.Part], now_us: int
    ) -> tuple[int, set[str]] | None:
        copied.need_peer(shelf, peer.id, peer.name)
        if peer.kind == HUB:
            told = carry.to_console(shelf, peer.id, bundle.body, parts, now_us)
            if self._link.elsewhere:
                copied.look(shelf, peer.id, now_us)
            return told
        if peer.kind == BUNDLE:
            return carry.to_peer(shelf, peer.id, bundle.body, parts, now_us)
        return carry.to_hub(shelf, peer.id, bundle.body, parts, now_us, term=self._term)

    async def _mind_clock(self, peer: SyncPeer, bundle: Bundle, now_us: int) -> None:
        """Note by how much a console's clock is ahead whose bundle this hub cannot take, where the bundle shows it; say so."""
        ahead_us = bundle.at_us - now_us
        if peer.kind in (HUB, BUNDLE) or ahead_us <= DRIFT_US:
            return
        await self._on_shelf(
            lambda shelf: carry.note_ahead(shelf, peer.id, bundle.body, now_us, ahead_us=ahead_us, term=self._term)
        )
        raise Conflict(
            "The clock of {name} is {ahead_s} s ahead of this one", name=peer.name, ahead_s=round(ahead_us / 1e6), field="hlc",
            hint="Export a bundle for it here, have it take that, and export anew there: it then goes by this hub's time.",
        )  # fmt: skip

    async def _on_shelf(self, step: Callable[[Shelf], T]) -> T:
        def work(conn: rows.Conn) -> T:
            with capture.quiet(conn):
                return step(Shelf(conn))

        return await settled(self._base.store, work)

    @property
    def _term(self) -> int | None:
        """Return the token by which the hub that is served here leads its store; None while none is served."""
        return None if self._sync.host is None else self._sync.host.term


def _write(writer: BundleWriter, place: int, packed: Callable[[T], bytes], told: T) -> None:
    writer.add(carry.name_of(place), packed(told))


def _opened(bundle: Bundle, names: Sequence[str], *, of_hub: bool) -> list[carry.Part]:
    return [carry.opened(bundle.read(name), of_hub=of_hub) for name in names]

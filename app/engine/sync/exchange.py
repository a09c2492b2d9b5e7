"""One exchange with a hub over HTTPS: meet, take a snapshot if one is due, hand over, take over, until both have the same.

Each step is one request and one transaction, so it goes on where it was cut. A full exchange ends with cursor = head.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

from app.engine.base.clock import Clock
from app.engine.base.errors import Conflict, OutpostError, Refused
from app.engine.base.garbage import uncollected
from app.engine.store import capture
from app.engine.store.rows import Conn
from app.engine.store.shelf import Key, Shelf
from app.engine.store.store import Store
from app.engine.store.threads import in_thread
from app.engine.sync import copied
from app.engine.sync.batch import MOST_PLAIN_BYTES, Batch, encode, unpack
from app.engine.sync.console import Console
from app.engine.sync.hub import PAGE
from app.engine.sync.rewriting import numbered, settled
from app.engine.sync.sealing import SCHEMA, replica_of
from app.wire.documents import parse_object, to_bytes, whole_of

T = TypeVar("T")
PUSH_OPS: Final = 5000
PUSH_BYTES: Final = 4 << 20
_FEW: Final = 50  # entries, or rows, of the smallest page
_AGAIN: Final = ("epoch", "fork", "place")
_MEETINGS: Final = 6


class Asking(Protocol):
    """What carries a request to the hub and returns its answer's body."""

    async def __call__(self, method: str, target: str, body: bytes = b"", /) -> bytes:
        """Send one request; raise what the hub's problem says."""


@dataclass
class Tally:
    """What one exchange came to."""

    sent_count: int = 0
    taken_count: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    tables: set[str] = field(default_factory=set)


class Exchange:
    """One console and one hub, from hello to equal; `pace` is told the bytes of the request before each, and may wait.

    `elsewhere`: this is not the machine that the console's keys were made on. `part_bytes`: about as much, before it is
    compressed, goes with one request.
    """

    def __init__(
        self, store: Store, clock: Clock, peer: str, ask: Asking, pace: Callable[[int], Any], *, elsewhere: bool = False,
        part_bytes: int = PUSH_BYTES,
    ) -> None:  # fmt: skip
        self._store, self._clock, self._peer, self._ask, self._pace = store, clock, peer, ask, pace
        self._elsewhere, self._part_bytes = elsewhere, part_bytes
        self._page_rows = max(PAGE * part_bytes // PUSH_BYTES, _FEW)
        self.tally, self.owed = Tally(), 0  # bytes that are still to be paused for
        self._coming: asyncio.Task[dict[str, Any]] | None = None

    async def run(self, name: str) -> Tally:
        """Exchange everything; a hub that was restored, or a log that is not ours, is met once more.

        Raises `Refused` with the field `copied` where this disk turns out to be a copy of another machine's.
        """
        try:
            await self._once(name)
        except Conflict as error:
            if error.field not in _AGAIN:
                raise
            await self._once(name)
        except Refused as error:  # of a backup from before this disk had keys of its own
            if error.field != "replica":
                raise
            await self._here(lambda console: console.go_by_another_name())
            await self._once(name)
        return self.tally

    async def _once(self, name: str) -> None:
        replica, due = await self._met(name)
        if due:
            await numbered(self._store)
            await self._snapshot()
        await self._push()
        await self._pull(replica)

    async def _met(self, name: str) -> tuple[str, bool]:
        """Meet the hub, again where our log went on under another name or was stamped anew; return our name, what is due."""
        now_us = self._clock.now_us()
        for _ in range(_MEETINGS):
            replica = await settled(self._store, lambda conn: replica_of(Shelf(conn)))
            told = {"schema": 1, "replica": replica, "name": name, "data_schema": SCHEMA}
            try:
                hello = parse_object(await self._send("POST", "/sync/hello", to_bytes(told)))
            except OutpostError:
                await numbered(self._store)  # what waits for weeks is ready when the hub is there again
                raise
            due, whole, after = await self._taken_word(hello)
            if self._elsewhere and await self._store.write(lambda conn: copied.look(Shelf(conn), self._peer, now_us)):
                raise copied.refused()
            if whole and after == replica:
                return replica, due
        raise Conflict("The hub holds another log under our name", field="fork")

    async def _taken_word(self, hello: dict[str, Any]) -> tuple[bool, bool, str]:
        """Take the hub's word; return whether a snapshot is due, whether our log is whole, and our name by now."""

        def taken(console: Console) -> tuple[bool, bool, str]:
            return console.met(hello), console.is_whole, console.replica

        told = await self._here(lambda console: taken(console) if console.goes_on(hello) else None)
        if told is not None:
            return told
        await numbered(self._store)  # our log begins anew, and all that waits has to stand in it
        return await self._here(taken)

    async def _push(self) -> None:
        """Hand over batch by batch; the next one is numbered and made while the hub merges the one before."""
        batch, body = await self._next_batch(None)
        while batch is not None:
            sending = asyncio.create_task(self._send("POST", "/sync/push", body), name="sync-push")
            try:
                coming = await self._next_batch(batch)
                answer = parse_object(await sending)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            await self._here(lambda console, answer=answer: console.receipt(answer))  # type: ignore[misc]
            self.tally.sent_count += len(batch.ops)
            batch, body = coming if whole_of(answer, "acked") == batch.last else await self._next_batch(None)

    async def _next_batch(self, behind: Batch | None) -> tuple[Batch | None, bytes]:

        def step(console: Console) -> tuple[Batch | None] | None:
            more = console.number(PUSH_OPS, behind)  # a slice in a transaction, for others wait meanwhile
            return None if more else (console.outgoing(PUSH_OPS, self._part_bytes, behind),)

        while (told := await self._here(step)) is None:
            pass
        (batch,) = told
        return batch, b"" if batch is None else await in_thread(lambda: encode(batch), "sync-encode")

    async def _pull(self, replica: str) -> None:
        """Take over page by page; the next one is asked for while the one before is applied."""
        page = await self._first_page(replica)
        while True:
            if page.get("snapshot"):
                await self._snapshot()
                page = await self._first_page(replica)
                continue
            cursor = whole_of(page, "cursor")
            more = cursor < whole_of(page, "head")
            coming = self._page(replica, cursor, whole_of(page, "after"), str(page["epoch"])) if more else None
            await self._take(coming, lambda console, page=page: console.take_page(page))  # type: ignore[misc]
            self.tally.taken_count += len(page["ops"])
            if self._coming is None:
                return
            page = await self._coming

    async def _first_page(self, replica: str) -> dict[str, Any]:
        peer = await self._store.read(lambda conn: copied.need_peer(Shelf(conn), self._peer, self._peer))
        return await self._page(replica, int(peer["cursor"]), int(peer["cursor"]), str(peer["epoch"]))

    async def _page(self, replica: str, after: int, seen: int, epoch: str) -> dict[str, Any]:
        """Return what came after entry `after`; up to `seen` everything stands here for good."""
        asked = {"replica": replica, "after": after, "seen": seen, "epoch": epoch, "limit": self._page_rows}
        page = await self._unpacked(await self._send("GET", f"/sync/pull?{urlencode(asked)}"))
        return {**page, "after": after}

    async def _take(self, coming: Coroutine[Any, Any, dict[str, Any]] | None, step: Callable[[Console], list[str]]) -> None:
        """Apply a page while the next one is on its way, which `_coming` then is."""
        self._coming = None if coming is None else asyncio.create_task(coming, name="sync-coming")
        async with self._or_none():
            self.tally.tables.update(await self._here(step))

    @contextlib.asynccontextmanager
    async def _or_none(self) -> AsyncIterator[None]:
        """Have nothing be on its way any more where this breaks off."""
        try:
            yield
        except BaseException:
            if self._coming is not None:
                self._coming.cancel()
                await asyncio.gather(self._coming, return_exceptions=True)
            raise

    async def _snapshot(self) -> None:
        """Take over rows as they stand, from where a cut left off; the next page is on its way while one is applied."""
        page = await self._rows(await self._here(lambda console: list(console.place)))
        while True:
            after = page.get("next")
            coming = self._rows(after) if after is not None else None
            await self._take(coming, lambda console, page=page: console.take_snapshot(page))  # type: ignore[misc]
            async with self._or_none():
                await self._rest(page)
            self.tally.taken_count += len(page["rows"])
            if self._coming is None:
                return
            page = await self._coming

    async def _rest(self, page: dict[str, Any]) -> None:
        """Hand over what the hub lacks of the rows that a page would tell of, where that is looked for."""
        behind: Key | None = (page["after"][0], page["after"][1])
        while behind is not None:
            behind = await self._here(lambda console, start=behind: console.left_out(page, start))  # type: ignore[misc]

    async def _rows(self, after: list[str]) -> dict[str, Any]:
        asked = {"table": after[0], "row": after[1], "limit": self._page_rows}
        page = await self._unpacked(await self._send("GET", f"/sync/snapshot?{urlencode(asked)}"))
        return {**page, "after": after}

    async def _send(self, method: str, target: str, body: bytes = b"") -> bytes:
        owed, self.owed = self.owed, 0
        waiting = self._pace(owed)  # for what came before, which is applied by now: a cut in the pause repeats nothing
        if asyncio.iscoroutine(waiting):
            await waiting
        answer = await self._ask(method, target, body)
        self.tally.sent_bytes += len(body)
        self.tally.received_bytes += len(answer)
        self.owed += len(body) + len(answer)
        return answer

    async def _unpacked(self, data: bytes) -> dict[str, Any]:
        return await in_thread(lambda: unpack(data, most_bytes=MOST_PLAIN_BYTES), "sync-decode")

    async def _here(self, step: Callable[[Console], T]) -> T:
        now_us = self._clock.now_us()

        def work(conn: Conn) -> T:
            with uncollected(), capture.quiet(conn):
                copied.need_peer(Shelf(conn), self._peer, self._peer)  # it may have been left meanwhile
                return step(Console(Shelf(conn), self._peer, now_us))

        return await settled(self._store, work)

"""Homes on real stores, and the verbs of both sides of sync on them."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from app.engine.store import capture, rows
from app.engine.store.shelf import Shelf
from app.engine.sync.batch import decode, encode
from app.engine.sync.console import Console
from app.engine.sync.hub import Hub
from app.engine.sync.records import HUB
from app.engine.sync.rewriting import settled
from app.engine.sync.sealing import SCHEMA, replica_of

BY = {"actor": "ann@1", "cause": ""}


class Place:
    """One home's store, and the verbs of both sides on it."""

    def __init__(self, store, clock):
        self.store, self.clock = store, clock

    async def hub(self, step, term=None):
        return await self._quiet(lambda shelf: step(Hub(shelf, self.clock.now_us(), term)))

    async def console(self, step, peer="hub"):
        """Do a console's step towards a peer: a hub that it has joined, where nothing else was said."""

        def work(shelf):
            if shelf.get("sync_peers", peer) is None:
                shelf.put("sync_peers", {"id": peer, "kind": HUB})
            return step(Console(shelf, peer, self.clock.now_us()))

        return await self._quiet(work)

    async def _quiet(self, step):
        def work(conn):
            with capture.quiet(conn):
                return step(Shelf(conn))

        return await settled(self.store, work)

    async def save(self, table="saved_views", **row):
        now_us = self.clock.now_us()
        return await self.store.write(lambda conn: rows.put(conn, table, row, now_us=now_us, **BY))

    async def all(self, table="saved_views", **where):
        return await self.store.read(lambda conn: rows.select(conn, table, where=where or None))

    async def replica(self):
        return await self._quiet(replica_of)

    async def count(self, table):
        return await self.store.read(lambda conn: rows.count(conn, table))


def put_file(source, folder):
    """Put a copy of a store into a folder of its own; return where."""
    folder.mkdir()
    return Path(shutil.copy(source, folder / "outpost.db"))


async def meet(hub, console, device, peer="hub"):
    replica = await console.replica()
    hello = await hub.hub(lambda one: one.hello(replica, device, device, SCHEMA))
    due, whole = await console.console(lambda one: (one.met(hello), one.is_whole), peer)
    again = not whole or await console.replica() != replica
    return await meet(hub, console, device, peer) if again else due


async def snapshot(hub, console, most=100, peer="hub"):
    page = {"next": await console.console(lambda one: one.place, peer)}
    while page["next"] is not None:
        at = tuple(page["next"])
        page = await hub.hub(lambda one, at=at: {**one.snapshot(at, most), "after": at})
        await console.console(lambda one, page=page: one.take_snapshot(page), peer)
        while at is not None:
            at = await console.console(lambda one, page=page, at=at: one.left_out(page, at), peer)


async def push(hub, console, device, most=100, peer="hub"):
    while (batch := await console.console(lambda one: one.outgoing(most, 1 << 20), peer)) is not None:
        answer = await hub.hub(lambda one, batch=batch: one.receive(decode(encode(batch)), device))
        await console.console(lambda one, answer=answer: one.receipt(answer), peer)


async def pull(hub, console, device, most=100, peer="hub"):
    replica = await console.replica()
    while True:
        row = await console.console(lambda one: one.peer, peer)
        page = await hub.hub(lambda one, row=row: one.page(replica, device, row["cursor"], row["epoch"], most))
        if page.get("snapshot"):
            return page
        await console.console(lambda one, page=page: one.take_page(page), peer)
        if page["cursor"] >= page["head"]:
            return page


async def exchange(hub, console, device, most=100, peer="hub"):
    if await meet(hub, console, device, peer):
        await snapshot(hub, console, most, peer)
    await push(hub, console, device, most, peer)
    return await pull(hub, console, device, most, peer)


async def batch_of(hub, console, device="ann"):
    await meet(hub, console, device)
    return await console.console(lambda one: one.outgoing(100, 1 << 20))


def spoil(path, table):
    """Overwrite the middle leaf of a table's tree with noise."""
    with contextlib.closing(sqlite3.connect(path)) as raw:
        size = raw.execute("PRAGMA page_size").fetchone()[0]
        pages = raw.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,)).fetchall()
    with path.open("r+b") as file:
        file.seek((pages[len(pages) // 2][0] - 1) * size)
        file.write(b"\x5a" * size)

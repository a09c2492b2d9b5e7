"""The one writer: a thread that owns the only writing connection and commits what the loop hands it, in order.

Work that piled up is committed together, each piece in a savepoint of its own: one fsync for many writes, and a piece
that fails takes nobody with it. A waiter hears of success only after COMMIT.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from app.engine.base.errors import Conflict
from app.engine.base.intent import INTENT
from app.engine.store import capture
from app.engine.store.database import BUSY_MS
from app.engine.store.faults import cannot_write, is_broken, is_lost, is_passing, translate
from app.engine.store.threads import settle, tell

_MOST_TOGETHER = 64
_TRIES = 3  # once more, where the database gave way to another writer of its own
_WITHIN = (2, 3)  # libpq's PQTRANS_INTRANS and PQTRANS_INERROR
LOG = "log holds what was erased"  # in a connection's info: True, or "told" once people heard that it cannot be cut off
_AGAIN_S = 1.0  # until it is tried once more to cut the log off
_CUT_MS = 50  # how long readers are waited for there


@dataclass
class _Piece:
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    intent: str = ""
    result: Any = None
    error: Exception | None = None

    def hand_back(self) -> None:
        tell(self.loop, lambda: settle(self.future, self.result, self.error))


class Writer:
    """Commits pieces of work in the order given; `troubled` is told, in its thread, what the disk refuses or broke."""

    def __init__(self, engine: Engine, path: Any, troubled: Callable[[Exception], None]) -> None:
        self._engine, self._path, self._troubled = engine, path, troubled
        self._queue: queue.SimpleQueue[_Piece | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], Any]) -> Any:
        """Run `work(conn)` in a transaction and return its result once it is durable.

        `work` may be run again after a failed attempt, so it changes nothing but the store. A waiter that is cancelled
        before its turn takes its work with it; afterwards the work stands.
        """
        if self._closed:
            raise Conflict("{file} is closed", file=self._path)
        loop = asyncio.get_running_loop()
        piece = _Piece(work, loop, loop.create_future(), INTENT.get())
        self._queue.put(piece)
        return await piece.future

    def close(self) -> None:
        """Commit what is queued, then end the thread; returns when it has ended."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        with self._engine.connect() as conn:
            ended = False
            while not ended:
                pieces, ended = self._next(_AGAIN_S if LOG in conn.info else None)
                if pieces:
                    self._commit(conn, pieces)
                if LOG in conn.info:
                    self._cut_log(conn)
                for piece in pieces:
                    piece.hand_back()

    def _next(self, wait_s: float | None) -> tuple[list[_Piece], bool]:
        pieces: list[_Piece] = []
        try:
            item = self._queue.get(timeout=wait_s)
        except queue.Empty:
            return [], False
        while item is not None:
            if not item.future.cancelled():
                pieces.append(item)
            if len(pieces) >= _MOST_TOGETHER or self._queue.empty():
                return pieces, False
            item = self._queue.get()
        return pieces, True

    def _cut_log(self, conn: Connection) -> None:
        """Fold SQLite's log into the file and leave nothing of it; later, where a reader still needs it."""
        raw: Any = conn.connection.dbapi_connection
        try:
            raw.execute(f"PRAGMA busy_timeout = {_CUT_MS}")
            busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            if conn.info[LOG] is True:
                self._troubled(translate(error, self._path))
            conn.info[LOG] = "told"
        else:
            if not busy:
                del conn.info[LOG]
        finally:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    def _commit(self, conn: Connection, pieces: list[_Piece]) -> None:
        failed = self._attempt(conn, pieces)
        for _ in range(_TRIES):
            if failed is None or not is_passing(failed):
                break
            failed = self._attempt(conn, pieces)
        if failed is not None and is_lost(failed):
            for piece in pieces:  # nobody knows whether it stands, so nothing is tried again here
                piece.result, piece.error = None, translate(failed, self._path)
        elif failed is not None and len(pieces) > 1:
            # The disk refused the group, or the whole transaction was rolled back: each piece for itself.
            for piece in pieces:
                self._commit(conn, [piece])
        elif failed is not None:
            pieces[0].result, pieces[0].error = None, translate(failed, self._path)
            if cannot_write(failed) or is_broken(failed):
                self._troubled(pieces[0].error)

    def _attempt(self, conn: Connection, pieces: list[_Piece]) -> Exception | None:
        """Run the pieces in one transaction; return what made the transaction as a whole fail, or None."""
        try:
            with conn.begin():
                for piece in pieces:
                    self._run(conn, piece)
        except Exception as error:  # noqa: BLE001 - handed to the waiters, translated
            return error
        return None

    def _run(self, conn: Connection, piece: _Piece) -> None:
        conn.info.pop("txn", None)
        conn.info.pop("capture", None)
        conn.info["intent"] = piece.intent
        piece.result = piece.error = None  # of an attempt before
        savepoint = conn.begin_nested()
        try:
            piece.result = piece.work(conn)
            capture.end(conn)
        except Exception as error:
            if cannot_write(error) or is_passing(error) or not _inside(conn):
                raise
            savepoint.rollback()
            piece.error = translate(error, self._path)
            if is_broken(error):
                self._troubled(piece.error)
        else:
            savepoint.commit()


def _inside(conn: Connection) -> bool:
    if conn.invalidated or conn.closed:
        return False
    raw: Any = conn.connection.dbapi_connection
    if conn.dialect.name == "sqlite":
        return bool(raw is not None and getattr(raw, "in_transaction", False))
    return raw is not None and not raw.closed and int(raw.info.transaction_status) in _WITHIN

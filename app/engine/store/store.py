"""The store: one SQLite file, or one PostgreSQL database; one writer, a few readers; plain data in, plain data out.

Nothing here knows what is stored. Services hand in functions that use `rows`, and change their records when the
`await` returns, that is after COMMIT.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from app.engine.base.clock import Clock
from app.engine.base.errors import Conflict
from app.engine.store import care
from app.engine.store.faults import Damaged, damaged, translate
from app.engine.store.seats import Seat, seat_of
from app.engine.store.threads import in_thread, tell
from app.engine.store.writer import Writer

T = TypeVar("T")
Troubled = Callable[[Exception], None]

_READERS = 3


def _nobody(_error: Exception) -> None:
    """Hear of trouble when nobody else does: the waiter of the write gets the same error anyway."""


class Store:
    """An open state file; made by `open`, to be closed by `close`."""

    def __init__(self, seat: Seat, clock: Clock, troubled: Troubled, engine: Engine, *, unclean: bool) -> None:
        self.path, self.clock, self.unclean = seat.path, clock, unclean
        self._seat = seat
        self._troubled = troubled
        self._loop = asyncio.get_running_loop()
        self._readers = seat.readers(_READERS)
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._engine = engine
        self._writer = Writer(engine, seat.path, self._tell_trouble)
        self._checking: asyncio.Task[None] | None = None
        self._closed = False
        self.damage: Damaged | None = None  # what was met of it while the store was open

    @classmethod
    async def open(cls, path: Path, clock: Clock, troubled: Troubled = _nobody, *, database: str = "") -> "Store":
        """Open (or make) the file: refuse a newer one untouched, check it after an unclean stop, migrate it.

        `database`, the address of a PostgreSQL database, takes the place of the file. `troubled` is told, on the loop, when
        the disk refuses a write or damage is met. Raises `Conflict` for a newer, damaged or busy file, `Limit` when a
        new file cannot be written.
        """
        seat = seat_of(path, database)
        engine, unclean, check_later = await in_thread(lambda: seat.prepare(clock), "store-open")
        store = cls(seat, clock, troubled, engine, unclean=unclean)
        if check_later:
            store._checking = asyncio.get_running_loop().create_task(store._check_beside())
        return store

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn(conn)` in the writer thread, in a transaction of its own; return its result once it is durable."""
        return await self._writer.write(fn)  # type: ignore[no-any-return]

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn(conn)` in a reader thread on one snapshot of the file; it cannot write."""

        def body() -> T:
            try:
                with self._readers.connect() as conn:
                    return fn(conn)
            except Exception as error:
                told = translate(error, self.path)
                if isinstance(told, Damaged):
                    self._tell_trouble(told)
                raise told from error

        try:
            work = self._pool.submit(body)
        except RuntimeError:
            raise Conflict("{file} is closed", file=self.path) from None
        return await asyncio.wrap_future(work)

    async def close(self) -> None:
        """Commit what is queued, fold the log into the file and mark the stop as clean."""
        if self._closed:
            return
        self._closed = True
        if self._checking is not None:
            self._checking.cancel()
        await in_thread(self._close, "store-close")

    async def backup(self, target: Path) -> int:
        """Write a sound copy of the store to `target` while work goes on; return its size in bytes."""
        return await in_thread(lambda: self._seat.backup(target), "store-backup")

    async def check(self) -> list[str]:
        """Return what is wrong with the file, one line each; empty when it is sound."""

        def work() -> list[str]:
            problems = self._seat.check()
            if problems:
                self._tell_trouble(damaged(self.path, problems[0]))
            return problems

        return await in_thread(work, "store-check")

    async def size_bytes(self) -> int:
        """Return what the store takes on disk, its log included."""
        return await in_thread(self._seat.size_bytes, "store-size")

    @staticmethod
    def validate_file(path: Path) -> str:
        """Return the schema version of a file that may be restored; raise what is wrong with it."""
        return care.validate_file(path)

    @staticmethod
    async def swap(path: Path, source: Path, stamp_us: int, *, database: str = "", back: bool = False) -> Path | None:
        """Put a copy of `source` in the place of a closed store, set `back` by it or not; return where the old one is kept."""
        seat, kept = seat_of(path, database), path.with_name(f"{path.stem}-before-{stamp_us}{path.suffix}")
        return await in_thread(lambda: seat.swap_in(source, kept, back=back), "store-restore")

    @staticmethod
    async def leave(path: Path, *, database: str = "") -> None:
        """Mark a closed store as set back, for another one goes on in its place from here."""
        await in_thread(seat_of(path, database).owe, "store-leave")

    def _tell_trouble(self, error: Exception) -> None:
        """Tell the loop, from a thread of the store; of damage the place it lives in is told first."""
        if isinstance(error, Damaged) and self.damage is None:
            self._seat.note_damage()
        tell(self._loop, lambda: self._take_trouble(error))

    def _take_trouble(self, error: Exception) -> None:
        """Tell that a write failed; of damage once."""
        if isinstance(error, Damaged):
            if self.damage is not None:
                return
            self.damage = error
        self._troubled(error)

    async def _check_beside(self) -> None:
        await self.check()

    def _close(self) -> None:
        self._writer.close()
        self._pool.shutdown(wait=True)
        self._readers.dispose()
        self._engine.dispose()
        if self.damage is not None:
            self._seat.put_aside(self.clock.now_us())
        else:
            self._seat.close()

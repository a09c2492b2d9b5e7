"""The store: one SQLite file, one writer, a few readers; plain data in, plain data out.

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
from app.engine.base.platform import make_private
from app.engine.store import care, migrate
from app.engine.store.database import open_engine, problems_of
from app.engine.store.faults import is_broken, translate
from app.engine.store.threads import in_thread, tell
from app.engine.store.writer import Writer

T = TypeVar("T")
Troubled = Callable[[Exception], None]

_READERS = 3
# After an unclean stop a file up to this size is checked before it is used, a larger one beside its use.
_CHECK_FIRST_BYTES = 128 << 20


def _nobody(_error: Exception) -> None:
    """Hear of trouble when nobody else does: the waiter of the write gets the same error anyway."""


class Store:
    """An open state file; made by `open`, to be closed by `close`."""

    def __init__(self, path: Path, clock: Clock, troubled: Troubled, engine: Engine, *, unclean: bool) -> None:
        self.path, self.clock, self.unclean = path, clock, unclean
        self._troubled = troubled
        self._loop = asyncio.get_running_loop()
        self._readers = open_engine(path, writer=False, readers=_READERS)
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._engine = engine
        self._writer = Writer(engine, path, self._tell_trouble)
        self._checking: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path, clock: Clock, troubled: Troubled = _nobody) -> "Store":
        """Open (or make) the file: refuse a newer one untouched, check it after an unclean stop, migrate it.

        `troubled` is told, on the loop, when the disk refuses a write or a check finds damage. Raises `Conflict` for a
        newer, damaged or busy file, `Limit` when a new file cannot be written.
        """
        engine, unclean, check_later = await in_thread(lambda: _prepare(path, clock), "store-open")
        store = cls(path, clock, troubled, engine, unclean=unclean)
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
                raise translate(error, self.path) from error

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
        return await in_thread(lambda: care.backup(self.path, target), "store-backup")

    async def check(self) -> list[str]:
        """Return what is wrong with the file, one line each; empty when it is sound."""
        return await in_thread(lambda: problems_of(self.path, mode="rw"), "store-check")

    @staticmethod
    def validate_file(path: Path) -> str:
        """Return the schema version of a file that may be restored; raise what is wrong with it."""
        return care.validate_file(path)

    @staticmethod
    async def swap(path: Path, source: Path, stamp_us: int) -> Path | None:
        """Put a copy of `source` in the place of the closed store at `path`; return where the old one is kept."""
        return await in_thread(lambda: care.swap_in(path, source, stamp_us), "store-restore")

    def _tell_trouble(self, error: Exception) -> None:
        tell(self._loop, lambda: self._troubled(error))

    async def _check_beside(self) -> None:
        problems = await self.check()
        if problems:
            self._troubled(Conflict("{file} is damaged: {reason}", file=self.path, reason=problems[0]))

    def _close(self) -> None:
        self._writer.close()
        self._pool.shutdown(wait=True)
        self._readers.dispose()
        self._engine.dispose()
        care.fold_log(self.path)
        care.clear_mark(self.path)


def _prepare(path: Path, clock: Clock) -> tuple[Engine, bool, bool]:
    """Make the file ready for use; return its writing engine, whether the last stop was unclean, and what is left to check."""
    make_private(path.parent)
    existed = path.exists() and path.stat().st_size > 0
    if existed:
        _refuse(path, clock)
    unclean = care.set_mark(path) and existed
    large = existed and path.stat().st_size > _CHECK_FIRST_BYTES
    if unclean and not large:
        care.refuse_damaged(path, problems_of(path, mode="rw"), clock.now_us())
    engine = open_engine(path, writer=True)
    try:
        with engine.connect() as conn, conn.begin():
            migrate.upgrade(conn)
    except Exception as error:
        engine.dispose()
        if is_broken(error):
            care.refuse_damaged(path, [str(error)], clock.now_us())
        raise translate(error, path) from error
    return engine, unclean, unclean and large


def _refuse(path: Path, clock: Clock) -> None:
    """Raise for a file from a newer version (untouched) or a damaged one (a copy is kept)."""
    try:
        found = care.version_of(path)
    except Conflict as error:
        if error.__cause__ is not None and is_broken(error.__cause__):
            care.refuse_damaged(path, [str(error.__cause__)], clock.now_us())
        raise
    migrate.refuse_newer(found, path)

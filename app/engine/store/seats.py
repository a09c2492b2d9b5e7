"""Where a store lives: in a file, or in a PostgreSQL database. Only here is one told from the other."""

import logging
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Engine

from app.engine.base.clock import Clock
from app.engine.base.errors import Conflict
from app.engine.base.platform import make_private
from app.engine.store import care, migrate
from app.engine.store.database import open_engine, problems_of
from app.engine.store.faults import is_broken, translate

log = logging.getLogger(__name__)
# After an unclean stop a file up to this size is checked before it is used, a larger one beside its use, unless damage was met
# in it.
_CHECK_FIRST_BYTES: Final = 128 << 20


class Seat(Protocol):
    """What a store asks of the place it lives in; all of it blocks."""

    path: Any  # what people are told of it

    def prepare(self, clock: Clock) -> tuple[Engine, bool, bool]:
        """Make it ready; return the writing engine, whether the last stop was unclean, and whether a check is still due."""

    def readers(self, count: int) -> Engine:
        """Return an engine that reads."""

    def backup(self, target: Path) -> int:
        """Write a sound copy into a state file; return its size in bytes."""

    def swap_in(self, source: Path, kept: Path, *, back: bool = False) -> Path | None:
        """Put what a state file holds in the place of what is here, marked if that sets it back; return where that is kept."""

    def owe(self) -> None:
        """Mark what is here, which nobody uses, as set back."""

    def check(self) -> list[str]:
        """Return what is wrong, one line each."""

    def size_bytes(self) -> int:
        """Return what it takes on disk."""

    def close(self) -> None:
        """Leave it in order."""

    def note_damage(self) -> None:
        """Have it checked before it is used again, for damage was met in it."""

    def put_aside(self, stamp_us: int) -> None:
        """Leave it as damage was met in it: with a copy."""


class FileSeat:
    """An SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, clock: Clock) -> tuple[Engine, bool, bool]:
        """Make the file ready for use."""
        path = self.path
        make_private(path.parent)
        care.finish_swap(path)
        existed = path.exists() and path.stat().st_size > 0
        if existed:
            self._refuse(clock)
        met = existed and care.was_damaged(path)
        unclean = care.set_mark(path, damaged=met) and existed
        large = existed and path.stat().st_size > _CHECK_FIRST_BYTES and not met
        if unclean and not large:
            care.refuse_damaged(path, problems_of(path, mode="rw"), clock.now_us())
            care.set_mark(path)
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

    def _refuse(self, clock: Clock) -> None:
        """Raise for a file from a newer version (untouched) or a damaged one (a copy is kept)."""
        try:
            found = care.version_of(self.path)
        except Conflict as error:
            if error.__cause__ is not None and is_broken(error.__cause__):
                care.refuse_damaged(self.path, [str(error.__cause__)], clock.now_us())
            raise
        migrate.refuse_newer(found, self.path)

    def readers(self, count: int) -> Engine:
        """Return an engine that reads."""
        return open_engine(self.path, writer=False, readers=count)

    def backup(self, target: Path) -> int:
        """Write a sound copy of the live file."""
        return care.backup(self.path, target)

    def swap_in(self, source: Path, kept: Path, *, back: bool = False) -> Path | None:
        """Put a copy of `source` in the file's place."""
        return care.swap_in(self.path, source, kept, back=back)

    def owe(self) -> None:
        """Mark the file as set back."""
        care.owe(self.path)

    def check(self) -> list[str]:
        """Return what is wrong with the file."""
        return problems_of(self.path, mode="rw")

    def size_bytes(self) -> int:
        """Return the size of the file with its log."""
        beside = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(path.stat().st_size for path in beside if path.exists())

    def close(self) -> None:
        """Fold the log into the file, and mark the stop as clean."""
        care.fold_log(self.path)
        care.clear_mark(self.path)

    def note_damage(self) -> None:
        """Say so in the mark, at once: a kill may come before the file is closed."""
        care.set_mark(self.path, damaged=True)

    def put_aside(self, stamp_us: int) -> None:
        """Keep a copy of a file in which damage was met; its mark stays."""
        try:
            care.quarantine(self.path, stamp_us)
        except OSError as error:  # no room for a copy: the file itself stays as it is
            log.warning("no copy of %s: %s", self.path, error)


def seat_of(path: Path, database: str) -> Seat:
    """Return the database that is named, or the file at `path`."""
    if not database:
        return FileSeat(path)
    from app.engine.store.postgres import PostgresSeat

    return PostgresSeat(database)

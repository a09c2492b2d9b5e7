"""How the agent opens its two SQLite files: write-ahead log, durable commits, a damaged file set aside and told."""

import logging
import sqlite3
from pathlib import Path

from app.engine.base.clock import Clock

LOG = logging.getLogger(__name__)


def open_database(path: Path, schema: str, clock: Clock) -> sqlite3.Connection:
    """Return a connection in autocommit mode; a file that is no sound database is renamed and a new one begun.

    Commits are durable against power cuts (synchronous FULL), so a sequence number told is never used twice.
    """
    try:
        return _open(path, schema)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.damaged-{clock.now_us()}")
        LOG.warning("%s is damaged (%s); it is kept as %s and a new one is begun", path.name, error, aside.name)
        path.rename(aside)
        for beside in ("-wal", "-shm"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        return _open(path, schema)


def _open(path: Path, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=1048576")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("the check failed")
        connection.executescript(schema)
    except sqlite3.Error:
        connection.close()
        raise
    return connection

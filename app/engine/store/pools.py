"""A pool of SQLite connections of SQLAlchemy's kind, for who wants to steer one; this is its only home outside the store."""

import sqlite3
from typing import Any

from sqlalchemy.pool import QueuePool


def sqlite_pool(size: int, overflow: int, *, timeout_s: float) -> Any:
    """Return a `sqlalchemy.pool.QueuePool` of in-memory databases: `size` kept, `overflow` more, a wait of `timeout_s`."""
    connect: Any = lambda: sqlite3.connect(":memory:", check_same_thread=False)  # noqa: E731 - typed for the pool
    return QueuePool(connect, pool_size=size, max_overflow=max(0, overflow), timeout=timeout_s)

"""What a failing disk does to a state file of the tests."""

import contextlib
import sqlite3
from pathlib import Path

_PAGE_BYTES = 4096


def spoil(path: Path, table: str) -> None:
    """Overwrite the page that a table begins with; of a small table that is all of it."""
    with contextlib.closing(sqlite3.connect(path)) as raw:
        page = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    with path.open("rb+") as file:
        file.seek((page - 1) * _PAGE_BYTES)
        file.write(b"\xa5" * _PAGE_BYTES)

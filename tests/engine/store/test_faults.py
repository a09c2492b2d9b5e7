import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.engine.base.errors import Bug, Conflict, Limit
from app.engine.store import faults

FILE = Path("outpost.db")


def sqlite_error(code: int) -> OperationalError:
    raw = sqlite3.OperationalError("what SQLite said")
    raw.sqlite_errorcode = code
    return OperationalError("INSERT", {}, raw)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_FULL, Limit, "disk is full"),
        (sqlite3.SQLITE_IOERR_WRITE, Limit, "cannot be written"),
        (sqlite3.SQLITE_READONLY, Limit, "cannot be written"),
        (sqlite3.SQLITE_CORRUPT, faults.Damaged, "is damaged"),
        (sqlite3.SQLITE_NOTADB, faults.Damaged, "is damaged"),
        (sqlite3.SQLITE_BUSY, Conflict, "in use by another process"),
        (sqlite3.SQLITE_CONSTRAINT_UNIQUE, Conflict, "exists already"),
        (sqlite3.SQLITE_MISUSE, Bug, "what SQLite said"),
    ],
)
def test_each_complaint_of_sqlite_becomes_one_of_our_errors(code: int, kind: type[Exception], words: str) -> None:
    told = faults.translate(sqlite_error(code), FILE)
    assert type(told) is kind
    assert words in str(told)


def test_what_is_not_sqlites_passes_unchanged() -> None:
    for error in (ZeroDivisionError("x"), Limit("mine")):
        assert faults.translate(error, FILE) is error
        assert faults.code_of(error) == 0
    assert faults.cannot_write(sqlite_error(sqlite3.SQLITE_FULL))
    assert not faults.cannot_write(sqlite_error(sqlite3.SQLITE_BUSY))
    assert faults.is_broken(sqlite3.DatabaseError("plain")) is False

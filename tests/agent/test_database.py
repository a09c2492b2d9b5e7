import sqlite3

import pytest

from app.agent.database import open_database
from app.engine.base.clock import ManualClock

SCHEMA = "CREATE TABLE IF NOT EXISTS t (x)"


def test_commits_are_durable_and_readers_do_not_wait(tmp_path):
    db = open_database(tmp_path / "a.sqlite", SCHEMA, ManualClock())
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


@pytest.mark.parametrize("damage", [b"junk" * 500, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(tmp_path, damage):
    path = tmp_path / "a.sqlite"
    path.write_bytes(damage)
    db = open_database(path, SCHEMA, ManualClock(5))
    assert db.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert (tmp_path / "a.sqlite.damaged-5").read_bytes() == damage
    db.close()


def test_a_file_in_use_is_not_taken_for_damaged(tmp_path, monkeypatch):
    path = tmp_path / "a.sqlite"
    open_database(path, SCHEMA, ManualClock()).close()
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: real(*a, **{**k, "timeout": 0.0}))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_database(path, SCHEMA, ManualClock())
        other.execute("ROLLBACK")
    other.close()
    assert [entry.name for entry in tmp_path.glob("*damaged*")] == []

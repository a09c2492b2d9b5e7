import sqlite3
from pathlib import Path

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput, Conflict, Limit, Missing
from app.engine.store import care, migrate, rows
from app.engine.store.store import Store


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_mark_tells_whether_the_last_stop_was_clean(tmp_path: Path) -> None:
    path = tmp_path / "outpost.db"
    assert [care.set_mark(path), care.set_mark(path)] == [False, True]
    care.clear_mark(path)
    care.clear_mark(path)
    assert not care.set_mark(path)


async def test_a_backup_is_sound_and_stands_alone(store: Store, tmp_path: Path) -> None:
    await store.backup(tmp_path / "copy.db")
    assert care.validate_file(tmp_path / "copy.db") == migrate.revisions()[-1]
    raw = sqlite3.connect(tmp_path / "copy.db")
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    raw.close()
    assert [name for name in names(tmp_path) if "copy" in name] == ["copy.db"]


async def test_a_backup_over_an_older_one_replaces_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_bytes(b"old")
    await store.backup(tmp_path / "copy.db")
    assert care.validate_file(tmp_path / "copy.db")


async def test_a_backup_never_replaces_the_store_nor_lands_nowhere(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="store itself"):
        await store.backup(store.path)
    with pytest.raises(Missing, match="no folder"):
        await store.backup(tmp_path / "nowhere" / "copy.db")
    (tmp_path / "taken").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        await store.backup(tmp_path / "taken")
    with pytest.raises(BadInput, match="is a folder"):
        await store.backup(Path())  # what an empty word on the command line becomes
    assert [name for name in names(tmp_path) if name.startswith("taken")] == ["taken"]


def test_what_a_person_backs_up_to_is_neither_the_store_nor_among_its_keys_nor_there_already(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "identity" / "deeper").mkdir(parents=True)
    live, old = home / "outpost.db", tmp_path / "old.db"
    for file in (live, home / "outpost.db-wal", old, home / "identity" / "device.key"):
        file.write_bytes(b"there")
    (tmp_path / "elsewhere").symlink_to(home / "identity")
    (tmp_path / "link.db").symlink_to(live)
    (tmp_path / "dangling.db").symlink_to(tmp_path / "nothing")
    for target in (live, home / "outpost.db-wal", home / "outpost.db.open", home / "identity" / "device.key",
                   home / "identity" / "deeper" / "x.db", home / ".." / "home" / "identity" / "x.db",
                   tmp_path / "elsewhere" / "x.db", tmp_path / "link.db"):  # fmt: skip
        for replace in (False, True):
            with pytest.raises(BadInput, match="nor among the keys"):
                care.spare(target, live, replace=replace)
    for target in (old, tmp_path / "dangling.db"):
        with pytest.raises(Conflict, match="exists already"):
            care.spare(target, live, replace=False)
        care.spare(target, live, replace=True)
    for fresh in (tmp_path / "new.db", home / "new.db", home / "backups" / "new.db"):
        care.spare(fresh, live, replace=False)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "no state file"), (b"hello " * 400, "no state file of Outpost, or it is damaged")]
)
def test_what_is_no_state_file_is_not_restored(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        care.validate_file(tmp_path / "copy.db")


def test_a_database_of_somebody_else_is_not_restored(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "copy.db")
    raw.execute("CREATE TABLE mine (x)")
    raw.close()
    with pytest.raises(BadInput, match="no state file"):
        care.validate_file(tmp_path / "copy.db")
    with pytest.raises(Missing):
        care.validate_file(tmp_path / "none.db")


async def test_a_newer_or_damaged_backup_leaves_the_present_store_alone(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    await store.backup(copy)
    raw = sqlite3.connect(copy)
    raw.execute("UPDATE alembic_version SET version_num = '9999_future'")
    raw.commit()
    raw.close()
    await store.close()
    before = store.path.read_bytes()
    with pytest.raises(Conflict, match="newer"):
        care.swap_in(store.path, copy, tmp_path / "kept.db")
    copy.write_bytes(copy.read_bytes()[:9000])
    with pytest.raises(BadInput):
        care.swap_in(store.path, copy, tmp_path / "kept.db")
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("step", [1, 2, 3, 4])
async def test_a_kill_in_the_middle_of_a_restore_leaves_the_old_store_or_the_new_one_and_what_it_owes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    await store.backup(tmp_path / "copy.db")
    await store.write(lambda conn: rows.put(conn, "meta", {"id": "late", "value": {}}, actor="", cause="", now_us=1))
    await store.close()
    store.path.with_name(store.path.name + "-journal").write_bytes(b"")  # something beside it, which goes along
    real, left = care.os.replace, [step]

    def replace(source: Path, target: Path) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(care.os, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            care.swap_in(store.path, tmp_path / "copy.db", tmp_path / "kept.db", back=True)
    again = await Store.open(store.path, ManualClock())
    found = await again.read(lambda conn: {row["id"] for row in rows.select(conn, "meta")})
    await again.close()
    assert found == ({"late"} if step == 1 else {care.DUE})
    assert (tmp_path / "kept.db").exists() == (step > 1)


async def test_a_backup_can_be_put_where_there_is_no_store(store: Store, tmp_path: Path) -> None:
    await store.backup(tmp_path / "copy.db")
    assert care.swap_in(tmp_path / "fresh.db", tmp_path / "copy.db", tmp_path / "kept.db") is None
    assert care.validate_file(tmp_path / "fresh.db")


def test_quarantine_keeps_the_log_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "outpost.db").write_bytes(b"file")
    (tmp_path / "outpost.db-wal").write_bytes(b"log")
    kept = care.quarantine(tmp_path / "outpost.db", 7)
    assert kept.read_bytes() == b"file"
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"log"
    assert (tmp_path / "outpost.db").exists()


async def test_a_restore_onto_a_full_disk_is_told_and_leaves_the_store_as_it_was(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.backup(tmp_path / "copy.db")

    def full(_source: Path, target: Path, _mode: str) -> None:
        target.write_bytes(b"half")
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(care, "_copy", full)
    before = names(tmp_path)
    with pytest.raises(Limit, match="disk is full"):
        care.swap_in(store.path, tmp_path / "copy.db", tmp_path / "kept.db")
    assert names(tmp_path) == before


async def test_of_the_files_beside_a_store_those_are_told_that_hold_a_row_or_cannot_be_looked_into(tmp_path: Path) -> None:
    clock, by = ManualClock(), {"actor": "ann", "cause": "", "now_us": 1}
    store = await Store.open(tmp_path / "outpost.db", clock)
    (tmp_path / "backups").mkdir()
    try:
        await store.backup(tmp_path / "backups" / "without.db")
        await store.write(lambda conn: rows.put(conn, "saved_views", {"id": "a", "name": "north"}, **by))
        await store.backup(tmp_path / "outpost-before-7.db")
        await store.write(lambda conn: conn.exec_driver_sql("DELETE FROM saved_views").rowcount)
        await store.backup(tmp_path / "backups" / "said.db")  # the row is gone, what was written in it is on its way
        forgotten = {"table_name": "saved_views", "row_id": "a", "cells": '{"gone":[1,""],"erased":true}'}
        await store.write(lambda conn: rows.put_many(conn, "sync_cells", [forgotten]))
        await store.backup(tmp_path / "backups" / "erased.db")
        (tmp_path / "backups" / "torn.db").write_bytes(b"no state file" * 100)
        found = care.holding(tmp_path, store.path, "saved_views", "a")
        assert {path.name for path, _ in found} == {"outpost-before-7.db", "said.db", "torn.db"}
        assert [path.name for path, _ in care.holding(tmp_path, store.path, "saved_views", "b")] == ["torn.db"]
    finally:
        await store.close()

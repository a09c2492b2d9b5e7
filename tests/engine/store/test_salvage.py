"""Salvage: what can be read of a damaged file is saved, a backup fills it up, and nothing is told to the outbox twice."""

import sqlite3
from pathlib import Path

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import BadInput, Missing
from app.engine.store import rows
from app.engine.store.database import problems_of
from app.engine.store.salvage import newest_backup, prepare, salvage
from app.engine.store.store import Store

BY = {"actor": "ann@1", "cause": "", "now_us": 1_700_000_000_000_000}
COUNT = 3000


async def filled(path: Path, count: int = COUNT) -> None:
    store = await Store.open(path, ManualClock())

    def fill(conn: rows.Conn) -> None:
        for at in range(count):
            rows.put(conn, "circuit_runs", {"title": f"run {at}", "source": "x" * 100}, **BY)

    await store.write(fill)
    await store.close()


def damage(path: Path, table: str) -> None:
    """Overwrite some pages of one table's tree with noise."""
    with sqlite3.connect(path) as raw:
        size = raw.execute("PRAGMA page_size").fetchone()[0]
        pages = [
            row[0]
            for row in raw.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno", (table,))
        ]
    raw.close()
    with path.open("r+b") as file:
        for page in pages[len(pages) // 3 : len(pages) // 3 + 5]:
            file.seek((page - 1) * size)
            file.write(bytes(range(256)) * (size // 256))


def count(path: Path, table: str) -> int:
    with sqlite3.connect(path) as raw:
        found = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    raw.close()
    return int(found)


def has_dbstat() -> bool:
    with sqlite3.connect(":memory:") as raw:
        options = {row[0] for row in raw.execute("PRAGMA compile_options")}
    raw.close()
    return "ENABLE_DBSTAT_VTAB" in options


needs_dbstat = pytest.mark.skipif(not has_dbstat(), reason="this SQLite cannot tell which page is whose")


@needs_dbstat
async def test_all_but_what_stands_on_broken_pages_is_saved_and_a_backup_has_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "outpost.db"
    await filled(path)
    store = await Store.open(path, ManualClock())
    await store.backup(tmp_path / "backup.db")
    await store.write(lambda conn: rows.put(conn, "circuit_runs", {"title": "last"}, **BY))
    await store.close()
    damage(path, "circuit_runs")
    assert problems_of(path)

    alone = salvage(path, None, tmp_path / "alone.db")
    assert alone.torn == ["circuit_runs"]
    assert COUNT - 300 < alone.rows["circuit_runs"] < COUNT
    assert count(tmp_path / "alone.db", "circuit_runs") == alone.rows["circuit_runs"]

    both = salvage(path, tmp_path / "backup.db", tmp_path / "both.db")
    assert both.rows["circuit_runs"] + both.added["circuit_runs"] == COUNT + 1
    assert count(tmp_path / "both.db", "outbox") == COUNT + 1
    assert problems_of(tmp_path / "both.db") == []
    assert problems_of(path)  # the damaged file is as it was
    opened = await Store.open(tmp_path / "both.db", ManualClock())
    titles = await opened.read(lambda conn: {row["title"] for row in rows.select(conn, "circuit_runs")})
    await opened.write(lambda conn: rows.put(conn, "circuit_runs", {"title": "after"}, **BY))
    entries = await opened.read(lambda conn: rows.select(conn, "outbox", order="seq"))
    await opened.close()
    assert titles == {*(f"run {at}" for at in range(COUNT)), "last"}
    assert entries[-1]["fields"]["title"] == "after"


async def test_noise_from_end_to_end_leaves_the_backup_alone(tmp_path: Path) -> None:
    path = tmp_path / "outpost.db"
    await filled(path, 5)
    (tmp_path / "backups").mkdir()
    path.replace(tmp_path / "backups" / "hub-1.db")
    path.write_bytes(b"\x17" * 65536)
    assert newest_backup(tmp_path) == tmp_path / "backups" / "hub-1.db"
    assert count(prepare(path, None, None), "circuit_runs") == 5
    with pytest.raises(BadInput, match="Nothing can be read"):
        salvage(path, None, tmp_path / "none.db")
    with pytest.raises(Missing):
        salvage(tmp_path / "nowhere.db", None, tmp_path / "none.db")

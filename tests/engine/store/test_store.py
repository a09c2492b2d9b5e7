import asyncio
import contextlib
import errno
import importlib.util
import shutil
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from app.engine.base.clock import ManualClock
from app.engine.base.errors import Conflict, Limit
from app.engine.store import care, rows
from app.engine.store.store import Store
from tests.damage import spoil

BY = {"actor": "ann@1", "cause": "", "now_us": 1}
ROOT = Path(__file__).resolve().parents[3]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def add(title: str):
    return lambda conn: rows.put(conn, "qubo_runs", {"title": title}, **BY)["title"]


async def titles(store: Store) -> list[str]:
    return [row["title"] for row in await store.read(lambda conn: rows.select(conn, "qubo_runs"))]


async def test_a_file_opened_again_holds_what_was_written(tmp_path: Path, clock: ManualClock) -> None:
    store = await Store.open(tmp_path / "home" / "outpost.db", clock)
    await store.write(add("one"))
    await store.close()
    again = await Store.open(tmp_path / "home" / "outpost.db", clock)
    assert (await titles(again), again.unclean) == (["one"], False)
    await again.close()
    assert names(tmp_path / "home") == ["outpost.db"]


async def test_the_file_is_written_ahead_and_flushed_at_every_commit(store: Store) -> None:
    ask = ("PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA foreign_keys")
    assert await store.write(lambda conn: [conn.exec_driver_sql(text).scalar() for text in ask]) == ["wal", 2, 1]


async def test_a_reader_sees_one_moment_while_writes_go_on(store: Store) -> None:
    loop, began, gate = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def slow(conn: rows.Conn) -> tuple[int, int]:
        before = rows.count(conn, "qubo_runs")
        loop.call_soon_threadsafe(began.set)
        gate.wait(10)
        return before, rows.count(conn, "qubo_runs")

    reading = asyncio.ensure_future(store.read(slow))
    await asyncio.wait_for(began.wait(), 30)
    await store.write(add("meanwhile"))
    gate.set()
    assert await reading == (0, 0)
    assert await titles(store) == ["meanwhile"]


async def test_a_stop_that_was_not_clean_is_noticed_and_the_file_checked(
    store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    await store.write(add("one"))
    # The state a kill leaves behind: the file, its log and the mark.
    left = tmp_path / "left"
    shutil.copytree(tmp_path, left, ignore=shutil.ignore_patterns("left"))
    again = await Store.open(left / "outpost.db", clock)
    assert (again.unclean, await titles(again), await again.check()) == (True, ["one"], [])
    await again.close()


async def test_a_damaged_file_is_refused_and_a_copy_kept(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "outpost.db"
    store = await Store.open(path, clock)
    await asyncio.gather(*(store.write(add(f"{number}" * 50)) for number in range(400)))
    await store.close()
    data = bytearray(path.read_bytes())
    data[4096 * 5 : 4096 * 40] = b"\xa5" * (4096 * 35)
    path.write_bytes(data)
    care.set_mark(path)
    with pytest.raises(Conflict, match="is damaged") as caught:
        await Store.open(path, clock)
    copies = sorted((tmp_path / "quarantine").glob("*.db"))
    assert [copy.read_bytes() == bytes(data) for copy in copies] == [True]
    assert str(copies[0]) in str(caught.value)
    assert path.read_bytes() == bytes(data)


async def test_a_file_that_is_no_database_is_refused_and_a_copy_kept(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "outpost.db"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    with pytest.raises(Conflict, match="not a database"):
        await Store.open(path, clock)
    clock.advance(5.0)
    with pytest.raises(Conflict, match="not a database"):
        await Store.open(path, clock)
    assert len(names(tmp_path / "quarantine")) == 1  # the same damage is not kept twice


async def test_a_file_from_a_newer_version_is_refused_untouched(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "outpost.db"
    await (await Store.open(path, clock)).close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE alembic_version SET version_num = '9999_future'")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(Conflict, match="newer Outpost"):
        await Store.open(path, clock)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["outpost.db"]


async def test_a_large_file_is_checked_beside_its_use_and_damage_told(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outpost.db"
    await (await Store.open(path, clock)).close()
    care.set_mark(path)
    monkeypatch.setattr("app.engine.store.seats._CHECK_FIRST_BYTES", 10)
    monkeypatch.setattr("app.engine.store.seats.problems_of", lambda _path, **_how: ["page 7 is lost"])
    told: list[Exception] = []
    heard = asyncio.Event()

    def troubled(error: Exception) -> None:
        told.append(error)
        heard.set()

    store = await Store.open(path, clock, troubled)
    await asyncio.wait_for(heard.wait(), 30)
    assert "page 7 is lost" in str(told[0])
    await store.close()


@pytest.mark.parametrize("met_by", ["read", "write", "check"])
async def test_damage_that_is_met_after_a_clean_stop_is_told_and_refused_from_then_on(
    tmp_path: Path, clock: ManualClock, met_by: str
) -> None:
    path = tmp_path / "outpost.db"
    store = await Store.open(path, clock)
    await store.write(add("one"))
    await store.close()
    spoil(path, "qubo_runs")
    told: list[Exception] = []
    store = await Store.open(path, clock, told.append)
    assert store.damage is None
    if met_by == "check":
        assert await store.check()
    else:
        with pytest.raises(Conflict, match="is damaged") as met:
            await (store.write(add("two")) if met_by == "write" else titles(store))
        assert met.value.hint.startswith("Save what can be read: outpost store salvage")
    assert await store.check()
    assert [str(error) for error in told] == [str(store.damage)]
    await store.close()
    copies = sorted((tmp_path / "quarantine").glob("*.db"))
    assert [copy.read_bytes() for copy in copies] == [path.read_bytes()]
    with pytest.raises(Conflict, match="A copy is kept as") as refused:
        await Store.open(path, clock)
    assert str(copies[0]) in str(refused.value)


@pytest.mark.parametrize("met_by", ["read", "write", "check"])
@pytest.mark.parametrize("large", [False, True])
async def test_damage_that_was_met_before_a_kill_is_refused_at_the_next_start_however_large_the_file(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, met_by: str, large: bool
) -> None:
    if large:
        monkeypatch.setattr("app.engine.store.seats._CHECK_FIRST_BYTES", 10)
    path = tmp_path / "home" / "outpost.db"
    store = await Store.open(path, clock)
    await store.write(add("one"))
    await store.close()
    spoil(path, "qubo_runs")
    store = await Store.open(path, clock)
    if met_by == "check":
        assert await store.check()
    else:
        with pytest.raises(Conflict, match="is damaged"):
            await (store.write(add("two")) if met_by == "write" else titles(store))
    shutil.copytree(path.parent, tmp_path / "killed")  # what a kill at this moment leaves
    await store.close()
    killed = tmp_path / "killed" / "outpost.db"
    for _ in range(2):
        with pytest.raises(Conflict, match="A copy is kept as"):
            await Store.open(killed, clock)
    assert [copy.read_bytes() for copy in (tmp_path / "killed" / "quarantine").glob("*.db")] == [killed.read_bytes()]


async def test_damage_that_a_check_finds_no_more_is_forgotten(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "outpost.db"
    await (await Store.open(path, clock)).close()
    care.set_mark(path, damaged=True)
    assert care.was_damaged(path)
    store = await Store.open(path, clock)
    assert (store.unclean, store.damage, care.was_damaged(path)) == (True, None, False)
    await store.close()
    assert names(tmp_path) == ["outpost.db"]


async def test_a_damaged_file_of_which_there_is_no_room_for_a_copy_is_told_as_damaged_and_left_as_it_is(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outpost.db"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    before = path.read_bytes()

    def full(_source: Path, target: Path) -> None:
        target.write_bytes(before[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("app.engine.store.care.shutil.copy2", full)
    with pytest.raises(Conflict, match="is damaged") as told:
        await Store.open(path, clock)
    assert told.value.hint.startswith("Save what can be read: outpost store salvage")
    assert (path.read_bytes(), names(tmp_path / "quarantine")) == (before, [])


async def test_closing_twice_is_fine_and_leaves_no_thread(tmp_path: Path, clock: ManualClock) -> None:
    store = await Store.open(tmp_path / "outpost.db", clock)
    await store.read(lambda _conn: None)
    await store.close()
    await store.close()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("store-")] == []


async def test_a_backup_taken_during_writes_can_be_restored(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    await store.write(add("one"))
    writing = [asyncio.ensure_future(store.write(add(f"more {number}"))) for number in range(100)]
    size = await store.backup(tmp_path / "copy.db")
    await asyncio.gather(*writing)
    assert size == (tmp_path / "copy.db").stat().st_size
    await store.close()
    kept = await Store.swap(store.path, tmp_path / "copy.db", 42)
    assert kept is not None
    assert "42" in kept.name
    again = await Store.open(store.path, clock)
    assert "one" in await titles(again)
    assert not again.unclean
    await again.close()
    old = await Store.open(kept, clock)
    assert len(await titles(old)) == 101
    await old.close()


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A disk of four megabytes, where this process may make one."""
    place = tmp_path / "tiny"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("making a small disk needs root on Linux")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_store_on_a_full_disk_closes_opens_and_reads_and_writes_again_when_there_is_room(
    tiny_disk: Path, clock: ManualClock
) -> None:
    path = tiny_disk / "outpost.db"
    store = await Store.open(path, clock)
    kept: list[str] = []

    async def until_full() -> None:
        while True:
            kept.append(await store.write(add(f"{len(kept)}" + "x" * 3000)))

    with pytest.raises(Limit, match="disk is full"):
        await until_full()
    assert await titles(store) == kept
    await store.close()
    fill(tiny_disk / "ballast")
    again = await Store.open(path, clock)
    assert await titles(again) == kept
    with pytest.raises(Limit):
        await again.write(add("y" * 9000))
    await again.close()
    grow(tiny_disk)
    last = await Store.open(path, clock)
    await last.write(add("room"))
    assert await titles(last) == [*kept, "room"]
    await last.close()


def grow(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=8m", str(place)], check=True)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while True:
            ballast.write(b"x" * 512)


def test_a_killed_process_loses_no_acknowledged_write(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("kill9", ROOT / "benchmarks" / "kill9.py")
    assert spec is not None
    assert spec.loader is not None
    kill9 = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kill9)
    figure = kill9.measure(kills=3, seed=5, folder=tmp_path, longest_s=0.15)
    assert figure["value"] == 0
    settings = figure["settings"]
    assert (settings["torn"], settings["damage"]) == (0, 0)
    assert settings["acknowledged"] >= 3

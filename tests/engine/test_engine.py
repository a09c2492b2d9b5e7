import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands.table import command_table
from app.engine.base.command import Arg, Command, CommandTable, Danger, Role
from app.engine.base.errors import BadInput, Conflict, Missing, Refused
from app.engine.base.events import CommandFinished, EngineStarted, StoreTroubled
from app.engine.engine import Engine
from app.engine.jobs.runs import Run
from app.engine.store.salvage import prepare
from tests.damage import spoil
from tests.meeting import opened

SEEN = []


async def remember(call, word, key=""):
    SEEN.append((call.actor, call.cause, word, key))
    if word == "break":
        raise Conflict("It is {word}", word=word)
    if word == "wait":
        await asyncio.Event().wait()
    return {"word": word}


ROW = Command(
    "drill.do", "Do", "Does.", remember, args=(Arg("word", str, "A word."), Arg("key", str, "A secret.", "", secret=True)),
    danger=Danger.CHANGE, role=Role.OPERATOR,
)  # fmt: skip


@pytest.fixture
async def engine(tmp_path):
    SEEN.clear()
    engine = await Engine.open(
        tmp_path / "home", CommandTable([*command_table(), ROW, replace(ROW, id="drill.see", danger=Danger.READ)])
    )
    yield engine
    await engine.close()


async def entries(engine, command="drill.do"):
    return [(row["outcome"], row["args"]) for row in reversed((await engine.run("audit.list", command=command))["entries"])]


async def test_a_change_is_recorded_before_and_after_with_its_secrets_removed(engine):
    heard = []
    engine.bus.subscribe(heard.append, CommandFinished)
    assert await engine.run("drill.do", word="go", key="hunter2", cause="c1", acting="eve@laptop") == {"word": "go"}
    assert SEEN == [("eve@laptop", "c1", "go", "hunter2")]
    told = await entries(engine)
    assert [outcome for outcome, _ in told] == ["started", "ok"]
    assert "hunter2" not in str(told)
    assert [(event.command, event.outcome, event.cause) for event in heard if event.command == "drill.do"] == [
        ("drill.do", "ok", "c1")
    ]


async def test_a_report_written_over_a_file_or_not_stands_in_the_audit_trail(engine, tmp_path):
    engine.control.records.put(Run("r1", "j1", "auto on threadpool", "threadpool", result={"ticks": 5}, state="done"))
    file = tmp_path / "run.json"
    await engine.run("control.export", id="r1", file=file)
    with pytest.raises(Conflict, match="exists already"):
        await engine.run("control.export", id="r1", file=file)
    told = await entries(engine, "control.export")
    assert [outcome for outcome, _ in told] == ["started", "ok", "started", "conflict"]
    assert {(args["id"], str(args["file"])) for _, args in told} == {("r1", str(file))}


async def test_a_refused_role_calls_nothing_and_is_recorded(engine):
    await engine.run("settings.set", key="user.role", value="observer")
    with pytest.raises(Refused, match="needs the role operator"):
        await engine.run("drill.do", word="go")
    assert SEEN == []
    assert [outcome for outcome, _ in await entries(engine)] == ["refused"]


@pytest.mark.parametrize(
    ("given", "kind"), [({}, BadInput), ({"word": "break"}, Conflict), ({"word": "a", "speed": 1}, BadInput)]
)
async def test_an_error_is_recorded_as_its_kind(engine, given, kind):
    with pytest.raises(kind):
        await engine.run("drill.do", **given)
    assert (await entries(engine))[-1][0] == kind.slug


async def test_a_cancelled_command_is_recorded_as_cancelled(engine):
    task = asyncio.create_task(engine.run("drill.do", word="wait"))
    while not SEEN:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await entries(engine))[-1][0] == "cancelled"


async def test_reading_leaves_no_audit_entry_but_a_trace(engine):
    await engine.run("drill.see", word="go")
    assert await entries(engine, "drill.see") == []
    assert next(span.outcome for span in engine.traces.newest() if span.command == "drill.see") == "ok"


async def test_an_unknown_command_is_missing_and_one_for_the_terminal_is_refused(engine):
    with pytest.raises(Missing):
        await engine.run("drill.dream")
    with pytest.raises(BadInput, match="command line only"):
        await engine.run("tour")


async def test_all_is_there_after_a_restart_and_after_a_restore(engine, tmp_path):
    await engine.run("drill.do", word="first")
    await engine.run("store.backup", file=tmp_path / "copy.db")
    await engine.run("drill.do", word="second")
    started = []
    engine.bus.subscribe(started.append, EngineStarted)
    await engine.run("store.restore", file=tmp_path / "copy.db")
    words = [args["word"] for _, args in await entries(engine)]
    assert "first" in words
    assert "second" not in words
    assert len(started) == 1
    home = engine.home
    await engine.close()
    again = await Engine.open(home, command_table())
    assert "first" in [row["args"]["word"] for row in (await again.run("audit.list", command="drill.do"))["entries"]]
    await again.close()


@pytest.mark.parametrize("command", ["store.restore", "hub.restore"])
async def test_a_home_of_a_hub_has_a_new_epoch_after_a_restore_by_either_command(engine, tmp_path, command):
    before = await engine.sync.epoch()
    await engine.run("store.backup", file=tmp_path / "copy.db")
    told = await engine.run(command, file=tmp_path / "copy.db")
    after = await engine.sync.epoch()
    assert after != before
    assert told.get("epoch", after) == after
    engine.sync.host = SimpleNamespace(address="here")
    with pytest.raises(Conflict, match="being served"):
        await engine.run(command, file=tmp_path / "copy.db")
    engine.sync.host = None


async def test_a_damaged_store_gives_way_to_a_backup_and_is_kept(tmp_path):
    home, copy = tmp_path / "home", tmp_path / "copy.db"
    first = await Engine.open(home, command_table())
    await first.run("store.backup", file=copy)
    await first.close()
    (home / "outpost.db").write_bytes(b"x" * 5000)
    with pytest.raises(Conflict, match="damaged"):
        await Engine.open(home, command_table())
    mended = await Engine.open(home, command_table(), backup=copy)
    told = await mended.run("store.restore", file=copy)
    assert (home / Path(told["kept"]).name).stat().st_size == 5000
    assert (await mended.run("store.check"))["sound"]
    assert [row["command"] for row in (await mended.run("audit.list", command="store.restore"))["entries"]]
    await mended.close()


async def test_a_page_that_went_bad_after_a_clean_stop_is_told_kept_and_salvaged_without_losing_what_came_since(tmp_path):
    home, file = tmp_path / "home", tmp_path / "home" / "outpost.db"
    first = await Engine.open(home, command_table())
    await first.run("store.backup", file=tmp_path / "copy.db")
    await first.run("view.save", name="since", query="site=a")
    await first.close()
    spoil(file, "saved_views")
    with pytest.raises(Conflict, match="is damaged") as met:
        await Engine.open(home, command_table())
    assert met.value.hint.startswith("Save what can be read: outpost store salvage")
    assert len(list((home / "quarantine").glob("*.db"))) == 1
    fresh = prepare(file, None, tmp_path / "copy.db")
    mended = await Engine.open(home, command_table(), backup=fresh)
    assert [row["command"] for row in (await mended.run("audit.list", command="view.save"))["entries"]]
    assert (await mended.run("store.check"))["sound"]
    await mended.close()


async def test_damage_nobody_has_read_is_an_error_of_the_check_and_stands_with_sync(tmp_path):
    home = tmp_path / "home"
    await (await Engine.open(home, command_table())).close()
    spoil(home / "outpost.db", "sync_cells")
    engine = await Engine.open(home, command_table())
    heard = []
    engine.bus.subscribe(heard.append, StoreTroubled)
    assert (await engine.run("sync.status"))["damage"] == ""
    with pytest.raises(Conflict, match="is damaged") as met:
        await engine.run("store.check")
    assert "store salvage" in met.value.hint
    assert "is damaged" in (await engine.run("sync.status"))["damage"]
    assert [(event.detail, event.hint) for event in heard] == [(str(engine.store.damage), met.value.hint)]
    await engine.close()
    with pytest.raises(Conflict, match="A copy is kept as"):
        await Engine.open(home, command_table())


async def test_a_malformed_settings_file_stops_the_start_and_frees_the_home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("[view\n")
    with pytest.raises(BadInput, match=r"settings\.toml"):
        await Engine.open(home, command_table())
    (home / "settings.toml").unlink()
    await (await Engine.open(home, command_table())).close()


async def test_the_status_tells_the_home_and_the_selftest_tries_the_parts(engine):
    assert (await engine.run("status"))["home"] == str(engine.home)
    told = await engine.run("selftest")
    assert told["pass"], told
    assert {"store", "numpy", "qiskit"} <= {check["name"] for check in told["checks"]}


async def test_a_store_left_for_a_database_begins_a_new_epoch_should_anybody_use_it_again(tmp_path, database):
    async with opened(tmp_path / "hub") as hub:
        epoch = await hub.sync.epoch()
        await hub.move(database)
        assert await hub.sync.epoch() == epoch
        await hub.run("view.save", name="after the move")
    (tmp_path / "hub" / "database").unlink()
    async with opened(tmp_path / "hub") as hub:
        assert await hub.sync.epoch() != epoch
        assert list(hub.fleet.views.records) == []


async def test_a_database_in_use_is_taken_over_by_a_home_with_nothing_of_its_own_and_by_no_other(tmp_path, database):
    async with opened(tmp_path / "hub") as hub:
        await hub.move(database)
        await hub.run("view.save", name="north")
        epoch = await hub.sync.epoch()
    async with opened(tmp_path / "other") as other:
        await other.run("view.save", name="south")
        with pytest.raises(Conflict, match="holds a store already, and this home another"):
            await other.run("hub.serve", database=database)
        assert (other.place.database, [view.name for view in other.fleet.views.records]) == ("", ["south"])
    async with opened(tmp_path / "fresh") as fresh:
        await fresh.move(database)
        assert (await fresh.sync.epoch(), [view.name for view in fresh.fleet.views.records]) == (epoch, ["north"])


async def test_a_home_that_has_joined_a_hub_is_refused_before_its_store_moves_anywhere(tmp_path, database):
    async with opened(tmp_path / "home") as engine:
        await engine.sync.keep_peer({"id": "p1", "kind": "hub", "name": "north"})
        with pytest.raises(Conflict, match="has joined the hub north"):
            await engine.run("hub.serve", database=database)
        assert engine.place.database == ""

"""One engine per home: other processes of the same user are answered by the one that owns it."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from app.commands.table import command_table
from app.engine.base.errors import BadInput, Conflict, Offline, Refused
from app.engine.base.events import WindowAsked
from app.engine.engine import Engine
from app.local import RAISE_WINDOW, LocalDoor, ask

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def engine(tmp_path):
    engine = await Engine.open(tmp_path / "home", command_table())
    yield engine
    await engine.close()


@pytest.fixture(autouse=True)
async def door(engine):
    door = LocalDoor(engine)
    yield door
    await door.stop()


async def outpost(*words):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_command_line_is_answered_by_the_engine_that_owns_the_home(engine):
    status, out, err = await outpost("--home", str(engine.home), "settings", "set", "fleet.cadence_s", "7", "--json")
    assert (status, json.loads(out), err) == (0, {"key": "fleet.cadence_s", "value": 7.0}, "")
    assert engine.settings["fleet.cadence_s"] == 7.0


async def test_an_error_there_is_an_error_here_with_the_same_exit_status(engine):
    status, out, err = await outpost("settings", "set", "fleet.cadence_s", "-3", "--home", str(engine.home), "--json")
    assert status == 2
    assert json.loads(out)["error"]["type"] == "bad-input"
    assert "between 0.5 and 3600" in err


async def test_a_second_engine_is_refused_and_the_first_window_raised(engine):
    asked = []
    engine.bus.subscribe(asked.append, WindowAsked)
    with pytest.raises(Conflict, match="Another Outpost"):
        await Engine.open(engine.home, command_table())
    await asyncio.to_thread(ask, engine.home, RAISE_WINDOW, {}, print)
    assert len(asked) == 1


async def test_a_caller_without_the_key_gets_nothing(engine, tmp_path):
    stranger = tmp_path / "home" / "local.key"
    key = stranger.read_bytes()
    stranger.write_bytes(b"x" * 32)
    with pytest.raises(Refused):
        await asyncio.to_thread(ask, engine.home, "status", {}, print)
    stranger.write_bytes(key)
    assert (await asyncio.to_thread(ask, engine.home, "status", {}, print))["home"] == str(engine.home)


async def test_nobody_at_home_is_offline_not_a_crash(tmp_path):
    with pytest.raises(Offline):
        await asyncio.to_thread(ask, tmp_path, "status", {}, print)


async def test_an_unknown_argument_is_told_before_anything_runs(engine):
    with pytest.raises(BadInput, match="no argument speed"):
        await asyncio.to_thread(ask, engine.home, "status", {"speed": 3}, print)


async def test_a_door_is_idle_once_its_callers_are_answered(engine, door):
    asking = asyncio.create_task(
        asyncio.to_thread(
            ask, engine.home, "circuit.run", {"file": str(ROOT / "resources/samples/ghz.qasm")}, lambda _told: None
        )
    )
    while not engine.jobs.records:
        await asyncio.sleep(0.01)
    await door.idle()
    assert (await asyncio.wait_for(asking, 5))["counts"]


async def test_a_caller_cannot_act_under_another_name(engine):
    with pytest.raises(BadInput, match="acting is not an argument"):
        await asyncio.to_thread(ask, engine.home, "status", {"acting": "eve@elsewhere"}, print)


async def test_commands_that_start_at_once_on_one_home_all_get_their_answer(tmp_path):
    home = tmp_path / "busy"
    told = await asyncio.gather(*(outpost("--home", str(home), "settings", "list", "--json") for _ in range(4)))
    assert [(status, err) for status, _out, err in told] == [(0, "")] * 4

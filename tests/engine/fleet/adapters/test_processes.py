import json
import sys

import psutil
import pytest

from app.engine.base.errors import BadInput, Offline, Timeout
from app.engine.fleet.adapters import processes
from app.engine.fleet.adapters.processes import AgentHerd, end_left_over, launch


def says(monkeypatch, program):
    """Let the agent be a small Python program instead."""
    monkeypatch.setattr(processes, "agent_command", lambda home, *_: [sys.executable, "-c", program, str(home)])


LISTENS = (
    "import json,time; print(json.dumps({'address':'127.0.0.1:1','device':'d'*32,'code':None}),flush=True); time.sleep(60)"
)


def test_an_agent_tells_where_it_listens_and_ends_when_told(tmp_path, monkeypatch):
    says(monkeypatch, LISTENS)
    agent = launch(tmp_path / "a", "north")
    assert (agent.address, agent.device_id, agent.code, agent.alive) == ("127.0.0.1:1", "d" * 32, None, True)
    agent.end()
    assert not agent.alive
    assert not (tmp_path / "a" / "process.json").exists()


def test_one_that_dies_at_once_is_told_with_its_last_words(tmp_path, monkeypatch):
    says(monkeypatch, "import sys; sys.exit('the port is taken')")
    with pytest.raises(Offline, match="the port is taken"):
        launch(tmp_path, "north")


def test_one_that_says_nothing_is_ended_in_time(tmp_path, monkeypatch):
    says(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(Timeout):
        launch(tmp_path, "north", limit_s=0.3)


@pytest.mark.parametrize("line", ["hello", "[]", "{}", '{"address": 5, "device": "x"}'])
def test_a_first_line_that_is_not_the_agents_is_refused(tmp_path, monkeypatch, line):
    says(monkeypatch, f"import time; print({line!r}, flush=True); time.sleep(60)")
    with pytest.raises(BadInput, match="first line"):
        launch(tmp_path, "north")


def test_what_an_earlier_console_left_is_ended_and_nothing_else(tmp_path, monkeypatch):
    says(monkeypatch, LISTENS)
    agent = launch(tmp_path, "north")
    note = tmp_path / "process.json"
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "created_s": told["created_s"] - 100}))
    assert not end_left_over(tmp_path)
    assert agent.alive
    note.write_text(json.dumps(told))
    assert end_left_over(tmp_path)
    assert not psutil.pid_exists(told["pid"]) or psutil.Process(told["pid"]).status() == psutil.STATUS_ZOMBIE
    agent.end()


@pytest.mark.parametrize("note", ["", "no json", "{}", '{"pid": "x", "created_s": 1}', '{"pid": 999999999, "created_s": 1}'])
def test_a_stale_or_broken_note_harms_nobody(tmp_path, note):
    (tmp_path / "process.json").write_text(note)
    assert not end_left_over(tmp_path)
    assert not (tmp_path / "process.json").exists()


async def test_a_herd_ends_all_it_started(tmp_path, monkeypatch):
    says(monkeypatch, LISTENS)
    herd = AgentHerd()
    agents = [await herd.launch(tmp_path / name, name) for name in "ab"]
    assert herd.get(tmp_path / "a") is agents[0]
    again = await herd.launch(tmp_path / "a", "a")
    assert not agents[0].alive
    await herd.discard(tmp_path / "b")
    assert not (tmp_path / "b").exists()
    await herd.end_all()
    assert not again.alive


async def test_an_agent_off_the_leash_is_left_running_and_adopted_by_the_next(tmp_path, monkeypatch):
    says(monkeypatch, LISTENS)
    home = tmp_path / "a"
    first, second = AgentHerd(), AgentHerd()
    first.leashed = False
    started = await first.launch(home, "a")
    await first.close()
    assert (started.alive, first.get(home)) == (True, None)
    await second.adopt([home, tmp_path / "nobody"])
    found = second.get(home)
    assert (found.address, found.device_id, found.alive, found.process.pid) == (
        "127.0.0.1:1", "d" * 32, True, started.process.pid,
    )  # fmt: skip
    await second.close()
    assert found.alive
    await second.adopt([home])
    await second.end(home)
    assert not found.alive
    started.process.wait(30)

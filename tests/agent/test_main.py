"""The whole program: starts, restarts, kills and clean ends, with real processes."""

import contextlib
import json
import subprocess
import sys
import threading

import httpx
import numpy as np
import psutil
import pytest

from app.wire.tensors import unpack
from app.wire.tls import client_context


def test_it_remembers_who_it_is_and_whom_it_knows(start, console):
    first = start()
    console.pair(first)
    assert first.stop() == 0
    second = start()
    assert (second.device, second.code) == (first.device, None)
    console.meet(second)
    assert console.get("/v1/status").json()["device"] == first.device


def test_with_pair_it_shows_a_code_for_one_more_console(start, console, kit):
    console.pair(start())
    agent = start("--pair", home="node2")
    agent.stop()
    more, second = start("--pair", home="node2"), kit.Console("second")
    assert more.code
    second.pair(more)
    assert second.get("/v1/status").status_code == 200
    second.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_sequence_has_no_gap_over_a_restart_and_the_epoch_stays(start, console, end):
    agent = start()
    console.pair(agent)
    before = console.page(wait=5)
    getattr(agent, end)()
    console.meet(start())
    after = console.page(before.epoch, before.cursor, wait=5)
    while len(after.items) < 3:
        after = console.page(before.epoch, before.cursor, wait=5)
    assert after.epoch == before.epoch
    assert after.lost == ()
    assert [item.seq for item in after.items] == list(range(before.next_seq, after.next_seq))


def test_a_lost_spool_is_a_new_epoch(start, console, tmp_path):
    agent = start()
    console.pair(agent)
    before = console.page(wait=5)
    agent.kill()
    for path in (tmp_path / "node/agent").glob("spool.sqlite*"):
        path.unlink()
    console.meet(start())
    after = console.page(before.epoch, before.cursor, wait=5)
    while not after.items:
        after = console.page(before.epoch, before.cursor, wait=5)
    assert after.epoch != before.epoch
    assert after.items[0].seq == 1


def test_it_measures_with_nobody_connected(start, console):
    agent = start()
    console.pair(agent)
    seen = console.page(wait=5)
    console.client.close()
    agent.kill()
    alone = start()
    console.meet(alone)
    assert console.page(seen.epoch, seen.cursor, wait=5).items


def test_a_kill_during_activate_leaves_the_old_version_or_the_new(start, console, kit):
    nets = {1: kit.make_net(1), 2: kit.make_net(2)}
    agent = start()
    console.pair(agent)
    console.install(nets[1], 1)
    console.upload(nets[2].data)
    for wait_s in (0.0, 0.002, 0.01):
        if console.model()["version"] == 1:
            kit.checked(console.verb("digits", "prepare", kit.manifest_of(nets[2], 2)))
        killer = threading.Timer(wait_s, agent.kill)
        killer.start()
        with contextlib.suppress(httpx.TransportError):  # it may be killed before it answers
            console.verb("digits", "activate", {"version": 2})
        killer.join()
        agent = start()
        console.meet(agent)
        version = console.model()["version"]
        answer, _ = unpack(console.infer(nets[version].x).content, most_bytes=1 << 20)
        np.testing.assert_allclose(answer["y"], nets[version].y, atol=1e-5)
        if version == 2:
            assert console.verb("digits", "rollback").json()["version"] == 1


def test_an_end_by_signal_is_clean_also_while_a_console_waits(start, console):
    agent = start("--cadence-s", "3600")
    console.pair(agent)
    page = console.page(wait=5)
    told = []

    def ask():
        with httpx.Client(verify=client_context(console.identity, console.agent), base_url=agent.url) as client:
            told.append(client.get("/v1/telemetry", params={"epoch": page.epoch, "after": page.cursor, "wait": 25}, timeout=30))

    waiting = threading.Thread(target=ask)
    waiting.start()
    process = psutil.Process(agent.pid)
    while len(process.net_connections("tcp")) < 3:
        waiting.join(0.01)  # until the question is on its way
    assert agent.stop() == 0
    waiting.join(30)
    assert [reply.status_code for reply in told] == [200]
    assert not any("Traceback" in line for line in agent.log)


def test_the_first_line_tells_where_it_listens(start):
    agent = start()
    host, _, port = agent.address.rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0
    assert agent.pid == agent.process.pid
    assert agent.stop() == 0
    assert any(agent.code in line for line in agent.log)


def run(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "app.agent", "run", *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_two_agents_do_not_share_a_home(start, tmp_path):
    start()
    told = run("--home", str(tmp_path / "node"), "--name", "second")
    assert told.returncode == 6
    assert "Another agent runs in" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_port_in_use_is_told(start, tmp_path):
    port = start().address.rpartition(":")[2]
    told = run("--home", str(tmp_path / "other"), "--name", "second", "--port", port)
    assert told.returncode == 6
    assert f"port {port}" in told.stderr


def test_a_damaged_identity_is_told_and_kept(tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "device.key").write_text("{")
    told = run("--home", str(tmp_path), "--name", "x")
    assert told.returncode == 2
    assert "device.key" in told.stderr
    assert (folder / "device.key").read_text() == "{"


def test_idle_it_has_loaded_neither_numpy_nor_a_runtime_nor_a_desktop(tmp_path):
    code = (
        "import sys, json, asyncio; sys.stdout.write('')\n"
        "import app.agent.__main__, app.agent.main, app.agent.api, app.agent.gate, app.agent.node, app.agent.server\n"
        "print(json.dumps([m for m in ('numpy', 'onnxruntime', 'zeroconf', 'segno', 'PySide6', 'sqlalchemy', 'httpx')"
        " if m in sys.modules]))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(told.stdout) == []


def test_it_is_a_command_of_outpost_too(tmp_path):
    words = [sys.executable, "-m", "app", "agent", "run", "--home", str(tmp_path), "--name", "n", "--cadence-s", "0.5"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert json.loads(process.stdout.readline())["code"]
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()

"""A demo fleet started by one command serves the next ones, each a process of its own, until it is stopped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def outpost(tmp_path):
    """Run one command line on a home of its own; whatever agent is left at the end is ended."""
    home = tmp_path / "home"

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "app", "--home", str(home), *words, "--json"], cwd=ROOT, capture_output=True, text=True,
            check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run.home = home
    yield run
    run("fleet", "stop")


def test_agents_outlive_the_command_that_started_them_and_end_when_told(outpost):
    told = outpost("fleet", "demo", "--nodes", "1")
    assert "fleet stop" in told["note"]
    note = json.loads((outpost.home / "agents" / "node-01" / "process.json").read_text())
    agent = psutil.Process(note["pid"])
    assert agent.is_running()

    again = outpost("fleet", "demo", "--nodes", "1")
    assert again["nodes"][0]["id"] == told["nodes"][0]["id"]
    assert again["nodes"][0]["address"] == told["nodes"][0]["address"]
    shown = outpost("fleet", "show", "node-01")
    assert shown["state"] in {"online", "suspect"}

    assert [node["name"] for node in outpost("fleet", "stop")["nodes"]] == ["node-01"]
    agent.wait(30)
    assert outpost("fleet", "list")["nodes"][0]["name"] == "node-01"

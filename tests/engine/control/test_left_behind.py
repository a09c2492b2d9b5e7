"""What outlives a program: a group must have the limit again that it was found with, however the program ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.engine.control.adapters.cgroup import CgroupResource
from app.engine.control.quantum import QuantumController

PROGRAM = """
import sys, threading
from pathlib import Path
from app.engine.control import CgroupResource, QuantumController
acted, group = threading.Event(), Path(sys.argv[1])
resource = CgroupResource(group, 1 << 20, 1 << 30)
QuantumController(resource, mode="apply", tick_s=0.02, on_action=lambda _action: acted.set()).start()
assert acted.wait(60)
print((group / "memory.high").read_text().strip())
raise ValueError("a bug of the program")
"""


@pytest.fixture(autouse=True)
def claims(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("OUTPOST_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def group(tmp_path):
    for name, text in (
        ("cgroup.controllers", "memory"), ("memory.current", "50000000"), ("memory.high", "9000000000"),
        ("memory.events", "high 0"),
    ):  # fmt: skip
        (tmp_path / name).write_text(f"{text}\n")
    return tmp_path


def test_a_program_that_dies_of_an_error_leaves_its_group_as_it_found_it(group):
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(group)], capture_output=True, text=True, cwd=root, timeout=120,
                           check=False)  # fmt: skip
    assert "a bug of the program" in ended.stderr
    assert 50e6 < int(ended.stdout) <= 1 << 30
    assert (group / "memory.high").read_text() == "9000000000\n"


@pytest.mark.parametrize("killed", [False, True])
def test_a_stop_leaves_a_group_as_it_was_found_and_a_kill_at_its_safe_size(group, killed):
    limit, now_s = group / "memory.high", [0.0]
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    controller = QuantumController(resource, mode="apply", clock=lambda: now_s[0], safe=500e6)
    resource.clock = lambda: now_s[0]
    resource.apply_control(77e6)
    assert limit.read_text() == "77000000\n"
    if killed:
        controller.kill()
        assert limit.read_text() == "500000000\n"
    controller.stop()
    assert limit.read_text() == "9000000000\n"

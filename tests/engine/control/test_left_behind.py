"""What outlives a program: a group must have the limit again that it was found with, however the program ends."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.engine.control.adapters import cgroup
from app.engine.control.adapters.cgroup import CgroupResource
from app.engine.control.adapters.claims import Claim
from app.engine.control.bank import ControllerBank
from app.engine.control.quantum import QuantumController
from tests.engine.control.groups import laid_out, limit_of

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


pytestmark = pytest.mark.usefixtures("claims")


@pytest.fixture
def group(tmp_path):
    return laid_out(tmp_path, "9000000000")


def test_a_program_that_dies_of_an_error_leaves_its_group_as_it_found_it(group):
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run([sys.executable, "-c", PROGRAM, str(group)], capture_output=True, text=True, cwd=root, timeout=120,
                           check=False)  # fmt: skip
    assert "a bug of the program" in ended.stderr
    assert 50e6 < int(ended.stdout) <= 1 << 30
    assert limit_of(group) == "9000000000"


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


@pytest.mark.parametrize("late", ["turn", "revert"])
@pytest.mark.parametrize("kind", [QuantumController, lambda resource, **more: ControllerBank([resource], **more)])
def test_a_size_that_was_on_its_way_at_the_stop_is_not_what_the_group_keeps(group, kind, late, monkeypatch):
    monkeypatch.setattr("app.engine.control.abreast.PATIENCE_S", 0.1)
    monkeypatch.setattr("app.engine.control.quantum.LAST_TURN_S", 0.1)
    monkeypatch.setattr("app.engine.control.bank.LAST_TURN_S", 0.1)
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    steered = kind(resource, mode="apply")
    inside, gate, write = threading.Event(), threading.Event(), cgroup.limit_again

    def slow(place, limit):
        if not inside.is_set():
            inside.set()
            assert gate.wait(60)
        write(place, limit)

    def go():
        while not inside.is_set():
            (steered.optimize if late == "turn" else steered._turns._revert)()

    monkeypatch.setattr(cgroup, "limit_again", slow)
    turn = threading.Thread(target=go, daemon=True)
    turn.start()
    assert inside.wait(20)
    steered.stop()
    gate.set()
    turn.join(20)
    steered.stop()
    assert limit_of(group) == "9000000000"
    Claim(group).let_go()


@pytest.mark.parametrize("kind", [QuantumController, lambda resource, **more: ControllerBank([resource], **more)])
def test_who_listens_and_fails_changes_nothing_in_how_a_group_is_steered_and_left(group, kind, caplog):
    def fail(*_action):
        raise RuntimeError("a listener of somebody else")

    steered = kind(CgroupResource(group, 1 << 20, 1 << 30), mode="apply", on_action=fail)
    while limit_of(group) == "9000000000":
        steered.optimize()
    steered.stop()
    assert limit_of(group) == "9000000000"
    assert "a listener of somebody else" in caplog.text


def test_what_was_left_is_not_claimed_anew_by_a_second_stop_or_a_late_kill(group):
    controller = QuantumController(CgroupResource(group, 1 << 20, 1 << 30), mode="apply")
    controller.kill()
    controller.stop()
    other = Claim(group)
    (group / "memory.high").write_text("8000000000\n")
    controller.stop()
    controller.kill()
    assert limit_of(group) == "8000000000"
    other.let_go()
    again = QuantumController(controller.resource, mode="apply", safe=500e6)
    again.optimize()
    again.kill()
    assert limit_of(group) == "500000000"
    again.stop()
    assert limit_of(group) == "8000000000"

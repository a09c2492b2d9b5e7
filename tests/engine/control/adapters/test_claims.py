import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.engine.base.errors import Conflict, Refused
from app.engine.control.adapters.cgroup import CgroupResource
from app.engine.control.adapters.claims import Claim, put_back
from tests.engine.control.groups import laid_out, limit_of

HOLDER = """
import sys
from pathlib import Path
from app.engine.control import CgroupResource
resource = CgroupResource(Path(sys.argv[1]), 1 << 20, 1 << 30)
resource.apply_control(77e6)
print("set", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def group(tmp_path):
    return laid_out(tmp_path / "group", "9000000000")


@pytest.fixture
def holder(group, claims):
    """A program that set the limit of the group, to be killed."""
    root = Path(__file__).resolve().parents[4]
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(group)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          cwd=root) as child:  # fmt: skip
        assert child.stdout.readline() == "set\n"
        yield child
        child.kill()


def died(resource):
    """Let the resource's claim fall as the system does when its process is killed."""
    resource._claimed.drop()


def test_who_steers_after_one_that_was_killed_finds_and_leaves_what_that_one_had_found(group, holder):
    next_one = CgroupResource(group, 1 << 20, 1 << 30)
    assert limit_of(group) == "77000000"
    with pytest.raises(Conflict, match="is steered already"):
        next_one.apply_control(55e6)
    holder.kill()
    holder.wait()
    next_one.apply_control(55e6)
    assert next_one.found == "9000000000"
    next_one.leave_as_found()
    assert limit_of(group) == "9000000000"


def test_a_console_that_starts_puts_back_what_the_killed_left_and_leaves_alone_who_lives(group, holder, claims):
    put_back()
    assert limit_of(group) == "77000000"
    holder.kill()
    holder.wait()
    put_back()
    assert limit_of(group) == "9000000000"
    assert not list(claims.glob("*.found"))


def test_a_group_made_anew_under_the_same_name_keeps_its_own_limit(group, claims, caplog):
    first = CgroupResource(group, 1 << 20, 1 << 30)
    first.apply_control(77e6)
    died(first)
    (note,) = claims.glob("*.found")
    told = json.loads(note.read_text())
    note.write_text(json.dumps({**told, "is": "another boot 7"}))
    put_back()
    assert limit_of(group) == "77000000"
    note.write_text("no note")
    Claim(group).let_go()
    assert "a group may have kept a limit of ours" in caplog.text
    assert not note.exists()


@pytest.mark.parametrize(
    "told",
    [{"group": "no\0path"}, {"limit": "ü"}, {"limit": ""}, {"limit": "1\n2"}, {"group": 7}, {"is": ""},
     {"group": "/nowhere/at/all", "is": ""}],
)  # fmt: skip
def test_a_note_that_makes_no_sense_is_forgotten_and_stops_nobody(group, claims, told):
    first = CgroupResource(group, 1 << 20, 1 << 30)
    first.apply_control(77e6)
    died(first)
    (note,) = claims.glob("*.found")
    kept = json.loads(note.read_text())
    for settle in (put_back, lambda: Claim(group).drop()):
        note.write_text(json.dumps({**kept, **told}))
        settle()
        assert not note.exists()
    note.write_text("[" * 100_000)
    put_back()
    assert limit_of(group) == "77000000"


def test_what_cannot_be_put_back_is_told_and_tried_again(group, claims, caplog):
    first = CgroupResource(group, 1 << 20, 1 << 30)
    first.apply_control(77e6)
    died(first)
    (group / "memory.high").unlink()
    (group / "memory.high").mkdir()
    put_back()
    assert "was not put back" in caplog.text
    with pytest.raises(Refused, match="cannot be claimed: Is a directory"):
        Claim(group)
    (group / "memory.high").rmdir()
    put_back()
    assert limit_of(group) == "9000000000"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_has_no_part_in_the_claim_and_leaves_nothing(group, claims):
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    resource.apply_control(77e6)
    fork = multiprocessing.get_context("fork")
    done, told = fork.Event(), fork.Queue()

    def child():
        resource.leave_as_found()
        told.put(limit_of(group))
        done.wait(60)

    forked = fork.Process(target=child)
    forked.start()
    assert told.get(timeout=60) == "77000000"
    resource.leave_as_found()
    assert limit_of(group) == "9000000000"
    Claim(group).let_go()
    done.set()
    forked.join(60)

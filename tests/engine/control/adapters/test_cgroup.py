import os

import pytest

from app.engine.base.errors import Missing, Refused
from app.engine.control.adapters.cgroup import CgroupResource, group_of, lacking
from app.engine.control.adapters.claims import Claim
from tests.engine.control.groups import laid_out, limit_of

pytestmark = pytest.mark.usefixtures("claims")


@pytest.fixture
def group(tmp_path):
    return laid_out(tmp_path, events="low 0\nhigh 3\nmax 1\noom 0\noom_kill 0")


def looked(resource):
    for one in (resource._current, resource._limit, resource._events):
        one.look()
    return resource


def test_the_limit_of_a_delegated_group_is_set_and_read_back(group):
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    assert resource.measure_state().size == 1 << 30  # no limit
    assert resource.apply_control(64e6) == 64e6
    assert (group / "memory.high").read_text() == "64000000\n"
    assert looked(resource).measure_state().size == 64e6
    assert resource.apply_control(1) == 1 << 20


def test_a_group_that_was_held_back_wants_more_than_it_has(group):
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    assert resource.read().demand == 50e6
    (group / "memory.events").write_text("high 9\nmax 1\noom_kill 0\n")
    assert looked(resource).read().demand > 50e6
    assert resource.read().demand == 50e6
    assert resource.get_metrics()["held_back_count"] == 9


def test_a_group_that_was_made_anew_keeps_its_limit_and_the_claim_falls_with_the_old_one(group):
    place = group / "one"
    for anew in (True, False):
        resource = CgroupResource(laid_out(place, "9000000000"), 1 << 20, 1 << 30)
        resource.apply_control(64e6)
        place.rename(group / f"gone {anew}")
        if anew:
            laid_out(place, "8000000000")
        with pytest.raises(Missing, match="is gone, or another one"):
            resource.apply_control(70e6)
        resource.leave_as_found()
        if anew:
            assert limit_of(place) == "8000000000"
            Claim(place).let_go()
        else:
            assert not place.exists()
        resource.take_up()
    Claim(laid_out(place)).let_go()


def test_a_group_that_cannot_be_given_back_its_limit_stays_claimed(group):
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    resource.apply_control(64e6)
    (group / "memory.high").unlink()
    (group / "memory.high").mkdir()
    with pytest.raises(IsADirectoryError):
        resource.leave_as_found()
    (group / "memory.high").rmdir()
    resource.leave_as_found()
    assert limit_of(group) == "max"


def test_a_group_that_is_not_ours_is_watched_only_and_says_why(group, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_asked: False)
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    assert resource.measure_state().position > 0
    with pytest.raises(Refused, match="not delegated"):
        resource.apply_control(64e6)
    assert (group / "memory.high").read_text() == "max\n"


def test_a_claim_that_cannot_be_written_down_is_told(group, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("OUTPOST_CACHE", str(tmp_path / "file"))
    with pytest.raises(Refused, match="cannot be claimed"):
        CgroupResource(group, 1 << 20, 1 << 30).apply_control(64e6)
    assert (group / "memory.high").read_text() == "max\n"


def test_a_system_without_such_groups_says_so(tmp_path):
    with pytest.raises(Missing, match="no control groups of version 2"):
        group_of(root=tmp_path)
    with pytest.raises(Missing, match="is no control group of version 2"):
        CgroupResource(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("\n")
    with pytest.raises(Missing, match=r"has no memory\.current"):
        CgroupResource(tmp_path)


def test_a_group_that_had_no_limit_has_none_again_at_the_upper_bound(group):
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    resource.apply_control(64e6)
    assert resource.apply_control(1 << 30) == 1 << 30
    assert (group / "memory.high").read_text() == "max\n"
    resource.leave_as_found()
    (group / "memory.high").write_text("64000000\n")
    assert CgroupResource(group, 1 << 20, 1 << 30).apply_control(1 << 30) == 1 << 30
    assert (group / "memory.high").read_text() == "1073741824\n"


def test_why_the_own_group_cannot_be_steered_is_told(group, tmp_path, monkeypatch):
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text("0::/\n")
    assert lacking(group, tmp_path) == ""
    monkeypatch.setattr(os, "access", lambda *_asked: False)
    assert lacking(group, tmp_path) == "not delegated to this user"
    (group / "memory.current").unlink()
    assert "has no memory.current" in lacking(group, tmp_path)
    assert lacking(tmp_path / "nowhere", tmp_path) == "This system has no control groups of version 2"


def test_the_group_of_a_process_is_found(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text("1:cpu:/old\n0::/user.slice/app\n")
    assert group_of(7, tmp_path, tmp_path) == tmp_path / "user.slice" / "app"
    with pytest.raises(Missing, match="no process 8"):
        group_of(8, tmp_path, tmp_path)

import os

import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.control.adapters.cgroup import CgroupResource, group_of


@pytest.fixture
def group(tmp_path):
    for name, text in (("current", "50000000\n"), ("high", "max\n"), ("events", "low 0\nhigh 3\nmax 1\noom 0\noom_kill 0\n")):
        (tmp_path / f"memory.{name}").write_text(text)
    return tmp_path


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


def test_a_group_that_is_not_ours_is_watched_only_and_says_why(group, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_asked: False)
    resource = CgroupResource(group, 1 << 20, 1 << 30)
    assert resource.measure_state().position > 0
    with pytest.raises(BadInput, match="not delegated"):
        resource.apply_control(64e6)
    assert (group / "memory.high").read_text() == "max\n"


def test_a_system_without_such_groups_says_so(tmp_path):
    with pytest.raises(Missing, match="no control groups of version 2"):
        group_of(root=tmp_path)
    with pytest.raises(Missing, match=r"has no memory\.current"):
        CgroupResource(tmp_path)


def test_the_group_of_a_process_is_found(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text("1:cpu:/old\n0::/user.slice/app\n")
    assert group_of(7, tmp_path, tmp_path) == tmp_path / "user.slice" / "app"
    with pytest.raises(Missing, match="no process 8"):
        group_of(8, tmp_path, tmp_path)

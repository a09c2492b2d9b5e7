import os

import pytest

from app.engine.base.errors import BadInput, Conflict, Missing, Refused
from app.engine.control.rig_group import GroupRig
from app.engine.control.work import run
from tests.engine.control.groups import laid_out, limit_of

pytestmark = pytest.mark.usefixtures("claims")


@pytest.fixture
def asked(tmp_path):
    laid_out(tmp_path)
    return {"resource": "cgroup", "group": str(tmp_path), "seconds": 0.8, "mode": "apply", "low": 1 << 20, "high": 1 << 30}


def test_a_group_is_steered_without_a_load_of_ours_and_left_as_it_was_found(asked, tmp_path):
    result = run(asked, 1)
    assert (result["unit"], result["bounds_violations"], result["submitted"], result["tasks"]) == ("bytes", 0, 0, 0)
    assert result["service_time"] == {"mean_s": 0.0, "kind": "none"}
    assert result["safe_size"] == 1 << 30
    assert result["resizes"] > 0
    assert 50e6 < min(result["series"]["size"]) < 1 << 30
    assert limit_of(tmp_path) == "max"


@pytest.mark.parametrize("found", ["34359738368", "8388608"])
def test_a_group_gets_the_very_limit_back_that_lay_outside_the_bounds(asked, tmp_path, found):
    (tmp_path / "memory.high").write_text(f"{found}\n")
    result = run({**asked, "low": 16 << 20, "seconds": 0.4}, 1)
    assert result["bounds_violations"] == 0
    assert result["actions"]
    assert limit_of(tmp_path) == found


def test_a_run_that_breaks_leaves_the_group_as_it_was_found(asked, tmp_path, claims):
    def report(*_told, partial=None, **_more):
        if partial and partial["actions"]:
            raise ConnectionError("nobody there")

    with pytest.raises(ConnectionError):
        run(asked, 1, report)
    assert limit_of(tmp_path) == "max"
    assert not list(claims.glob("*.found"))


def test_a_second_run_on_a_group_is_refused_while_one_acts_and_finds_what_the_first_had_found(asked, tmp_path):
    first, looker = (GroupRig(0, 1 << 20, 1 << 30, {**asked, "mode": mode}) for mode in ("apply", "recommend"))
    (tmp_path / "another").symlink_to(tmp_path)
    with pytest.raises(Conflict, match="is steered already"):
        GroupRig(0, 1 << 20, 1 << 30, {**asked, "group": str(tmp_path / "another")})
    first.resource.apply_control(77_000_000)
    late = GroupRig(0, 1 << 20, 1 << 30, {**asked, "mode": "recommend"})
    for other in (looker, late):  # told to apply later
        with pytest.raises(Conflict, match="is steered already"):
            other.resource.apply_control(55_000_000)
    looker.close()
    first.close()
    late.resource.apply_control(55_000_000)
    assert late.resource.found == "max"
    late.close()
    assert limit_of(tmp_path) == "max"
    GroupRig(0, 1 << 20, 1 << 30, asked).close()


def test_a_group_that_is_not_ours_is_watched_and_never_acted_on(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_asked: False)
    with pytest.raises(Refused, match="not delegated to this user"):
        run(asked, 1)
    assert run({**asked, "mode": "recommend"}, 1)["actions"] == []
    assert limit_of(tmp_path) == "max"


def test_what_is_no_group_is_refused(asked, tmp_path):
    with pytest.raises(BadInput, match="named by its folder"):
        run({**asked, "group": ""}, 1)
    with pytest.raises(Missing, match="is no control group of version 2"):
        run({**asked, "group": str(tmp_path / "nowhere")}, 1)

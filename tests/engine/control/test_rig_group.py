"""A folder with the files of a group in the kernel's format stands for a group: none is delegated where tests run."""

import os

import pytest

from app.engine.base.errors import BadInput, Missing, Refused
from app.engine.control.work import run


@pytest.fixture
def asked(tmp_path):
    for name, text in (
        ("cgroup.controllers", "memory"), ("memory.current", "50000000"), ("memory.high", "max"), ("memory.events", "high 0"),
    ):  # fmt: skip
        (tmp_path / name).write_text(f"{text}\n")
    return {"resource": "cgroup", "group": str(tmp_path), "seconds": 0.8, "mode": "apply", "low": 1 << 20, "high": 1 << 30}


def test_a_group_is_steered_without_a_load_of_ours_and_left_as_it_was_found(asked, tmp_path):
    result = run(asked, 1)
    assert (result["unit"], result["bounds_violations"], result["submitted"], result["tasks"]) == ("bytes", 0, 0, 0)
    assert result["service_time"] == {"mean_s": 0.0, "kind": "none"}
    assert result["safe_size"] == 1 << 30
    assert result["resizes"] > 0
    assert 50e6 < min(result["series"]["size"]) < 1 << 30
    assert (tmp_path / "memory.high").read_text() == "max\n"


def test_a_group_that_is_not_ours_is_watched_and_never_acted_on(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_asked: False)
    with pytest.raises(Refused, match="not delegated to this user"):
        run(asked, 1)
    assert run({**asked, "mode": "recommend"}, 1)["actions"] == []
    assert (tmp_path / "memory.high").read_text() == "max\n"


def test_what_is_no_group_is_refused(asked, tmp_path):
    with pytest.raises(BadInput, match="named by its folder"):
        run({**asked, "group": ""}, 1)
    with pytest.raises(Missing, match="is no control group of version 2"):
        run({**asked, "group": str(tmp_path / "nowhere")}, 1)

import json
import math

import pytest

from app.engine.base.errors import BadInput, Cancelled
from app.engine.control import blocks
from app.engine.control.blocks import confirm, cost, names_of
from app.engine.control.work import plan_of

RUN = {"resource": "threadpool", "seconds": 2.0, "low": 2, "high": 16, "rate_hz": 50.0, "service_s": 0.05}
ASKED = {"resource": "threadpool", "model": "auto", "against": ["static"], "blocks": 30, "run": RUN}


def test_without_waiting_and_idling_the_cost_is_at_its_floor():
    needed = plan_of(RUN, 3).services_s.sum() / 2.0
    assert cost({"p99_wait_s": 0.0, "mean_size": needed}, RUN, 3) == pytest.approx(2.0)
    late = math.log(100) * 0.05
    assert cost({"p99_wait_s": late, "mean_size": 2 * needed}, RUN, 3) == pytest.approx(4.0)


def test_on_a_contended_plant_what_is_turned_away_costs_and_size_does_not():
    spec = {**RUN, "resource": "queue"}
    assert cost({"p99_wait_s": 0.0, "mean_size": 99.0, "shed": 0, "submitted": 100}, spec, 3) == 1.0
    assert cost({"p99_wait_s": 0.0, "mean_size": 1.0, "shed": 5, "submitted": 100}, spec, 3) == pytest.approx(2.0)


def test_a_backend_pays_for_all_the_requests_it_could_serve_at_once():
    spec = {**RUN, "resource": "balancer"}
    needed = plan_of(RUN, 3).services_s.sum() / 2.0
    assert cost({"p99_wait_s": 0.0, "mean_size": needed / 4}, spec, 3) == pytest.approx(2.0)


def test_the_same_law_costs_about_the_same_and_shows_no_improvement():
    told = confirm({**ASKED, "model": "static", "against": ["coherent"], "run": {**RUN, "seconds": 0.1, "service_s": 0.005}}, 1)
    assert json.loads(json.dumps(told)) == told
    assert (told["kind"], told["blocks"], told["floor"]) == ("measured", 30, 2.0)
    assert len(told["laws"]["static"]["blocks"]) == len(told["laws"]["coherent"]["blocks"]) == 30
    assert told["per"][0]["low"] <= told["per"][0]["effect"] <= told["per"][0]["high"]


def test_who_was_tuned_plays_what_was_found_and_says_so(monkeypatch):
    asked = []

    def played(spec, seed, stop):
        asked.append((spec["law"], spec.get("settings")))
        return {"p99_wait_s": 0.1, "mean_size": 3.0 + 0.01 * seed}

    monkeypatch.setattr(blocks, "run", played)
    tuned = {"auto": {"law": "pid", "settings": {"kp": 0.5}}}
    told = confirm({**ASKED, "tuned": tuned}, 1)
    assert told["tuned"] == tuned
    assert set(told["laws"]) == {"auto", "static"}
    assert {(law, str(settings)) for law, settings in asked} == {("pid", "{'kp': 0.5}"), ("static", "None")}
    assert len(asked) == 60


def test_a_stop_ends_the_blocks():
    with pytest.raises(Cancelled):
        confirm(ASKED, 1, stop=lambda: True)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"blocks": 29}, "At least 30 blocks"),
        ({"model": "warp"}, "no control law warp"),
        ({"against": []}, "peers other than"),
        ({"against": ["auto"]}, "peers other than"),
        ({"resource": "gearbox"}, "no resource gearbox"),
        ({"tuned": {"pid": {"law": "pid", "settings": {}}}}, "pid takes no part"),
        ({"tuned": {"static": {"law": "static", "settings": {"warp": 1.0}}}}, "static has no setting warp"),
    ],
)
def test_what_cannot_be_confirmed_is_refused(wrong, told):
    with pytest.raises(BadInput, match=told):
        names_of({**ASKED, **wrong})


@pytest.mark.parametrize(("resource", "floor"), [("threadpool", 2.0), ("balancer", 2.0), ("queue", 1.0), ("batch", 1.0)])
def test_the_floor_is_the_least_there_can_be(resource, floor, monkeypatch):
    monkeypatch.setattr(blocks, "run", lambda *_a, **_m: {"p99_wait_s": 0.0, "mean_size": 3.0, "shed": 0, "submitted": 9})
    told = confirm({**ASKED, "resource": resource, "run": {**RUN, "resource": resource}}, 1)
    assert told["floor"] == floor
    assert min(one["cost"] for one in told["laws"].values()) >= 1.0

import json
from pathlib import Path

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.control import trials
from app.engine.control.laws import LAWS
from app.engine.control.loads import Load
from app.engine.control.simulate import Plant
from app.engine.control.trials import asked_of, trial, tuning
from app.engine.control.tune import CLASSICAL, Tuned, pick, tune

SERIES = Path(__file__).resolve().parents[4] / "shared" / "data" / "traces" / "nab"
SMALL = {"seeds": 30, "candidates": 8, "tuning_seeds": 4, "seconds": 30.0}


def test_a_trial_reports_paired_effects_with_intervals():
    told = []
    result = trial(
        {**SMALL, "model": "coherent", "against": ["static", "pid"]}, 1, lambda done, total, **_more: told.append(done / total)
    )
    assert json.loads(json.dumps(result)) == result
    assert [one["against"] for one in result["per"]] == ["static", "pid"]
    for one in result["per"]:
        assert one["low"] <= one["effect"] <= one["high"]
        assert 0 < one["p_holm"] <= 1
    assert result["per"][0]["effect"] > 0.15
    assert (result["seeds"], result["floor"], result["kind"]) == (30, 2.0, "simulated")
    assert [row["weight"] for row in result["weights"]] == [0.25, 1.0, 4.0]
    aa = result["aa"]
    assert abs(aa["effect"]) < 0.05
    assert 0 < aa["standard_error"] < 0.05
    assert aa["tells_half_percent"] == (aa["high"] - aa["low"] <= 0.01)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_equal_seeds_give_equal_trials():
    spec = {**SMALL, "model": "coherent", "seeds": 4, "candidates": 2, "seconds": 10.0, "against": ["static"]}
    assert trial(spec, 3) == trial(spec, 3)
    assert trial(spec, 3)["per"] != trial(spec, 4)["per"]


def test_the_literal_law_is_worse_than_doing_nothing():
    result = trial({**SMALL, "model": "literal", "against": ["static-best"]}, 1)
    assert result["per"][0]["verdict"] == "worse"
    assert result["per"][0]["effect"] < -0.5


def test_a_contended_plant_is_kept_near_its_best_fixed_limit():
    spec = {
        **SMALL,
        "seeds": 6,
        "candidates": 1,
        "resource": "queue",
        "rate_hz": 120.0,
        "seconds": 40.0,
        "against": ["static", "static-hindsight"],
    }
    fixed, hindsight = trial(spec, 2)["per"]
    assert fixed["effect"] > 0.1
    assert hindsight["effect"] > -0.1


def test_tuning_is_judged_on_loads_it_has_not_seen():
    result = tuning({**SMALL, "model": "coherent", "candidates": 12}, 5)
    assert result["accepted"] == (result["verdict"] == "better")
    assert result["low"] <= result["effect"] <= result["high"]
    assert set(result["settings"]) == set(LAWS["coherent"].space)


def test_settings_that_are_best_already_are_refused():
    # With one candidate the search can only return what was there: the gain is exactly none.
    result = tuning({**SMALL, "model": "coherent", "candidates": 1}, 5)
    assert (result["effect"], result["accepted"], result["verdict"]) == (0.0, False, "no improvement")


def test_tuning_finds_better_settings_than_bad_ones():
    bad = LAWS["pid"].__class__(kp=1.5, ki=12.0, weight=2.0, utilisation=0.5)
    load = Load("bursty", 30.0)
    assert (
        tune(bad, load, Plant(), count=24, seeds=4, seed=0).cost < 0.9 * tune(bad, load, Plant(), count=1, seeds=4, seed=0).cost
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"model": "warp"}, "no control law warp"),
        ({"against": ["warp"]}, "no control law warp"),
        ({"against": []}, "peers other than the model"),
        ({"against": ["auto"]}, "peers other than the model"),
        ({"resource": "gearbox"}, "no resource gearbox; choose from threadpool"),
        ({"load": "storm"}, "no load storm"),
        *(({"resource": name}, f"{name} serves no tasks") for name in ("memory", "socket", "cgroup", "ratelimit")),
        ({"resource": "batch"}, "A larger batch shares one fixed cost"),
        ({"trace_s": [1.0, 2.0]}, "at least 100 arrivals"),
    ],
)
def test_what_cannot_be_tried_is_refused(wrong, told):
    with pytest.raises(BadInput, match=told):
        asked_of(wrong)


@pytest.mark.parametrize(
    ("resource", "delay_s"), [("threadpool", 0.1), ("processpool", 0.3), ("balancer", 0.1), ("queue", 0.0)]
)
def test_a_kind_is_played_with_its_own_delay(resource, delay_s):
    assert asked_of({"resource": resource, "against": ["static"]}).plant.lag_s == delay_s


def test_a_tuning_tells_how_much_faster_its_trace_was_played():
    thin = np.arange(0.0, 1200.0, 1.0).tolist()
    told = tuning({"trace_s": thin, "model": "coherent", "candidates": 1, "tuning_seeds": 1, "seeds": 2}, 1)
    assert told["played_faster_ratio"] == asked_of({"trace_s": thin, "against": ["static"]}).faster > 10


@pytest.mark.parametrize(("resource", "most"), [("threadpool", 48.0), ("queue", 7.1)])
def test_a_trace_is_played_as_dense_as_the_plant_can_serve_it(resource, most):
    for rate_hz in (1.0, 20_000.0):
        asked = asked_of({"resource": resource, "trace_s": np.arange(40_000) / rate_hz, "against": ["static"]})
        erlang = asked.load.rate_hz * asked.load.service_s
        assert erlang == pytest.approx(min(10.0, most) if rate_hz < 100 else most, rel=0.02)
        assert (asked.faster > 1) == (rate_hz < 100)


def found(law, cost):
    return Tuned(LAWS[law], {}, cost, 1)


def test_the_automatic_model_gives_way_to_who_did_better_on_the_tuning_loads():
    own, rivals = found("auto", 2.0), {"pid": found("pid", 1.9), "aimd": found("aimd", 2.5)}
    assert pick(own, rivals).law.name == "pid"
    assert pick(own, rivals).costs == {"auto": 2.0, "pid": 1.9, "aimd": 2.5}
    assert pick(own, {"pid": found("pid", 1.99)}).law.name == "auto"


def test_what_was_picked_is_told_and_is_the_law_that_was_played():
    # Batches far shorter than the actuation delay: a quarter of a second of arrivals, then silence for two.
    random = np.random.default_rng(0)
    batches = np.sort(np.concatenate([2.0 * k + 0.05 * random.random(40) for k in range(60)]))
    spec = {"trace_s": batches.tolist(), "seeds": 6, "candidates": 8, "tuning_seeds": 3, "against": list(CLASSICAL),
            "resource": "processpool"}  # fmt: skip
    told = trial(spec, 1)
    costs = told["picked"]["costs"]
    assert set(costs) == {"auto", *CLASSICAL}
    assert costs[told["picked"]["law"]] <= min(costs.values()) / 0.99
    (peer,) = [one for one in told["per"] if one["against"] == told["picked"]["law"]]
    assert (peer["effect"], peer["verdict"]) == (0.0, "too short to tell")
    assert trial({**spec, "model": "coherent", "against": ["pid"]}, 1)["picked"] == {"law": "coherent", "costs": {}}


@pytest.mark.parametrize("load", ["bursty", "periodic", "drift"])
def test_the_same_against_the_same_differs_by_less_than_half_a_percent(load):
    spec = {"load": load, "model": "coherent", "against": ["static"], "seeds": 150, "candidates": 1, "tuning_seeds": 1}
    told = trial(spec, 1)["aa"]
    assert abs(told["effect"]) < 0.005
    assert told["low"] < 0.005
    assert told["high"] > -0.005


@pytest.mark.skipif(not SERIES.is_dir(), reason="no shared traces here")
@pytest.mark.parametrize(
    ("series", "most"),
    [("ec2_cpu_utilization_53ea38", 0.005), ("ec2_network_in_257a54", 0.02)],
)
def test_on_recorded_series_the_same_against_the_same_differs_by_no_more_than_is_told(series, most):
    spec = {"load": "trace", "trace": str(SERIES / f"{series}.csv"), "model": "coherent", "against": ["static"],
            "seeds": 40, "candidates": 1, "tuning_seeds": 1}  # fmt: skip
    told = trial(spec, 1)["aa"]
    assert abs(told["effect"]) < most
    assert told["low"] <= told["effect"] <= told["high"]


def test_the_same_against_the_same_is_the_same_law_under_other_services_and_by_itself_what_a_trial_tells(monkeypatch):
    spec = {"model": "coherent", "against": ["static"], "seeds": 6, "candidates": 1, "tuning_seeds": 2, "seconds": 8.0}
    told, asked = trial(spec, 1), trials.asked_of(spec)
    law = trials.Bench(asked, 1, lambda: False).picked("coherent").law
    alone = trials.same_against_same(asked, law, 1, range(6))
    assert float(alone.mean()) == told["aa"]["effect"]
    assert trials.same_against_same(asked, law, 1, range(2, 6)).tolist() == alone[2:].tolist()
    # Nothing but the services tells both sides apart: exchanged, they differ by as much the other way.
    monkeypatch.setattr(trials, "TEST", trials.AGAIN)
    monkeypatch.setattr(trials, "AGAIN", 2)
    assert trials.same_against_same(asked, law, 1, range(6)).tolist() == (-alone).tolist()

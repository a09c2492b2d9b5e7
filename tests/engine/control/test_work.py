import json
import threading

import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import BadInput
from app.engine.control.orders import KILL, RARELY, give
from app.engine.control.records import Action, Tick
from app.engine.control.work import Trail, _tell, plan_of, run


def test_a_second_of_work_is_consistent_with_itself():
    told = []

    def report(done, total, unit="", partial=None, samples=None):
        told.append((done, total, unit, partial, samples))

    before = threading.active_count()
    result = run({"seconds": 1.0, "low": 2, "high": 64, "mode": "apply"}, 3, report, never)
    assert threading.active_count() <= before
    assert 1 <= result["ticks"] <= 10
    assert result["ticks"] == len(result["series"]["size"]) == sum(len(one[4].get("size", ())) for one in told)
    assert len(told) <= result["ticks"] // 4 + 3
    assert told[-1][:2] == (1.0, 1.0)
    assert result["tasks"] == result["submitted"] == len(plan_of({"seconds": 1.0}, 3).times_s)
    assert result["unserved"] == result["bounds_violations"] == 0
    assert 2 <= min(result["series"]["size"]) <= result["mean_size"] <= max(result["series"]["size"]) <= 64
    assert 0 <= result["p50_wait_s"] <= result["p99_wait_s"]
    assert 0 <= result["overhead_ratio"] < 1
    assert result["resizes"] <= result["ticks"]
    assert result["static"]["kind"] == "simulated"
    assert all(2 <= action["after"] <= 64 and action["reason"] for action in result["actions"])
    assert json.loads(json.dumps(result)) == result


def test_samples_and_progress_are_told_live():
    told = []
    run({"seconds": 0.5}, 0, lambda done, total, **more: told.append((done, total, more)), never)
    dones = [done for done, _, _ in told]
    assert dones == sorted(dones)
    done, total, more = told[-2]
    assert 0 < done < total == 0.5
    assert more["unit"] == "s"
    assert set(more["samples"]) == {"target", "size", "queue", "wait_s", "force", "position", "velocity"}
    lengths = [len(one["samples"]["size"]) for _, _, one in told if one["samples"]]
    assert lengths[0] == 1
    assert all(1 <= length <= 4 for length in lengths)
    at_s, value = more["samples"]["size"][-1]
    assert at_s > 1e9
    assert value == more["partial"]["size"]


def test_where_many_run_ten_turns_are_told_at_once(tmp_path):
    told = []
    give(tmp_path / "orders", RARELY)
    spec = {"seconds": 1.3, "mode": "apply", "orders": str(tmp_path / "orders"), "rate_hz": 300.0, "burst_s": 0.2, "gap_s": 0.2}
    result = run(spec, 2, lambda done, total, **more: told.append(more), never)
    live = [one for one in told if one.get("partial")]
    assert len(live) <= 3
    assert sum(len(one["samples"].get("size", ())) for one in told) == result["ticks"]


def test_a_kill_is_told_as_such_and_no_order_takes_it_back(tmp_path):
    told = []
    for order in ("recommend", KILL, "apply"):
        give(tmp_path / "orders", order)
    result = run(
        {"seconds": 0.6, "mode": "observe", "orders": str(tmp_path / "orders")}, 2, lambda *_, **more: told.append(more)
    )
    assert {one["partial"]["mode"] for one in told if one.get("partial")} == {result["mode"]} == {"killed"}
    assert [(one["reason"], one["after"]) for one in result["actions"]] == [("kill switch, safe size", result["safe_size"])]
    assert 0 <= result["mode_since_s"] < result["wall_s"]


def test_a_kill_that_the_resource_refused_is_told_as_such_and_a_mode_with_the_size_it_began_with(tmp_path, monkeypatch):
    give(tmp_path / "orders", KILL)

    def refuse(_self, _size):
        raise OSError("busy")

    monkeypatch.setattr("app.engine.control.adapters.threadpool.ThreadPoolResource.apply_control", refuse)
    result = run({"seconds": 0.4, "mode": "apply", "orders": str(tmp_path / "orders")}, 2)
    assert result["mode"] == "killed"
    assert {one["reason"] for one in result["actions"]} == {"not applied: busy"}
    assert set(result["series"]["reason"]) == {"not applied: busy"}
    assert result["mode_size"] == result["actions"][-1]["after"]


def test_controllers_tell_together_so_that_who_looks_on_is_disturbed_once():
    told, moments = [], []
    at_s = {"first": 0.0, "second": 0.23}
    for name, start_s in at_s.items():
        plan = plan_of({"seconds": 3.0}, 1)
        trail = Trail(plan, rig=None, start_s=start_s)
        trail.epoch_s, trail.tell_every = 1000.0, 10
        for turn in range(30):
            before = len(told)
            trail.note(Action(start_s, 1.0, 2.0, 2.0, "law"))
            _tell(lambda *_, **more: told.append(more), trail, Tick(start_s + turn * 0.1, 1, 1, 0, 0, "law"), turn)
            if len(told) > before and turn:
                moments.append((name, 1000.0 + start_s + turn * 0.1))
    assert [round(at_s) for name, at_s in moments if name == "first"] == [1001, 1002]
    assert all(abs(at_s - round(at_s)) < 0.1 for _, at_s in moments)
    made = [[action["n"] for action in one["partial"]["actions"]] for one in told]
    assert made[:3] == [[1], list(range(2, 12)), list(range(12, 22))]  # with all that changed


def test_static_law_keeps_the_staffed_size():
    result = run({"seconds": 0.5, "law": "static"}, 0, silent, never)
    assert set(result["series"]["size"]) == {float(result["safe_size"])}
    assert result["resizes"] == 0


def test_stop_ends_early_and_wakes_every_task():
    asked = iter([False] * 40)
    result = run({"seconds": 600.0, "rate_hz": 20, "service_s": 300.0}, 0, silent, lambda: next(asked, True))
    assert result["wall_s"] < 600
    assert result["tasks"] + result["unserved"] <= result["submitted"] + 1


def test_overload_is_cut_off_and_counted():
    result = run({"seconds": 0.5, "low": 1, "high": 1, "service_s": 0.2}, 0, silent, never)
    assert result["unserved"] > 0
    assert result["tasks"] + result["unserved"] == result["submitted"]
    assert result["p99_wait_s"] > 0.5


def test_equal_seeds_meet_equal_load():
    one, two = plan_of({"seconds": 3}, 5), plan_of({"seconds": 3}, 5)
    assert one.times_s.tolist() == two.times_s.tolist()
    assert one.services_s.tolist() == two.services_s.tolist()


def test_an_unknown_law_is_refused_before_any_thread_starts():
    before = threading.active_count()
    with pytest.raises(BadInput, match="no control law"):
        run({"seconds": 1, "law": "warp"}, 0)
    assert threading.active_count() <= before

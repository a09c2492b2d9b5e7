import json
import threading
import time

import pytest

from app.engine.base.contracts import never, silent
from app.engine.control.records import KINDS, RUNS, WORKERS
from app.engine.control.rigs import QueueRig, slowed
from app.engine.control.simulate import CONTENDED
from app.engine.control.work import run

RATES_HZ = {"threadpool": 60.0, "processpool": 10.0, "connections": 60.0, "queue": 60.0, "balancer": 40.0, "batch": 60.0}


@pytest.mark.parametrize("kind", list(RATES_HZ))
def test_a_real_resource_under_load_is_steered_within_its_bounds_and_loses_no_task(kind):
    spec = {"resource": kind, "seconds": 0.8, "low": 2, "high": 6, "rate_hz": RATES_HZ[kind], "service_s": 0.02}
    result = run(spec, 1, silent, never)
    assert json.loads(json.dumps(result)) == result
    assert (result["resource"], result["bounds_violations"]) == (kind, 0)
    assert result["submitted"] > 0
    assert result["tasks"] + result["shed"] + result["unserved"] == result["submitted"]
    assert 2 <= result["mean_size"] <= 6
    assert result["unit"]
    assert (result["static"] is not None) == (KINDS[kind].name in ("threadpool", "processpool"))


def test_every_kind_can_be_run_within_its_bounds():
    assert {*RATES_HZ, "socket", "memory", "ratelimit", "cgroup"} == set(RUNS)
    assert set(WORKERS) == set(RATES_HZ)
    for name, suits in RUNS.items():
        assert KINDS[name].low <= suits.low < suits.high <= KINDS[name].high
    assert set(RUNS) == set(KINDS)


def test_a_crowded_resource_grows_and_a_stop_ends_what_is_being_served():
    asked = iter([False] * 60)
    result = run({"resource": "queue", "seconds": 600.0, "low": 1, "high": 8, "rate_hz": 40.0, "service_s": 300.0}, 0, silent,
                 lambda: next(asked, True))  # fmt: skip
    assert result["wall_s"] < 600
    assert max(result["series"]["queue"]) > 0


def test_the_injected_slowdown_is_that_of_the_simulated_plant():
    assert slowed(0.05, 1) == 0.05
    n = 10
    assert slowed(1.0, n) == pytest.approx(1 + CONTENDED.sigma * (n - 1) + CONTENDED.kappa * n * (n - 1))


def test_a_rate_limiter_under_load_lets_in_what_its_rate_allows_and_counts_what_it_refuses():
    spec = {"resource": "ratelimit", "seconds": 1.0, "low": 5, "high": 20, "rate_hz": 100.0, "service_s": 0.01}
    result = run(spec, 1, silent, never)
    assert result["bounds_violations"] == 0
    assert result["shed"] > 0
    assert result["tasks"] + result["shed"] + result["unserved"] == result["submitted"]
    assert 5 <= result["mean_size"] <= 20
    assert max(result["series"]["queue"]) > 0


def test_what_still_waits_in_a_queue_at_the_end_is_counted_with_its_wait_so_far():
    rig = QueueRig(1, 1, 4)
    begin_s = time.monotonic()
    for _ in range(4):
        rig.submit(60.0, begin_s - 5.0)
    while rig.counts()[0] < 3:
        threading.Event().wait(0.005)
    left = rig.close()
    assert len(left) + len(rig.take_waits()) == 4
    assert len(left) >= 2
    assert min(left) >= 5.0

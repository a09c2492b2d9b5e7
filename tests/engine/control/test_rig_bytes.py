import threading

from app.engine.base.contracts import never, silent
from app.engine.control.rig_bytes import SocketRig, cache_rig
from app.engine.control.work import run


def ran(resource, **more):
    before = threading.active_count()
    result = run(
        {"resource": resource, "mode": "apply", "seconds": 1.2, "service_s": 0.02, "rate_hz": 400.0, **more}, 1, silent, never
    )
    assert result["bounds_violations"] == 0
    assert result["tasks"] + result["shed"] + result["unserved"] == result["submitted"] > 100
    assert (result["unit"], result["static"]) == ("bytes", None)
    assert threading.active_count() <= before + 1  # the sampler of /proc may still look
    return result


def test_a_socket_buffer_that_is_steered_loses_less_than_one_held_small():
    steered = ran("socket")
    held = ran("socket", law="static", high=8192)
    assert held["shed"] > steered["shed"]
    assert steered["resizes"] > 0
    assert steered["p99_wait_s"] >= 0.02  # the reader is away


def test_a_cache_that_is_steered_grows_with_what_is_asked_of_it_and_misses_less():
    steered = ran("memory", low=1 << 18, high=32 << 20)
    held = ran("memory", law="static", low=1 << 18, high=1 << 18)
    assert max(steered["series"]["size"]) > held["mean_size"] == 1 << 18
    assert steered["p50_wait_s"] <= held["p50_wait_s"]


def test_what_the_kernel_drops_is_counted_and_what_it_keeps_is_read():
    rig = SocketRig(8192, 8192, 65_536)
    try:
        for _ in range(64):
            rig.submit(0.1, 0.0)
        left = rig.close()
    finally:
        rig.wake()
    waiting, read, lost = rig.counts()
    assert (waiting, left) == (0, [])
    assert 0 < read < 64
    assert read + lost == 64
    assert len(rig.take_waits()) == read


def test_equal_service_times_ask_for_equal_things():
    rig = cache_rig(1 << 20, 1 << 18, 1 << 22, 0.05)
    for asked in (1, 2):
        rig.submit(0.001, 0.0)
        for _ in range(20_000):
            if rig.counts()[1] == asked:
                break
            threading.Event().wait(0.001)
    assert rig.counts()[1] == 2
    assert rig.resource.get_metrics()["hit_ratio"] == 0.5
    rig.close()

import gc
import os
import socket
import threading
import time

import pytest

from app.engine.base.errors import BadInput, Missing
from app.engine.control.adapters.buffers import BufferResource, ByteCache, MemoryResource


def test_a_larger_buffer_loses_fewer_datagrams():
    kept = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        resource = BufferResource("lo", sock=receiver, low=4096, high=200_000)
        for size in (8192, 200_000):
            granted = resource.apply_control(size)
            assert resource.measure_state().size == granted
            for _ in range(60):
                sender.sendto(b"x" * 1000, receiver.getsockname())
            got = 0
            try:
                while receiver.recv(2000):
                    got += 1
            except BlockingIOError:
                kept.append(got)
    assert kept[0] < kept[1] == 60


def test_how_long_datagrams_wait_for_their_reader_is_measured():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        resource = BufferResource("lo", sock=receiver)
        assert resource.get_metrics()["latency_s"] == 0.0
        sender.sendto(b"x", receiver.getsockname())
        ends_s = time.monotonic() + 30.0
        while resource.get_metrics()["latency_s"] <= 0.001:
            assert time.monotonic() < ends_s
        assert receiver.recv(10) == b"x"
        waited = resource._waited_s
        resource.measure_state()
        assert resource._waited_s == waited  # it was read: nothing waits


def test_an_interface_is_watched_only_and_says_why():
    resource = BufferResource("lo")
    assert "latency_s" not in resource.get_metrics()
    assert resource.measure_state().queue == 0
    with pytest.raises(BadInput, match="need root"):
        resource.apply_control(8192)
    with pytest.raises(Missing, match="no network interface"):
        BufferResource("nowhere0")


def test_a_cache_keeps_its_budget_under_load_from_threads():
    cache = ByteCache(100_000)
    resource = MemoryResource(os.getpid(), cache=cache, low=10_000, high=1_000_000)

    def work(seed):
        for k in range(400):
            key = f"{seed * k % 150}"
            if cache.get(key) is None:
                cache.put(key, b"x" * 1000)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 3, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.used_bytes == 100_000
    state = resource.measure_state()
    assert state.position > 100_000  # what was evicted is wanted
    assert resource.apply_control(20_000) == 20_000
    assert cache.used_bytes <= 20_000
    assert 0 < resource.get_metrics()["hit_ratio"] < 1
    gc.collect()
    assert resource.get_metrics()["pause_s"] > 0
    resource.close()


def test_a_process_is_watched_but_not_set_and_a_gone_one_is_missing():
    resource = MemoryResource(os.getpid())
    assert resource.rss_bytes() > 1e6
    with pytest.raises(BadInput, match="cannot be set from outside"):
        resource.apply_control(1 << 24)
    resource.close()
    with pytest.raises(Missing, match="no process"):
        MemoryResource(2**22 + 12345)


def test_the_collector_threshold_is_set_within_its_range():
    before = gc.get_threshold()
    resource = MemoryResource(cache=ByteCache(1 << 20))
    try:
        assert resource.set_collector(5000) == gc.get_threshold()[0] == 5000
        with pytest.raises(BadInput):
            resource.set_collector(1)
    finally:
        gc.set_threshold(*before)
        resource.close()


def test_totals_count_from_the_making_and_not_from_the_boot_or_the_start_of_the_process():
    gc.collect()
    cache = ByteCache(1 << 20)
    cache.get("missed before")
    memory = MemoryResource(cache=cache)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    buffer = BufferResource("lo", sock=sock)
    try:
        received, dropped = buffer._first[0], buffer._first[3]
        told = buffer.get_metrics()
        assert told["received_bytes"] <= buffer._counters()[0] - received
        assert told["drops_count"] <= buffer._counters()[3] - dropped
        runs = sum(one["collections"] for one in gc.get_stats())
        assert runs > 0
        assert memory.get_metrics()["collections_count"] <= sum(one["collections"] for one in gc.get_stats()) - runs + 1
        before = memory.get_metrics()
        kept = [[k] for k in range(50_000)]
        gc.collect()
        after = memory.get_metrics()
        assert after["collections_count"] > before["collections_count"]
        assert after["live_allocations_count"] > before["live_allocations_count"] + 0.5 * len(kept)
        cache.put("a", b"x")
        cache.get("a")
        assert memory.get_metrics()["hit_ratio"] == 1.0
    finally:
        memory.close()
        sock.close()


def test_of_another_process_nothing_of_this_collector_is_told():
    watched = len(gc.callbacks)
    resource = MemoryResource(os.getppid())
    assert set(resource.get_metrics()) == {"rss_bytes"}
    assert len(gc.callbacks) == watched

import json
import os

import psutil

from app.agent.adapters.machine import Machine, addresses


def test_a_measurement_agrees_with_the_system(tmp_path):
    told = Machine(tmp_path).read()
    assert 0 <= told["cpu_ratio"] <= 1
    assert 0 < told["mem_ratio"] < 1
    resources = told["resources"]
    assert 0 < resources["mem_bytes"] < psutil.virtual_memory().total
    assert abs(resources["process_mem_bytes"] - psutil.Process().memory_info().rss) < 64 << 20
    assert 0 < resources["process_cpu_s"] <= sum(os.times()[:2]) + 0.05  # which are told in ticks
    json.dumps(told, allow_nan=False)


def test_the_inventory_is_of_this_machine(tmp_path):
    told = Machine(tmp_path).inventory("ab" * 16, "n", {"site": "north"})
    assert told.mem_bytes == psutil.virtual_memory().total
    assert told.cpu_count == psutil.cpu_count()
    assert told.labels == {"site": "north"}
    assert "numpy" in told.runtimes


def test_no_loopback_address_is_given_to_others():
    assert not [address for address in addresses() if address.startswith("127.")]


def test_the_address_that_connections_go_out_from_is_told_first(monkeypatch):
    found = addresses()
    monkeypatch.setattr("app.agent.adapters.machine._outward", lambda: found[-1] if found else "")
    assert addresses()[:1] == found[-1:]

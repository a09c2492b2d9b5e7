"""The law of every resource: what it tells about itself, its metrics by name, and that no size leaves its bounds."""

import math
import socket
from pathlib import Path

import pytest
import sqlalchemy.pool

from app.engine.base.errors import BadInput
from app.engine.control.adapters.asyncqueue import LimitedQueue, QueueResource
from app.engine.control.adapters.balancer import LoadBalancer, LoadBalancerResource
from app.engine.control.adapters.buffers import BufferResource, ByteCache, MemoryResource
from app.engine.control.adapters.cgroup import CgroupResource
from app.engine.control.adapters.connections import Checkouts, ConnectionPoolResource
from app.engine.control.adapters.metered import Metered
from app.engine.control.adapters.processpool import ElasticProcessPool, ProcessPoolResource
from app.engine.control.adapters.rates import Batcher, BatchResource, RateLimitResource, TokenBucket
from app.engine.control.adapters.threadpool import ElasticThreadPool, ThreadPoolResource
from app.engine.control.envelope import is_sane
from app.engine.control.records import KINDS

METRICS = {
    "threadpool": {
        "tasks_count",
        "tasks_hz",
        "failed_count",
        "queued_count",
        "saturation_ratio",
        "mean_service_s",
        "mean_wait_s",
    },
    "processpool": {
        "tasks_count",
        "tasks_hz",
        "failed_count",
        "queued_count",
        "saturation_ratio",
        "processes_count",
        "mean_service_s",
        "mean_wait_s",
    },
    "connections": {
        "connections_count",
        "connections_hz",
        "errors_count",
        "timeouts_count",
        "checked_out_count",
        "waiting_count",
        "mean_use_s",
        "mean_wait_s",
    },
    "queue": {"tasks_count", "tasks_hz", "drops_count", "queued_count", "mean_sojourn_s", "mean_service_s"},
    "socket": {"drops_count", "received_bytes", "throughput_bytes_hz", "errors_count", "buffer_bytes", "latency_s"},
    "memory": {"live_allocations_count", "collections_count", "collected_count", "rss_bytes", "hit_ratio", "pause_s"},
    "cgroup": {"memory_bytes", "limit_bytes", "held_back_count", "maximum_count", "killed_count"},
    "balancer": {"requests_count", "requests_hz", "errors_count", "refused_count", "p99_s", "ejected_count"},
    "ratelimit": {"granted_count", "granted_hz", "drops_count", "rate_hz"},
    "batch": {"requests_count", "requests_hz", "batches_count", "mean_batch_count", "mean_wait_s"},
}
# What each kind is asked to tell: of buffers drops, latency and throughput, of pools tasks per second and how full they are, of
# memory allocations, collections and pauses, of connections how many per second, errors and timeouts, of a balancer requests per
# second, errors and the tail; of what else there is how much goes through it, and what it keeps back.
ASKED = {
    "socket": {"drops_count", "latency_s", "throughput_bytes_hz"},
    "queue": {"drops_count", "mean_sojourn_s", "tasks_hz"},
    "threadpool": {"tasks_hz", "saturation_ratio"},
    "processpool": {"tasks_hz", "saturation_ratio"},
    "memory": {"live_allocations_count", "collections_count", "pause_s"},
    "cgroup": {"memory_bytes", "limit_bytes", "held_back_count"},
    "connections": {"connections_hz", "errors_count", "timeouts_count"},
    "balancer": {"requests_hz", "errors_count", "p99_s"},
    "ratelimit": {"granted_hz", "drops_count"},
    "batch": {"requests_hz", "mean_wait_s"},
}


def group(folder):
    for part, text in (("controllers", "memory"), ("current", "50000000"), ("high", "max"), ("events", "high 0")):
        (folder / (f"cgroup.{part}" if part == "controllers" else f"memory.{part}")).write_text(text)
    return folder


@pytest.fixture(params=list(METRICS))
def resource(request, tmp_path):
    def make(name, close):
        if name == "threadpool":
            pool = ElasticThreadPool(4)
            close.append(pool.shutdown)
            return ThreadPoolResource(pool, 2, 16)
        if name == "processpool":
            pool = ElasticProcessPool(2)
            close.append(pool.shutdown)
            return ProcessPoolResource(pool, 1, 4)
        if name == "connections":
            pool = sqlalchemy.pool.QueuePool(lambda: None, pool_size=2, max_overflow=2)
            return ConnectionPoolResource(Checkouts(pool), 16)
        if name == "socket":
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            close.append(sock.close)
            return BufferResource("lo", sock=sock, low=8192, high=131072)
        if name == "memory":
            found = MemoryResource(cache=ByteCache(1 << 20), low=1 << 16, high=1 << 24)
            close.append(found.close)
            return found
        return {
            "cgroup": lambda: CgroupResource(group(tmp_path)),
            "queue": lambda: QueueResource(LimitedQueue(4), 1, 16),
            "balancer": lambda: LoadBalancerResource(LoadBalancer(lambda _name, request: request, ["a", "b", "c"])),
            "ratelimit": lambda: RateLimitResource(TokenBucket(100.0), 10, 1000),
            "batch": lambda: BatchResource(Batcher(lambda items: items, 4), 1, 16),
        }[name]()

    close = []
    yield make(request.param, close)
    for one in close:
        one()


def test_a_resource_describes_itself_as_its_kind_does(resource):
    kind = KINDS[resource.name]
    assert resource.plant == kind.plant
    assert resource.low < resource.high
    assert resource.unit


def test_a_state_can_be_believed_and_metrics_are_the_tabled_ones(resource):
    assert is_sane(resource.measure_state())
    assert is_sane(resource.measure_state())
    metrics = resource.get_metrics()
    assert set(metrics) == METRICS[resource.name]
    assert all(math.isfinite(value) for value in metrics.values())
    assert all(name.endswith(("_count", "_ratio", "_s", "_bytes", "_hz")) for name in metrics)


def test_every_kind_tells_what_is_asked_of_it():
    assert set(ASKED) == set(KINDS)
    for name, keys in ASKED.items():
        assert keys <= METRICS[name]


def test_the_guide_tables_the_metrics_of_every_kind():
    guide = (Path(__file__).parents[4] / "docs" / "control.md").read_text("utf-8")
    for name, keys in METRICS.items():
        assert f"| {name} | " + ", ".join(f"`{key}`" for key in sorted(keys)) + " |" in guide
    assert set(METRICS) == set(KINDS)


@pytest.mark.parametrize("size", [-5.0, 0.0, 1.4, 1e12])
def test_no_size_leaves_the_bounds(resource, size):
    set_to = resource.apply_control(size)
    assert resource.low <= set_to <= resource.high
    assert resource.measure_state().size == set_to


@pytest.mark.parametrize("size", [math.nan, math.inf])
def test_a_size_that_is_no_number_is_refused_and_changes_nothing(resource, size):
    before = resource.measure_state().size
    with pytest.raises(BadInput):
        resource.apply_control(size)
    assert resource.measure_state().size == before


def test_bounds_reversed_are_refused():
    with pytest.raises(BadInput, match="ascending"):
        Metered(9, 3)
    with pytest.raises(BadInput, match="ascending"):
        QueueResource(LimitedQueue(4), 16, 1)

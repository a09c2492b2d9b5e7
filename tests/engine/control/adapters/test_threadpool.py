import math
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from app.engine.base.errors import BadInput, Conflict, Limit, Offline
from app.engine.control.adapters.threadpool import ElasticThreadPool, ThreadPoolResource
from app.engine.control.envelope import is_sane

if TYPE_CHECKING:
    from app.engine.base.contracts import Resource

PATIENCE_S = 20.0


def wait_until(condition):
    nap, limit_s = threading.Event(), time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit_s, "the condition never came"
        nap.wait(0.002)


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    wait_until(lambda: set(threading.enumerate()) <= before)


@pytest.fixture
def pool():
    with ElasticThreadPool(2) as made:
        yield made


class TestPool:
    def test_runs_work_and_returns_its_value(self, pool):
        assert pool.submit(divmod, 7, 2).result(PATIENCE_S) == (3, 1)

    def test_failure_of_a_task_reaches_its_caller_and_harms_no_thread(self, pool):
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result(PATIENCE_S)
        assert pool.submit(int, "5").result(PATIENCE_S) == 5
        wait_until(lambda: pool.counts().finished == 2)
        assert pool.counts().failed == 1

    def test_is_steered_no_more_once_it_was_shut_down_and_its_last_task_is_done(self, pool):
        resource, gate, closing = ThreadPoolResource(pool), threading.Event(), threading.Thread(target=pool.shutdown)
        pool.submit(gate.wait, PATIENCE_S)
        closing.start()
        assert resource.measure_state().size == 2
        gate.set()
        closing.join(PATIENCE_S)
        with pytest.raises(Offline, match="is shut down"):
            resource.measure_state()
        with pytest.raises(Offline, match="is shut down"):
            resource.apply_control(4)

    def test_grows_under_load_at_once(self, pool):
        gate = threading.Event()
        futures = [pool.submit(gate.wait, PATIENCE_S) for _ in range(8)]
        wait_until(lambda: pool.counts().busy == 2)
        pool.resize(6)
        wait_until(lambda: pool.counts().busy == 6)
        assert pool.counts().queued == 2
        gate.set()
        assert all(f.result(PATIENCE_S) for f in futures)

    def test_has_no_ghosts_where_the_system_has_no_more_threads(self, pool, monkeypatch):
        start, left = threading.Thread.start, [1]

        def refuse(thread):
            if not left[0]:
                raise RuntimeError("can't start new thread")
            left[0] -= 1
            start(thread)

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            with pytest.raises(Limit, match=r"has 3 of 6 threads: can't start"):
                pool.resize(6)
            assert (pool.counts().size, pool.counts().threads) == (3, 3)
            with pytest.raises(Limit, match="has 0 of 2"):
                ElasticThreadPool(2)
        assert pool.resize(4) == pool.counts().threads == 4
        assert pool.submit(int, "5").result(PATIENCE_S) == 5

    def test_shrinks_when_idle(self, pool):
        pool.resize(12)
        assert pool.counts().threads == 12
        pool.resize(1)
        wait_until(lambda: pool.counts().threads == 1)
        assert pool.submit(int, "1").result(PATIENCE_S) == 1

    def test_shrinks_between_tasks_without_dropping_one(self, pool):
        pool.resize(8)
        gates = [threading.Event() for _ in range(8)]
        futures = [pool.submit(gate.wait, PATIENCE_S) for gate in gates]
        wait_until(lambda: pool.counts().busy == 8)
        more = [pool.submit(int, str(k)) for k in range(50)]
        pool.resize(1)
        assert pool.counts().threads == 8  # busy threads finish first
        for gate in gates:
            gate.set()
        assert [f.result(PATIENCE_S) for f in more] == list(range(50))
        assert all(f.result(PATIENCE_S) for f in futures)
        wait_until(lambda: pool.counts().threads == 1)

    def test_every_task_runs_exactly_once_across_random_resizes(self, pool):
        chance, seen, guard = random.Random(1), {}, threading.Lock()

        def work(number):
            with guard:
                seen[number] = seen.get(number, 0) + 1
            return number

        futures = []
        for number in range(3000):
            futures.append(pool.submit(work, number))
            if number % 17 == 0:
                pool.resize(chance.randint(1, 24))
        assert [f.result(PATIENCE_S) for f in futures] == list(range(3000))
        assert set(seen.values()) == {1}
        assert len(seen) == 3000

    def test_one_thread_starts_tasks_in_order(self):
        order = []
        with ElasticThreadPool(1) as pool:
            for k in range(200):
                pool.submit(order.append, k)
        assert order == list(range(200))

    def test_shutdown_finishes_what_is_queued(self):
        pool = ElasticThreadPool(2)
        futures = [pool.submit(int, str(k)) for k in range(100)]
        assert pool.shutdown() == []
        assert [f.result(0) for f in futures] == list(range(100))
        assert pool.counts().threads == 0

    def test_shutdown_can_cancel_and_tells_how_long_each_had_waited(self):
        now = [0.0]
        pool = ElasticThreadPool(1, clock=lambda: now[0])
        gate = threading.Event()
        first = pool.submit(gate.wait, PATIENCE_S)
        wait_until(lambda: pool.counts().busy == 1)
        rest = [pool.submit(int, "1") for _ in range(3)]
        now[0] = 5.0
        threading.Timer(0.02, gate.set).start()
        assert pool.shutdown(cancel_queued=True) == [5.0, 5.0, 5.0]
        assert first.result(0)
        assert all(f.cancelled() for f in rest)

    def test_a_task_cancelled_by_its_caller_is_skipped(self, pool):
        gate = threading.Event()
        held = [pool.submit(gate.wait, PATIENCE_S) for _ in range(2)]
        wait_until(lambda: pool.counts().busy == 2)
        dropped, kept = pool.submit(int, "1"), pool.submit(int, "2")
        assert dropped.cancel()
        gate.set()
        assert kept.result(PATIENCE_S) == 2
        assert all(f.result(PATIENCE_S) for f in held)

    def test_wait_counts_from_when_a_task_was_due(self):
        now = [10.0]
        with ElasticThreadPool(1, clock=lambda: now[0]) as pool:
            pool.submit(int, "1", due_s=7.5).result(PATIENCE_S)
            assert pool.take_waits() == [2.5]
            assert pool.take_waits() == []

    def test_refuses_after_the_end_and_when_full(self):
        pool = ElasticThreadPool(1, most_queued=1)
        gate = threading.Event()
        pool.submit(gate.wait, PATIENCE_S)
        wait_until(lambda: pool.counts().busy == 1)
        pool.submit(int, "1")
        with pytest.raises(Limit, match="1 tasks waiting"):
            pool.submit(int, "1")
        gate.set()
        pool.shutdown()
        with pytest.raises(Conflict, match="shut down"):
            pool.submit(int, "1")

    @pytest.mark.parametrize("size", [0, -3])
    def test_nobody_is_no_pool(self, pool, size):
        with pytest.raises(BadInput):
            ElasticThreadPool(size)
        with pytest.raises(BadInput):
            pool.resize(size)


class TestResource:
    def test_fills_the_contract(self, pool):
        resource: Resource = ThreadPoolResource(pool, min_threads=2, max_threads=8)
        assert is_sane(resource.measure_state())
        assert resource.apply_control(5.4) == 5
        assert resource.apply_control(1e9) == 8
        assert resource.apply_control(-1) == 2
        assert resource.measure_state().size == 2
        assert all(math.isfinite(v) for v in resource.get_metrics().values())

    def test_refuses_what_is_no_size(self, pool):
        with pytest.raises(BadInput):
            ThreadPoolResource(pool).apply_control(math.nan)
        with pytest.raises(BadInput, match="ascending"):
            ThreadPoolResource(pool, 9, 3)

    def test_position_is_arrivals_times_service_time(self):
        now = [0.0]
        with ElasticThreadPool(1, clock=lambda: now[0]) as pool:
            resource = ThreadPoolResource(pool, 1, 8, clock=lambda: now[0], filter_s=0.0)

            def serve():
                now[0] += 0.25

            for _ in range(12):
                pool.submit(serve).result(PATIENCE_S)
            wait_until(lambda: pool.counts().finished == 12)
            now[0] = 6.0
            assert resource.measure_state().position == pytest.approx(0.25 * 12 / 6.0)
            assert resource.get_metrics()["mean_service_s"] == pytest.approx(0.25)
            assert resource.get_metrics()["tasks_hz"] == pytest.approx(12 / 6.0)
            later = ThreadPoolResource(pool, 1, 8, clock=lambda: now[0])
            now[0] = 8.0
            assert later.get_metrics()["tasks_hz"] == 0.0  # none since it was made

    def test_a_stuck_queue_shows_its_growing_wait(self):
        now, gate = [0.0], threading.Event()
        with ElasticThreadPool(1, clock=lambda: now[0]) as pool:
            resource = ThreadPoolResource(pool, 1, 8, clock=lambda: now[0])
            pool.submit(gate.wait, PATIENCE_S)
            wait_until(lambda: pool.counts().busy == 1)
            pool.submit(int, "1")
            now[0] = 3.0
            state = resource.measure_state()
            assert (state.queue, state.wait_s) == (1.0, 3.0)
            assert state.position == 2.0  # nothing finished yet: what is there is the demand
            gate.set()


def test_waits_that_nobody_asks_for_are_not_kept_for_ever():
    with ElasticThreadPool(1, most_queued=10) as pool:
        for _ in range(50):
            pool.submit(int).result(20)
        assert len(pool.take_waits()) <= 10
        assert pool.take_waits() == []

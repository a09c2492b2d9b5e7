import threading

import pytest

from app.engine.base.errors import BadInput, Limit
from app.engine.control.adapters.rates import Batcher, BatchResource, RateLimitResource, TokenBucket


def test_a_limiter_that_sees_its_tasks_served_counts_what_it_refused_as_waiting():
    now = [0.0]
    bucket = TokenBucket(10.0, burst=2, clock=lambda: now[0])
    resource = RateLimitResource(bucket, 1, 1000, clock=lambda: now[0])
    now[0] += 0.01
    assert resource.measure_state().done == 0
    with bucket.using():
        assert bucket.busy == 1
        now[0] += 0.05
    with bucket.using(), pytest.raises(Limit, match="More than 10"):
        bucket.using().__enter__()
    now[0] += 0.05
    state = resource.measure_state()
    assert (bucket.busy, bucket.done, bucket.refused) == (0, 2, 1)
    assert (state.queue, state.done, state.service_s) == (1, 2, pytest.approx(0.025))


def test_a_bucket_grants_its_rate_and_its_burst():
    now = [0.0]
    bucket = TokenBucket(10.0, burst=5, clock=lambda: now[0])
    resource = RateLimitResource(bucket, 1, 1000, clock=lambda: now[0])
    assert sum(bucket.take() for _ in range(20)) == 5
    for k in range(1, 1001):
        now[0] = k / 100
        bucket.take()
    assert bucket.granted == pytest.approx(5 + 100, abs=2)
    assert resource.measure_state().raw == pytest.approx(1020 / 10)
    resource.apply_control(50)
    before = bucket.granted
    for k in range(1001, 2001):
        now[0] = k / 100
        bucket.take()
    assert bucket.granted - before == pytest.approx(500, abs=8)
    with pytest.raises(BadInput):
        TokenBucket(0)


def test_under_load_requests_are_answered_in_batches_of_at_most_the_size():
    sizes = []

    def work(items):
        sizes.append(len(items))
        return [item * 2 for item in items]

    batcher = Batcher(work, 4, linger_s=0.02)
    resource = BatchResource(batcher, 1, 16)
    answers = {}

    def ask(k):
        answers[k] = batcher.add(k)

    def round_of(count):
        threads = [threading.Thread(target=ask, args=(k,)) for k in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

    round_of(20)
    assert answers == {k: 2 * k for k in range(20)}
    assert max(sizes) <= 4
    assert sum(sizes) == 20
    resource.apply_control(1)
    sizes.clear()
    round_of(6)
    assert sizes == [1] * 6
    assert resource.get_metrics()["requests_count"] == 26
    assert resource.measure_state().size == 1


@pytest.mark.parametrize("answers", ["raises", "too few"])
def test_what_a_batch_raises_reaches_everyone_in_it(answers):
    first, gate, told = threading.Event(), threading.Event(), []

    def work(items):
        first.set()
        assert gate.wait(20)
        if answers == "raises":
            raise OSError("the model is gone")
        return items[1:]

    batcher = Batcher(work, 4, linger_s=0.0)

    def ask(k):
        try:
            batcher.add(k)
        except (OSError, BadInput) as error:
            told.append(str(error))

    threads = [threading.Thread(target=ask, args=(k,), daemon=True) for k in range(5)]
    for thread in threads:
        thread.start()
    assert first.wait(20)
    gate.set()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert len(told) == 5
    assert all(("gone" in one) if answers == "raises" else ("was answered by" in one) for one in told)
    assert batcher.queued == 0

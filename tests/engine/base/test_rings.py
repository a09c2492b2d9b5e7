import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.rings import Ring, Samples


@given(st.lists(st.integers(0, 700), max_size=8), st.integers(0, 2**32 - 1))
def test_a_ring_holds_the_newest_in_order(chunks, seed):
    ring, everything = Ring(512), np.array([])
    rng = np.random.default_rng(seed)
    for chunk in chunks:
        values = rng.normal(size=chunk)
        ring.extend(np.arange(len(everything), len(everything) + chunk, dtype=float), values)
        everything = np.concatenate([everything, values])
    times, values = ring.tail()
    assert np.array_equal(values, everything[-512:] if len(everything) else everything)
    assert np.array_equal(times, np.arange(len(everything), dtype=float)[-512:])


@given(st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_the_envelope_keeps_the_extremes_and_the_order(count, seed):
    ring = Ring(4096)
    values = np.random.default_rng(seed).normal(size=count)
    for at, value in enumerate(values):
        ring.push(float(at), value)
    times, drawn = ring.envelope(600)
    assert len(drawn) <= max(600, 2 * 4096 // 16 + 16)
    assert np.all(np.diff(times) >= 0)
    kept = values[-(4096 - 16) :]  # the oldest block may be half overwritten and is then left out
    assert drawn.max() >= kept.max()
    assert drawn.min() <= kept.min()


def test_a_million_points_are_drawn_with_a_few_thousand():
    ring = Ring(1 << 20)
    ring.extend(np.arange(1e6), np.sin(np.arange(1e6)))
    assert len(ring.envelope(3000)[0]) < 9000


@given(st.integers(1, 9000), st.integers(0, 2**32 - 1), st.sampled_from((64, 512, 4096, 1000)))
def test_a_window_of_the_history_keeps_its_extremes_and_its_neighbours(count, seed, capacity):
    ring = Ring(capacity)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=count)
    ring.extend(np.arange(count, dtype=float), values)
    kept = np.arange(max(0, count - ring.capacity), count)
    first, last = sorted(rng.uniform(kept[0] - 5, kept[-1] + 5, 2))
    times, drawn = ring.between(first, last, 200)
    assert len(drawn) <= 200 + 2 * 300
    assert np.all(np.diff(times) >= 0)
    inside = values[kept[(kept >= first) & (kept <= last)]]
    if len(inside):
        assert drawn.max() >= inside.max()
        assert drawn.min() <= inside.min()
    assert ring.nearest(first)[0] == kept[np.argmin(np.abs(kept - first))]


def test_an_empty_ring_has_nothing_near():
    assert Ring(64).nearest(5.0) is None


def test_samples_keep_series_apart_and_forget_a_subject():
    lane = Samples(64)
    lane.push("node", "cpu_ratio", 1.0, 0.5)
    lane.push("job", "loss", 1.0, 2.0)
    assert lane.ring("node", "cpu_ratio").last() == (1.0, 0.5)
    lane.forget("node")
    assert (list(lane.metrics("node")), list(lane.metrics("job"))) == ([], ["loss"])


def test_a_ring_too_small_is_refused():
    with pytest.raises(ValueError, match="16"):
        Ring(3)


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_looks_between_the_samples_change_nothing_of_what_is_drawn(chunks, seed):
    looked, unseen = Ring(1024), Ring(1024)
    rng, count = np.random.default_rng(seed), 0
    for chunk in chunks:
        times, values = np.arange(count, count + chunk, dtype=float), rng.normal(size=chunk)
        count += chunk
        looked.extend(times, values)
        for at, value in zip(times, values, strict=True):
            unseen.push(at, value)
        looked.envelope(30)
    for ours, theirs in zip(looked.envelope(30), unseen.envelope(30), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_short_series_takes_little_room():
    ring = Ring(1 << 20)
    ring.extend(np.arange(100.0), np.arange(100.0))
    assert ring._t.nbytes + ring._v.nbytes < 8192

import numpy as np
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning.compress import KINDS, bytes_of, dense, expand, squeeze

PLACE = {"seed": 3, "round_number": 2}


def rows(count=403, clients=5):
    return np.random.default_rng(4).standard_normal((clients, count)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_what_travels_is_read_to_the_bits_a_simulation_keeps(kind):
    true = rows()
    read = dense(kind, true, 0.3, clients=np.arange(5), **PLACE)
    for row, whole in zip(read, true, strict=True):
        sent = squeeze(kind, row, whole, 0.3, **PLACE)
        assert np.array_equal(expand(kind, sent, len(row), 0.3, **PLACE), row)
        assert sum(tensor.nbytes for tensor in sent.values()) <= bytes_of(kind, len(row), 0.3)


def test_top_k_keeps_the_largest_and_nothing_else():
    read = dense("top-k", rows(), 0.1, clients=np.arange(5), **PLACE)
    for row, whole in zip(read, rows(), strict=True):
        kept = np.flatnonzero(row)
        assert set(kept) == set(np.argsort(-np.abs(whole))[:40])
        assert np.array_equal(row[kept], whole[kept])


def test_rounding_is_unbiased_and_never_off_by_more_than_a_level():
    true = np.tile(rows(clients=1), (4000, 1))
    read = dense("quantise", true, 1.0, clients=np.arange(4000), **PLACE)
    level = np.abs(true).max() / 127
    assert np.abs(read - true).max() <= level * 1.001
    # The mean of 4,000 throws of variance at most level^2 / 4 lies within five standard errors.
    assert np.abs(read.mean(axis=0, dtype=np.float64) - true[0]).max() <= 5 * level / 2 / np.sqrt(4000)


def test_rounding_does_not_depend_on_who_stands_beside():
    whole = dense("quantise", rows(), 1.0, clients=np.arange(5), **PLACE)
    assert np.array_equal(whole[3:4], dense("quantise", rows()[3:4], 1.0, clients=np.array([3]), **PLACE))


def sketched(true, round_number):
    return dense("sketch", true, 0.25, seed=3, round_number=round_number, clients=np.arange(len(true)))


def test_a_sketch_is_unbiased_before_it_is_shrunk_and_a_contraction_after():
    true = rows(200, 1)
    cells = 5 * round(200 * 0.25 / 5)
    shrink = 1 + 199 / cells
    reads = np.concatenate([sketched(true, at) for at in range(600)]).astype(np.float64)
    size = float((true**2).sum())
    # A coordinate read has the variance |x|^2 / cells; five standard errors of the mean over 600 rounds.
    assert np.abs(shrink * reads.mean(axis=0) - true[0]).max() < 5 * np.sqrt(size / cells / 600)
    assert ((reads - true) ** 2).sum(axis=1).mean() < (1 - 0.9 / shrink) * size


def test_what_a_sketch_leaves_out_is_sent_in_the_end():
    true, left = rows(200, 1), np.zeros((1, 200), np.float32)
    sent = np.zeros_like(true)
    for at in range(120):
        whole = left + (true if at == 0 else 0)
        told = sketched(whole, at)
        sent, left = sent + told, whole - told
    assert np.linalg.norm(sent - true) < 1e-3 * np.linalg.norm(true)


def test_zeros_stay_zeros():
    nothing = np.zeros((2, 9), np.float32)
    for kind in KINDS:
        assert not dense(kind, nothing, 0.5, clients=np.arange(2), **PLACE).any()


@pytest.mark.parametrize(
    "kind, sent",
    [
        ("top-k", {"at": [0, 9], "values": [1, 1]}), ("top-k", {"at": [0, 0], "values": [1, 1]}),
        ("top-k", {"at": [np.nan], "values": [1]}), ("top-k", {"at": [1], "values": [1, 2]}), ("top-k", {"values": [1]}),
        ("quantise", {"scale": [np.inf], "codes": [0, 0, 0]}), ("quantise", {"scale": [1], "codes": [0]}),
        ("sketch", {"table": [[1.0]]}),
    ],
)  # fmt: skip
def test_nonsense_is_refused(kind, sent):
    with pytest.raises(BadInput):
        expand(kind, {name: np.array(value, np.float32) for name, value in sent.items()}, 9, 0.5, **PLACE)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.learning.partition import KINDS, drawn, part, share_out

LABELS = np.random.default_rng(0).integers(0, 10, 1437)
X = np.random.default_rng(1).random((1437, 6), dtype=np.float32) * np.float32([5, 1, 1, 1, 1, 1])


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(KINDS), st.integers(1, 60), st.integers(0, 2**64 - 1), st.sampled_from([0.05, 0.5, 10.0]))
def test_every_example_has_exactly_one_owner(kind, clients, seed, alpha):
    parts = part(kind, LABELS, clients, seed, alpha, x=X)
    assert len(parts) == clients
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(LABELS)))
    assert min(map(len, parts)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_part_alike_and_others_do_not(kind):
    first, again, other = (part(kind, LABELS, 6, seed, x=X) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_shards_hold_few_classes():
    labels = np.repeat(np.arange(10), 100)
    assert all(len(set(labels[rows])) <= 2 for rows in part("shards", labels, 10, 3))


def skew(parts):
    mixes = [np.bincount(LABELS[rows], minlength=10) / len(rows) for rows in parts]
    return np.mean([abs(mix - 0.1).sum() for mix in mixes])


def test_a_smaller_alpha_skews_more_and_even_parts_least():
    assert skew(part("dirichlet", LABELS, 10, 1, 0.3)) > skew(part("dirichlet", LABELS, 10, 1, 100.0))
    assert skew(part("iid", LABELS, 10, 1)) < 0.4


@pytest.mark.parametrize("kind", KINDS)
def test_a_population_larger_than_the_data_draws_with_replacement(kind):
    parts, how = share_out(kind, LABELS, 2000, 5, x=X)
    assert how == "drawn"
    assert {len(rows) for rows in parts} == {16}
    assert all(0 <= rows.min() <= rows.max() < len(LABELS) for rows in parts)
    if kind == "shards":
        assert max(len(set(LABELS[rows])) for rows in parts) <= 2


def test_draws_follow_the_mix_of_classes_over_all():
    rows = np.concatenate(drawn("iid", LABELS, 1000, 2, each=16))
    share = np.bincount(LABELS[rows], minlength=10) / len(rows)
    assert share == pytest.approx(np.bincount(LABELS) / len(LABELS), abs=0.012)


def test_skew_of_features_parts_what_looks_alike_and_leaves_the_classes_even():
    parts = part("features", LABELS, 6, 0, x=X)
    assert skew(parts) < 0.1
    means = [X[rows, 0].mean() for rows in parts]
    assert max(means) - min(means) > 3
    many = drawn("features", LABELS, 200, 0, each=16, x=X)
    assert np.std([X[rows, 0].mean() for rows in many]) > 2 * np.std([X[rows, 1].mean() for rows in many])
    with pytest.raises(BadInput, match="examples themselves"):
        part("features", LABELS, 6, 0)


@pytest.mark.parametrize("kind, clients", [("stripes", 3), ("iid", 0), ("iid", 1438)])
def test_what_cannot_be_parted_is_refused(kind, clients):
    with pytest.raises(BadInput):
        part(kind, LABELS, clients, 0)

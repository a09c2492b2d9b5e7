"""The comparison of learners: same splits, same trials, an interval, and a verdict that follows from them."""

import numpy as np
import pytest

from app.engine.base.contracts import never, silent
from app.engine.base.errors import Cancelled
from app.engine.circuits.tasks import classify


def run(stop=never, **options):
    values = classify.TASK.take({"splits": 3, "training": 40, "rounds": 10, "layers": 2, **options})
    return classify.work(values, np.random.default_rng(1), silent, stop)


@pytest.mark.parametrize(("name", "shape", "ones"), [("breast_cancer", (569, 30), 357), ("wine", (178, 13), 59)])
def test_the_tables_are_the_published_ones(name, shape, ones):
    x, y = classify.table(name)
    assert x.shape == shape
    assert int((y > 0).sum()) == ones


@pytest.mark.parametrize("model", ["kernel", "network", "anomaly"])
@pytest.mark.parametrize("data", classify.DATA)
def test_both_sides_learn_and_the_verdict_follows_the_interval(data, model):
    found = run(data=data, model=model)
    rated = "area_under_curve" if model == "anomaly" else "accuracy"
    assert found.classical[rated] > 0.7
    assert found.solution[rated] > 0.5
    assert found.solution["difference_low"] <= found.solution["difference"] <= found.solution["difference_high"]
    assert found.advantage == ("no" if found.solution[rated] <= found.classical[rated] else "undecided")
    assert len(found.series["quantum"]) == 3


def test_a_split_takes_components_and_range_from_its_training_part_only():
    x, y = classify.table("wine")
    one = classify.split(x, y, 80, 3, np.random.default_rng(1))
    test_part = np.random.default_rng(1).permutation(len(y))[80:]
    wild = x.copy()
    wild[test_part] *= 7
    assert np.array_equal(one.x, classify.split(wild, y, 80, 3, np.random.default_rng(1)).x)
    assert (one.x.shape, one.test_x.shape) == ((80, 3), (98, 3))
    assert (one.x.min(), one.x.max()) == pytest.approx((0, np.pi))
    assert 0 <= one.test_x.min() <= one.test_x.max() <= np.pi


def test_the_area_under_the_curve_counts_pairs_in_order():
    assert classify.area(np.array([3.0, 2, 1, 0]), np.array([True, True, False, False])) == 1
    assert classify.area(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
    assert classify.area(np.array([2.0, 1, 3]), np.array([True, False, False])) == 0.5


def test_the_interval_grows_with_shared_samples_and_needs_two_splits():
    differences = np.array([0.1, 0.0, 0.05, 0.02])
    low, high = classify.interval(differences, 100, 100)
    plain = 3.182 * differences.std(ddof=1) * np.sqrt(1 / 4 + 1)
    assert (high - low) / 2 == pytest.approx(plain)
    assert classify.interval(differences[:1], 1, 1) == (-1, 1)


def test_it_can_be_stopped():
    with pytest.raises(Cancelled):
        run(stop=lambda: True, model="kernel")

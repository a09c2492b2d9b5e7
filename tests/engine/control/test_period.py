import numpy as np
import pytest

from app.engine.control.period import Past, periods


def test_a_period_is_found_and_noise_has_none():
    t = np.arange(400)
    random = np.random.default_rng(0)
    rows = np.stack([np.sin(2 * np.pi * t / 50) + 0.3 * random.standard_normal(400), random.standard_normal(400)])
    found, strength = periods(rows)
    assert found[0] == pytest.approx(50, abs=2)
    assert found[1] == 0
    assert strength[0] > 0.7


def test_the_fundamental_is_preferred_to_its_multiples():
    t = np.arange(600)
    assert periods(np.sin(2 * np.pi * t / 37)[None])[0][0] == pytest.approx(37, abs=1)


@pytest.mark.parametrize("rows", [1, 3])
def test_the_past_recalls_what_came_one_period_ago(rows):
    past = Past(np.zeros(rows) if rows > 1 else 0.0)
    for k in range(1500):
        past.add(10 + 5 * np.sin(2 * np.pi * k / 60), 0.1)
    known, now, then = past.recall(6.0)
    assert np.all(known)
    assert now == pytest.approx(10 + 5 * np.sin(2 * np.pi * 1499 / 60), abs=0.5)
    assert then == pytest.approx(10 + 5 * np.sin(2 * np.pi * 1505 / 60), abs=0.5)


def test_without_a_period_nothing_is_recalled():
    past = Past(0.0)
    for _ in range(200):
        past.add(5.0, 0.1)
    assert past.recall(3.0) == (False, 0.0, 0.0)

import numpy as np
import pytest

from app.engine.learning.pace import Pace


def test_paces_are_drawn_by_the_seed_and_spread_as_phones_do():
    sizes = np.full(20_000, 100)
    pace = Pace.drawn(sizes, 1e5, 4)
    assert np.array_equal(pace.epoch_s, Pace.drawn(sizes, 1e5, 4).epoch_s)
    # Of a log-normal with spread s, log values have that standard deviation and median the scale.
    assert np.log(pace.epoch_s).std() == pytest.approx(0.8, rel=0.03)
    assert np.median(pace.epoch_s) == pytest.approx(0.1, rel=0.03)
    assert np.median(pace.link_s) == pytest.approx(0.4, rel=0.05)

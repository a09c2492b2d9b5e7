import numpy as np
import pytest
from numba import njit

from app.engine.qubo.lanes import LANES, spread_row, turn_row


@njit
def turn(spins, fields, row, limits, at, step):  # noqa: PLR0917
    return turn_row(spins, fields, row, limits, at, step)


@njit
def spread(fields, others, strength, first, last, step):  # noqa: PLR0917
    spread_row(fields, others, strength, first, last, step)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_row_turns_exactly_where_spin_times_field_reaches_its_limit(dtype) -> None:
    rng = np.random.default_rng(2)
    spins = (rng.integers(0, 2, (3, LANES)) * 2 - 1).astype(dtype)
    fields, limits = rng.integers(-9, 10, (3, LANES)).astype(dtype), rng.integers(-9, 10, LANES + 5).astype(dtype)
    before, step = spins.copy(), np.empty(LANES, dtype)
    expected = before[1] * fields[1] >= limits[5:]
    assert turn(spins, fields, 1, limits, 5, step)
    np.testing.assert_array_equal(spins[1], np.where(expected, -before[1], before[1]))
    np.testing.assert_array_equal(step, np.where(expected, -2 * before[1], 0))
    np.testing.assert_array_equal(spins[[0, 2]], before[[0, 2]])


def test_a_row_that_turns_nowhere_says_so() -> None:
    spins, step = np.ones((1, LANES), np.int16), np.empty(LANES, np.int16)
    assert not turn(spins, np.zeros((1, LANES), np.int16), 0, np.ones(LANES, np.int16), 0, step)
    assert not step.any()


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_step_reaches_the_rows_named_and_no_others(dtype) -> None:
    fields, step = np.zeros((5, LANES), dtype), np.arange(LANES).astype(dtype)
    spread(fields, np.array([9, 4, 2, 9], np.int32), np.array([9, 3, -2, 9], dtype), 1, 3, step)
    expected = np.zeros((5, LANES))
    expected[4], expected[2] = 3 * step, -2 * step
    np.testing.assert_array_equal(fields, expected)

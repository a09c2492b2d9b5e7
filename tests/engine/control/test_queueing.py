import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.control.queueing import (
    erlang_c,
    fifo_waits_s,
    mean_wait_s,
    staff_for,
)


def textbook_c(servers, offered):
    top = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return top / (sum(offered**k / math.factorial(k) for k in range(servers)) + top)


@given(st.integers(1, 40), st.floats(0.01, 0.99))
def test_erlang_c_agrees_with_the_textbook_sum(servers, share):
    assert erlang_c(servers, share * servers) == pytest.approx(textbook_c(servers, share * servers), rel=1e-9)


def test_known_values():
    assert erlang_c(1, 0.7) == pytest.approx(0.7)  # M/M/1: the probability to wait is the load
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(3, 0.0) == 0.0
    assert mean_wait_s(1, 8.0, 0.1) == pytest.approx(0.4)  # M/M/1: rho S / (1 - rho)


def test_overload_waits_for_ever():
    assert erlang_c(4, 4.0) == 1.0
    assert mean_wait_s(4, 100, 0.05) == math.inf


def test_a_pool_of_nobody_is_refused():
    with pytest.raises(BadInput):
        erlang_c(0, 1.0)


def test_staffing_is_the_least_that_keeps_the_wait():
    count = staff_for(200, 0.05, 0.01, 1, 64)
    assert mean_wait_s(count, 200, 0.05) <= 0.01 < mean_wait_s(count - 1, 200, 0.05)
    assert staff_for(1e6, 1, 0.01, 2, 8) == 8
    assert staff_for(1, 0.001, 0.01, 5, 8) == 5


def test_fifo_recursion_agrees_with_erlang_c():
    rng = np.random.default_rng(4)
    times = np.cumsum(rng.exponential(1 / 160, 200_000))
    waits = fifo_waits_s(times, rng.exponential(0.05, 200_000), 10)
    assert waits.mean() == pytest.approx(mean_wait_s(10, 160, 0.05), rel=0.06)


def test_fifo_recursion_by_hand():
    waits = fifo_waits_s(np.array([0.0, 0.0, 1.0]), np.array([3.0, 2.0, 1.0]), 2)
    assert waits.tolist() == [0.0, 0.0, 1.0]

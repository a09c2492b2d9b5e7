import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.contracts import ResourceState
from app.engine.base.errors import BadInput
from app.engine.control.envelope import Envelope, guard, is_sane
from app.engine.control.records import BAD, FREE, HIGH, LOW, RATE, SAFE, STALE

ENVELOPE = Envelope(low=2, high=64, safe=10, up_per_s=100, down_per_s=20)
SANE = ResourceState(1.0, 5.0, -1.0, 0.5, 8.0, 3.0, 0.01)
ANY = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("applied", "wanted", "age_s", "size", "reason"),
    [
        (10, 12, 0, 12, FREE),
        (62, 65, 0, 64, HIGH),
        (3, 1, 0, 2, LOW),
        (10, 60, 0, 20, RATE),
        (40, 10, 0, 38, RATE),
        (10, math.nan, 0, 10, BAD),
        (10, math.inf, 0, 10, BAD),
        (30, 60, 0.5, 30, STALE),
        (30, 60, 2.0, 28, SAFE),
        (30, 60, math.nan, 28, SAFE),
        (5, 60, 9.0, 10, SAFE),
    ],
)
def test_each_promise_is_kept_and_named(applied, wanted, age_s, size, reason):
    decision = guard(ENVELOPE, applied, wanted, 0.1, age_s)
    assert (decision.size, decision.reason) == (pytest.approx(size), reason)


@given(applied=ANY, wanted=ANY, dt_s=ANY, age_s=ANY)
def test_no_input_leaves_the_bounds(applied, wanted, dt_s, age_s):
    assert 2 <= guard(ENVELOPE, applied, wanted, dt_s, age_s).size <= 64


@given(st.floats(2, 64), ANY, st.floats(0, 1), ANY)
def test_no_input_moves_faster_than_the_rates(applied, wanted, dt_s, age_s):
    moved = guard(ENVELOPE, applied, wanted, dt_s, age_s).size - applied
    assert -20 * dt_s - 1e-9 <= moved <= 100 * dt_s + 1e-9


@given(st.sampled_from(ResourceState._fields), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_a_reading_with_any_figure_not_finite_is_not_believed(name, value):
    assert not is_sane(SANE._replace(**{name: value}))


@pytest.mark.parametrize("name", ["position", "size", "queue", "wait_s"])
def test_a_negative_amount_is_not_believed(name):
    assert is_sane(SANE)
    assert not is_sane(SANE._replace(**{name: -0.1}))


@pytest.mark.parametrize(
    "bad",
    [
        {"low": 65},
        {"low": -1},
        {"high": math.inf},
        {"low": math.nan},
        {"safe": 1},
        {"up_per_s": 0},
        {"down_per_s": -1},
        {"stale_s": 2.0},
    ],
)
def test_an_envelope_that_promises_nothing_is_refused(bad):
    with pytest.raises(BadInput):
        dataclasses.replace(ENVELOPE, **bad)

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.circuits.angles import angle_of, angle_or_name, angle_text


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0"), (math.pi, "π"), (-math.pi / 2, "-π/2"), (3 * math.pi / 8, "3π/8"), (2 * math.pi, "2π"),
        (math.pi / 1024, "π/1024"), (0.1234567, "0.1235"), (1e-3, "0.001"), ("theta", "theta"), (math.inf, "inf"),
    ],
)  # fmt: skip
def test_angles_read_as_multiples_of_pi_where_they_are_one(value, text):
    assert angle_text(value) == text


@given(st.integers(-50, 50).filter(bool), st.sampled_from([1, 2, 3, 4, 6, 8, 16]))
def test_a_multiple_of_pi_survives_being_read_back(top, bottom):
    text = angle_text(math.pi * top / bottom)
    sign = -1 if text.startswith("-") else 1
    head, _, tail = text.lstrip("-").partition("π")
    back = sign * int(head or "1") * math.pi / int(tail.lstrip("/") or "1")
    assert back == pytest.approx(math.pi * top / bottom)


@pytest.mark.parametrize(
    "text, value", [("pi/2", math.pi / 2), ("-3π/8", -3 * math.pi / 8), ("0.5", 0.5), ("2*(pi-1)", 2 * math.pi - 2)]
)
def test_an_angle_is_read_as_people_write_it(text, value):
    assert angle_of(text) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("text", ["", "pi/0", "__import__('os')", "e", "9**9", "(" * 50, "1e999", "True"])
def test_what_is_no_angle_is_refused(text):
    with pytest.raises(BadInput, match="is no angle"):
        angle_of(text)


@pytest.mark.parametrize(("text", "value"), [("theta", "theta"), (" a_1 ", "a_1"), ("pi/2", math.pi / 2), ("0.5", 0.5)])
def test_an_angle_may_be_a_name(text, value):
    assert angle_or_name(text) == value


@pytest.mark.parametrize("text", ["input", "2x", "θ", "a" * 21, ""])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(BadInput, match="is no angle"):
        angle_or_name(text)

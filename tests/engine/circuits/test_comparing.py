"""Two runs side by side: distances in closed form, chance as chance, and what cannot be compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.engine.circuits import comparing


def told(first, second, **more):
    return comparing.compare({"counts": first, **more}, {"counts": second})


def test_distances_have_their_closed_forms():
    found = told({"00": 500, "11": 500}, {"00": 250, "01": 250, "11": 500})
    assert found["total_variation"] == pytest.approx(0.25, abs=1e-12)
    overlap = (0.5 * 0.25) ** 0.5 + 0.5
    assert found["fidelity"] == pytest.approx(overlap**2, abs=1e-12)
    assert found["hellinger"] == pytest.approx((1 - overlap) ** 0.5, abs=1e-12)
    assert found["different"]
    assert found["outcomes"] == [["11", 500, 500], ["00", 500, 250], ["01", 0, 250]]


def test_nothing_in_common_is_as_far_as_it_goes():
    found = told({"0": 70}, {"1": 90})
    assert (found["total_variation"], found["hellinger"], found["fidelity"]) == (1.0, 1.0, 0.0)
    assert found["p_value"] == pytest.approx(1 / 1000)
    assert found["shots"] == [70, 90]


def test_runs_of_one_distribution_are_called_different_as_seldom_as_promised():
    rng = np.random.default_rng(5)
    shares = [0.4, 0.3, 0.2, 0.1]
    names = ["00", "01", "10", "11"]
    pairs = [rng.multinomial([300, 500], shares) for _ in range(60)]
    wrong = sum(told(*(dict(zip(names, map(int, row), strict=True)) for row in pair))["different"] for pair in pairs)
    assert wrong <= 4  # at 1 % each, five or more of sixty come once in three thousand times


@given(st.dictionaries(st.sampled_from(["00", "01", "10", "11"]), st.integers(1, 50), min_size=1))
def test_a_run_beside_itself_is_no_different(counts):
    found = told(counts, counts)
    assert (found["total_variation"], found["different"], found["p_value"]) == (0.0, False, 1.0)
    assert found["fidelity"] == pytest.approx(1)


def test_what_a_result_has_summed_up_is_told():
    assert told({"0": 30, "1": 30}, {"0": 5}, other_shots=40)["left_out_ratio"] == pytest.approx(0.4)


@pytest.mark.parametrize("second", [{"000": 5}, {"0 0": 5}, {}])
def test_other_bits_are_refused(second):
    with pytest.raises(BadInput, match="measure different bits"):
        told({"00": 5}, second)


def test_the_sentence_says_whether_shots_alone_explain_it():
    assert comparing.verdict_text(told({"0": 9}, {"0": 8})).startswith("shots alone explain the difference (p = 1.000)")
    assert comparing.verdict_text(told({"0": 90}, {"1": 80})).startswith("the distributions differ")

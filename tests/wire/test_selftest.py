import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.base.errors import BadInput
from app.wire.selftest import drawn, drawn_input, input_of, is_test, off_by, told_output


def test_drawn_values_are_the_published_finaliser_of_murmurhash3():
    assert drawn(1, (1,))[0] == (0x514E28B7 >> 8) / 2**24  # fmix32(1), from SMHasher's reference
    assert drawn(0, (1,))[0] == 0.0


def test_drawn_values_are_spread_evenly_and_depend_on_the_seed():
    values = drawn(7, (2, 3, 100, 100))
    assert (values.dtype, values.shape) == (np.float32, (2, 3, 100, 100))
    assert 0 <= values.min() < values.max() < 1
    assert np.allclose(np.histogram(values, 10, (0, 1))[0], 6000, rtol=0.1)
    assert abs(values.mean() - 0.5) < 0.01
    assert not np.array_equal(values, drawn(8, (2, 3, 100, 100)))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_an_answer_of_any_shape_is_told_in_few_bytes_and_known_again(shape, seed):
    answer = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    told = json.loads(json.dumps(told_output(answer)))
    assert len(json.dumps(told)) < 200_000
    assert off_by(told, answer) == 0.0
    assert off_by(told, answer + np.float32(0.5)) == pytest.approx(0.5, abs=1e-5)
    with pytest.raises(BadInput, match="another shape"):
        off_by(told, np.concatenate([answer, answer]))


def test_what_stands_for_drawn_rows_makes_the_same_rows():
    told = json.loads(json.dumps(drawn_input(9, (2, 3, 224, 224))))
    assert len(json.dumps(told)) < 100
    assert np.array_equal(input_of(told), drawn(9, (2, 3, 224, 224)))
    assert is_test(told, [[1.0]])


@pytest.mark.parametrize(
    "told",
    [
        {}, {"drawn": "other", "seed": 1, "shape": [1]}, {"drawn": "murmur3", "seed": "1", "shape": [1]},
        {"drawn": "murmur3", "seed": 1, "shape": []}, {"drawn": "murmur3", "seed": 1, "shape": [0]},
        {"drawn": "murmur3", "seed": 1, "shape": [1 << 20, 1 << 20]}, {"drawn": "murmur3", "seed": 1, "shape": "12"}, [["x"]],
        [[1, 2], [3]],
    ],
)  # fmt: skip
def test_rows_that_are_none_or_too_many_are_bad_input(told):
    with pytest.raises(BadInput):
        input_of(told)


@pytest.mark.parametrize(
    "told",
    [{}, {"shape": [2], "every": 0, "values": [1]}, {"shape": [2], "every": 1, "values": ["x"]}, {"every": 1, "values": [1]}],
)
def test_a_wanted_answer_that_is_none_is_bad_input(told):
    with pytest.raises(BadInput):
        off_by(told, np.zeros(2, np.float32))

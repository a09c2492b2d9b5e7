import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.agent.batches import answer_all
from app.engine.base.errors import BadInput


class Model:
    """Doubles rows of three; refuses every other width, and more rows at once than it likes."""

    def __init__(self, most_rows=1000):
        self.most_rows, self.calls = most_rows, []

    def __call__(self, tensors):
        (rows,) = tensors.values()
        self.calls.append(len(rows))
        if rows.shape[1:] != (3,):
            raise BadInput("three columns")
        if len(rows) > self.most_rows:
            raise BadInput("too many rows")
        return {"y": 2 * rows}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([2, 3])), max_size=8))
def test_each_gets_what_it_would_have_got_alone(shapes):
    rng = np.random.default_rng(len(shapes))
    requests = [{"x": rng.random(shape, np.float32)} for shape in shapes]
    for request, answer in zip(requests, answer_all(Model(), requests), strict=True):
        if request["x"].shape[1] == 3:
            np.testing.assert_array_equal(answer["y"], 2 * request["x"])
        else:
            assert isinstance(answer, BadInput)


def test_what_may_be_joined_is_run_once():
    model = Model()
    answer_all(model, [{"x": np.ones((2, 3), np.float32)}, {"x": np.ones((1, 3), np.float32)}])
    assert model.calls == [3]


def test_a_model_of_a_fixed_size_is_asked_for_each_alone():
    model = Model(most_rows=1)
    answers = answer_all(model, [{"x": np.full((1, 3), at, np.float32)} for at in range(3)])
    assert model.calls == [3, 1, 1, 1]
    assert [answer["y"][0, 0] for answer in answers] == [0, 2, 4]


def test_answers_that_cannot_be_parted_are_asked_for_again():
    calls = []

    def mean(tensors):
        calls.append(len(tensors["x"]))
        return {"y": tensors["x"].mean()}

    answers = answer_all(mean, [{"x": np.full((1, 3), at, np.float32)} for at in (1, 5)])
    assert ([float(answer["y"]) for answer in answers], calls) == ([1.0, 5.0], [2, 1, 1])


@pytest.mark.parametrize("shape", [(), (4,)])
def test_a_tensor_without_rows_is_never_joined(shape):
    calls = []
    answer_all(lambda tensors: calls.append(1) or tensors, [{"x": np.zeros(shape, np.float32)}] * 2)
    assert len(calls) == 2

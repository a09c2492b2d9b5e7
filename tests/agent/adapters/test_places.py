"""The quick way gives what the usual way gives, and steps aside where it cannot."""

import threading

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from app.agent.adapters.onnx import Session
from app.agent.adapters.places import Places, out_shape
from app.engine.base.errors import BadInput

FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def model(nodes, taken, given, kind=FLOAT):
    ends = [helper.make_tensor_value_info(name, kind, shape) for name, shape in (("x", taken), ("y", given))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def session_of(data):
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


NEG = [helper.make_node("Neg", ["x"], ["y"])]


@pytest.mark.parametrize("rows", [1, 2, 7, 3000])
def test_answers_are_those_of_the_runtime_and_one_does_not_change_with_the_next(kit, rows):
    net = kit.make_net(7)
    session, usual = Session(net.data, "m"), session_of(net.data)
    x = np.random.default_rng(rows).random((rows, net.x.shape[1]), np.float32)
    first = session.run({"x": x})["y"]
    kept = first.copy()
    np.testing.assert_allclose(first, usual.run(None, {"x": x})[0], atol=1e-6)
    session.run({"x": x + 1})
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(
    ("taken", "given", "shape", "wanted"),
    [
        (["n", 64], ["n", 10], (3, 64), (3, 10)), (["n", 64], ["n", 10], (3, 63), None), (["n", 64], ["n", 10], (64,), None),
        (["n", "n"], ["n"], (2, 2), (2,)), (["n", "n"], ["n"], (2, 3), None), ([2], [], (2,), ()), (["n"], ["m"], (2,), None),
        ([None, 4], [None, 4], (1, 4), None), (["n", 4], [5, "n"], None, (5, 1)),
    ],
)  # fmt: skip
def test_the_answers_shape_follows_from_what_is_declared_or_is_not_known(taken, given, shape, wanted):
    assert out_shape(taken, given, shape) == wanted


def test_only_float_models_of_one_input_and_a_known_output_are_bound():
    assert Places.fit(session_of(model(NEG, ["n", 2], ["n", 2])))
    assert not Places.fit(session_of(model(NEG, ["n"], ["n"], INT)))
    assert not Places.fit(session_of(model([helper.make_node("Flatten", ["x"], ["y"])], ["n", 2, 2], ["m", 4])))


def test_a_model_that_answers_in_another_shape_than_declared_goes_the_usual_way():
    data = model([helper.make_node("Concat", ["x", "x"], ["y"], axis=0)], ["n", 2], ["n", 2])
    session = Session(data, "m")
    for _ in range(2):
        assert session.run({"x": np.ones((3, 2), np.float32)})["y"].shape == (6, 2)


def test_what_does_not_fit_is_told_as_ever_and_the_quick_way_stays():
    session = Session(model(NEG, ["n", 2], ["n", 2]), "m")
    with pytest.raises(BadInput, match="refused its input"):
        session.run({"x": np.ones((3, 5), np.float32)})
    assert session.run({"x": np.ones((0, 2), np.float32)})["y"].shape == (0, 2)
    assert session.run({"x": np.ones((2, 2))})["y"].tolist() == [[-1, -1], [-1, -1]]
    assert session.run({"x": np.ones((2, 4), np.float32)[:, ::2]})["y"].tolist() == [[-1, -1], [-1, -1]]
    assert session._places is not None


def test_places_are_few_and_a_second_thread_is_sent_the_usual_way():
    places = Places(session_of(model(NEG, ["n", 2], ["n", 2])))
    rows = [np.ones((count, 2), np.float32) for count in range(1, 20)]
    assert sum(places.run(each) is not None for each in rows) == 8
    told = []
    with places._busy:
        other = threading.Thread(target=lambda: told.append(places.run(rows[0])))
        other.start()
        other.join()
    assert told == [None]

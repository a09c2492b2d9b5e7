import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from app.agent.adapters.onnx import Session
from app.engine.base.errors import BadInput


def model(nodes, inputs, outputs) -> bytes:
    typed = [[helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in each] for each in (inputs, outputs)]
    graph = helper.make_graph(nodes, "g", *typed)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


def test_one_input_and_one_output_are_x_and_y_whatever_the_model_calls_them():
    data = model([helper.make_node("Neg", ["in"], ["out"])], [("in", FLOAT, ["n", 2])], [("out", FLOAT, ["n", 2])])
    got = Session(data, "m").run({"x": np.ones((3, 2), np.float32)})
    assert got.keys() == {"y"}
    np.testing.assert_array_equal(got["y"], -np.ones((3, 2)))


def test_several_inputs_and_outputs_keep_their_names_and_integers_are_converted():
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Mul", ["a", "b"], ["product"])]
    data = model(nodes, [("a", INT, ["n"]), ("b", INT, ["n"])], [("sum", INT, ["n"]), ("product", INT, ["n"])])
    session = Session(data, "m")
    got = session.run({"a": np.float32([2]), "b": np.float32([3])})
    assert {name: array.tolist() for name, array in got.items()} == {"sum": [5.0], "product": [6.0]}
    assert got["sum"].dtype == np.float32
    with pytest.raises(BadInput, match="takes a, b, not a"):
        session.run({"a": np.float32([2])})


def test_it_agrees_with_onnxruntime_used_directly(kit):
    net = kit.make_net(7)
    wanted = onnxruntime.InferenceSession(net.data).run(None, {"x": net.x})[0]
    np.testing.assert_allclose(Session(net.data, "m").run({"x": net.x})["y"], wanted, atol=1e-6)
    np.testing.assert_allclose(wanted, net.y, atol=1e-5)


@pytest.mark.parametrize("data", [b"", b"junk", b"\x08\x09", b"\x00" * 100])
def test_what_is_no_model_is_told_in_one_line(data):
    with pytest.raises(BadInput, match="m cannot be loaded") as caught:
        Session(data, "m")
    assert "\n" not in str(caught.value)


def test_an_operator_nobody_knows_is_told():
    data = model([helper.make_node("Fly", ["x"], ["y"])], [("x", FLOAT, ["n"])], [("y", FLOAT, ["n"])])
    with pytest.raises(BadInput, match="Fly"):
        Session(data, "m")


def test_a_wrong_shape_is_told(kit):
    with pytest.raises(BadInput, match="refused its input"):
        Session(kit.make_net(1).data, "m").run({"x": np.zeros((2, 3), np.float32)})

import numpy as np
import onnx
import onnxruntime
import pytest

from app.engine.base.errors import BadInput
from app.engine.learning import nets
from app.engine.learning.adapters.onnx_export import self_test, to_onnx


def session(data):
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("model", [nets.DIGITS_MODEL, "mlp-7-5-4-3", "mlp-6-3", "conv-8x8x1-5-10", "conv-7x9x3-4-6-3"])
def test_another_runtime_gives_what_numpy_gives(model):
    params = nets.initial(model, 2)
    params["b1"] += np.float32(0.1)
    x = np.random.default_rng(0).random((100, nets.inputs_of(model)), dtype=np.float32)
    told = session(to_onnx(model, params)).run(["y"], {"x": x})[0]
    assert told.dtype == np.float32
    assert told == pytest.approx(nets.forward(model, params, x), abs=1e-5)


def test_the_file_says_its_versions_and_shapes():
    document = onnx.load_from_string(to_onnx(nets.DIGITS_MODEL, nets.initial(nets.DIGITS_MODEL, 0), "digits"))
    assert document.ir_version == 9
    assert [(opset.domain, opset.version) for opset in document.opset_import] == [("", 17)]
    (given,), (answer,) = document.graph.input, document.graph.output
    assert (given.name, given.type.tensor_type.shape.dim[1].dim_value) == ("x", 64)
    assert (answer.name, answer.type.tensor_type.shape.dim[1].dim_value) == ("y", 10)
    assert document.graph.name == "digits"


def test_equal_parameters_give_equal_bytes():
    params = nets.initial(nets.DIGITS_MODEL, 1)
    assert to_onnx(nets.DIGITS_MODEL, params) == to_onnx(nets.DIGITS_MODEL, dict(reversed(params.items())))


def test_the_self_test_holds_in_another_runtime():
    params = nets.initial(nets.DIGITS_MODEL, 3)
    test = self_test(nets.DIGITS_MODEL, params)
    assert np.shape(test["input"]) == (4, 64)
    x = np.array(test["input"], np.float32)
    told = session(to_onnx(nets.DIGITS_MODEL, params)).run(None, {"x": x})[0]
    assert told == pytest.approx(np.array(test["output"]), abs=test["tolerance"])


def test_parameters_of_another_network_are_refused():
    with pytest.raises(BadInput):
        to_onnx(nets.DIGITS_MODEL, nets.initial("mlp-3-4-5", 0))

"""Turns a trained network into an ONNX file that any runtime of opset 17 runs.

The graph takes `x` float32 (rows, in) and gives `y` float32 (rows, classes), the class probabilities. Versions are pinned to
what runtimes of several years read: IR 9, opset 17 (ONNX 1.14, 2023).
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.engine.learning.draws import Purpose, generator
from app.engine.learning.front import Front
from app.engine.learning.nets import Array, Params, check, classes_of, depth_of, forward, front_of, inputs_of

OPSET: Final = 17
IR_VERSION: Final = 9
TEST_ROWS: Final = 4
TOLERANCE: Final = 1e-4


def to_onnx(model: str, params: Params, name: str = "digits") -> bytes:
    """Return the ONNX file of `params` of `model`; its graph is called `name`."""
    checked = check(model, params)
    front = front_of(model)
    first, below = (1, "x") if front is None else (2, "seen")
    nodes = [] if front is None else _convolution()
    last = depth_of(checked)
    for level in range(first, last + 1):
        nodes.append(helper.make_node("Gemm", [below, f"w{level}", f"b{level}"], [f"z{level}"], name=f"layer{level}"))
        below = f"z{level}" if level == last else f"a{level}"
        if level < last:
            nodes.append(helper.make_node("Relu", [f"z{level}"], [below], name=f"relu{level}"))
    nodes.append(helper.make_node("Softmax", [below], ["y"], name="softmax", axis=1))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inputs_of(model)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", classes_of(model)])],
        [numpy_helper.from_array(array, label) for label, array in _constants(front, checked).items()],
    )
    document = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="outpost"
    )
    onnx.checker.check_model(document, full_check=True)
    return bytes(document.SerializeToString(deterministic=True))


def _convolution() -> list[Any]:
    """Return the nodes from `x` to `seen`, what the first dense layer sees."""
    edge = [3, 3]
    return [
        helper.make_node("Reshape", ["x", "image"], ["images"], name="image"),
        helper.make_node("Conv", ["images", "w1", "b1"], ["z1"], name="layer1", kernel_shape=edge),
        helper.make_node("Relu", ["z1"], ["a1"], name="relu1"),
        helper.make_node("AveragePool", ["a1"], ["pooled"], name="means", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["pooled"], ["places"], name="places", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["places", "row"], ["seen"], name="row"),
    ]


def _constants(front: Front | None, params: Mapping[str, Array]) -> dict[str, NDArray[Any]]:
    """Return what the graph holds: parameters, and with a convolution its filters as ONNX lays them out, and shapes."""
    if front is None:
        return dict(params)
    filters = params["w1"].T.reshape(front.filters, front.channels, 3, 3)
    shapes = {
        "image": np.array([-1, front.channels, front.height, front.width], np.int64),
        "row": np.array([-1, front.outputs], np.int64),
    }
    return {**params, "w1": np.ascontiguousarray(filters), **shapes}


def self_test(model: str, params: Params) -> dict[str, Any]:
    """Return inputs and the outputs that numpy gives for them, so that a node can prove the model works there."""
    x = generator(0, Purpose.SELF_TEST).random((TEST_ROWS, inputs_of(model))).astype(np.float32)
    return {"input": x.tolist(), "output": forward(model, params, x).tolist(), "tolerance": TOLERANCE}

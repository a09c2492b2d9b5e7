"""Turns a trained network into an ONNX file that any runtime of opset 17 runs.

The graph takes `x` float32 (rows, in) and gives `y` float32 (rows, classes), the class probabilities. Versions are pinned to
what runtimes of several years read: IR 9, opset 17 (ONNX 1.14, 2023).
"""

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.engine.learning.draws import Purpose, generator
from app.engine.learning.mlp import Params, check, depth_of, forward, sizes_of

OPSET: Final = 17
IR_VERSION: Final = 9
TEST_ROWS: Final = 4
TOLERANCE: Final = 1e-4


def to_onnx(model: str, params: Params, name: str = "digits") -> bytes:
    """Return the ONNX file of `params` of `model`; its graph is called `name`."""
    checked = check(model, params)
    sizes = sizes_of(model)
    last = depth_of(checked)
    nodes, below = [], "x"
    for level in range(1, last + 1):
        nodes.append(helper.make_node("Gemm", [below, f"w{level}", f"b{level}"], [f"z{level}"], name=f"layer{level}"))
        below = f"z{level}" if level == last else f"a{level}"
        if level < last:
            nodes.append(helper.make_node("Relu", [f"z{level}"], [below], name=f"relu{level}"))
    nodes.append(helper.make_node("Softmax", [below], ["y"], name="softmax", axis=1))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", sizes[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", sizes[-1]])],
        [numpy_helper.from_array(array, label) for label, array in checked.items()],
    )
    document = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="outpost"
    )
    onnx.checker.check_model(document, full_check=True)
    return bytes(document.SerializeToString(deterministic=True))


def self_test(model: str, params: Params) -> dict[str, Any]:
    """Return inputs and the outputs that numpy gives for them, so that a node can prove the model works there."""
    x = generator(0, Purpose.SELF_TEST).random((TEST_ROWS, sizes_of(model)[0])).astype(np.float32)
    return {"input": x.tolist(), "output": forward(params, x).tolist(), "tolerance": TOLERANCE}

"""Small ONNX files made by hand."""

import numpy as np
from onnx import TensorProto, helper


def linear_model(weights, free="n"):
    """Return the bytes of y = x @ weights."""
    weights = np.asarray(weights, np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [free, weights.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [free, weights.shape[1]])],
        [helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.ravel())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def picture_model(shape, *nodes, out):
    """Return the bytes of a model that has `nodes` (operator, inputs, outputs) between x of `shape` and y of `out`."""
    graph = helper.make_graph(
        [helper.make_node(*node) for node in nodes],
        "picture",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, out)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()

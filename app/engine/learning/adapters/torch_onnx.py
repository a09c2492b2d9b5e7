"""Turns a module of PyTorch that was trained into an ONNX file, as `onnx_export` does with networks in numpy.

The graph takes `x` float32 (rows, in) and gives `y` float32 (rows, classes), the softmax of the module's scores. A
`torch.nn.Sequential` of plain layers is written from its tensors: no code of torch runs for that, and equal parameters give
equal bytes. Any other module is traced by torch's own exporter (`torch.onnx`, the one that needs no further package), at one
seam: it runs the module once, and what it cannot trace is refused with its reason.
"""

import copy
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.engine.base.errors import BadInput
from app.engine.learning.adapters.onnx_export import IR_VERSION, OPSET
from app.engine.learning.adapters.torch_models import torch_here
from app.engine.learning.nets import Params

_HOME: Final = "torch.nn.modules."
Settings: TypeAlias = Mapping[str, Any]


def to_onnx(module: Any, params: Params, inputs: int, name: str = "digits") -> bytes:
    """Return the ONNX file of `module` with `params` for examples of `inputs` numbers; its graph is called `name`.

    Raises `Missing` without torch where its exporter is needed, `BadInput` when that cannot write the module.
    """
    document = _written(module, params, inputs, name)
    if document is None:
        document = _traced(module, params, inputs, name)
        onnx.checker.check_model(document, full_check=True)
    return bytes(document.SerializeToString(deterministic=True))


def _written(module: Any, params: Params, inputs: int, name: str) -> Any | None:
    """Return the document of a sequence of plain layers, or None where `module` is anything else."""
    nodes, held, below, classes = [], dict[str, Any](), "x", 0
    for path, layer in _layers(module, ""):
        kind = type(layer).__name__ if type(layer).__module__.startswith(_HOME) else ""
        told = _PLAIN.get(kind, _unknown)(layer)
        if told is None:
            return None
        own = [f"{path}.{part}" for part in ("weight", "bias") if f"{path}.{part}" in params]
        held |= {one: np.ascontiguousarray(params[one], np.float32) for one in own}
        if "shape" in told:
            own, held[path] = [path], np.array(told["shape"], np.int64)
        above = f"out.{path}"
        settings = {key: value for key, value in told.items() if key not in ("op", "shape")}
        nodes.append(helper.make_node(told["op"], [below, *own], [above], name=path, **settings))
        below, classes = above, len(params[f"{path}.weight"]) if kind == "Linear" else classes
    if not nodes or not classes:
        return None
    nodes.append(helper.make_node("Softmax", [below], ["y"], name="softmax", axis=1))
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", classes])],
        [numpy_helper.from_array(array, label) for label, array in held.items()],
    )
    document = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="outpost"
    )
    try:
        onnx.checker.check_model(document, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return None  # layers that fit each other only by what torch makes of shapes
    return document


def _layers(module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers of a sequence in their order, those of a sequence within it in its place, each with its name."""
    if not (type(module).__name__ == "Sequential" and type(module).__module__.startswith(_HOME)):
        yield path, module
        return
    for name, layer in module.named_children():
        yield from _layers(layer, f"{path}.{name}" if path else name)


def _unknown(_layer: Any) -> Settings | None:
    return None


def _flat(layer: Any) -> Settings | None:
    return {"op": "Flatten", "axis": 1} if (layer.start_dim, layer.end_dim) == (1, -1) else None


def _unflat(layer: Any) -> Settings | None:
    sizes = layer.unflattened_size
    plain = layer.dim == 1 and all(isinstance(size, int) and size > 0 for size in sizes)
    return {"op": "Reshape", "shape": [-1, *sizes]} if plain else None


def _convolved(layer: Any) -> Settings | None:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return None
    return {
        "op": "Conv", "kernel_shape": _pair(layer.kernel_size), "strides": _pair(layer.stride), "group": layer.groups,
        "pads": 2 * _pair(layer.padding), "dilations": _pair(layer.dilation),
    }  # fmt: skip


def _pooled(layer: Any, op: str) -> Settings | None:
    plain = not layer.ceil_mode and _pair(layer.padding) == [0, 0] and _pair(getattr(layer, "dilation", 1)) == [1, 1]
    if not plain or getattr(layer, "divisor_override", None) is not None or getattr(layer, "return_indices", False):
        return None
    return {"op": op, "kernel_shape": _pair(layer.kernel_size), "strides": _pair(layer.stride)}


def _pair(value: Any) -> list[int]:
    return [int(value)] * 2 if isinstance(value, int) else [int(one) for one in value]


_PLAIN: Final[Mapping[str, Callable[[Any], Settings | None]]] = {
    "Linear": lambda _layer: {"op": "Gemm", "transB": 1},
    "ReLU": lambda _layer: {"op": "Relu"},
    "Tanh": lambda _layer: {"op": "Tanh"},
    "Sigmoid": lambda _layer: {"op": "Sigmoid"},
    "Identity": lambda _layer: {"op": "Identity"},
    "Flatten": _flat,
    "Unflatten": _unflat,
    "Conv2d": _convolved,
    "MaxPool2d": lambda layer: _pooled(layer, "MaxPool"),
    "AvgPool2d": lambda layer: _pooled(layer, "AveragePool"),
}


def _traced(module: Any, params: Params, inputs: int, name: str) -> Any:
    """Return the document that torch's exporter makes of `module`."""
    torch = torch_here()
    whole = torch.nn.Sequential(copy.deepcopy(module), torch.nn.Softmax(dim=1)).eval()
    with torch.no_grad():
        for key, value in whole[0].named_parameters():
            value.copy_(torch.from_numpy(np.array(params[key], np.float32)))
    with tempfile.TemporaryDirectory(prefix="outpost-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        file = Path(folder, "module.onnx")
        try:
            torch.onnx.export(
                whole, (torch.zeros(2, inputs),), str(file), input_names=["x"], output_names=["y"], opset_version=OPSET,
                dynamic_axes={"x": {0: "rows"}, "y": {0: "rows"}}, dynamo=False,
            )  # fmt: skip
        except (RuntimeError, TypeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise BadInput("PyTorch cannot write this module as ONNX: {reason}", reason=reason, field="model") from None
        document = onnx.load_model(file)
    document.graph.name = name
    return document

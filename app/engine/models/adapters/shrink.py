"""Makes models smaller: static int8 quantisation by ONNX Runtime, and magnitude pruning; and tries what came of it.

Static quantisation is QDQ with per-channel weights. Dynamic quantisation of convolutions is refused: their integer kernel was
measured 6 to 18 times slower than float32 on one thread. Pruning sets the smallest weights of each matrix to zero (Han et al.,
2015, without retraining); it makes a model smaller on its way, not faster.
"""

import importlib
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput, Refused
from app.engine.models.adapters.onnx_model import session_of

_WEIGHED: Final = ("Gemm", "MatMul", "Conv")
_TIMED_S: Final = 0.3
_LEAST_RUNS: Final = 30

Rows = NDArray[np.float32]


def has_convolution(path: Path) -> bool:
    """Tell whether the model at `path` has a convolution."""
    import onnx

    return any(node.op_type in ("Conv", "ConvTranspose") for node in onnx.load(str(path)).graph.node)


def quantize(path: Path, out: Path, rows: Rows, method: str) -> None:
    """Write the int8 version of the model at `path` to `out`; `rows` calibrate a static one.

    Raises `Refused` for dynamic quantisation of convolutions, `BadInput` for a model that cannot be quantised.
    """
    if method == "dynamic" and has_convolution(path):
        raise Refused(
            "Dynamic int8 makes convolutions slower, 6 to 18 times as measured, so it is not done", field="method",
            hint="Use static.",
        )  # fmt: skip
    tools: Any = importlib.import_module("onnxruntime.quantization")
    name = session_of(path).get_inputs()[0].name
    try:
        if method == "dynamic":
            tools.quantize_dynamic(str(path), str(out), weight_type=tools.QuantType.QInt8)
        else:
            reader = _Reader(name, rows)
            tools.quantize_static(
                str(path), str(out), reader, quant_format=tools.QuantFormat.QDQ, per_channel=True,
                activation_type=tools.QuantType.QUInt8, weight_type=tools.QuantType.QInt8,
            )  # fmt: skip
    except (ValueError, RuntimeError, TypeError, AttributeError, KeyError) as error:
        raise BadInput("The model cannot be quantised: {reason}", reason=" ".join(str(error).split())[:300]) from None


class _Reader:
    """Hands the rows to the calibration, some at a time; what ONNX Runtime calls a CalibrationDataReader."""

    def __init__(self, name: str, rows: Rows) -> None:
        self._parts = iter(np.array_split(rows, max(len(rows) // 32, 1)))
        self._name = name

    def get_next(self) -> dict[str, Rows] | None:
        """Return the next feed, or None at the end."""
        part = next(self._parts, None)
        return None if part is None else {self._name: part}


def prune(path: Path, out: Path, ratio: float) -> float:
    """Write the model with the smallest `ratio` of each weight matrix set to zero; return the share of zeros there."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    weights = {node.input[1] for node in model.graph.node if node.op_type in _WEIGHED and len(node.input) > 1}
    zeros = total = 0
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name not in weights or values.ndim < 2 or values.dtype != np.float32:
            continue
        fresh = values.copy()
        count = int(ratio * fresh.size)
        if count:
            fresh.ravel()[np.argpartition(np.abs(fresh).ravel(), count - 1)[:count]] = 0.0
        tensor.CopyFrom(numpy_helper.from_array(fresh, tensor.name))
        zeros, total = zeros + int(np.sum(fresh == 0)), total + fresh.size
    if not total:
        raise BadInput("The model has no float32 weight matrix to prune", field="model")
    out.write_bytes(model.SerializeToString(deterministic=True))
    return zeros / total


def trial(old: Path, new: Path, rows: Rows, labels: NDArray[np.int64] | None) -> dict[str, Any]:
    """Return how both models do on `rows`: agreement, accuracy where `labels` are known, p50 latency of one row.

    The two take turns, so that a busy machine slows both; latency is in seconds on one thread.
    """
    sessions = [session_of(path) for path in (old, new)]
    names = [session.get_inputs()[0].name for session in sessions]
    answers = [np.asarray(s.run(None, {n: rows})[0], np.float32) for s, n in zip(sessions, names, strict=True)]
    choices = [answer.reshape(len(rows), -1).argmax(1) for answer in answers]
    told: dict[str, Any] = {"rows": len(rows), "agreement_ratio": float(np.mean(choices[0] == choices[1]))}
    told["accuracy_before"] = told["accuracy_after"] = None
    if labels is not None:
        told["accuracy_before"], told["accuracy_after"] = (float(np.mean(choice == labels)) for choice in choices)
    spent: tuple[list[float], list[float]] = ([], [])
    end_s = time.perf_counter() + 2 * _TIMED_S
    while time.perf_counter() < end_s or len(spent[0]) < _LEAST_RUNS:
        row = rows[len(spent[0]) % len(rows)][None]
        for session, name, times in zip(sessions, names, spent, strict=True):
            began_s = time.perf_counter()
            session.run(None, {name: row})
            times.append(time.perf_counter() - began_s)
    told["latency_before_s"], told["latency_after_s"] = (float(np.median(times)) for times in spent)
    return told


def rows_like(path: Path, count: int, seed: int) -> Rows:
    """Return `count` rows that the model takes, drawn evenly from 0 to 1."""
    shape = session_of(path).get_inputs()[0].shape
    if not shape or isinstance(shape[0], int) or not all(isinstance(axis, int) for axis in shape[1:]):
        raise BadInput("The model needs one input with free rows and a fixed shape of each", field="model")
    return np.random.default_rng(np.random.SeedSequence(seed)).random((count, *shape[1:]), dtype=np.float32)

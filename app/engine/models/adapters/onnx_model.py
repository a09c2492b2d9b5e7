"""Checks and runs ONNX files: the structure with onnx, the numbers with onnxruntime on one thread.

Whatever these libraries raise on a malformed file is translated here, once, into one line that names the file.
"""

import importlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput
from app.wire.selftest import MOST_DRAWN, MOST_TOLD, drawn, drawn_input, told_output

_SELF_TEST_ROWS: Final = 4
_SELF_TEST_PICTURES: Final = 2
_FREE_AXIS: Final = 32
_TOLERANCE: Final = 1e-4


def session_of(path: Path, source: str = "") -> Any:
    """Return a one-thread CPU session of the model at `path`; raise `BadInput` naming `source` when it cannot be one."""
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no base of their own
        raise BadInput("{file} is not a model that can run: {reason}", file=source or path, reason=_one_line(error)) from None


def check(path: Path, source: str = "") -> None:
    """Raise `BadInput` naming `source` when the file is not a well-formed ONNX model."""
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except Exception as error:  # noqa: BLE001 - protobuf, onnx and the system each raise their own
        raise BadInput("{file} is not an ONNX model: {reason}", file=source or path, reason=_one_line(error)) from None


def describe(path: Path, seed: int, source: str = "") -> dict[str, Any]:
    """Return the model's inputs and outputs, and self-test vectors made with `seed` where it maps rows to rows."""
    check(path, source)
    session = session_of(path, source)
    inputs, outputs = [_tensor(t) for t in session.get_inputs()], [_tensor(t) for t in session.get_outputs()]
    told: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "self_test": None}
    inside = session.get_modelmeta().custom_metadata_map.get("outpost.self_test")
    if inside:
        told |= {"self_test": _inside(inside, source or path), "carried": True}
    else:
        told["self_test"] = _drawn_test(session, inputs, outputs, seed)
    return told


def _drawn_test(
    session: Any, inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]], seed: int
) -> dict[str, Any] | None:
    """Return the answer to drawn rows as a self-test, or None for a model that nodes do not serve so."""
    shape = _test_shape(inputs)
    if shape is None or len(outputs) != 1:
        return None
    if math.prod(shape) <= MOST_TOLD:
        rows = np.random.default_rng(np.random.SeedSequence(seed)).random(shape, dtype=np.float32)
        told_in: Any = rows.tolist()
    else:
        rows, told_in = drawn(seed, shape), drawn_input(seed, shape)
    try:
        answer = run(session, rows)
    except BadInput:
        return None  # its free axes are not as free as it says
    if not answer.ndim or not np.isfinite(answer).all() or (isinstance(told_in, list) and len(answer) != len(rows)):
        return None
    tolerance = _TOLERANCE * max(1.0, float(np.abs(answer).max(initial=0.0)))
    return {"input": told_in, "output": told_output(answer), "tolerance": tolerance}


def _inside(text: str, source: str | Path) -> dict[str, Any]:
    """Return the self-test a model carries in its metadata; raise `BadInput` naming `source` when it is none."""
    try:
        told = json.loads(text)
    except ValueError as error:
        raise BadInput("{file} is not a model that can run: {reason}", file=source, reason=f"self_test: {error}") from None
    if not isinstance(told, dict) or not {"input", "output", "tolerance"} <= set(told):
        raise BadInput(
            "{file} is not a model that can run: {reason}", file=source, reason="self_test: {input, output, tolerance}"
        )
    return told


def stamp(path: Path, about: Mapping[str, Any], seed: int, out: Path | None = None) -> None:
    """Write `about` and the self-test into the model's own metadata, as JSON under outpost.<name> (metadata_props of ONNX).

    The file itself is changed, or with `out` a copy made there.
    """
    import onnx

    told = {"self_test": describe(path, seed)["self_test"], **about}
    model = onnx.load(str(path))
    kept = [(each.key, each.value) for each in model.metadata_props if not each.key.startswith("outpost.")]
    del model.metadata_props[:]
    fresh = [
        (f"outpost.{name}", json.dumps(value, sort_keys=True)) for name, value in sorted(told.items()) if value is not None
    ]
    for key, value in (*kept, *fresh):
        model.metadata_props.add(key=key, value=value)
    (out or path).write_bytes(model.SerializeToString(deterministic=True))


def stamped(path: Path) -> dict[str, Any]:
    """Return what `stamp` wrote into the model at `path`; empty for a model of another origin."""
    found = session_of(path).get_modelmeta().custom_metadata_map
    return {key.removeprefix("outpost."): json.loads(value) for key, value in found.items() if key.startswith("outpost.")}


def run(session: Any, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first output of a one-input model for `rows`, float32 (n, width)."""
    name = session.get_inputs()[0].name
    try:
        return np.asarray(session.run(None, {name: rows})[0], np.float32)
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no base of their own
        raise BadInput("The model does not take these rows: {reason}", reason=_one_line(error), field="rows") from None


def _test_shape(inputs: Sequence[Mapping[str, Any]]) -> tuple[int, ...] | None:
    """Return the shape of test rows for a model of one float32 input of any rank, or None.

    A free first axis is the batch; other free axes (a length, a picture's sides) get a size that nets accept.
    """
    if len(inputs) != 1 or inputs[0]["dtype"] != "tensor(float)" or not inputs[0]["shape"]:
        return None
    first, *others = inputs[0]["shape"]
    rest = [_FREE_AXIS if axis is None else axis for axis in others]
    count = first or (_SELF_TEST_ROWS if len(rest) < 2 else _SELF_TEST_PICTURES)
    shape = (count, *rest)
    return shape if all(axis > 0 for axis in shape) and math.prod(shape) <= MOST_DRAWN else None


def _tensor(node: Any) -> dict[str, Any]:
    shape = [axis if isinstance(axis, int) else None for axis in node.shape]
    return {"name": node.name, "dtype": node.type, "shape": shape}


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__

"""Checks and runs ONNX files: the structure with onnx, the numbers with onnxruntime on one thread.

Whatever these libraries raise on a malformed file is translated here, once, into one line that names the file.
"""

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import BadInput

_SELF_TEST_ROWS: Final = 4
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
    elif _maps_rows(inputs) and outputs[0]["name"] == "y":
        width = int(inputs[0]["shape"][1])
        rows = np.random.default_rng(np.random.SeedSequence(seed)).random((_SELF_TEST_ROWS, width), dtype=np.float32)
        answer = run(session, rows)
        if answer.ndim == 2 and np.isfinite(answer).all():
            told["self_test"] = {"input": rows.tolist(), "output": answer.tolist(), "tolerance": _TOLERANCE}
    return told


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


def _maps_rows(inputs: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a node can serve it: one float32 input called x with free rows of a fixed width."""
    if len(inputs) != 1 or inputs[0]["name"] != "x" or inputs[0]["dtype"] != "tensor(float)" or len(inputs[0]["shape"]) != 2:
        return False
    free, width = inputs[0]["shape"]
    return free is None and isinstance(width, int)


def _tensor(node: Any) -> dict[str, Any]:
    shape = [axis if isinstance(axis, int) else None for axis in node.shape]
    return {"name": node.name, "dtype": node.type, "shape": shape}


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:300] or type(error).__name__

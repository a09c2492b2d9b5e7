"""What the registry has done in worker processes: looking into a model file, and running it on rows."""

from pathlib import Path
from typing import Any

import numpy as np

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import BadInput
from app.engine.models.adapters import onnx_model


def inspect(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Return what the model file {path} takes and gives, and its self-test; raise `BadInput` naming {source}."""
    del stop
    told = onnx_model.describe(Path(spec["path"]), seed, str(spec.get("source", "")))
    report(1.0, 1.0, "model")
    return told


def predict(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Return {"y": rows out} of the model file {path} for {rows}, a list of equally long lists of numbers."""
    del seed, stop
    try:
        rows = np.asarray(spec["rows"], np.float32)
    except (TypeError, ValueError):
        raise BadInput("Rows must be equally long lists of numbers", field="rows") from None
    answer = onnx_model.run(onnx_model.session_of(Path(spec["path"])), rows)
    report(float(len(rows)), float(len(rows)), "rows")
    return {"y": answer.tolist()}

"""What the registry has done in worker processes: looking into a model file, and running it on rows."""

from pathlib import Path
from typing import Any

import numpy as np

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import BadInput
from app.engine.models.adapters import onnx_model, shrink
from app.engine.models.limits import Limits, check_trial


def inspect(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Return what the model file {path} takes and gives, and its self-test; raise `BadInput` naming {source}.

    With {out}, a model that has a self-test and does not carry it yet is copied there with it in its metadata.
    """
    del stop
    path = Path(spec["path"])
    told = onnx_model.describe(path, seed, str(spec.get("source", "")))
    carried = told.pop("carried", False)
    if spec.get("out") and told["self_test"] is not None and not carried:
        onnx_model.stamp(path, {"self_test": told["self_test"]}, seed, Path(spec["out"]))
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


def make_smaller(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Write a quantised or pruned version of the model file {path} to {out} and try it against the old one.

    {how} is static, dynamic or prune; {rows} and {labels} are what it is calibrated and tried with, else drawn rows. Raises
    `Refused` when it loses more than {loss_most} of its answers or is slower than {latency_ratio_most} times.
    """
    path, out, how = Path(spec["path"]), Path(spec["out"]), str(spec["how"])
    rows = np.asarray(spec["rows"], np.float32) if spec.get("rows") else shrink.rows_like(path, int(spec["count"]), seed)
    labels = np.asarray(spec["labels"], np.int64) if spec.get("labels") else None
    report(0.0, 2.0, "steps")
    zeros = None
    if how == "prune":
        zeros = shrink.prune(path, out, float(spec["ratio"]))
    else:
        shrink.quantize(path, out, rows[: max(len(rows) // 2, 1)], how)
    report(1.0, 2.0, "steps")
    if stop():
        return {}
    told = shrink.trial(path, out, rows, labels)
    told |= {"how": how, "zeros_ratio": zeros, "drawn": not spec.get("rows"), "size_before_bytes": path.stat().st_size}
    told["size_after_bytes"] = out.stat().st_size
    try:
        check_trial(told, Limits(float(spec["loss_most"]), float(spec["latency_ratio_most"])))
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    figures = {name: value for name, value in told.items() if not name.startswith("latency")}
    onnx_model.stamp(out, {"lineage": spec.get("lineage") or {}, "metrics": figures}, seed)
    told["size_after_bytes"] = out.stat().st_size
    report(2.0, 2.0, "steps")
    return told


def compare(spec: dict[str, Any], seed: int, report: Report, stop: Stop) -> dict[str, Any]:
    """Return how the model files {one} and {two} do on {rows}, or on {count} drawn ones."""
    del stop
    one, two = Path(spec["one"]), Path(spec["two"])
    rows = np.asarray(spec["rows"], np.float32) if spec.get("rows") else shrink.rows_like(one, int(spec["count"]), seed)
    labels = np.asarray(spec["labels"], np.int64) if spec.get("labels") else None
    told = shrink.trial(one, two, rows, labels)
    report(1.0, 1.0, "models")
    return {**told, "drawn": not spec.get("rows")}

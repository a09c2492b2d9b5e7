"""Rows to calibrate and try a model with: a file's, or the labelled digits if it was trained on them, or drawn ones."""

from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Missing
from app.engine.models.records import ModelVersion
from app.engine.models.workshop import Trial
from app.engine.store.threads import in_thread
from app.wire.limits import TENSOR_BYTES


async def trial_for(model: ModelVersion, file: Path | None, count: int, **limits: Any) -> Trial:
    """Return what `model` is tried with; `file` holds tensors x (n, width) and, if known, y (n,) in the safetensors layout."""
    if file is not None:
        return await in_thread(lambda: _from_file(file, count, limits), "rows")
    inputs = model.inputs.get("inputs") or []
    shape = inputs[0]["shape"] if inputs else []
    if (model.lineage.get("spec") or {}).get("data") == "digits" and shape[1:] == [64]:
        from app.engine.learning.data import load_digits

        digits = load_digits()
        rows = [list(map(float, row)) for row in digits.test_x[:count]]
        return Trial(rows, [int(label) for label in digits.test_y[:count]], count, **limits)
    return Trial(count=count, **limits)


def _from_file(file: Path, count: int, limits: dict[str, Any]) -> Trial:
    from app.wire.tensors import unpack

    try:
        tensors, _ = unpack(file.read_bytes(), most_bytes=TENSOR_BYTES)
    except OSError as error:
        raise Missing("{file} cannot be read: {reason}", file=file, reason=error.strerror, field="data") from None
    except BadInput as error:
        raise BadInput("{file}: {reason}", file=file, reason=str(error), field="data") from None
    if "x" not in tensors:
        raise BadInput("{file} has no tensor x", file=file, field="data")
    labels = [int(label) for label in tensors["y"].ravel()[:count]] if "y" in tensors else []
    return Trial(tensors["x"][:count].tolist(), labels, count, **limits)

"""The nouns of the model registry: a version of a named model, whose file is known by its content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FREE: Final = None
KEPT: Final = "kept"
GONE: Final = "gone"


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model; `artifact` is `sha256:<hex>` of its file, `state` is draft, active or retired.

    `inputs` describes what it takes and gives: {"inputs": [...], "outputs": [...], "self_test": {...}}, each tensor
    as {"name", "dtype", "shape"} with null for a free axis. `file` says of the file on this machine that it stays because it
    was used (kept), or was let go of (gone); see `keeping`.
    """

    id: str
    name: str
    version: int
    artifact: str
    size_bytes: int
    metrics: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    state: str = "draft"
    created_us: int = 0
    file: str | None = FREE

    @property
    def title(self) -> str:
        """Return how people call it: name:version."""
        return f"{self.name}:{self.version}"


def version_of(row: Mapping[str, Any]) -> ModelVersion:
    """Return the record of a row of `model_versions`."""
    return ModelVersion(
        id=row["id"], name=row["name"], version=int(row["version"]), artifact=row["artifact"],
        size_bytes=int(row["size_bytes"]), metrics=row["metrics"] or {}, lineage=row["lineage"] or {},
        inputs=row["inputs"] or {}, state=row["state"], created_us=int(row["created_us"]),
        file=row["file"],
    )  # fmt: skip


def manifest_of(model: ModelVersion) -> dict[str, Any]:
    """Return the manifest a node is given before it takes the model: what it is, and how to prove that it works."""
    return {
        "schema": 1,
        "name": model.name,
        "version": model.version,
        "artifact": model.artifact,
        "size_bytes": model.size_bytes,
        "self_test": model.inputs.get("self_test"),
    }


def document_of(model: ModelVersion) -> dict[str, Any]:
    """Return `model` as plain JSON, for commands."""
    return {name: getattr(model, name) for name in model.__dataclass_fields__}


def summary_of(model: ModelVersion) -> dict[str, Any]:
    """Return what a list of models shows of `model`, as plain JSON."""
    names = ("name", "version", "state", "size_bytes", "metrics", "artifact", "file", "created_us", "id")
    return {name: getattr(model, name) for name in names}

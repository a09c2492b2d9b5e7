"""What travels with a model: its name, version, content and self-test, signed by the console that sends it."""

import math
from dataclasses import dataclass, field
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.base.ids import is_content_id
from app.wire.documents import SCHEMA, number_of, object_of, text_of, unknown_of, whole_of


@dataclass(frozen=True)
class Manifest:
    """One version of a model; `self_test` holds rows in, rows out and the tolerance (absolute) between."""

    name: str
    version: int
    artifact: str
    size_bytes: int
    test_input: list[Any]
    test_output: list[Any]
    tolerance: float
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as plain JSON, unknown fields included."""
        test = {"input": self.test_input, "output": self.test_output, "tolerance": self.tolerance}
        return {
            **self.extra, "schema": SCHEMA, "name": self.name, "version": self.version, "artifact": self.artifact,
            "size_bytes": self.size_bytes, "self_test": test,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Manifest":
        """Return the manifest in `document`; raise `BadInput` that names the field at fault."""
        test = object_of(document, "self_test")
        rows_in, rows_out, tolerance = test.get("input"), test.get("output"), number_of(test, "tolerance")
        if not isinstance(rows_in, list) or not isinstance(rows_out, list) or not rows_in or len(rows_in) != len(rows_out):
            raise BadInput("The self-test needs as many rows out as in, at least one", field="self_test")
        if tolerance is None or not 0 <= tolerance < math.inf:
            raise BadInput("The self-test needs a tolerance", field="self_test")
        artifact = text_of(document, "artifact")
        if not is_content_id(artifact):
            raise BadInput("The artifact is no content id", field="artifact")
        known = ("schema", "name", "version", "artifact", "size_bytes", "self_test")
        return cls(
            text_of(document, "name"), whole_of(document, "version"), artifact, whole_of(document, "size_bytes"),
            rows_in, rows_out, tolerance, unknown_of(document, known),
        )  # fmt: skip

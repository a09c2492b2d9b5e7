"""What travels with a model: its name, version, content, pieces, self-test and allowance, signed by a console."""

import math
from dataclasses import dataclass, field
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.base.ids import is_content_id
from app.wire.documents import SCHEMA, number_of, object_of, text_of, unknown_of, whole_of
from app.wire.manifests import Chunks
from app.wire.selftest import is_test

_KNOWN: Final = (
    "schema", "name", "version", "artifact", "size_bytes", "self_test", "chunks", "issued_us", "downgrade", "limits",
)  # fmt: skip


@dataclass(frozen=True)
class Allowance:
    """What a model may use of its node: memory in bytes, and a share of one core (0 to 1); None: as much as there is."""

    memory_bytes: int | None = None
    cpu_ratio: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the limits that are set."""
        return {name: value for name, value in vars(self).items() if value is not None}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Allowance":
        """Return the limits in `document`; raise `BadInput`."""
        memory, cpu = document.get("memory_bytes"), number_of(document, "cpu_ratio")
        if cpu is not None and not 0 < cpu <= 1:
            raise BadInput("A model's share of a core is between 0 and 1", field="limits")
        return cls(None if memory is None else whole_of(document, "memory_bytes"), cpu)


@dataclass(frozen=True)
class Manifest:
    """One version of a model; the self-test holds rows in, rows out and the tolerance (absolute) between.

    `issued_us` is the signer's clock when it was sealed (0: unknown), `downgrade` allows an older version than the active.
    """

    name: str
    version: int
    artifact: str
    size_bytes: int
    test_input: Any
    test_output: Any
    tolerance: float
    extra: dict[str, Any] = field(default_factory=dict)
    pieces: Chunks | None = None
    issued_us: int = 0
    downgrade: bool = False
    limits: Allowance = Allowance()

    @property
    def chunks(self) -> Chunks:
        """Return the pieces; a manifest that names none has one, the whole."""
        whole = (self.artifact.partition(":")[2],)
        return self.pieces or Chunks(max(self.size_bytes, 1), whole, self.size_bytes)

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as plain JSON, unknown fields included."""
        test = {"input": self.test_input, "output": self.test_output, "tolerance": self.tolerance}
        told = {
            **self.extra, "schema": SCHEMA, "name": self.name, "version": self.version, "artifact": self.artifact,
            "size_bytes": self.size_bytes, "self_test": test,
        }  # fmt: skip
        if self.pieces is not None:
            told["chunks"] = self.pieces.to_json()
        if self.issued_us:
            told["issued_us"] = self.issued_us
        if self.downgrade:
            told["downgrade"] = True
        if limits := self.limits.to_json():
            told["limits"] = limits
        return told

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Manifest":
        """Return the manifest in `document`; raise `BadInput` that names the field at fault."""
        test = object_of(document, "self_test")
        rows_in, rows_out, tolerance = test.get("input"), test.get("output"), number_of(test, "tolerance")
        if not is_test(rows_in, rows_out):
            raise BadInput("The self-test needs as many rows out as in, at least one", field="self_test")
        if tolerance is None or not 0 <= tolerance < math.inf:
            raise BadInput("The self-test needs a tolerance", field="self_test")
        artifact, size = text_of(document, "artifact"), whole_of(document, "size_bytes")
        if not is_content_id(artifact):
            raise BadInput("The artifact is no content id", field="artifact")
        return cls(
            name=text_of(document, "name"), version=whole_of(document, "version"), artifact=artifact, size_bytes=size,
            test_input=rows_in, test_output=rows_out, tolerance=tolerance, extra=unknown_of(document, _KNOWN),
            pieces=Chunks.from_json(object_of(document, "chunks"), size) if "chunks" in document else None,
            issued_us=whole_of(document, "issued_us", 0), downgrade=document.get("downgrade") is True,
            limits=Allowance.from_json(object_of(document, "limits")),
        )  # fmt: skip

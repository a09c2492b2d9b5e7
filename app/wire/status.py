"""What a node tells of itself: how it is now (status), and what it is made of (inventory)."""

from dataclasses import dataclass, field, fields
from typing import Any

from app.engine.base.errors import BadInput
from app.wire.documents import SCHEMA, list_of, number_of, object_of, text_of, unknown_of, whole_of


@dataclass(frozen=True)
class ModelStatus:
    """One model on a node: what is active, whether it awaits a commit, and what stands prepared beside it."""

    name: str
    version: int | None = None
    artifact: str = ""
    committed: bool = False
    prepared_version: int | None = None
    loaded: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the model's state as plain JSON."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, document: Any) -> "ModelStatus":
        """Return the model's state in `document`; raise `BadInput`."""
        if not isinstance(document, dict):
            raise BadInput("A model's state is an object", field="models")
        version, prepared = document.get("version"), document.get("prepared_version")
        return cls(
            name=text_of(document, "name"),
            version=None if version is None else whole_of(document, "version"),
            artifact=text_of(document, "artifact", ""),
            committed=document.get("committed") is True,
            prepared_version=None if prepared is None else whole_of(document, "prepared_version"),
            loaded=document.get("loaded") is True,
        )


@dataclass(frozen=True)
class Status:
    """How a node is at `at_us` on its own clock; `epoch` and `last_seq` say where its telemetry stands."""

    device: str
    name: str
    program_version: str
    at_us: int
    started_us: int
    epoch: str
    last_seq: int
    twin_version: int
    cadence_s: float
    models: tuple[ModelStatus, ...] = ()
    cpu_ratio: float | None = None
    mem_ratio: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the status as plain JSON, unknown fields included."""
        known = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "extra"}
        return {**self.extra, "schema": SCHEMA, **known, "models": [model.to_json() for model in self.models]}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Status":
        """Return the status in `document`; raise `BadInput`."""
        return cls(
            device=text_of(document, "device"),
            name=text_of(document, "name"),
            program_version=text_of(document, "program_version"),
            at_us=whole_of(document, "at_us"),
            started_us=whole_of(document, "started_us"),
            epoch=text_of(document, "epoch"),
            last_seq=whole_of(document, "last_seq"),
            twin_version=whole_of(document, "twin_version"),
            cadence_s=number_of(document, "cadence_s") or 1.0,
            models=tuple(ModelStatus.from_json(model) for model in list_of(document, "models")),
            cpu_ratio=number_of(document, "cpu_ratio"),
            mem_ratio=number_of(document, "mem_ratio"),
            extra=unknown_of(document, ("schema", *(each.name for each in fields(cls)))),
        )


@dataclass(frozen=True)
class Inventory:
    """What a node is made of; changes rarely. `labels` are free words by which nodes are chosen."""

    device: str
    name: str
    hostname: str
    system: str
    machine: str
    cpu_count: int
    mem_bytes: int
    disk_bytes: int
    python_version: str
    program_version: str
    runtimes: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the inventory as plain JSON, unknown fields included."""
        known = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "extra"}
        return {**self.extra, "schema": SCHEMA, **known}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Inventory":
        """Return the inventory in `document`; raise `BadInput`."""
        return cls(
            device=text_of(document, "device"),
            name=text_of(document, "name"),
            hostname=text_of(document, "hostname"),
            system=text_of(document, "system"),
            machine=text_of(document, "machine"),
            cpu_count=whole_of(document, "cpu_count"),
            mem_bytes=whole_of(document, "mem_bytes"),
            disk_bytes=whole_of(document, "disk_bytes"),
            python_version=text_of(document, "python_version"),
            program_version=text_of(document, "program_version"),
            runtimes=object_of(document, "runtimes"),
            labels=object_of(document, "labels"),
            extra=unknown_of(document, ("schema", *(each.name for each in fields(cls)))),
        )

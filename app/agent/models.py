"""The models of a node: prepare, activate, commit, roll back, infer.

Verbs run in one lane and inference in another; they share only the two mappings below, whose entries are replaced whole.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.agent.manifest import Manifest
from app.agent.shelf import Shelf
from app.agent.slots import Cabinet, Slots
from app.engine.base.errors import BadInput, Conflict, Missing
from app.wire.limits import TENSOR_BYTES
from app.wire.status import ModelStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.agent.adapters.onnx import Session

VERBS: Final = ("prepare", "activate", "commit", "rollback")


class Models:
    """All models of this node; every method blocks, `infer` in a lane of its own."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self._cabinet, self._shelf = Cabinet(folder), shelf
        self._slots: dict[str, Slots] = self._cabinet.load()
        self._loaded: dict[tuple[str, str], Session] = {}

    def status(self) -> tuple[ModelStatus, ...]:
        """Return how every model stands; cheap, for any thread."""
        return tuple(self._status_of(name, slots) for name, slots in sorted(self._slots.items()))

    def change(self, name: str, verb: str, document: dict[str, Any]) -> dict[str, Any]:
        """Do one verb and return the model's state; nothing is changed when this raises."""
        verbs: dict[str, Callable[[str, dict[str, Any]], Slots]] = {
            "prepare": self._prepare, "activate": self._activate, "commit": self._commit, "rollback": self._roll_back,
        }  # fmt: skip
        if verb not in verbs:
            raise Missing("There is no {verb} of a model", verb=verb[:40])
        slots = verbs[verb](name, document)
        return {"schema": 1, **self._status_of(name, slots).to_json()}

    def infer(self, name: str, body: bytes) -> bytes:
        """Return the packed outputs of the active version for the packed inputs in `body`."""
        from app.wire.tensors import pack, unpack

        slots = self._slots.get(name)
        manifest = slots.manifest if slots else None
        if slots is None or manifest is None or slots.active is None:
            raise Missing("No version of {name} is active", name=name[:80])
        session = self._loaded.get((name, manifest.artifact))
        if session is None:
            session = self._load(name, manifest, self._cabinet.read(name, slots.active))
        inputs, _ = unpack(body, most_bytes=TENSOR_BYTES)
        return pack(session.run(inputs), {"version": str(manifest.version), "artifact": manifest.artifact})

    def _prepare(self, name: str, document: dict[str, Any]) -> Slots:
        manifest = Manifest.from_json(document)
        if manifest.name != name:
            raise BadInput("The manifest is of {other}, not of {name}", other=manifest.name[:80], name=name, field="name")
        slots = self._slots.get(name, Slots())
        slot = slots.free()
        target = self._cabinet.path(name, slot)
        if slots.waiting == manifest and target.exists():
            return slots
        data = self._shelf.need(manifest.artifact).read_bytes()
        session = self._load(name, manifest, data)
        try:
            _self_test(session, manifest)
        except BadInput:
            self._forget(name, slots)
            raise
        if slot in slots.manifests:
            self._keep(name, slots.emptied())
        self._cabinet.fill(name, slot, data)
        return self._keep(name, slots.with_prepared(manifest))

    def _activate(self, name: str, document: dict[str, Any]) -> Slots:
        slots, wanted = self._need(name), document.get("version")
        active = slots.manifest
        if wanted is not None and slots.prepared is None and active is not None and active.version == wanted:
            return slots
        fresh = slots.activated()
        manifest = fresh.manifest
        if manifest is None or fresh.active is None or (wanted is not None and manifest.version != wanted):
            raise Conflict("Version {version} is not the one prepared", version=wanted)
        if (name, manifest.artifact) not in self._loaded:
            self._load(name, manifest, self._cabinet.read(name, fresh.active))
        return self._keep(name, fresh)

    def _commit(self, name: str, _document: dict[str, Any]) -> Slots:
        return self._keep(name, self._need(name).final())

    def _roll_back(self, name: str, _document: dict[str, Any]) -> Slots:
        return self._keep(name, self._need(name).rolled_back())

    def _keep(self, name: str, slots: Slots) -> Slots:
        self._cabinet.point(name, slots)
        self._slots[name] = slots
        self._forget(name, slots)
        return slots

    def _forget(self, name: str, slots: Slots) -> None:
        """Unload what no slot of the model holds any more."""
        used = {(name, manifest.artifact) for manifest in slots.manifests.values()}
        for key in [key for key in tuple(self._loaded) if key[0] == name and key not in used]:
            self._loaded.pop(key, None)

    def _load(self, name: str, manifest: Manifest, data: bytes) -> "Session":
        from app.agent.adapters.onnx import Session

        if len(data) != manifest.size_bytes or "sha256:" + hashlib.sha256(data).hexdigest() != manifest.artifact:
            raise BadInput("The file of {name} is not what its manifest says", name=name, field="artifact")
        session = self._loaded[name, manifest.artifact] = Session(data, name)
        return session

    def _need(self, name: str) -> Slots:
        if name not in self._slots:
            raise Missing("There is no model {name} here", name=name[:80])
        return self._slots[name]

    def _status_of(self, name: str, slots: Slots) -> ModelStatus:
        active, waiting = slots.manifest, slots.waiting
        return ModelStatus(
            name=name,
            version=active.version if active else None,
            artifact=active.artifact if active else "",
            committed=active is not None and slots.committed,
            prepared_version=waiting.version if waiting else None,
            loaded=active is not None and (name, active.artifact) in self._loaded,
        )


def _self_test(session: "Session", manifest: Manifest) -> None:
    """Raise `BadInput` unless the model answers its own test rows within the tolerance."""
    import numpy as np

    try:
        rows, wanted = np.asarray(manifest.test_input, np.float32), np.asarray(manifest.test_output, np.float32)
    except (ValueError, TypeError):
        raise BadInput("The self-test's rows are no table of numbers", field="self_test") from None
    told = session.run({"x": rows})
    answer = told.get("y")
    if answer is None or answer.shape != wanted.shape:
        raise BadInput("The self-test's answer has another shape", field="self_test")
    off = float(np.max(np.abs(answer - wanted), initial=0.0))
    if not off <= manifest.tolerance:
        raise BadInput(
            "The model fails its self-test: it is off by {off}, allowed is {tolerance}",
            off=off, tolerance=manifest.tolerance, field="self_test",
        )  # fmt: skip

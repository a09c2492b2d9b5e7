"""What a console may bring to this node: a manifest is believed before the first byte of its artifact is kept.

`announce` checks signatures, name, replay and downgrade, and tells what is missing and which files a delta may start from;
`assemble` makes the artifact of a delta and an old file. Both are verbs of a model, beside those in `models.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.agent.manifest import Manifest
from app.agent.models import Models
from app.agent.points import reached
from app.agent.shelf import Shelf
from app.agent.slots import Slots
from app.engine.base.errors import BadInput, Missing, OutpostError, Refused
from app.wire.documents import object_of, text_of, whole_of
from app.wire.identity import PublicIdentity
from app.wire.limits import ARTIFACT_BYTES
from app.wire.manifests import Chunks, unseal

SignerOf = Callable[[str], PublicIdentity | None]


class Intake:
    """The artifact verbs of one node; blocks, in the lane of files. `signer_of` returns a paired console by device id."""

    def __init__(self, shelf: Shelf, models: Models, signer_of: SignerOf) -> None:
        self._shelf, self._models, self._signer_of = shelf, models, signer_of

    def change(self, name: str, verb: str, document: dict[str, Any]) -> dict[str, Any]:
        """Do one verb of the model `name`; nothing is changed when this raises."""
        if verb == "announce":
            return self._announce(name, document)
        if verb == "assemble":
            return self._assemble(document)
        if verb == "prepare":
            manifest = self._believed(name, document)
            return self._models.change(name, verb, manifest.to_json(), signer=text_of(document, "signer"))
        return self._models.change(name, verb, document)

    def _believed(self, name: str, document: dict[str, Any]) -> Manifest:
        """Return the manifest in a sealed `document`; raise `Refused` when this node may not follow it."""
        manifest = Manifest.from_json(unseal(document, self._signer_of))
        if manifest.name != name:
            raise BadInput("The manifest is of {other}, not of {name}", other=manifest.name[:80], name=name, field="name")
        check_fresh(manifest, self._models.slots(name), text_of(document, "signer"))
        return manifest

    def _announce(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        manifest = self._believed(name, document)
        delta = object_of(document, "delta")
        held = self._held()
        held.pop(manifest.artifact, None)
        told = self._shelf.announce(manifest.artifact, manifest.chunks, held.values(), fresh=document.get("fresh") is True)
        told["bases"] = sorted(held)
        if delta and not told["complete"]:
            size = whole_of(delta, "size_bytes")
            chunks = Chunks.from_json(object_of(delta, "chunks"), size)
            told["delta"] = self._shelf.announce(text_of(delta, "artifact"), chunks)
        return told

    def _assemble(self, document: dict[str, Any]) -> dict[str, Any]:
        from app.wire.delta import apply_delta  # with numpy, which an idle agent does not load

        base, delta, artifact = (text_of(document, key) for key in ("base", "delta", "artifact"))
        source = self._held().get(base)
        if source is None:
            raise Missing("The artifact {artifact} is not here to start from", artifact=base[:80])
        piece = self._shelf.need(delta)
        try:
            data = apply_delta(source.read_bytes(), piece.read_bytes(), ARTIFACT_BYTES)
        except OutpostError:
            self._shelf.discard(delta)
            raise
        reached("delta.applied")
        self._shelf.discard(delta)
        return self._shelf.keep(artifact, data)

    def _held(self) -> dict[str, Path]:
        return {**self._shelf.complete(), **self._models.held()}


def check_fresh(manifest: Manifest, slots: Slots, signer: str) -> None:
    """Raise `Refused` for a manifest that was followed and left behind, or an older version that nobody allowed."""
    active = slots.manifest
    if active is not None and active.artifact == manifest.artifact and active.version == manifest.version:
        return
    last_us = slots.issued_us.get(signer, 0)
    if manifest.issued_us < last_us:
        raise Refused(
            "The manifest of {name}:{version} is a replay: a later one was followed", name=manifest.name,
            version=manifest.version, field="manifest", hint="Sign it again.",
        )  # fmt: skip
    if active is not None and manifest.version < active.version and not manifest.downgrade:
        raise Refused(
            "{name}:{version} is older than the active version {active}", name=manifest.name, version=manifest.version,
            active=active.version, field="version", hint="Say so to go back on purpose: --downgrade",
        )  # fmt: skip

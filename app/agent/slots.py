"""Two slots per model on disk and one pointer: a power cut at any byte leaves the old model or the new, never neither.

The pointer is `state.json`, replaced whole. A model is written into the slot that is not active; activating moves the
pointer; the slot left behind stays until the commit, so that a rollback moves the pointer back. After the commit there
is no way back: the point of no return. What the slot left behind holds then stands in for a version that fails, until
the next one is prepared over it.
"""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from app.agent.manifest import Manifest
from app.agent.points import reached
from app.engine.base.errors import BadInput, Conflict, Missing
from app.engine.base.platform import replace_file

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
Slot = Literal["a", "b"]


@dataclass(frozen=True)
class Slots:
    """Where the pointer stands: the active slot, whether that is final, and what waits beside it.

    `issued_us` is the newest manifest followed of each signer, so that none before it is followed again; `recorded_bytes` is
    how much of its requests the node may keep for shadow traffic (0: none).
    """

    active: Slot | None = None
    committed: bool = True
    prepared: Slot | None = None
    manifests: dict[str, Manifest] = field(default_factory=dict)
    issued_us: dict[str, int] = field(default_factory=dict)
    recorded_bytes: int = 0

    @property
    def manifest(self) -> Manifest | None:
        """Return the manifest of the active slot."""
        return self.manifests[self.active] if self.active else None

    @property
    def waiting(self) -> Manifest | None:
        """Return the manifest of the prepared slot."""
        return self.manifests[self.prepared] if self.prepared else None

    @property
    def before(self) -> tuple[Slot, Manifest] | None:
        """Return the slot and manifest of the version that answered before the active one, while it is still there."""
        other: Slot = "b" if self.active == "a" else "a"
        if self.active is None or other == self.prepared or other not in self.manifests:
            return None
        return other, self.manifests[other]

    def free(self) -> Slot:
        """Return the slot that may be written; raise `Conflict` while the other one may be needed to go back."""
        if not self.committed:
            raise Conflict("The active version is not committed", hint="Commit it or roll it back first.")
        return "b" if self.active == "a" else "a"

    def emptied(self) -> "Slots":
        """Return the state in which the free slot holds nothing."""
        slot = self.free()
        return replace(self, prepared=None, manifests={k: v for k, v in self.manifests.items() if k != slot})

    def with_prepared(self, manifest: Manifest, signer: str = "") -> "Slots":
        """Return the state in which the free slot holds `manifest`, sealed by `signer`."""
        slot = self.free()
        issued_us = dict(self.issued_us)
        if signer:
            issued_us[signer] = max(manifest.issued_us, issued_us.get(signer, 0))
        return replace(self, prepared=slot, manifests={**self.manifests, slot: manifest}, issued_us=issued_us)

    def activated(self) -> "Slots":
        """Return the state after the swap; raise `Conflict` when nothing is prepared."""
        if self.prepared is None:
            raise Conflict("Nothing is prepared", hint="Prepare a version first.")
        return replace(self, active=self.prepared, prepared=None, committed=False)

    def final(self) -> "Slots":
        """Return the state after the commit; the slot left behind is free, what it holds a stand-in."""
        if self.active is None:
            raise Conflict("Nothing is active")
        kept = {slot: manifest for slot, manifest in self.manifests.items() if slot != self.prepared}
        return replace(self, committed=True, manifests=kept, prepared=None)

    def rolled_back(self) -> "Slots":
        """Return the state before the swap, or before the preparation; raise `Conflict` when neither was done."""
        if self.committed and self.prepared is not None:
            return self.emptied()
        if self.committed:
            raise Conflict("There is nothing to roll back: the active version is committed")
        old: Slot = "b" if self.active == "a" else "a"
        return replace(self, active=old if old in self.manifests else None, committed=True, prepared=self.active)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON."""
        manifests = {slot: manifest.to_json() for slot, manifest in self.manifests.items()}
        return {
            "schema": 1, "active": self.active, "committed": self.committed, "prepared": self.prepared, "slots": manifests,
            "issued_us": self.issued_us, "recorded_bytes": self.recorded_bytes,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Slots":
        """Return the state in `document`; raise `BadInput`."""
        manifests = {slot: Manifest.from_json(told) for slot, told in document["slots"].items() if slot in {"a", "b"}}
        active, prepared = document["active"], document["prepared"]
        if not {active, prepared} <= {None, *manifests}:
            raise BadInput("The slots name one that holds nothing")
        issued = {str(signer): int(at_us) for signer, at_us in document.get("issued_us", {}).items()}
        return cls(active, document["committed"] is True, prepared, manifests, issued, int(document.get("recorded_bytes", 0)))


class Cabinet:
    """The folder of all models' slots. Blocks; one thread at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def load(self) -> dict[str, Slots]:
        """Return the state of every model; a damaged pointer counts as a model with nothing in it."""
        found = {}
        for path in sorted(self._folder.glob("*/state.json")):
            try:
                found[path.parent.name] = Slots.from_json(json.loads(path.read_text("utf-8")))
            except (ValueError, KeyError, TypeError, AttributeError, BadInput):
                found[path.parent.name] = Slots()
        return found

    def path(self, name: str, slot: Slot) -> Path:
        """Return the file of a slot; raise `BadInput` for a name that cannot be a folder."""
        if not _NAME.fullmatch(name):
            raise BadInput("{name} is no model name", name=repr(name[:80]), field="slot")
        return self._folder / name / f"{slot}.onnx"

    def fill(self, name: str, slot: Slot, model: bytes) -> None:
        """Write `model` into the slot, whole or not at all."""
        replace_file(self.path(name, slot), model)
        reached("slot.filled")

    def read(self, name: str, slot: Slot) -> bytes:
        """Return what the slot holds; raise `Missing`."""
        try:
            return self.path(name, slot).read_bytes()
        except FileNotFoundError:
            raise Missing("The model {name} has lost its file", name=name, hint="Send it again.") from None

    def point(self, name: str, slots: Slots) -> None:
        """Move the pointer; durable when this returns."""
        replace_file(self.path(name, "a").parent / "state.json", json.dumps(slots.to_json()).encode())
        reached("slot.pointed")

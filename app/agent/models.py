"""The models of a node: prepare, activate, commit, roll back, infer.

Verbs run in one lane and inference in another; they share only the two mappings below, whose entries are replaced whole.
"""

import hashlib
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.agent.batches import answer_all
from app.agent.budget import CpuBudget, check_memory
from app.agent.manifest import Manifest
from app.agent.points import reached
from app.agent.recording import MOST_BYTES, Recording, shadow
from app.agent.shelf import Shelf
from app.agent.slots import Cabinet, Slot, Slots
from app.engine.base.errors import BadInput, Conflict, Missing, OutpostError
from app.wire.documents import whole_of
from app.wire.limits import TENSOR_BYTES
from app.wire.selftest import input_of, off_by
from app.wire.status import ModelStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.agent.adapters.onnx import Session
    from app.agent.recording import Answer

VERBS: Final = ("prepare", "activate", "commit", "rollback", "record", "shadow")
_MOST_SHADOWED: Final = 1000
_QUICK_S: Final = 300e-6  # of CPU: what may be done between two turns of a loop
_QUICK_BYTES: Final = 64 << 10


class Models:
    """All models of this node; every method blocks, `infer` in a lane of its own."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self._cabinet, self._shelf = Cabinet(folder), shelf
        self._slots: dict[str, Slots] = self._cabinet.load()
        self._loaded: dict[tuple[str, str], Session] = {}
        self._recordings: dict[str, Recording] = {
            name: Recording(slots.recorded_bytes) for name, slots in self._slots.items() if slots.recorded_bytes
        }
        self._budgets: dict[str, CpuBudget] = {}
        self._run_s: dict[tuple[str, str], float] = {}  # CPU of a run lately, by name and artifact

    def status(self) -> tuple[ModelStatus, ...]:
        """Return how every model stands; cheap, for any thread."""
        return tuple(self._status_of(name, slots) for name, slots in sorted(self._slots.items()))

    def slots(self, name: str) -> Slots:
        """Return how a model's slots stand; empty ones for a model that is not here."""
        return self._slots.get(name, Slots())

    def providers(self) -> list[str]:
        """Return what runs the models that are loaded, such as CPUExecutionProvider."""
        return sorted({each for session in tuple(self._loaded.values()) for each in session.providers})

    def held(self) -> dict[str, Path]:
        """Return the artifacts that lie in slots, with their files."""
        return {
            manifest.artifact: path
            for name, slots in self._slots.items()
            for slot, manifest in slots.manifests.items()
            if (path := self._cabinet.path(name, "a" if slot == "a" else "b")).exists()
        }

    def change(self, name: str, verb: str, document: dict[str, Any], signer: str = "") -> dict[str, Any]:
        """Do one verb and return the model's state; nothing is changed when this raises.

        `signer` is who sealed the manifest of a `prepare`.
        """
        verbs: dict[str, Callable[[str, dict[str, Any]], Slots]] = {
            "prepare": partial(self._prepare, signer=signer), "activate": self._activate, "commit": self._commit,
            "rollback": self._roll_back, "record": self._record,
        }  # fmt: skip
        if verb == "shadow":
            return self._shadow(name, document)
        if verb not in verbs:
            raise Missing("There is no {verb} of a model", verb=verb[:40])
        slots = verbs[verb](name, document)
        return {"schema": 1, **self._status_of(name, slots).to_json()}

    def infer(self, name: str, body: bytes) -> bytes:
        """Return the packed outputs of the active version for the packed inputs in `body`."""
        return _only(self.infer_many(name, [body]))

    def is_quick(self, name: str, body_bytes: int) -> bool:
        """Tell whether the active version is loaded and lately took so little time that nobody need wait for its lane."""
        manifest = self.slots(name).manifest
        if manifest is None or body_bytes > _QUICK_BYTES:
            return False
        key = (name, manifest.artifact)
        return key in self._loaded and self._run_s.get(key, _QUICK_S) < _QUICK_S

    def infer_before(self, name: str, body: bytes) -> bytes:
        """Return the answer of the version before the active one, committed or not; raise `Missing` when none is left."""
        before = self.slots(name).before
        if before is None:
            raise Missing("No version of {name} stands before the active one", name=name[:80])
        slot, manifest = before
        return _only(self._answer(name, manifest, slot, [body]))

    def infer_many(self, name: str, bodies: "Sequence[bytes]") -> "list[bytes | OutpostError]":
        """Return the active version's answers to several requests at once, or why one has none."""
        slots = self.slots(name)
        if slots.manifest is None or slots.active is None:
            raise Missing("No version of {name} is active", name=name[:80])
        return self._answer(name, slots.manifest, slots.active, bodies)

    def _answer(self, name: str, manifest: Manifest, slot: Slot, bodies: "Sequence[bytes]") -> "list[bytes | OutpostError]":
        from app.wire.tensors import pack, unpack

        session = self._session(name, manifest, slot)
        budget = self._budgets.setdefault(name, CpuBudget())
        budget.check(name, manifest.limits, time.monotonic())
        found: list[bytes | OutpostError] = [b""] * len(bodies)
        requests, places = [], []
        for at, body in enumerate(bodies):
            try:
                requests.append(unpack(body, most_bytes=TENSOR_BYTES)[0])
                places.append(at)
            except OutpostError as error:
                found[at] = error
        began_s = time.thread_time()
        answers = answer_all(session.run, requests)
        spent_s, key = time.thread_time() - began_s, (name, manifest.artifact)
        self._run_s[key] = max(spent_s, 0.9 * self._run_s.get(key, spent_s))
        budget.spend(spent_s, time.monotonic())
        recording = self._recordings.get(name)
        meta = {"version": str(manifest.version), "artifact": manifest.artifact}
        for at, inputs, answer in zip(places, requests, answers, strict=True):
            if isinstance(answer, OutpostError):
                found[at] = answer
                continue
            found[at] = pack(answer, meta)
            if recording is not None and len(inputs) == 1:
                recording.keep(next(iter(inputs.values())))
        return found

    def _record(self, name: str, document: dict[str, Any]) -> Slots:
        most = min(whole_of(document, "most_bytes"), MOST_BYTES)
        kept = self._keep(name, replace(self._need(name), recorded_bytes=most))
        self._recordings.setdefault(name, Recording()).limit(most)
        return kept

    def _shadow(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Return how the prepared version does beside the active one on recorded requests, else on the self-test's rows."""
        slots = self._need(name)
        if slots.waiting is None or slots.prepared is None:
            raise Conflict("Nothing is prepared", hint="Prepare a version first.")
        recording = self._recordings.get(name)
        most = min(whole_of(document, "most_requests", _MOST_SHADOWED), _MOST_SHADOWED)
        requests = recording.requests()[-most:] if recording is not None else []
        source = "recorded" if requests else "self_test"
        requests = requests or [input_of(slots.waiting.test_input)]
        new = self._session(name, slots.waiting, slots.prepared)
        old = self._session(name, slots.manifest, slots.active) if slots.manifest and slots.active else new
        told = shadow(requests, _answers(old), _answers(new), time.perf_counter)
        return {"schema": 1, "source": source, "has_old": slots.active is not None, **told}

    def _session(self, name: str, manifest: Manifest, slot: Slot) -> "Session":
        found = self._loaded.get((name, manifest.artifact))
        return found or self._load(name, manifest, self._cabinet.read(name, slot))

    def _prepare(self, name: str, document: dict[str, Any], signer: str = "") -> Slots:
        manifest = Manifest.from_json(document)
        if manifest.name != name:
            raise BadInput("The manifest is of {other}, not of {name}", other=manifest.name[:80], name=name, field="name")
        slots = self._slots.get(name, Slots())
        slot = slots.free()
        target = self._cabinet.path(name, slot)
        if slots.waiting == manifest and target.exists():
            return slots
        data = self._shelf.need(manifest.artifact).read_bytes()
        self._try_out(name, manifest, data, slots)
        reached("prepare.tested")
        if slot in slots.manifests:
            slots = self._keep(name, slots.emptied())
            reached("slot.emptied")
        self._cabinet.fill(name, slot, data)
        kept = self._keep(name, slots.with_prepared(manifest, signer))
        reached("prepare.done")
        return kept

    def _try_out(self, name: str, manifest: Manifest, data: bytes, slots: Slots) -> None:
        """Load and self-test a model within its memory; on any failure it is unloaded again."""
        from app.agent.adapters.memory import resident_bytes
        from app.agent.adapters.onnx import Session  # noqa: F401 - so that the runtime itself is not counted

        before = resident_bytes()
        try:
            session = self._load(name, manifest, data)
            _self_test(session, manifest.test_input, manifest.test_output, manifest.tolerance)
            if session.self_test:
                _self_test(session, *_test_inside(session.self_test, name))
            check_memory(name, manifest.limits, resident_bytes() - before)
        except OutpostError:
            self._forget(name, slots)
            raise

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
        reached("activate.ready")
        kept = self._keep(name, fresh)
        reached("activate.done")
        return kept

    def _commit(self, name: str, _document: dict[str, Any]) -> Slots:
        kept = self._keep(name, self._need(name).final())
        reached("commit.done")
        return kept

    def _roll_back(self, name: str, _document: dict[str, Any]) -> Slots:
        kept = self._keep(name, self._need(name).rolled_back())
        reached("rollback.done")
        return kept

    def _keep(self, name: str, slots: Slots) -> Slots:
        self._cabinet.point(name, slots)
        self._slots[name] = slots
        self._forget(name, slots)
        return slots

    def _forget(self, name: str, slots: Slots) -> None:
        """Unload what no slot of the model holds any more, and after a commit what only stands in: it is read when needed."""
        idle = slots.before[0] if slots.committed and slots.before else None
        used = {(name, manifest.artifact) for slot, manifest in slots.manifests.items() if slot != idle}
        for key in [key for key in tuple(self._loaded) if key[0] == name and key not in used]:
            self._loaded.pop(key, None)
            self._run_s.pop(key, None)

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


def _only(answers: "list[bytes | OutpostError]") -> bytes:
    (answer,) = answers
    if isinstance(answer, OutpostError):
        raise answer
    return answer


def _answers(session: "Session") -> "Answer":
    return lambda rows: next(iter(session.run({"x": rows}).values()))


def _test_inside(text: str, name: str) -> tuple[Any, Any, float]:
    """Return rows in, rows out and tolerance of the self-test that a model carries; raise `BadInput` when it is none."""
    try:
        told = json.loads(text)
        return told["input"], told["output"], float(told["tolerance"])
    except (ValueError, TypeError, KeyError):
        raise BadInput("The self-test inside {name} cannot be read", name=name, field="self_test") from None


def _self_test(session: "Session", rows_in: Any, rows_out: Any, tolerance: float) -> None:
    """Raise `BadInput` unless the model answers its own test rows within the tolerance."""
    answer = session.run({"x": input_of(rows_in)}).get("y")
    if answer is None:
        raise BadInput("The self-test's answer has another shape", field="self_test")
    off = off_by(rows_out, answer)
    if not off <= tolerance:
        raise BadInput(
            "The model fails its self-test: it is off by {off}, allowed is {tolerance}",
            off=off, tolerance=tolerance, field="self_test",
        )  # fmt: skip

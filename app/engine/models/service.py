"""The verbs of the model registry: register, find, export, and run a version on the engine's own runtime."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, Limit, Missing, Refused
from app.engine.base.ids import content_id, new_id
from app.engine.base.platform import replace_file
from app.engine.base.records import Records
from app.engine.jobs.base import Base
from app.engine.link.transfer import Delta, DeltaFrom, Parcel
from app.engine.models.keeping import Keeping, check_here
from app.engine.models.records import FREE, GONE, ModelVersion, manifest_of, version_of
from app.engine.models.workshop import Workshop
from app.engine.store import artifacts, rows
from app.engine.store.threads import in_thread
from app.wire.delta import make_delta
from app.wire.identity import DeviceIdentity
from app.wire.manifests import chunks_of, seal

_TABLE: Final = "model_versions"
_MOST_BYTES: Final = 1 << 30
_WORKER: Final = "models"


class ModelsService:
    """All versions of all models; a version's file is checked in a worker before the registry takes it."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.records: Records[ModelVersion] = Records(lambda model: model.id, "model version")
        self._deltas: dict[tuple[str, str], Delta] = {}
        self._making = asyncio.Lock()
        self.workshop = Workshop(base, self)
        self.keeping = Keeping(base, self)

    async def start(self) -> None:
        """Load the versions from the store."""
        stored = await self._base.store.read(lambda conn: rows.select(conn, _TABLE, order="created_us"))
        self.records.replace_all(version_of(row) for row in stored)

    async def stop(self) -> None:
        """Nothing runs on its own here."""

    async def register(
        self, name: str, data: bytes, metrics: Mapping[str, Any] | None = None,
        lineage: Mapping[str, Any] | None = None, *, source: str = "", actor: str, cause: str = "",
    ) -> ModelVersion:  # fmt: skip
        """Check `data` as ONNX and keep it as the next version of `name`; raise `BadInput` naming `source`.

        What is kept is the file with its self-test inside, in the metadata of ONNX; `lineage["source"]` is the content id of
        the file as it came. The same file under the same name again is the version that is there already; if its
        file was let go of, it is here again.
        """
        check_name(name)
        if len(data) > _MOST_BYTES:
            raise Limit("{source} is larger than a model may be (1 GiB)", source=source or name)
        known = self._same(name, content_id(data))
        if known is not None and await in_thread(self.path_of(known).exists, "artifact"):
            return known
        home = self._base.home
        artifact = await in_thread(partial(artifacts.keep, home, data), "artifact")
        path = artifacts.path_of(home, artifact)
        fresh, lineage = path.with_name(f"{path.name}.{new_id()}"), dict(lineage or {})
        try:
            told = await self._base.jobs.run(
                _WORKER, "app.engine.models.work:inspect",
                {"path": str(path), "source": source or name, "out": str(fresh)},
                title=f"Check model {name}", actor=actor, cause=cause, transient=True,
            )  # fmt: skip
        except BadInput:
            if not any(model.artifact == artifact for model in self.records):
                await in_thread(partial(path.unlink, missing_ok=True), "artifact")
            raise
        if fresh.exists():
            data = await in_thread(fresh.read_bytes, "artifact")
            await in_thread(fresh.unlink, "artifact")
            lineage, artifact = (
                {**lineage, "source": artifact},
                await in_thread(partial(artifacts.keep, home, data), "artifact"),
            )
            if not any(model.artifact == lineage["source"] for model in self.records):
                await in_thread(partial(path.unlink, missing_ok=True), "artifact")
        if known is not None and known.artifact == artifact:
            return await self._put({"id": known.id, "file": FREE}, actor, cause)
        row = {
            "name": name, "artifact": artifact, "size_bytes": len(data), "metrics": dict(metrics or {}),
            "lineage": lineage, "inputs": told, "state": "draft",
        }  # fmt: skip
        return await self._write_next(row, actor, cause)

    async def import_file(self, file: Path, name: str, *, actor: str, cause: str = "") -> ModelVersion:
        """Register the ONNX file at `file` as the next version of `name`."""
        try:
            size = await in_thread(lambda: file.stat().st_size, "artifact")
            if size > _MOST_BYTES:
                raise Limit("{source} is larger than a model may be (1 GiB)", source=file)
            data = await in_thread(file.read_bytes, "artifact")
        except OSError as error:
            raise Missing("{file} cannot be read: {reason}", file=file, reason=error.strerror, field="file") from None
        return await self.register(
            name, data, lineage={"kind": "import", "file": file.name}, source=str(file), actor=actor, cause=cause
        )

    def find(self, key: str) -> ModelVersion:
        """Return the version called `key`: an id, `name` (the newest), `name:version` or an artifact id."""
        if key in self.records:
            return self.records.need(key)
        name, _, version = key.rpartition(":")
        newest: ModelVersion | None = None
        for model in self.records:
            if model.artifact == key or (model.name == name and str(model.version) == version):
                return model
            if model.name == key and (newest is None or model.version > newest.version):
                newest = model
        if newest is None:
            raise Missing("There is no model {key}", key=key, field="model", hint="See: outpost model list")
        return newest

    def path_of(self, model: ModelVersion) -> Path:
        """Return the file of `model`."""
        return artifacts.path_of(self._base.home, model.artifact)

    async def read(self, model: ModelVersion) -> bytes:
        """Return the checked bytes of `model`; raise `Missing` where they are not here."""
        check_here(self.records.get(model.id) or model)
        return await in_thread(partial(artifacts.load, self._base.home, model.artifact), "artifact")

    async def export(self, key: str, file: Path) -> ModelVersion:
        """Write the file of the version called `key` to `file`, whole or not at all."""
        model = self.find(key)
        await self.keeping.hold(model)
        data = await self.read(model)
        await in_thread(partial(replace_file, file, data), "artifact")
        return model

    def manifest(self, model: ModelVersion) -> dict[str, Any]:
        """Return what a node is given before it takes `model`; raise `BadInput` when it cannot prove itself there."""
        manifest = manifest_of(model)
        if manifest["self_test"] is None:
            raise BadInput(
                "{title} has no self-test, so no node can prove that it works", title=model.title,
                hint="A model needs one float32 input, of any rank, and one output.",
            )  # fmt: skip
        check_use(model)
        return manifest

    async def seal(
        self, model: ModelVersion, identity: DeviceIdentity, *, downgrade: bool = False, limits: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the manifest of `model`, its pieces and allowance included, signed now with both keys of `identity`."""
        await self.keeping.hold(model)
        data = await self.read(model)
        pieces = await in_thread(partial(chunks_of, data), "artifact")
        manifest = {**self.manifest(model), "chunks": pieces.to_json(), "issued_us": self._base.clock.now_us()}
        if downgrade:
            manifest["downgrade"] = True
        if limits:
            manifest["limits"] = dict(limits)
        return await in_thread(partial(seal, identity, manifest), "artifact")

    def parcel(self, model: ModelVersion, sealed: Mapping[str, Any]) -> Parcel:
        """Return what the link sends of `model`."""
        return Parcel(model.name, sealed, model.artifact, self.path_of(model), model.size_bytes)

    def deltas(self, model: ModelVersion) -> DeltaFrom:
        """Return what finds the smallest delta to `model` from a file that a node has; each is made once."""

        async def find(bases: Sequence[str], most_bytes: int) -> Delta | None:
            known = [other for other in self.records if other.artifact in bases and other.name == model.name]
            if not known:
                return None
            delta = await self._delta(max(known, key=lambda other: other.version), model)
            return delta if delta is not None and delta.size_bytes < most_bytes else None

        return find

    async def transfer_bytes(self, model: ModelVersion, version: int) -> int:
        """Return how much a node that has `version` (0: none) is sent for `model`: a delta's size, else the whole."""
        base = next((other for other in self.records if other.name == model.name and other.version == version), None)
        delta = await self._delta(base, model) if base is not None else None
        return min(model.size_bytes, delta.size_bytes) if delta is not None else model.size_bytes

    async def _delta(self, base: ModelVersion, model: ModelVersion) -> Delta | None:
        key = (base.artifact, model.artifact)
        async with self._making:
            if key not in self._deltas:
                try:
                    old, new = await self.read(base), await self.read(model)
                except (Missing, Conflict):
                    return None
                made = await in_thread(partial(make_delta, old, new), "delta")
                artifact = await in_thread(partial(artifacts.keep, self._base.home, made), "artifact")
                path = artifacts.path_of(self._base.home, artifact)
                self._deltas[key] = Delta(base.artifact, artifact, path, len(made), chunks_of(made).to_json())
            return self._deltas[key]

    async def predict(
        self, model: ModelVersion, inputs: Sequence[Sequence[float]], *, actor: str, cause: str = ""
    ) -> list[list[float]]:
        """Return the outputs of `model` for `inputs` on the engine's own runtime, in a worker."""
        await self.keeping.hold(model, actor=actor, cause=cause)
        spec = {"path": str(self.path_of(model)), "rows": [list(map(float, row)) for row in inputs]}
        answer = await self._base.jobs.run(
            _WORKER, "app.engine.models.work:predict", spec,
            title=f"Run {model.title} here", actor=actor, cause=cause, transient=True,
        )  # fmt: skip
        return list(answer["y"])

    async def make_active(self, model: ModelVersion, *, actor: str, cause: str = "") -> ModelVersion:
        """Mark `model` as the active version of its name; the one active before becomes retired.

        Raises `Refused`, and `Missing` when its file was let go of.
        """
        check_use(model)
        now_us = self._base.clock.now_us()
        changes = {model.id: "active"}
        changes |= {m.id: "retired" for m in self.records if m.name == model.name and m.state == "active" and m.id != model.id}

        def write(conn: rows.Conn) -> list[dict[str, Any]]:
            check_here(version_of(rows.need(conn, _TABLE, model.id)))
            return [
                rows.put(conn, _TABLE, {"id": key, "state": state}, actor=actor, cause=cause, now_us=now_us)
                for key, state in changes.items()
            ]

        self.records.put(*map(version_of, await self._base.store.write(write)))
        return self.records.need(model.id)

    async def go_back(self, name: str, *, actor: str, cause: str = "") -> ModelVersion:
        """Make that version of `name` active again which the active one replaced; raise `Missing` when there is none."""

        def before(conn: rows.Conn) -> str:
            active = rows.select(conn, _TABLE, where={"name": name, "state": "active"}, limit=1)
            gone = rows.select(conn, _TABLE, where={"name": name, "state": "retired"}, order="updated_us", descending=True)
            gone = [row for row in gone if row["file"] != GONE]
            # One transaction, at one time, retired the one and promoted the other.
            pair = [row for row in gone if active and row["updated_us"] == active[0]["updated_us"]]
            return str((pair or gone)[0]["id"]) if active and gone else ""

        key = await self._base.store.read(before)
        if not key:
            raise Missing("{name} has no version to go back to", name=name, field="name", hint="See: outpost model list")
        return await self.make_active(self.records.need(key), actor=actor, cause=cause)

    def _same(self, name: str, artifact: str) -> ModelVersion | None:
        mine = (model for model in self.records if model.name == name)
        return next((model for model in mine if artifact in (model.artifact, model.lineage.get("source"))), None)

    async def _put(self, row: dict[str, Any], actor: str, cause: str) -> ModelVersion:
        now_us = self._base.clock.now_us()
        stored = await self._base.store.write(lambda conn: rows.put(conn, _TABLE, row, actor=actor, cause=cause, now_us=now_us))
        self.records.put(version_of(stored))
        return self.records.need(row["id"])

    async def _write_next(self, row: dict[str, Any], actor: str, cause: str) -> ModelVersion:
        now_us = self._base.clock.now_us()

        def write(conn: rows.Conn) -> dict[str, Any]:
            taken = rows.select(conn, _TABLE, where={"name": row["name"]}, order="version", descending=True, limit=1)
            version = taken[0]["version"] + 1 if taken else 1
            return rows.put(conn, _TABLE, {**row, "version": version}, actor=actor, cause=cause, now_us=now_us)

        model = version_of(await self._base.store.write(write))
        self.records.put(model)
        return model


def check_use(model: ModelVersion) -> None:
    """Raise `Refused` for a model not to be used: trained under an attack that was a drill, or with a last layer left alone."""
    if model.lineage.get("drilled"):
        raise Refused(
            "{title} comes from a session that was drilled in round {round}", title=model.title, field="model",
            round=model.lineage["drilled"], hint="Take a version of an earlier round, or train anew.",
        )  # fmt: skip
    if model.lineage.get("headless"):
        raise Refused(
            "Nobody trained the last layer of {title}: with {algorithm} each node keeps one of its own", title=model.title,
            field="model", algorithm=model.lineage["headless"], hint="Train with ditto, or another algorithm.",
        )  # fmt: skip


def check_name(name: str) -> None:
    """Raise `BadInput` when no model can have this name."""
    if not name or len(name) > 64 or not all(letter.isalnum() or letter in "-_." for letter in name) or name[0] in "-.":
        raise BadInput(
            "{name} cannot name a model", name=repr(name), field="name",
            hint="Use up to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
        )  # fmt: skip

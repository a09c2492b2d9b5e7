"""Which versions' files stay on this machine: those that were used, and of the others so much as the operator gives room.

A version that nobody used may be let go of: its row stays and says so, its files are removed. Files are known by their
content and may be those of other versions, too, or be written anew at this moment by whoever has not told of it yet: so a file
goes only when nothing that is known needs it, and when nobody wrote it within the last hour (`artifacts.keep` is writing).
"""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.engine.base.errors import Missing
from app.engine.jobs.base import Base
from app.engine.models.records import FREE, GONE, KEPT, ModelVersion, version_of
from app.engine.store import artifacts, rows
from app.engine.store.threads import in_thread

if TYPE_CHECKING:
    from app.engine.models.service import ModelsService

_YOUNG_US: Final = 3_600_000_000
_TABLE: Final = "model_versions"


class Keeping:
    """Has files stay, and lets go of them."""

    def __init__(self, base: Base, models: "ModelsService") -> None:
        self._base, self._models = base, models

    async def hold(self, model: ModelVersion, *, actor: str = "", cause: str = "") -> None:
        """Have the file of `model` stay from now on, because it is used; raise `Missing` when it was let go of."""
        if model.lineage.get("kind") != "federated" or self._models.records.need(model.id).file == KEPT:
            return  # of other kinds none is let go of
        here = await in_thread(artifacts.path_of(self._base.home, model.artifact).exists, "artifact")
        now_us, row = self._base.clock.now_us(), {"id": model.id, "file": KEPT}

        def write(conn: rows.Conn) -> rows.Row:
            found = rows.need(conn, _TABLE, model.id)
            gone = found["file"] == GONE and not here
            return found if gone else rows.put(conn, _TABLE, row, actor=actor, cause=cause, now_us=now_us)

        held = version_of(await self._base.store.write(write))
        self._models.records.put(held)
        check_here(held)

    async def let_go(self, choice: Sequence[ModelVersion], needed: Collection[str]) -> list[ModelVersion]:
        """Let go of files of `choice`, the first ones first, until the rest fits the room there is; return the versions.

        One that was promoted or used stays, as does every file that is `needed`, by its content id, or is another version's.
        """
        home, now_us = self._base.home, self._base.clock.now_us()
        sizes = await in_thread(partial(_sizes, home, choice, now_us - _YOUNG_US), "artifact")
        over, going = sum(size for size, _ in sizes) - int(self._base.settings["models.keep_bytes"]), []
        for model, (size, old) in zip(choice, sizes, strict=True):
            if over > 0 and size and old:
                going.append(model.id)
                over -= size
        if not going:
            return []

        def write(conn: rows.Conn) -> list[rows.Row]:
            found = [rows.get(conn, _TABLE, key) for key in going]
            free = [row["id"] for row in found if row and row["state"] == "draft" and row["file"] == FREE]
            return [rows.put(conn, _TABLE, {"id": key, "file": GONE}, actor="", cause="", now_us=now_us) for key in free]

        gone = [version_of(row) for row in await self._base.store.write(write)]
        self._models.records.put(*gone)
        stay = {name for model in self._models.records if model.file != GONE for name in files_of(model)} | set(needed)
        names = sorted({name for model in gone for name in files_of(model)} - stay)
        await in_thread(partial(_remove, home, names, now_us - _YOUNG_US), "artifact")
        return gone


def check_here(model: ModelVersion) -> None:
    """Raise `Missing` for a version whose file was let go of."""
    if model.file == GONE:
        raise Missing(
            "The file of {title} was let go of: nobody used it, and it was neither its session's best nor its last",
            title=model.title, field="model", hint="How much room such files have, the setting models.keep_bytes says.",
        )  # fmt: skip


def files_of(model: ModelVersion) -> list[str]:
    """Return the content ids of a version's file, and of what it was made of."""
    return [model.artifact, *(str(model.lineage[name]) for name in ("params", "state") if model.lineage.get(name))]


def _sizes(home: Path, choice: Sequence[ModelVersion], before_us: int) -> list[tuple[int, bool]]:
    """Return of each version how much its files take that are not those of one before it, and whether all are old enough."""
    told, seen = [], set[Path]()
    for model in choice:
        paths = {artifacts.path_of(home, name) for name in files_of(model)}
        stats = {path: path.stat() for path in paths if path.exists()}
        told.append(
            (
                sum(stat.st_size for path, stat in stats.items() if path not in seen),
                all(stat.st_mtime_ns // 1000 < before_us for stat in stats.values()),
            )
        )
        seen |= paths
    return told


def _remove(home: Path, names: Collection[str], before_us: int) -> None:
    for path in (artifacts.path_of(home, name) for name in names):
        if not _old(path, before_us):
            continue
        aside = path.with_name(path.name + ".going")
        path.replace(aside)  # who writes it from now on finds none, and writes it anew
        if _old(aside, before_us):
            aside.unlink()
        else:  # it was, between the two looks
            aside.replace(path)


def _old(path: Path, before_us: int) -> bool:
    return path.exists() and path.stat().st_mtime_ns // 1000 < before_us

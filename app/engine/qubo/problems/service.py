"""The verbs of problems: list the kinds, understand a file or a typed table, keep it in the home for later.

A problem that was imported as a kind is kept as NAME.KIND.SUFFIX, so that it is of that kind wherever it is used by its name
or its file; one whose kind was recognised is kept as NAME.SUFFIX and recognised again.
"""

import asyncio
import re
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict, OutpostError
from app.engine.base.ids import new_id
from app.engine.jobs.base import Base
from app.engine.qubo.problems import binary, load, registry
from app.engine.qubo.problems.told import lines_of

_KIND: Final = "qubo"
_LOOK: Final = "app.engine.qubo.problems.work:look"
_OPEN: Final = ("", "auto")


class Problems:
    """The library of problems of one home; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.folder = base.home / "problems"
        # The kind of a kept file, with what it was told from: size and time of writing.
        self._kinds: dict[Path, tuple[tuple[int, int], str]] = {}

    async def list(self) -> dict[str, Any]:
        """Return the kinds with their formats and samples, and the problems kept in this home."""
        return await asyncio.to_thread(self._listed)

    def _listed(self) -> dict[str, Any]:
        kinds = [{**kind.to_json(), "sample": str(registry.sample_of(kind.name))} for kind in registry.KINDS.values()]
        kept = sorted(path for path in self.folder.glob("*.*") if path.is_file()) if self.folder.is_dir() else []
        return {"kinds": kinds, "kept": [row for path in kept if (row := self._row(path))]}

    def file_of(self, name: str) -> Path:
        """Return the file that `name` means: a path, a problem kept here, or the sample of a kind."""
        path = Path(name).expanduser()
        if path.exists():
            return path.resolve()
        named = self.named(name)
        if named is None:
            load.check_file(path)
        return named or path

    def named(self, name: str) -> Path | None:
        """Return the problem kept here under `name`, else the sample of the kind called so, else None."""
        found = sorted(self.folder.glob(f"{_plain(name)}.*")) if self.folder.is_dir() else []
        return found[0] if found else registry.sample_of(name) if name in registry.KINDS else None

    def kind_of(self, path: Path, kind: str) -> str:
        """Return `kind`, or where that is left open the kind under which the file at `path` is kept here."""
        if kind not in _OPEN or path.resolve().parent != self.folder.resolve():
            return kind
        ends = path.suffixes
        return ends[0][1:] if len(ends) == 2 and ends[0][1:] in registry.KINDS else kind

    def _row(self, path: Path) -> dict[str, str]:
        """Return what the list tells of a kept problem, nothing when it is gone; its kind is empty when it cannot be told."""
        try:
            stat = path.stat()
        except FileNotFoundError:
            return {}
        state = (stat.st_size, stat.st_mtime_ns)
        before, kind = self._kinds.get(path, (None, ""))
        if before != state:
            try:
                kind = load.check_file(path, self.kind_of(path, ""))
            except OutpostError:
                kind = ""
            self._kinds[path] = (state, kind)
        return {"name": path.name.partition(".")[0], "kind": kind, "file": str(path)}

    async def show(self, *, file: str, kind: str, sense: str = "auto", actor: str, cause: str = "") -> dict[str, Any]:
        """Return what is understood of a problem: its kind, facts, QUBO, penalties, conflicts and picture."""
        path, kind = await asyncio.to_thread(self._found, file, kind)
        spec = {"file": str(path), "kind": kind, "sense": sense}
        told = {**await self._look(spec, path.name, actor, cause), "file": str(path)}
        return {**told, "text": lines_of(told)}

    def _found(self, name: str, kind: str) -> tuple[Path, str]:
        """Return the file that `name` means and its kind, known by its first lines."""
        path = self.file_of(name)
        kind = self.kind_of(path, kind)
        load.check_file(path, kind)
        return path, kind

    async def take(
        self, *, file: Path | None, text: str, kind: str, name: str, replace: bool, sense: str = "auto", actor: str,
        cause: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Read a problem from `file` or `text`, keep it under `name`, and return what was understood; nothing bad is kept.

        The sense of a QUBO, where it was told, is kept in its text.
        """
        if (file is None) == (not text):
            raise BadInput("Give a file or a text, one of the two", field="file")
        if file is not None:
            path = await asyncio.to_thread(self._checked, Path(file), kind)
            text, suffix, title = await asyncio.to_thread(load.text_of, path), path.suffix or ".txt", name or path.stem
            called = path.name
        else:
            suffix, title = ".csv", name or "typed"
            called = title
        # A typed text may come from a command line, where a line break is written as \n.
        text = text if "\n" in text else text.replace("\\n", "\n")
        told = await self._look({"text": text, "name": called, "kind": kind, "sense": sense}, title, actor, cause)
        suffix = suffix if told["problem"]["kind"] != "programme" else ".lp"
        text, suffix = (
            text if sense == "auto" else binary.with_sense(text, sense),
            suffix if kind in _OPEN else f".{kind}{suffix}",
        )
        told["file"] = str(await asyncio.to_thread(self._keep, title, suffix, text, replace=replace))
        return {**told, "text": lines_of(told)}

    @staticmethod
    def _checked(file: Path, kind: str) -> Path:
        path = file.expanduser().resolve()
        load.check_file(path, kind)
        return path

    async def _look(self, spec: dict[str, Any], title: str, actor: str, cause: str) -> dict[str, Any]:
        job = {"title": f"Read {title}", "actor": actor, "cause": cause, "transient": True}
        return await self._base.jobs.run(_KIND, _LOOK, spec, **job)

    def _keep(self, name: str, suffix: str, text: str, *, replace: bool) -> Path:
        """Write a problem under a name; those of that name before it go once it is there whole."""
        plain = _plain(name)
        if not plain:
            raise BadInput("{name} holds no letter or digit to name a file by", field="name", name=repr(name))
        same = sorted(self.folder.glob(f"{plain}.*")) if self.folder.is_dir() else []
        if same and not replace:
            raise Conflict(
                "A problem called {name} is kept already", field="name", name=plain, hint="Give --name or --replace."
            )
        target = self.folder / f"{plain}{suffix}"
        self.folder.mkdir(parents=True, exist_ok=True)
        # Without a dot in its name what is half written is no kept problem.
        part = self.folder / f"{plain}-{new_id()}"
        try:
            part.write_text(text, "utf-8")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        for path in same:
            if path != target:
                path.unlink(missing_ok=True)
        return target


def _plain(name: str) -> str:
    return re.sub(r"[^\w-]+", "-", Path(name).name).strip("-")[:80]

"""The verbs of circuit files: draw, import into the home, export; each reads in a worker and writes nothing half-done."""

import asyncio
import base64
import re
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Conflict
from app.engine.base.platform import replace_file
from app.engine.circuits.records import Sample
from app.engine.jobs.base import Base

_KIND: Final = "circuits"
_CONVERT: Final = "app.engine.circuits.work:convert"
FORMATS: Final = {".qasm": "qasm3", ".qasm3": "qasm3", ".qasm2": "qasm2", ".qpy": "qpy", ".svg": "svg"}


class CircuitFiles:
    """Circuits kept in a home, and their way out of it; used on the loop only."""

    def __init__(self, base: Base) -> None:
        self._jobs = base.jobs
        self.folder = base.home / "circuits"

    def kept(self) -> list[Sample]:
        """Return the circuits that were imported, by name."""
        found = sorted(self.folder.glob("*.qasm")) if self.folder.is_dir() else []
        return [Sample(path.stem, "", str(path)) for path in found]

    async def take(
        self, *, file: Path | None, text: str = "", name: str, replace: bool, actor: str, cause: str = ""
    ) -> dict[str, Any]:
        """Read a circuit from a file or from OpenQASM `text`, keep it under `name`, and tell what it is."""
        if (file is None) == (not text):
            raise BadInput("Give a file or a text, one of the two", field="file")
        title = name or (file.stem if file is not None else "typed")
        plain = re.sub(r"[^\w.-]+", "-", title).strip("-.")[:80]
        if not plain:
            raise BadInput("{name} holds no letter or digit to name a file by", field="name", name=repr(title))
        told = await self._convert(file, text, "kept", title=f"Read {title}", actor=actor, cause=cause)
        return await self._write(told, self.folder / f"{plain}.qasm", replace=replace)

    async def export(
        self, *, file: Path | None, text: str = "", out: Path, form: str, replace: bool, actor: str, cause: str = ""
    ) -> dict[str, Any]:
        """Write the circuit of `file` or OpenQASM `text` to `out` in `form`; auto goes by the ending of `out`."""
        chosen = FORMATS.get(out.suffix.lower(), "") if form == "auto" else form
        if not chosen:
            raise BadInput("{file}: the ending tells no format; known are {known}", field="out", file=out,
                           known=" ".join(FORMATS), hint="Give --format.")  # fmt: skip
        title = f"Export {given(file, text)[1]}"
        told = await self._convert(file, text, chosen, title=title, actor=actor, cause=cause)
        return {**await self._write(told, absolute(out), replace=replace), "format": chosen}

    async def _convert(self, file: Path | None, text: str, form: str, **job: Any) -> dict[str, Any]:
        spec, _ = given(file, text)
        return await self._jobs.run(_KIND, _CONVERT, {**spec, "format": form}, **job, transient=True)

    async def _write(self, told: dict[str, Any], path: Path, *, replace: bool) -> dict[str, Any]:
        await asyncio.to_thread(write_bytes, path, base64.b64decode(told.pop("data")), replace=replace)
        return {"file": str(path), **told}


def absolute(path: Path) -> Path:
    """Return a path as it is found from anywhere."""
    return path.expanduser().absolute()


def given(file: Path | None, text: str, name: str = "") -> tuple[dict[str, Any], str]:
    """Return (spec of a circuit's file or OpenQASM text, its name); raises `BadInput` for neither and for both."""
    if text and file is not None:
        raise BadInput("Give a file or a text, one of the two", field="file")
    if text:
        return {"text": text, "name": name or "circuit"}, name or "circuit"
    if file is None:
        raise BadInput("Give a circuit file or its text", field="file")
    return {"file": str(absolute(file)), "name": name or str(file)}, name or file.name


def write_bytes(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file whole or not at all, in place of another or not.

    Raises `Conflict` when it exists and is not to be replaced, `BadInput` when it cannot be written.
    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        if replace:
            replace_file(path, data)
            return
        path.touch(exist_ok=False)
        try:
            path.write_bytes(data)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except FileExistsError as error:
        if not path.exists():
            raise BadInput("{file} cannot be written: {reason}", field="out", file=path, reason=error.strerror or "") from None
        raise Conflict("{file} exists already", file=path, hint="Give another name, or replace it.") from None
    except OSError as error:
        raise BadInput("{file} cannot be written: {reason}", field="out", file=path, reason=error.strerror or "") from None

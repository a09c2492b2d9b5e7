"""From a file or a typed text to a problem: the text within the limits, its kind, whether it is a plain graph or QUBO file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Infeasible
from app.engine.qubo import reader
from app.engine.qubo.adapters import dimod_files
from app.engine.qubo.problems import binary, registry
from app.engine.qubo.problems.base import Problem
from app.engine.qubo.readers import gset, qbsolv

_HEAD_BYTES = 8 * 2**20
Words = tuple[str, str, str]
# The kinds whose files may go to the solver as they are, and their format.
_PLAIN = {"maxcut": gset.NAME, "qubo": qbsolv.NAME}
# The last problem that was checked here, by the words it was read from: those of a file that has changed are others.
_checked: dict[Words, Any] = {}


@dataclass(frozen=True, eq=False)
class Subject:
    """What is to be solved; `plain` tells that the text is a G-set or qbsolv file, whose answers are verified from the text."""

    problem: Problem
    text: str
    name: str
    plain: bool


def text_of(path: Path) -> str:
    """Return the text of a problem file; dimod's binary models are turned into text."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
        if dimod_files.is_dimod(head):
            return dimod_files.as_text(reader.read_bytes(path), str(path))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise BadInput("{file} cannot be read: {reason}", field="file", file=path, reason=error.strerror) from None
    return reader.read_text(path)


def words_of(spec: Mapping[str, Any]) -> Words:
    """Return text, name and kind of {"file"} or {"text", "name"}, "kind" ("" or "auto": recognised) and "sense" of a QUBO.

    A sense, "min" or "max", goes into the text, so that whoever reads it, now or later, reads the same problem.
    """
    if spec.get("text"):
        text, name = str(spec["text"]), str(spec.get("name") or "text")
    elif spec.get("file"):
        text, name = text_of(Path(spec["file"])), str(spec["file"])
    else:
        raise BadInput("Give a file to solve", field="file")
    kind = str(spec.get("kind") or "")
    if kind in ("", "auto"):
        kind = registry.kind_of(text, name)
    sense = str(spec.get("sense") or "auto")
    if sense != "auto" and kind != binary.KIND.name:
        raise BadInput("Only a QUBO can be told its sense; {kind} has its own", field="sense", kind=registry.need(kind).title)
    return text if sense == "auto" else binary.with_sense(text, sense), name, kind


def digest_of(text: str) -> str:
    """Return the SHA-256 of a problem's text, by which a later reader knows it for the same."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_huge(text: str) -> bool:
    """Tell whether a text is so large that it is read once and not drawn."""
    return len(text) > _HEAD_BYTES


def goes_straight(words: Words) -> bool:
    """Tell whether a text is a graph or QUBO so large that it goes to the solver as it is, neither decoded nor drawn."""
    text, name, kind = words
    return kind in _PLAIN and is_huge(text) and is_plain(text, name, _PLAIN[kind])


def check(words: Words) -> None:
    """Read all of a problem; raises what is wrong with it. The job after it, often in this process, need not read it again."""
    _checked.clear()
    _checked[words] = reader.parse(*words[:2]) if goes_straight(words) else read(words)


def checked(words: Words) -> Any:
    """Return, once, what `check` made of these very words: a QUBO where they go straight, else a subject; None of others."""
    made = _checked.pop(words, None)
    _checked.clear()
    return made


def load(spec: Mapping[str, Any]) -> Subject:
    """Return the subject of a spec; see `words_of`."""
    return read(words_of(spec))


def read(words: Words) -> Subject:
    """Return the subject of text, name and kind."""
    text, name, kind = words
    return Subject(registry.read(text, name, kind), text, name, kind in _PLAIN and is_plain(text, name, _PLAIN[kind]))


def refuse_impossible(problem: Problem, name: str) -> None:
    """Raise `Infeasible` naming the constraints in conflict, where counting finds that no answer can keep them."""
    conflicts = problem.conflicts()
    if conflicts:
        raise Infeasible("{file} is infeasible: {conflicts}", field="file", file=name, conflicts="; ".join(conflicts[:5]),
                       hint="No answer can keep these constraints; relax one of them.")  # fmt: skip


def is_plain(text: str, name: str, wanted: str) -> bool:
    """Tell whether `text` is a file of the format `wanted` of `reader`; in another one it is not what its kind says."""
    try:
        return reader.format_of(text, name) == wanted
    except BadInput:
        return False


def check_file(path: Path, kind: str = "") -> str:
    """Return the kind of the file at `path` from its first megabytes, so that an early answer costs little."""
    if kind not in ("", "auto"):
        registry.need(kind)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        reader.check_file(path)
        raise
    if dimod_files.is_dimod(head):
        return kind if kind not in ("", "auto") else ("qubo" if head.startswith(dimod_files.BQM) else "programme")
    if kind not in ("", "auto"):
        return kind
    if len(head) < _HEAD_BYTES:
        return registry.kind_of(reader.read_text(path), str(path))
    return _kind_of_large(path, head[: head.rfind(b"\n") + 1])


def _kind_of_large(path: Path, head: bytes) -> str:
    """Return the kind of a large file by its `head`, or by all of it where the head alone does not tell."""
    try:
        return registry.kind_of(head.decode("utf-8-sig"), str(path))
    except (BadInput, UnicodeDecodeError):
        return registry.kind_of(reader.read_text(path), str(path))

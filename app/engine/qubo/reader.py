"""Problem files: which format it is, by content, and the text within the limits."""

from pathlib import Path

from app.engine.base.errors import BadInput, Limit, Missing
from app.engine.qubo.problem import Qubo
from app.engine.qubo.readers import gset, qbsolv
from app.engine.qubo.readers.lines import lines_of

MOST_BYTES = 512 * 2**20
_FORMATS = {gset.NAME: gset.read, qbsolv.NAME: qbsolv.read}
_HEAD_BYTES = 64 * 1024


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file; raise `Missing`, `BadInput` when it is no text file, `Limit` when it is too large."""
    return _decode(read_bytes(path, most_bytes), path)


def read_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return what a file holds; raise `Missing`, `BadInput` when it cannot be read, `Limit` when it is too large."""
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise Limit("{file} holds {size} bytes, more than {most}", field="file", file=path, size=size, most=most_bytes)
        return path.read_bytes()
    except FileNotFoundError:
        raise Missing("There is no file {file}", field="file", file=path) from None
    except OSError as error:
        raise BadInput("{file} cannot be read: {reason}", field="file", file=path, reason=error.strerror) from None


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput("{file}, line {line}: this is not text", field="file", file=path, line=line) from None


def format_of(text: str, file: str) -> str:
    """Return "gset" or "qbsolv" by the first line that says something; raise `BadInput` when it is neither."""
    for number, line in enumerate(lines_of(text), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("c") or words[:2] == ["p", "qubo"]:
            return qbsolv.NAME
        if len(words) == 2 and all(word.lstrip("+-").isdigit() for word in words):
            return gset.NAME
        raise BadInput(
            "{file}, line {line}: neither a G-set graph (nodes edges) nor a qbsolv file (p qubo …)",
            field="file", file=file, line=number, hint="The formats are described in docs/commands.md under qubo solve.",
        )  # fmt: skip
    raise BadInput("{file}, line {line}: the file is empty", field="file", file=file, line=1)


def parse(text: str, file: str) -> Qubo:
    """Return the problem in `text`, read in the format its content shows; `file` is what messages call it."""
    return _FORMATS[format_of(text, file)](text, file)


def read_problem(path: Path) -> Qubo:
    """Return the problem in the file at `path`."""
    return parse(read_text(path), str(path))


def check_file(path: Path) -> str:
    """Return the format of the file at `path` from its first lines alone, so that an early answer costs nothing."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise Missing("There is no file {file}", field="file", file=path) from None
    except OSError as error:
        raise BadInput("{file} cannot be read: {reason}", field="file", file=path, reason=error.strerror) from None
    whole_lines = head if len(head) < _HEAD_BYTES else head[: head.rfind(b"\n") + 1]
    return format_of(_decode(whole_lines, path), str(path))

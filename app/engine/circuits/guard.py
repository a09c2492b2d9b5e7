"""What a text must be before a parser sees it: OpenQASM by its header, of bounded size and depth, reading no other file.

OpenQASM 2 (Cross and others, 2017) and 3 (Cross and others, 2022) both let a file include others; Outpost allows
only the two standard libraries, which need no file.
"""

import re
from typing import Any

from app.engine.base.errors import BadInput, Limit

MOST_BYTES = 4_000_000
MOST_BYTES_V3 = 1_000_000
MOST_QUBITS = 10_000
MOST_BITS = 100_000  # of all registers together
MOST_SPREAD = 200_000  # bits that are meant where OpenQASM 2 names whole registers
MOST_DEPTH = 200
LIBRARIES = ("qelib1.inc", "stdgates.inc")

# Each of these takes what it has looked through, also where nothing closes it: none looks through the same text twice.
_COMMENT = re.compile(r"//[^\n]*|/\*(?:.*?\*/|.*\Z)", re.DOTALL)
_HEADER = re.compile(r"\s*OPENQASM\s+(\d+)(?:\.\d+)?\s*;")
_INCLUDE = re.compile(r"""\binclude\s*["']?([^"';\n]*)["']?""")
_REGISTER_V2 = re.compile(r"\b[qc]reg\s+(\w+)\s*\[\s*(\d+)\s*\]")
_GATE_V2 = re.compile(r"\bgate\b[^{};]*(\{[^}]*(?:\}|\Z))?")
_WHOLE_V2 = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*\[)")
_OPAQUE_V2 = re.compile(r"\bopaque\s+(\w+)[^;]*(?:;|\Z)")
_INDEX = re.compile(r"\[\s*(\d{10,})")
_SIZES = re.compile(r"\b(?:[qc]reg\s+\w+\s*|qubit\s*|bit\s*)\[\s*(\d+)\s*\]")


def decode(data: bytes, name: str) -> str:
    """Return the text of a file's bytes; raise `BadInput` that names the line where it is not UTF-8."""
    if len(data) > MOST_BYTES:
        raise Limit("{file}: {size} bytes are more than the {most} a circuit file may have",
                    file=name, size=len(data), most=MOST_BYTES)  # fmt: skip
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = place(data[: error.start].decode("utf-8", "replace"), error.start)
        raise BadInput(
            "{file}, line {line}, column {column}: not a text file (expected OpenQASM in UTF-8)",
            file=name, line=line, column=column,
        ) from None  # fmt: skip


def blank_comments(text: str) -> str:
    """Return `text` with comments as spaces, one that is never closed to the end; lines keep their numbers."""
    return _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def check(text: str, name: str) -> int:
    """Return the OpenQASM version of `text`, 2 or 3, or raise `BadInput` that names file, line and reason."""
    bare = blank_comments(text)
    _check_comments(text, name)
    header = _HEADER.match(bare)
    if header is None:
        line, column = place(bare, len(bare) - len(bare.lstrip()))
        raise BadInput('{file}, line {line}, column {column}: expected "OPENQASM 2.0;" or "OPENQASM 3;" as the first statement',
                       file=name, line=line, column=column)  # fmt: skip
    version = int(header.group(1)) if len(header.group(1)) == 1 else 0
    if version not in (2, 3):
        raise BadInput("{file}, line {line}, column {column}: OpenQASM version {version} is not supported (2.0 and 3 are)",
                       file=name, **_at(bare, header.start(1)), version=header.group(1))  # fmt: skip
    if version == 3 and len(text) > MOST_BYTES_V3:
        raise Limit("{file}: {size} characters are more than the {most} an OpenQASM 3 file may have",
                    file=name, size=len(text), most=MOST_BYTES_V3)  # fmt: skip
    _check_includes(bare, name)
    _check_sizes(bare, name)
    _check_nesting(bare, name)
    if version == 2:
        _check_spread(bare, name)
        _check_opaque(bare, name)
        _check_indices(bare, name)
    return version


def place(text: str, at: int) -> tuple[int, int]:
    """Return line and column, both from 1, of position `at`."""
    before = text[:at]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _at(text: str, at: int) -> dict[str, Any]:
    return dict(zip(("line", "column"), place(text, at), strict=True))


def _check_comments(text: str, name: str) -> None:
    for found in _COMMENT.finditer(text):
        if found.group().startswith("/*") and (len(found.group()) < 4 or not found.group().endswith("*/")):
            raise BadInput("{file}, line {line}, column {column}: the comment is never closed",
                           file=name, **_at(text, found.start()))  # fmt: skip


def _check_includes(bare: str, name: str) -> None:
    for found in _INCLUDE.finditer(bare):
        if found.group(1).strip() not in LIBRARIES:
            raise BadInput("{file}, line {line}, column {column}: only {libraries} can be included, not {wanted}",
                           file=name, **_at(bare, found.start()), libraries=" and ".join(LIBRARIES),
                           wanted=repr(found.group(1).strip()))  # fmt: skip


def _check_sizes(bare: str, name: str) -> None:
    total = 0
    for found in _SIZES.finditer(bare):
        digits = found.group(1).lstrip("0")
        if len(digits) > 6 or int(digits or "0") > MOST_QUBITS:
            raise BadInput("{file}, line {line}, column {column}: a register of {size} is larger than the {most} allowed",
                           file=name, **_at(bare, found.start()), size=found.group(1)[:20], most=MOST_QUBITS)  # fmt: skip
        total += int(digits or "0")
        if total > MOST_BITS:
            raise BadInput("{file}, line {line}, column {column}: registers of {size} are larger than the {most} allowed",
                           file=name, **_at(bare, found.start()), size=total, most=MOST_BITS)  # fmt: skip


def _check_spread(bare: str, name: str) -> None:
    """Raise `Limit` when a text of OpenQASM 2 names whole registers so often that it stands for far more than it says."""
    sizes = {found.group(1): int(found.group(2)) for found in _REGISTER_V2.finditer(bare)}
    total = 0
    for found in _WHOLE_V2.finditer(_GATE_V2.sub(_blank_definition, bare)):
        total += sizes.get(found.group(), 0)
        if total > MOST_SPREAD:
            raise Limit("{file}, line {line}, column {column}: statements on whole registers make more than {most} operations",
                        file=name, **_at(bare, found.start()), most=MOST_SPREAD)  # fmt: skip


def _blank_definition(gate: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", gate.group()) if gate.group(1) else gate.group()


def _check_indices(bare: str, name: str) -> None:
    """Raise `BadInput` at an index that is too long a number for Qiskit's parser, which ends in a panic over it."""
    found = _INDEX.search(bare)
    if found is not None:
        raise BadInput("{file}, line {line}, column {column}: the index {index} is out of range",
                       file=name, **_at(bare, found.start(1)), index=f"{found.group(1)[:20]}")  # fmt: skip


def _check_opaque(bare: str, name: str) -> None:
    """Raise `BadInput` where a gate of OpenQASM 2 is used that is declared as opaque: nothing tells what it does."""
    opaque = {found.group(1): found.end() for found in _OPAQUE_V2.finditer(bare)}
    if not opaque:
        return
    for found in re.finditer(r"\b\w+\b", bare):
        if found.start() >= opaque.get(found.group(), len(bare)):
            raise BadInput("{file}, line {line}, column {column}: the gate {gate} is opaque: nothing tells what it does",
                           file=name, **_at(bare, found.start()), gate=found.group(),
                           hint="Define it with gate in place of opaque.")  # fmt: skip


def _check_nesting(bare: str, name: str) -> None:
    depth = 0
    for found in re.finditer(r"[(\[{)\]}]", bare):
        depth += 1 if found.group() in "([{" else -1
        if depth > MOST_DEPTH:
            raise BadInput("{file}, line {line}, column {column}: nested deeper than {most} levels",
                           file=name, **_at(bare, found.start()), most=MOST_DEPTH)  # fmt: skip

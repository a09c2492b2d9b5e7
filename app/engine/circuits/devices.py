"""Devices: which qubits are coupled, how long gates last and how often they fail, as files of `resources/devices` tell.

A file is a snapshot of one day, with its source. A coupling whose gate fails at least half the time is out of order: it is
shown and not used. Chances are from 0 to 1; T2 is cut at twice T1, which physics allows and a fit may miss.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.engine.base.errors import BadInput, Limit, Missing

FOLDER: Final = Path(__file__).resolve().parents[3] / "resources" / "devices"
MOST_BYTES: Final = 4_000_000
MOST_QUBITS: Final = 2000
BROKEN: Final = 0.5
PAIR_GATES: Final = ("cx", "cz", "ecr")
BASES: Final = frozenset({"id", "rz", "sx", "x", "r", "u", "rx", "ry", "h", "p"})
_TURNS: Final = ({"rz", "sx"}, {"r"}, {"u"}, {"rz", "rx"}, {"rz", "ry"}, {"rx", "ry"})


@dataclass(frozen=True)
class Place:
    """A qubit of a device: T1 and T2 in seconds (infinite when unknown) and the chances of errors."""

    t1_s: float
    t2_s: float
    read_1_as_0: float
    read_0_as_1: float
    error: float


@dataclass(frozen=True)
class Pair:
    """Two coupled qubits, in the direction of their gate, and how often it fails."""

    first: int
    second: int
    error: float

    @property
    def broken(self) -> bool:
        """Tell whether the pair is out of order."""
        return self.error >= BROKEN


@dataclass(frozen=True)
class Device:
    """A device on the day of its snapshot; times in seconds, 0 when unknown."""

    name: str
    title: str
    processor: str
    taken: str
    source: str
    basis: tuple[str, ...]
    pair_gate: str
    gate_s: float
    pair_s: float
    read_s: float
    places: tuple[Place, ...]
    pairs: tuple[Pair, ...]

    @property
    def qubits(self) -> int:
        """Return how many qubits there are."""
        return len(self.places)

    @property
    def working(self) -> tuple[Pair, ...]:
        """Return the pairs that are in order."""
        return tuple(pair for pair in self.pairs if not pair.broken)

    def told(self) -> dict[str, Any]:
        """Return the device as a row: what it is, from when and from where."""
        errors = sorted(pair.error for pair in self.working)
        return {
            "device": self.name, "title": self.title, "processor": self.processor, "qubits": self.qubits,
            "pairs": len(self.pairs), "broken": len(self.pairs) - len(self.working), "pair_gate": self.pair_gate,
            "pair_error": errors[len(errors) // 2] if errors else None, "taken": self.taken, "source": self.source,
        }  # fmt: skip


def parse(text: str, file: str) -> Device:
    """Return the device of a file's text; raises `BadInput` naming file, line or field, and reason."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput("{file}, line {line}, column {column}: {reason}", file=file, line=error.lineno, column=error.colno,
                       reason=error.msg) from None  # fmt: skip
    except RecursionError:
        raise BadInput("{file}: nested too deeply to be read", file=file) from None
    if not isinstance(document, dict) or document.get("schema") != 1:
        raise BadInput("{file}: not a device file (expected an object with schema 1)", file=file)
    reader = _Reader(document, file)
    places = tuple(reader.place(at, row) for at, row in enumerate(reader.rows("qubits")))
    if not 1 <= len(places) <= MOST_QUBITS:
        raise BadInput("{file}: a device has 1 to {most} qubits, not {count}", file=file, most=MOST_QUBITS, count=len(places))
    pairs = tuple(reader.pair(at, row, len(places)) for at, row in enumerate(reader.rows("pairs")))
    basis = tuple(str(gate) for gate in reader.rows("basis"))
    if not set(basis) <= BASES or not any(turns <= set(basis) for turns in _TURNS):
        raise BadInput("{file}: basis {names} cannot be compiled to; it takes gates of {known}", file=file,
                       names=" ".join(basis), known=" ".join(sorted(BASES)))  # fmt: skip
    pair_gate = reader.word("pair_gate")
    if pair_gate not in PAIR_GATES:
        raise BadInput("{file}: pair_gate must be one of {known}, not {name}", file=file, known=" ".join(PAIR_GATES),
                       name=pair_gate)  # fmt: skip
    return Device(
        reader.word("name"), reader.word("title"), reader.word("processor"), reader.word("taken"), reader.word("source"), basis,
        pair_gate, reader.seconds("gate_s"), reader.seconds("pair_s"), reader.seconds("read_s"), places, pairs,
    )  # fmt: skip


class _Reader:
    """Takes fields of one document and says which is wrong."""

    def __init__(self, document: Mapping[str, Any], file: str) -> None:
        self._document, self._file = document, file

    def _wrong(self, what: str, value: object) -> BadInput:
        return BadInput("{file}: {what} cannot be {value}", file=self._file, what=what, value=repr(value)[:60])

    def rows(self, name: str) -> list[Any]:
        value = self._document.get(name, [])
        if not isinstance(value, list):
            raise self._wrong(name, value)
        return value

    def word(self, name: str) -> str:
        value = self._document.get(name, "")
        if not isinstance(value, str) or len(value) > 300 or (name == "name" and not value.isidentifier()):
            raise self._wrong(name, value)
        return value

    def seconds(self, name: str) -> float:
        return self._number(self._document, name, name, 0.0, 1.0)

    def _number(self, row: Mapping[str, Any], key: str, what: str, unknown: float, most: float) -> float:
        value = row.get(key)
        if value is None:
            return unknown
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise self._wrong(what, value)
        return float(value)

    def place(self, at: int, row: Any) -> Place:
        if not isinstance(row, dict):
            raise self._wrong(f"qubits[{at}]", row)
        got = {
            key: self._number(row, key, f"qubits[{at}].{key}", unknown, most)
            for key, unknown, most in (
                ("t1_s", math.inf, 1e6), ("t2_s", math.inf, 1e6), ("read_1_as_0", 0.0, 1.0), ("read_0_as_1", 0.0, 1.0),
                ("error", 0.0, 1.0),
            )
        }  # fmt: skip
        t1_s = got["t1_s"] or math.inf
        return Place(t1_s, min(got["t2_s"] or math.inf, 2 * t1_s), got["read_1_as_0"], got["read_0_as_1"], got["error"])

    def pair(self, at: int, row: Any, count: int) -> Pair:
        if not isinstance(row, list) or len(row) not in (2, 3) or any(isinstance(one, bool) for one in row):
            raise self._wrong(f"pairs[{at}]", row)
        first, second = row[:2]
        if not all(isinstance(one, int) and 0 <= one < count for one in (first, second)) or first == second:
            raise self._wrong(f"pairs[{at}]", row)
        error = self._number({"error": row[2] if len(row) == 3 else None}, "error", f"pairs[{at}]", 0.0, 1.0)
        return Pair(first, second, error)


def read(path: Path) -> Device:
    """Return the device of a file; raises `Missing`, `BadInput` or `Limit`."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Limit("{file}: {size} bytes are more than the {most} a device file may have", file=path,
                        size=path.stat().st_size, most=MOST_BYTES)  # fmt: skip
        return parse(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        raise Missing("There is no file {file}", file=path) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file in UTF-8"
        raise BadInput("{file}: cannot be read: {reason}", file=path, reason=reason) from None


def known(*folders: Path) -> dict[str, Path]:
    """Return the files of devices by name: those of `folders`, the first first, then those that come with the program."""
    found: dict[str, Path] = {}
    for folder in (*folders, FOLDER):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            found.setdefault(path.stem, path)
    return found


def line(qubits: int, pair_gate: str = "cx") -> Device:
    """Return a device without errors whose qubits stand in a line."""
    places = tuple(Place(math.inf, math.inf, 0.0, 0.0, 0.0) for _ in range(qubits))
    pairs = tuple(Pair(at, at + 1, 0.0) for at in range(qubits - 1))
    return Device("line", "", "", "", "", ("rz", "sx", "x"), pair_gate, 0.0, 0.0, 0.0, places, pairs)

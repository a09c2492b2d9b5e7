"""Reads a CSV file of nodes, as pure functions: a row per node, every mistake told with its line and column.

Columns (RFC 4180, with a header, in any order; only the address is needed): address, name, code, site, lat, lon, tier,
connectivity, link_bytes_s, link_bytes_day, labels (`key=value` parted by `;` or spaces).
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.fleet.records import TIER_NAMES

MOST_ROWS: Final = 100_000
COLUMNS: Final = (
    "address", "name", "code", "site", "lat", "lon", "tier", "connectivity", "link_bytes_s", "link_bytes_day", "labels",
)  # fmt: skip
_STORED: Final = {"lat": "location_lat", "lon": "location_lon", "connectivity": "connectivity_type"}


@dataclass(frozen=True)
class Entry:
    """One line of the file: where the node listens, its pairing code if there is one, and columns of `edge_nodes`."""

    line: int
    address: str
    code: str = ""
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mistake:
    """A line that cannot be taken, and why."""

    line: int
    reason: str


def read_sheet(text: str, file: str) -> tuple[list[Entry], list[Mistake]]:
    """Return what the lines say and what is wrong with the others; raise `BadInput` when the header is no header."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    entries: list[Entry] = []
    mistakes: list[Mistake] = []
    seen: dict[str, int] = {}
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(header, file)
        for row in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in row):
                continue
            if len(entries) + len(mistakes) >= MOST_ROWS:
                raise BadInput("{file} has more than {most} nodes", file=file, most=MOST_ROWS)
            try:
                entry = _entry(line, header, row)
                if entry.address in seen:
                    raise BadInput("{address} stands in line {first} already", address=entry.address, first=seen[entry.address])
                seen[entry.address] = line
                entries.append(entry)
            except BadInput as error:
                mistakes.append(Mistake(line, str(error)))
    except csv.Error as error:
        raise BadInput("{file}, line {line}: {reason}", file=file, line=reader.line_num, reason=str(error)) from None
    return entries, mistakes


def _check_header(header: list[str], file: str) -> None:
    for name in header:
        if name not in COLUMNS:
            raise BadInput(
                "{file}, line 1: there is no column {name}", file=file, name=name or "without a name",
                columns=", ".join(COLUMNS), hint="The columns are: {columns}",
            )  # fmt: skip
    if "address" not in header or len(set(header)) != len(header):
        raise BadInput("{file}, line 1: the header needs address, and each column once", file=file)


def _entry(line: int, header: list[str], row: list[str]) -> Entry:
    if len(row) != len(header):
        raise BadInput("{count} values stand under {wanted} columns", count=len(row), wanted=len(header))
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True) if cell.strip()}
    address = cells.pop("address", "")
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadInput("{address} is not an address: write host:port", address=address or "An empty cell")
    code = cells.pop("code", "")
    about = {_STORED.get(name, name): _TAKE[name](cell, name) for name, cell in cells.items()}
    return Entry(line, address, code, about)


def _text(cell: str, _name: str) -> str:
    return cell


def _number(low: float, high: float, kind: type = float) -> Callable[[str, str], Any]:
    def take(cell: str, name: str) -> Any:
        try:
            value = kind(cell)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise BadInput("{name} must be between {low} and {high}, not {cell}", name=name, low=low, high=high, cell=cell)
        return value

    return take


def _tier(cell: str, _name: str) -> str:
    if cell not in TIER_NAMES:
        raise BadInput("tier must be one of {tiers}, not {cell}", tiers=", ".join(TIER_NAMES), cell=cell)
    return cell


def labels_of(text: str, _name: str = "labels") -> dict[str, str]:
    """Return the labels in `text`: key=value (or a key alone, which is "yes"), parted by ; , or spaces."""
    found: dict[str, str] = {}
    for part in text.replace(";", " ").replace(",", " ").split():
        key, equals, value = part.partition("=")
        if not key or not all(letter.isalnum() or letter in "._-/" for letter in key):
            raise BadInput("{part} is no label: write key=value", part=part, field="labels")
        found[key] = value if equals else "yes"
    return found


_WHOLE: Final = _number(1, 2**62, int)
_TAKE: Final[dict[str, Callable[[str, str], Any]]] = {
    "name": _text, "site": _text, "connectivity": _text, "tier": _tier, "labels": labels_of,
    "lat": _number(-90, 90), "lon": _number(-180, 180), "link_bytes_s": _WHOLE, "link_bytes_day": _WHOLE,
}  # fmt: skip

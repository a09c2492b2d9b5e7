"""TSPLIB 95 and CVRPLIB files (Reinelt 1991, "TSPLIB: a traveling salesman problem library"), and tables of places.

Distances are rounded as the format asks for each type: EUC_2D, CEIL_2D, ATT, GEO, MAX_2D, MAN_2D and EXPLICIT matrices.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.engine.base.errors import Limit
from app.engine.qubo.problems.tables import Table
from app.engine.qubo.readers.lines import Lines, short

MOST_PLACES = 3000
_EARTH_KM = 6378.388
# What a head may say; the limits in `_LIMITS` no tour here can keep, so only 0 is taken.
_KEYWORDS = ("NAME", "TYPE", "COMMENT", "DIMENSION", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "EDGE_DATA_FORMAT",
             "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE", "CAPACITY", "VEHICLES", "DISTANCE", "SERVICE_TIME")  # fmt: skip
_LIMITS = ("DISTANCE", "SERVICE_TIME")
# "Min no of trucks" says how many are needed, as the -k in a name does; it limits nothing.
_TRUCKS = re.compile(r"(min(?:imum)?\s+)?no\.? of trucks:\s*(\w+)", re.IGNORECASE)
_SECTIONS = ("NODE_COORD_SECTION", "DEMAND_SECTION", "DEPOT_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION")


@dataclass(frozen=True, eq=False)
class Places:
    """Places with distances (n, n) and, if known, positions (n, 2); demands are 0 for a plain tour.

    `earth` (n, 2) are degrees east and north where the positions are on the earth.
    """

    names: tuple[str, ...]
    distances: NDArray[np.float64]
    positions: NDArray[np.float64] | None
    demands: NDArray[np.int64]
    capacity: int = 0
    vehicles: int = 0
    comment: str = ""
    earth: NDArray[np.float64] | None = None

    @property
    def n(self) -> int:
        """Return the number of places."""
        return len(self.names)


@dataclass
class _Parts:
    """The values of the keywords with the lines they stand on, and the rows of the sections with theirs."""

    head: dict[str, str] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)
    sections: dict[str, list[tuple[int, list[str]]]] = field(default_factory=dict)


def is_tsplib(text: str, kind: str) -> bool:
    """Tell whether `text` is a TSPLIB file of the type `kind`."""
    return bool(re.search(rf"^\s*TYPE\s*:\s*{kind}\b", text[:4000], re.MULTILINE))


def read_tsplib(text: str, file: str, *, loads: bool = False) -> Places:
    """Return the places of a TSPLIB file, whose capacity must stand there for `loads`.

    Raises `BadInput` naming file, line and reason, also for what the file asks for and no tour here would keep.
    """
    lines = Lines(text, file, ())
    parts = _parts(lines)
    if "DIMENSION" not in parts.head:
        raise lines.bad("DIMENSION is missing", line=1)
    n = _whole(lines, parts, "DIMENSION", 10**6)
    if n > MOST_PLACES:
        raise Limit("{n} places are more than the {most} that can be held", field="file", n=n, most=MOST_PLACES)
    for name in _LIMITS:
        if name in parts.head and lines.real(parts.head[name]) != 0:
            raise lines.bad("{name} above 0 cannot be kept by the tours that are planned here", line=parts.at[name], name=name)
    kind = parts.head.get("EDGE_WEIGHT_TYPE", "EXPLICIT")
    positions = _positions(lines, parts, n)
    distances = _explicit(lines, parts, n) if kind == "EXPLICIT" else _measured(lines, kind, positions)
    order = _depot_first(lines, parts, n)
    demands, capacity = _demands(lines, parts, n, order[0], loads=loads)
    earth = _degrees(positions)[order, ::-1] if kind == "GEO" and positions is not None else None
    return Places(
        tuple(str(k + 1) for k in order), distances[np.ix_(order, order)], None if positions is None else positions[order],
        demands[order], capacity, _fleet(lines, parts, n), parts.head.get("COMMENT", ""), earth,
    )  # fmt: skip


def _whole(lines: Lines, parts: _Parts, name: str, most: int) -> int:
    lines.number = parts.at[name]
    return lines.whole(parts.head[name], 1, most)


def _fleet(lines: Lines, parts: _Parts, n: int) -> int:
    """Return how many vehicles there are, 0 where the file does not limit them."""
    if "VEHICLES" in parts.head:
        return _whole(lines, parts, "VEHICLES", n)
    told = _TRUCKS.search(parts.head.get("COMMENT", ""))
    if told is None or told[1]:
        return 0
    lines.number = parts.at["COMMENT"]
    return lines.whole(told[2], 1, n)


def _demands(lines: Lines, parts: _Parts, n: int, depot: int, *, loads: bool) -> tuple[NDArray[np.int64], int]:
    """Return the demand of each place and the capacity; both 0 where the file knows none and need not."""
    demands = np.full(n, -1, np.int64)
    if "CAPACITY" not in parts.head:
        if loads or "DEMAND_SECTION" in parts.sections:
            raise lines.bad("CAPACITY is missing", line=1)
        return np.zeros(n, np.int64), 0
    capacity = _whole(lines, parts, "CAPACITY", 10**9)
    for number, row in _section(lines, parts, "DEMAND_SECTION", n):
        lines.number = number
        if len(row) != 2:
            raise lines.bad("expected a number and a demand, found {found} words", found=len(row))
        at = lines.whole(row[0], 1, n) - 1
        if demands[at] >= 0:
            raise lines.bad("place {place} stands twice", place=at + 1)
        demands[at] = lines.whole(row[1], 0, 10**9)
        if at == depot and demands[at]:
            raise lines.bad("a depot has no demand, {name} has {demand}", name=at + 1, demand=int(demands[at]))
    return demands, capacity


def _depot_first(lines: Lines, parts: _Parts, n: int) -> list[int]:
    rows = parts.sections.get("DEPOT_SECTION", [])
    depot = 0
    if rows:
        lines.number = rows[0][0]
        depot = lines.whole(" ".join(rows[0][1]), 1, n) - 1
        if len(rows) > 1 and (len(rows) > 2 or rows[1][1] != ["-1"]):
            raise lines.bad("only one depot can be handled", line=rows[1][0])
    return [depot, *(k for k in range(n) if k != depot)]


def _parts(lines: Lines) -> _Parts:
    parts, section = _Parts(), ""
    for words in lines:
        first = words[0].rstrip(":")
        if first == "EOF":
            break
        if first in _SECTIONS:
            section = first
            _once(lines, parts, section)
            parts.sections[section] = []
        elif first[0].isalpha():
            name, _, value = " ".join(words).partition(":")
            section = ""
            _keyword(lines, parts, name.strip(), value.strip())
        elif section:
            parts.sections[section].append((lines.number, words))
        else:
            raise lines.bad("expected a keyword and a value, found {word}", word=short(words[0]))
    return parts


def _once(lines: Lines, parts: _Parts, name: str) -> None:
    if name in parts.at:
        raise lines.bad("{name} stands already on line {before}", name=name, before=parts.at[name])
    parts.at[name] = lines.number


def _keyword(lines: Lines, parts: _Parts, name: str, value: str) -> None:
    """Take a keyword with its value; comments may go over several lines."""
    if name not in _KEYWORDS:
        raise lines.bad("{word} is no keyword that is known here", word=short(name))
    if name == "COMMENT" and name in parts.head:
        parts.head[name] += f" {value}"
        return
    _once(lines, parts, name)
    parts.head[name] = value


def _section(lines: Lines, parts: _Parts, name: str, n: int) -> list[tuple[int, list[str]]]:
    rows = parts.sections.get(name)
    if rows is None or len(rows) != n:
        raise lines.bad("{name} should have {n} lines, it has {found}", name=name, n=n, found=len(rows or []))
    return rows


def _positions(lines: Lines, parts: _Parts, n: int) -> NDArray[np.float64] | None:
    name = "NODE_COORD_SECTION" if "NODE_COORD_SECTION" in parts.sections else "DISPLAY_DATA_SECTION"
    if name not in parts.sections:
        return None
    out = np.full((n, 2), np.nan)
    for number, row in _section(lines, parts, name, n):
        lines.number = number
        if len(row) != 3:
            raise lines.bad("expected a number and two coordinates, found {found} words", found=len(row))
        at = lines.whole(row[0], 1, n) - 1
        if not np.isnan(out[at, 0]):
            raise lines.bad("place {place} stands twice", place=at + 1)
        out[at] = lines.real(row[1]), lines.real(row[2])
    return out


def _explicit(lines: Lines, parts: _Parts, n: int) -> NDArray[np.float64]:
    rows = parts.sections.get("EDGE_WEIGHT_SECTION", [])
    values: list[float] = []
    for number, row in rows:
        lines.number = number
        values.extend(lines.real(word) for word in row)
    form = parts.head.get("EDGE_WEIGHT_FORMAT", "FULL_MATRIX")
    index = {
        "FULL_MATRIX": (np.arange(n * n) // n, np.arange(n * n) % n), "UPPER_ROW": np.triu_indices(n, 1),
        "LOWER_ROW": np.tril_indices(n, -1), "UPPER_DIAG_ROW": np.triu_indices(n), "LOWER_DIAG_ROW": np.tril_indices(n),
    }.get(form)  # fmt: skip
    if index is None:
        raise lines.bad("EDGE_WEIGHT_FORMAT {form} cannot be read", line=1, form=form)
    if len(values) != len(index[0]):
        raise lines.bad("{form} of {n} places has {count} numbers, the file has {found}",
                        form=form, n=n, count=len(index[0]), found=len(values))  # fmt: skip
    out = np.zeros((n, n))
    out[index] = values
    if form != "FULL_MATRIX":
        out = out + out.T - np.diag(out.diagonal())
    elif not parts.head.get("TYPE", "").startswith("A") and (out != out.T).any():
        at = np.argwhere(out != out.T)[-1]
        raise lines.bad("the distance from {a} to {b} is not the one from {b} to {a}", a=int(at[0]) + 1, b=int(at[1]) + 1,
                        line=rows[_row_of(rows, int(at[0]) * n + int(at[1]))][0])  # fmt: skip
    np.fill_diagonal(out, 0)
    return out


def _row_of(rows: list[tuple[int, list[str]]], number: int) -> int:
    """Return in which row the word of that number stands, counted from 0."""
    return int(np.searchsorted(np.cumsum([len(row) for _, row in rows]), number, "right"))


def _measured(lines: Lines, kind: str, positions: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if positions is None:
        raise lines.bad("NODE_COORD_SECTION is missing", line=1)
    dx, dy = (positions[:, None, k] - positions[None, :, k] for k in (0, 1))
    if kind == "EUC_2D":
        return np.floor(np.hypot(dx, dy) + 0.5)
    if kind == "CEIL_2D":
        return np.ceil(np.hypot(dx, dy))
    if kind == "MAN_2D":
        return np.floor(abs(dx) + abs(dy) + 0.5)
    if kind == "MAX_2D":
        return np.maximum(np.floor(abs(dx) + 0.5), np.floor(abs(dy) + 0.5))
    if kind == "ATT":
        r = np.sqrt((dx * dx + dy * dy) / 10)
        near = np.floor(r + 0.5)
        return np.asarray(np.where(near < r, near + 1, near), np.float64)
    if kind == "GEO":
        return _geo(positions)
    raise lines.bad("EDGE_WEIGHT_TYPE {kind} cannot be read", line=1, kind=kind)


def _geo(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distances in km of positions in degrees.minutes, with TSPLIB's own value of pi."""
    radians = 3.141592 * _degrees(positions) / 180
    lat, lon = radians[:, 0], radians[:, 1]
    q1 = np.cos(lon[:, None] - lon)
    q2, q3 = np.cos(lat[:, None] - lat), np.cos(lat[:, None] + lat)
    inner = np.clip(0.5 * ((1 + q1) * q2 - (1 - q1) * q3), -1, 1)
    out = np.trunc(_EARTH_KM * np.arccos(inner) + 1.0)
    np.fill_diagonal(out, 0)
    return np.asarray(out, np.float64)


def _degrees(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return degrees of positions in degrees.minutes, north first."""
    whole = np.trunc(positions)
    return np.asarray(whole + 5 * (positions - whole) / 3, np.float64)


def read_places(text: str, file: str, *, loads: bool = False) -> Places:
    """Return the places of a table name, x, y (or lat, lon: km on the sphere), demand (needed for `loads`); the depot first."""
    table = Table(text, file)
    sphere = table.has("lat")
    across, up = ("lon", "lat") if sphere else ("x", "y")
    table.need("name", across, up, *(("demand",) if loads else ()))
    if len(table.rows) > MOST_PLACES:
        raise Limit("{n} places are more than the {most} that can be held", field="file", n=len(table.rows), most=MOST_PLACES)
    positions = np.array([(row.real(across), row.real(up)) for row in table])
    if sphere:
        lat, lon = np.radians(positions[:, 1]), np.radians(positions[:, 0])
        half = (
            np.sin((lat[:, None] - lat) / 2) ** 2 + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
        )
        distances = np.rint(2 * 6371.0 * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
    else:
        distances = np.rint(np.hypot(*(positions[:, None, k] - positions[None, :, k] for k in (0, 1))))
    demands = np.array([row.whole("demand") if table.has("demand") else 0 for row in table], np.int64)
    if loads and demands[0]:
        raise table.bad(table.rows[0][0].line, "a depot has no demand, {name} has {demand}", name=table.names("name")[0],
                        demand=int(demands[0]))  # fmt: skip
    capacity = table.whole(table.setting("capacity"), 1) if table.has("demand") else 0
    vehicles = table.whole(table.setting("vehicles", "0")) if table.has("demand") else 0
    table.close()
    earth = positions if sphere else None
    return Places(table.names("name"), distances, positions, demands, capacity, vehicles, earth=earth)

"""Letters as outlines from a TrueType file, for pictures that are made where there is no window.

The tables are those of the OpenType specification: cmap (format 4), loca, glyf (simple and composite), hmtx, head. Curves are
quadratic; each is drawn as a few straight lines.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FONTS: Final = Path(__file__).parents[4] / "resources" / "fonts"
Edges = NDArray[np.float64]
_STEPS: Final = 5
_WORDS, _OFFSETS, _SCALE, _MORE, _TWO_SCALES, _MATRIX = 0x01, 0x02, 0x08, 0x20, 0x40, 0x80


@dataclass(frozen=True, eq=False)
class Glyph:
    """Edges (k, 4) from (x, y) to (x, y), y upwards, and the way to the next letter, in parts of the letters' height."""

    edges: Edges
    advance: float


class Typeface:
    """One font file; letters it does not have are drawn as its empty box."""

    def __init__(self, data: bytes) -> None:
        count = struct.unpack(">H", data[4:6])[0]
        self._tables = {}
        for k in range(count):
            name, _, begin, size = struct.unpack(">4sIII", data[12 + 16 * k : 28 + 16 * k])
            self._tables[name.decode("ascii")] = data[begin : begin + size]
        head = self._tables["head"]
        self._units = float(struct.unpack(">H", head[18:20])[0])
        wide = struct.unpack(">h", head[50:52])[0]
        loca = self._tables["loca"]
        offsets = np.frombuffer(loca, ">u4" if wide else ">u2").astype(np.int64)
        self._begin = offsets if wide else 2 * offsets
        self._metrics = struct.unpack(">H", self._tables["hhea"][34:36])[0]
        self._numbers = _characters(self._tables["cmap"])
        self._made: dict[str, Glyph] = {}

    def glyph(self, letter: str) -> Glyph:
        """Return the outline of one letter."""
        made = self._made.get(letter)
        if made is None:
            number = self._numbers.get(ord(letter), 0)
            edges = [edge for contour in self._contours(number) for edge in _straight(contour)]
            at = 4 * min(number, self._metrics - 1)
            advance = struct.unpack(">H", self._tables["hmtx"][at : at + 2])[0]
            made = Glyph(np.array(edges, np.float64).reshape(-1, 4) / self._units, advance / self._units)
            self._made[letter] = made
        return made

    def width(self, text: str) -> float:
        """Return how wide a line of text is, in parts of the letters' height."""
        return sum(self.glyph(letter).advance for letter in text)

    def _contours(self, number: int) -> list[NDArray[np.float64]]:
        """Return the contours of a glyph, each (points, 3): x, y, and 1 where the curve passes through the point."""
        data = self._tables["glyf"][self._begin[number] : self._begin[number + 1]]
        if not data:
            return []
        count = struct.unpack(">h", data[:2])[0]
        return _simple(data, count) if count >= 0 else self._composite(data)

    def _composite(self, data: bytes) -> list[NDArray[np.float64]]:
        out, at, flags = [], 10, _MORE
        while flags & _MORE:
            flags, part = struct.unpack(">HH", data[at : at + 4])
            form = ">hh" if flags & _WORDS else ">bb"
            shift = struct.unpack(form, data[at + 4 : at + 4 + struct.calcsize(form)])
            at += 4 + struct.calcsize(form)
            numbers = 4 if flags & _MATRIX else 2 if flags & _TWO_SCALES else 1 if flags & _SCALE else 0
            scales = [value / 2**14 for value in struct.unpack(f">{numbers}h", data[at : at + 2 * numbers])]
            at += 2 * numbers
            matrix = np.array(scales).reshape(2, 2) if numbers == 4 else np.diag((scales * 2 or [1.0, 1.0])[:2])
            for contour in self._contours(part):
                moved = contour.copy()
                moved[:, :2] = contour[:, :2] @ matrix + (shift if flags & _OFFSETS else (0, 0))
                out.append(moved)
        return out


def _characters(table: bytes) -> dict[int, int]:
    """Return the glyph's number of each character in the table's format 4."""
    count = struct.unpack(">H", table[2:4])[0]
    for k in range(count):
        begin = struct.unpack(">I", table[8 + 8 * k : 12 + 8 * k])[0]
        if struct.unpack(">H", table[begin : begin + 2])[0] == 4:
            break
    words = np.frombuffer(table[begin : begin + len(table[begin:]) // 2 * 2], ">u2").astype(np.int64)
    n = int(words[3]) // 2
    ends, starts, shifts, places = words[7 : 7 + n], words[8 + n : 8 + 2 * n], words[8 + 2 * n : 8 + 3 * n], 8 + 3 * n
    out = {}
    for k in range(n):
        for code in range(int(starts[k]), int(ends[k]) + 1):
            ahead = int(words[places + k])
            number = code if not ahead else int(words[places + k + ahead // 2 + code - int(starts[k])])
            if number or not ahead:
                out[code] = (number + int(shifts[k])) % 65536
    return out


def _simple(data: bytes, count: int) -> list[NDArray[np.float64]]:
    ends = struct.unpack(f">{count}H", data[10 : 10 + 2 * count])
    n = ends[-1] + 1 if ends else 0
    at = 12 + 2 * count + struct.unpack(">H", data[10 + 2 * count : 12 + 2 * count])[0]
    flags: list[int] = []
    while len(flags) < n:
        again = data[at + 1] if data[at] & 8 else 0
        flags += [data[at]] * (1 + again)
        at += 2 if data[at] & 8 else 1
    axes = []
    for short, same in ((2, 16), (4, 32)):
        value, values = 0, []
        for flag in flags:
            if flag & short:
                value += data[at] if flag & same else -data[at]
                at += 1
            elif not flag & same:
                value += struct.unpack(">h", data[at : at + 2])[0]
                at += 2
            values.append(value)
        axes.append(values)
    points = np.column_stack([*axes, np.array(flags) & 1]).astype(np.float64)
    return np.split(points, [end + 1 for end in ends[:-1]])


def _straight(contour: NDArray[np.float64]) -> list[tuple[float, ...]]:
    """Return a contour as edges: between two points beside the curve it passes through their middle."""
    if len(contour) < 2:
        return []
    full: list[NDArray[np.float64]] = []
    for one, other in zip(contour, np.roll(contour, -1, axis=0), strict=True):
        full.append(one)
        if not one[2] and not other[2]:
            full.append(np.array([*(one[:2] + other[:2]) / 2, 1.0]))
    first = next(k for k, point in enumerate(full) if point[2])
    full = [*full[first:], *full[:first], full[first]]
    line = [full[0][:2]]
    for k in range(1, len(full)):
        if full[k][2] and full[k - 1][2]:
            line.append(full[k][:2])
        elif full[k][2]:
            begin, middle, end = line[-1], full[k - 1][:2], full[k][:2]
            line += [(1 - t) ** 2 * begin + 2 * t * (1 - t) * middle + t**2 * end for t in np.arange(1, _STEPS + 1) / _STEPS]
    return [(*one, *other) for one, other in pairwise(line)]


@lru_cache(maxsize=4)
def typeface(weight: str = "Regular") -> Typeface:
    """Return the program's own typeface in a weight: Regular, Medium or SemiBold."""
    return Typeface((FONTS / f"Inter-{weight}.ttf").read_bytes())

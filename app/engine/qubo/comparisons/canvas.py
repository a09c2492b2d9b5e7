"""Marks on paper, lines along the axes and words, and the two ways to keep them: as SVG and as a PNG made here."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.comparisons.typeface import Edges, typeface

INK: Final = "#1c2430"
MUTED: Final = "#5b6675"
RULE: Final = "#d5dae2"
_FINE: Final = 4
Coverage = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line through points (x, y), each step along one axis."""

    points: Sequence[tuple[float, float]]
    color: str = RULE
    width: float = 1.0


@dataclass(frozen=True)
class Words:
    """A text whose baseline is at y and whose start, middle or end (`anchor`) is at x."""

    x: float
    y: float
    text: str
    size: float = 12.0
    color: str = INK
    anchor: str = "start"
    weight: str = "Regular"


Mark = Line | Words


def as_svg(marks: Sequence[Mark], width: int, height: int) -> str:
    """Return the marks as an SVG of that size, to be placed in a page."""
    out = [f'<svg viewBox="0 0 {width} {height}" role="img" font-family="Inter, system-ui" font-size="12">']
    for mark in marks:
        if isinstance(mark, Line):
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in mark.points)
            out.append(f'<path d="{path}" fill="none" stroke="{mark.color}" stroke-width="{mark.width:g}"/>')
        else:
            told = f'<text x="{mark.x:.1f}" y="{mark.y:.1f}" text-anchor="{mark.anchor}" font-size="{mark.size:g}"'
            out.append(f'{told} fill="{mark.color}">{escape(mark.text)}</text>')
    return "".join(out) + "</svg>"


def moved(marks: Sequence[Mark], right: float, down: float) -> list[Mark]:
    """Return the marks at another place."""
    return [
        Line([(x + right, y + down) for x, y in mark.points], mark.color, mark.width) if isinstance(mark, Line)
        else Words(mark.x + right, mark.y + down, mark.text, mark.size, mark.color, mark.anchor, mark.weight)
        for mark in marks
    ]  # fmt: skip


def as_png(marks: Sequence[Mark], width: int, height: int, scale: int = 2) -> bytes:
    """Return the marks as a PNG on white, `scale` dots for each unit."""
    paper = np.full((height * scale, width * scale, 3), 255.0)
    for mark in marks:
        if isinstance(mark, Line):
            _rule(paper, mark, scale)
        else:
            _write(paper, mark, scale)
    rows = np.rint(paper).astype(np.uint8)
    return _png(rows)


def _rule(paper: Coverage, line: Line, scale: int) -> None:
    """Draw each step as a bar that ends half its width beyond both points."""
    half = max(1, round(line.width * scale / 2))
    for (x0, y0), (x1, y1) in zip(line.points[:-1], line.points[1:], strict=True):
        left, right = sorted((round(x0 * scale), round(x1 * scale)))
        top, bottom = sorted((round(y0 * scale), round(y1 * scale)))
        if line.width <= 1:
            paper[top : bottom + 1, left : right + 1] = _rgb(line.color)
        else:
            paper[max(0, top - half) : bottom + half, max(0, left - half) : right + half] = _rgb(line.color)


def _write(paper: Coverage, words: Words, scale: int) -> None:
    face, size = typeface(words.weight), words.size * scale
    share = {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor]
    at, base = words.x * scale - share * face.width(words.text) * size, words.y * scale
    for letter in words.text:
        glyph = face.glyph(letter)
        if len(glyph.edges):
            _ink(paper, glyph.edges * size * [1, -1, 1, -1] + [at, base, at, base], _rgb(words.color))
        at += glyph.advance * size


def _ink(paper: Coverage, edges: Edges, color: NDArray[np.float64]) -> None:
    """Fill an outline (non-zero winding) over what is there."""
    left, top = (max(0, int(np.floor(edges[:, [k, k + 2]].min()))) for k in (0, 1))
    right, bottom = (int(np.ceil(edges[:, [k, k + 2]].max())) + 1 for k in (0, 1))
    part = paper[top:bottom, left:right]
    if part.size:
        share = coverage(edges - [left, top, left, top], part.shape[1], part.shape[0])[:, :, None]
        part[:] = part * (1 - share) + color * share


def coverage(edges: Edges, width: int, height: int) -> Coverage:
    """Return how much of each dot (height, width) an outline covers: exact along a row, a few rows for each dot."""
    rows = (np.arange(height * _FINE) + 0.5) / _FINE
    x0, y0, x1, y1 = edges.T
    hit = (y0 <= rows[:, None]) != (y1 <= rows[:, None])
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros(len(edges)), where=y1 != y0)
    x = np.where(hit, x0 + (rows[:, None] - y0) * slope, np.inf)
    order = np.argsort(x, axis=1, kind="stable")
    x = np.take_along_axis(x, order, axis=1)
    turns = np.cumsum(np.take_along_axis(np.where(hit, np.sign(y1 - y0), 0.0), order, axis=1), axis=1)
    out, dots = np.zeros((len(rows), width)), np.arange(width)
    for k in range(int(hit.sum(axis=1).max(initial=1)) - 1):
        inside = (turns[:, k] != 0) & np.isfinite(x[:, k + 1])
        begin, end = (np.where(inside, x[:, at], 0.0)[:, None] for at in (k, k + 1))
        out += np.clip(np.minimum(end, dots + 1) - np.maximum(begin, dots), 0.0, 1.0)
    return np.asarray(np.minimum(1.0, out.reshape(height, _FINE, width).mean(axis=1)), np.float64)


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)], np.float64)


def _png(rows: NDArray[np.uint8]) -> bytes:
    """Return dots (height, width, 3) in the form of the PNG specification, each row as it is."""
    height, width, _ = rows.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows.reshape(height, -1)], axis=1).tobytes()
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )

"""A circuit drawn as SVG from its layout document: for files, without a window. Black on white, to be printed."""

from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

Cell = Mapping[str, Any]
_LINE: Final = 36
_GAP: Final = 12
_BOX: Final = 26
_TOP: Final = 24
_CHAR: Final = 7.4


def svg_of(picture: Mapping[str, Any]) -> str:
    """Return the drawing of a layout document as an SVG text."""
    labels = [*picture["qubits"], *picture["clbits"]]
    left = 16 + _CHAR * max((len(label) for label in labels), default=1)
    body: list[str] = []
    x = left + _GAP
    for column in picture["columns"]:
        width = max((_width(cell) for cell in column), default=_BOX)
        for cell in column:
            body += _cell(cell, x + width / 2, len(picture["qubits"]))
        x += width + _GAP
    high = _TOP * 2 + _LINE * max(0, len(labels) - 1)
    wires = [_wire(label, at, left, x, quantum=at < len(picture["qubits"])) for at, label in enumerate(labels)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x + 8:g}" height="{high}" viewBox="0 0 {x + 8:g} {high}" '
        'font-family="monospace" font-size="12"><rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return "\n".join([head, *wires, *body, "</svg>"]) + "\n"


def _wire(label: str, at: int, left: float, right: float, *, quantum: bool) -> str:
    y, ink = _y(at), "#1b2430" if quantum else "#8b97a4"
    return (
        f'<line x1="{left:g}" y1="{y}" x2="{right:g}" y2="{y}" stroke="{ink}"/>'
        f'<text x="{left - 6:g}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
    )


def _y(wire: int) -> int:
    return _TOP + _LINE * wire


def _said(cell: Cell) -> str:
    params = ", ".join(cell["params"])
    said = f"{cell['label']}({params})" if params else str(cell["label"])
    return f"{said} if {cell['condition']}" if cell["condition"] else said


def _width(cell: Cell) -> float:
    return max(float(_BOX), _CHAR * len(_said(cell)) + 12)


def _cell(cell: Cell, x: float, qubits: int) -> list[str]:
    wires = [*cell["qubits"], *(qubits + bit for bit in cell["clbits"])]
    if not wires:
        return []
    first, last = _y(min(wires)), _y(max(wires))
    if cell["name"] == "barrier":
        return [f'<line x1="{x:g}" y1="{first - 16}" x2="{x:g}" y2="{last + 16}" stroke="#8b97a4" stroke-dasharray="4 3"/>']
    made = [f'<line x1="{x:g}" y1="{first}" x2="{x:g}" y2="{last}" stroke="#0a5fc2"/>'] if last > first else []
    for control in cell["controls"]:
        fill = "#ffffff" if control in cell["open_controls"] else "#0a5fc2"
        made.append(f'<circle cx="{x:g}" cy="{_y(control)}" r="4" fill="{fill}" stroke="#0a5fc2"/>')
    if cell["label"] == "×":
        made += [_cross(x, _y(target)) for target in cell["targets"]]
    elif cell["targets"]:
        made += _box(cell, x)
    return made


def _cross(x: float, y: float) -> str:
    return f'<path d="M{x - 5:g} {y - 5}L{x + 5:g} {y + 5}M{x - 5:g} {y + 5}L{x + 5:g} {y - 5}" stroke="#0a5fc2"/>'


def _box(cell: Cell, x: float) -> list[str]:
    top, bottom, width = _y(min(cell["targets"])) - _BOX / 2, _y(max(cell["targets"])) + _BOX / 2, _width(cell)
    place = f'x="{x - width / 2:g}" y="{top:g}" width="{width:g}" height="{bottom - top:g}"'
    return [
        f'<rect {place} rx="3" fill="#eef1f4" stroke="#0a5fc2"/>',
        f'<text x="{x:g}" y="{(top + bottom) / 2 + 4:g}" text-anchor="middle">{escape(_said(cell))}</text>',
    ]

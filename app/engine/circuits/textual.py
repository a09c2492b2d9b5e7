"""A circuit drawn with characters, from its layout document: for the command line; its outcomes as bars."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.text import tr
from app.engine.base.units import number_text

Cell = Mapping[str, Any]


def text_of(picture: Mapping[str, Any], width: int = 120) -> str:
    """Return the diagram as lines of at most about `width` characters, cut into blocks where it is wider."""
    heads = _heads(picture)
    blocks: list[list[str]] = []
    block = list(heads)
    for column in picture["columns"]:
        drawn = _column(column, len(picture["qubits"]), picture["clbits"])
        if len(block[0]) + len(drawn[0]) > width and len(block[0]) > len(heads[0]):
            blocks.append(block)
            block = list(heads)
        block = [line + more for line, more in zip(block, drawn, strict=True)]
    blocks.append(block)
    return "\n\n".join("\n".join(line.rstrip() for line in each if line.strip()) for each in blocks)


def histogram_text(counts: Mapping[str, int], most: int = 16, width: int = 40) -> str:
    """Return the `most` frequent outcomes as bars, the largest `width` characters long."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    top, total = ordered[:most], sum(counts.values())
    largest = top[0][1] if top else 1
    lines = [f"{key}  {'█' * max(1, round(width * shots / largest))} {shots} ({shots / total:.1%})" for key, shots in top]
    if len(ordered) > most:
        lines.append(f"… {len(ordered) - most} more outcomes, {total - sum(shots for _, shots in top)} shots")
    return "\n".join(lines)


def summary_text(picture: Mapping[str, Any]) -> str:
    """Return one line of figures: qubits, depth, operations and how often each."""
    gates = ", ".join(f"{name} {count}" for name, count in list(picture["counts"].items())[:20])
    cut = f" · {picture['left_out']} operations not drawn" if picture["left_out"] else ""
    return f"{picture['width']} qubits · depth {picture['depth']} · {picture['size']} operations: {gates}{cut}"


def _heads(picture: Mapping[str, Any]) -> list[str]:
    names = [*picture["qubits"], *(["bits"] if picture["clbits"] else [])]
    widest = max((len(name) for name in names), default=0)
    lines: list[str] = []
    for name in picture["qubits"]:
        lines += [f"{name:>{widest}}: ─", " " * (widest + 3)]
    if picture["clbits"]:
        lines.append(f"{'bits':>{widest}}: ═")
    return lines or [""]


def _mark(cell: Cell, qubit: int) -> str:
    if qubit in cell["open_controls"]:
        return "○"
    if qubit in cell["controls"]:
        return "●"
    if cell["name"] == "barrier":
        return "░"
    params = ",".join(cell["params"])
    if cell["label"] in ("×", "M"):
        return str(cell["label"])
    return f"[{cell['label']}({params})]" if params else f"[{cell['label']}]"


def _foot(cell: Cell, clbits: list[str]) -> str:
    if cell["condition"]:
        return f"?{cell['condition']}"
    return ",".join(clbits[bit] for bit in cell["clbits"])


def _column(cells: list[Cell], qubits: int, clbits: list[str]) -> list[str]:
    wires, gaps, foot = ["─"] * qubits, [" "] * qubits, "═"
    for cell in cells:
        if not cell["qubits"]:
            continue
        first, last = min(cell["qubits"]), max(cell["qubits"])
        bound = "░" if cell["name"] == "barrier" else "│"
        for wire in range(first, last + 1):
            wires[wire] = _mark(cell, wire) if wire in cell["qubits"] else "┼"
            gaps[wire] = bound if wire < last else " "
        if cell["clbits"]:
            gaps[last] = "║"
            for wire in range(last + 1, qubits):
                wires[wire], gaps[wire] = "╫", "║"
            foot = _foot(cell, clbits)
    size = (max(map(len, (*wires, foot if clbits else "")), default=0) + 2) | 1
    lines: list[str] = []
    for drawn, gap in zip(wires, gaps, strict=True):
        lines += [_centred(drawn, size, "─"), _centred(gap, size, " ")]
    if clbits:
        lines.append(_centred(foot, size, "═"))
    return lines or [""]


def _centred(text: str, size: int, filler: str) -> str:
    """Return `text` amid `filler`; `size` is odd, so that all middles stand in one line."""
    return (text if len(text) % 2 else text + filler).center(size, filler)


def bonds_text(largest: int, cut: float) -> str:
    """Return how large the bonds of a matrix product state became and how much was cut off, in words."""
    said = number_text(cut, ".2g") if cut > 1e-15 else "0"
    return tr("largest bond {bond}, truncation error {share}", bond=largest, share=said)

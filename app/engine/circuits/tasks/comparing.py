"""Two runs of guided tasks side by side: what was asked, both answers of each, and what it took."""

from collections.abc import Mapping
from typing import Any, Final

from app.engine.base.text import tr
from app.engine.base.units import number_text

ASKED, QUANTUM, CLASSICAL, RUN = "asked", "quantum", "classical", "run"
_RAN: Final = ("simulator", "qubits", "depth", "operations", "shots", "seed", "wall_s")


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[list[Any]]:
    """Return [part, figure, first, second] for each plain figure of two result documents; None where one has none."""
    sides = [_parts(first), _parts(second)]
    rows: list[list[Any]] = []
    for part in (ASKED, QUANTUM, CLASSICAL, RUN):
        both = [side[part] for side in sides]
        names = [*both[0], *(name for name in both[1] if name not in both[0])]
        found = [[part, name, both[0].get(name), both[1].get(name)] for name in names]
        rows += [row for row in found if not any(isinstance(value, (list, dict)) for value in row[2:])]
    return rows


def said(value: Any) -> str:
    """Return a figure as it is shown."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    return number_text(value, ".6g") if isinstance(value, float) else str(value)


def text_of(told: Mapping[str, Any]) -> str:
    """Return the rows as aligned lines."""
    lines = [["", told["first"]["task"], told["second"]["task"]]]
    lines += [[f"{part} {name}", said(first), said(second)] for part, name, first, second in told["rows"]]
    widths = [max(len(line[at]) for line in lines) for at in range(3)]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _parts(result: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    ran = result.get("execution") or {}
    rest = {name: result.get(name) for name in ("quantum_advantage", "error_rate", "confidence")}
    return {
        ASKED: dict(ran.get("options") or {}), QUANTUM: dict(result.get("solution") or {}),
        CLASSICAL: dict(result.get("classical_baseline") or {}), RUN: {name: ran.get(name) for name in _RAN} | rest,
    }  # fmt: skip

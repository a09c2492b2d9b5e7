"""The part of the node inspector that shows how each model answered lately: count, latency, errors, and a small histogram."""

import math
from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text, ratio_text, span_text
from app.engine.fleet.records import Node
from app.views.shell import theme
from app.views.widgets.state import dress

_BARS: Final = "▁▂▃▄▅▆▇█"
_MOST: Final = 8


class ServingPart(QWidget):
    """One line per model that was asked in the node's newest interval; grey when the node is silent."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        heading = QLabel(tr("How its models answered lately"))
        heading.setProperty("role", "heading")
        column.addWidget(heading)
        self.lines = [QLabel() for _ in range(_MOST)]
        for line in self.lines:
            line.setWordWrap(True)
            line.setTextFormat(Qt.TextFormat.PlainText)
            column.addWidget(line)

    def show_node(self, node: Node) -> None:
        """Show what `node` last told of its models."""
        told = [(name, seen) for name, seen in sorted(node.serving.items()) if isinstance(seen, Mapping)]
        self.setVisible(bool(told))
        for line, (name, seen) in zip(self.lines, told[:_MOST], strict=False):
            said = line_of(name, seen)
            if line.text() != said:
                line.setText(said)
                line.setToolTip(histogram_text(edges_of(seen)))
                line.setAccessibleDescription(line.toolTip())
            dress(line, "text" if str(node.state) == "online" else "stale")
        for at, line in enumerate(self.lines):
            line.setVisible(at < len(told))


def line_of(name: str, seen: Mapping[str, Any]) -> str:
    """Return one model's figures in words; what the node does not tell, or tells wrongly, is a dash."""
    figures = {key: span_text(_number(seen.get(f"latency_{key}_s"))) for key in ("p50", "p99")}
    errors = ratio_text(_number(seen.get("error_ratio")), ".2g")
    count = count_text(_number(seen.get("inference_count")) or 0)
    words = tr(
        "{name}: {count} answers, p50 {p50}, p99 {p99}, {errors} failed", name=name, count=count, errors=errors, **figures
    )
    return f"{words}  {bars_text([each for _, each in edges_of(seen)])}".rstrip()


def edges_of(seen: Mapping[str, Any]) -> list[tuple[float, int]]:
    """Return the histogram as (most seconds, count), sorted; malformed entries are left out."""
    told = seen.get("latency_us")
    found = []
    for edge, count in told.items() if isinstance(told, Mapping) else ():
        try:
            found.append((float(edge) / 1e6, int(count)))
        except (TypeError, ValueError):
            continue
    return sorted((edge, count) for edge, count in found if math.isfinite(edge) and count > 0)


def bars_text(counts: list[int]) -> str:
    """Return one block per count, its height by its share of the largest."""
    top = max(counts, default=1)
    return "".join(_BARS[min(len(_BARS) - 1, count * len(_BARS) // (top + 1))] for count in counts)


def histogram_text(edges: list[tuple[float, int]]) -> str:
    """Return the histogram in words, a line for each edge."""
    return "\n".join(tr("up to {time}: {count}", time=span_text(edge), count=count_text(count)) for edge, count in edges)


def _number(value: Any) -> float | None:
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None

"""A compiled circuit: before and after side by side, where it stands on the device, and how likely it ends without an error."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSplitter, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import count_text, ratio_text, span_text
from app.views.shell import theme
from app.views.shell.page import card
from app.views.widgets.chart import Chart
from app.views.widgets.circuit import CircuitCanvas
from app.views.widgets.columns import Column
from app.views.widgets.coupling_map import CouplingMap
from app.views.widgets.state import dress
from app.views.widgets.table import TablePanel

Row = tuple[str, str, str]
_COUNTS = ("qubits", "depth", "size", "two_qubit", "two_qubit_depth")
_TOKENS = {"equal": "ok", "close": "ok", "different": "bad"}


class CompilePart(QWidget):
    """Shows the result document of `circuit.compile`."""

    def __init__(self) -> None:
        super().__init__()
        self.verdict, self.facts = QLabel(), QLabel()
        self.facts.setProperty("role", "muted")
        for label in (self.verdict, self.facts):
            label.setWordWrap(True)
        self._rows: Records[Row] = Records(lambda row: row[0], "figure")
        columns = [
            Column[Row]("what", tr("Figure"), lambda row: row[0], width=176),
            Column[Row]("before", tr("Before"), lambda row: row[1], width=64, right=True),
            Column[Row]("after", tr("After"), lambda row: row[2], width=76, right=True),
        ]
        self.table = TablePanel(self._rows, columns, name=tr("Before and after"), row_px=theme.COMPACT_ROW_PX, filterable=False)
        self.map = CouplingMap(tr("Layout on the device"))
        self.before, self.after = CircuitCanvas(), CircuitCanvas()
        said = QVBoxLayout()
        said.addWidget(self.verdict)
        said.addWidget(self.facts)
        middle = QSplitter(Qt.Orientation.Horizontal)
        middle.addWidget(card(self.table, heading=tr("Before and after")))
        middle.addWidget(card(Chart(tr("Layout on the device"), self.map, self.map.twin)))
        middle.setSizes([360, 460])
        middle.setStretchFactor(1, 1)
        below = QSplitter(Qt.Orientation.Horizontal)
        below.addWidget(card(Chart(tr("Before"), self.before, self.before.twin)))
        below.addWidget(card(Chart(tr("After"), self.after, self.after.twin)))
        down = QSplitter(Qt.Orientation.Vertical)
        down.addWidget(middle)
        down.addWidget(below)
        for split in (middle, below, down):
            split.setChildrenCollapsible(False)
            split.setHandleWidth(12)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * theme.SPACE)
        column.addWidget(card(said, heading=tr("Compiled")))
        column.addWidget(down, 1)

    def show_result(self, result: Mapping[str, Any]) -> None:
        """Show a result; pictures that it lacks are left to `show_pictures`."""
        device, check = result.get("device") or {}, result.get("equality") or {}
        verdict = str(check.get("verdict", ""))
        words = {"equal": tr("Both circuits do the same"), "close": tr("Both circuits do the same within a thousandth"),
                 "different": tr("The circuits differ"), "not checked": tr("Not checked")}  # fmt: skip
        how = str(check.get("how") or "")
        self.verdict.setText(f"{words.get(verdict, '')} · {how}" if how else words.get(verdict, ""))
        dress(self.verdict, _TOKENS.get(verdict, "text"))
        self.facts.setText(_facts(result, device) if device else "")
        self._rows.replace_all(figures(result.get("before") or {}, result.get("after") or {}))
        self.map.show_picture({**(result.get("coupling") or {}), "layout": result.get("layout") or []} if device else None)
        self.show_pictures(result.get("picture_before"), result.get("picture"))

    def show_pictures(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        """Show both diagrams."""
        self.before.show_picture(before)
        self.after.show_picture(after)


def figures(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Row]:
    """Return the figures of both circuits side by side."""
    if not after:
        return []
    names = {"qubits": tr("Qubits"), "depth": tr("Depth"), "size": tr("Gates"), "two_qubit": tr("Gates of two qubits"),
             "two_qubit_depth": tr("Depth of those")}  # fmt: skip
    rows = [(names[key], count_text(before.get(key, 0)), count_text(after.get(key, 0))) for key in _COUNTS]
    rows.append((tr("Without an error (est.)"), "–", ratio_text(after.get("success", 0.0))))
    for key, name in (("gates", tr("of it by gates")), ("readout", tr("of it by readout")), ("waits", tr("of it by waits"))):
        rows.append((name, "–", ratio_text(after.get(key, 0.0))))
    rows.append((tr("Time of a run"), "–", span_text(after.get("duration_s"))))
    return rows


def _facts(result: Mapping[str, Any], device: Mapping[str, Any]) -> str:
    return tr(
        "{device}, {processor}, figures of {taken}, from {source} · {why}",
        device=device.get("title") or device.get("device", ""), processor=device.get("processor", ""),
        taken=str(device.get("taken", ""))[:10] or "–", source=device.get("source", ""), why=result.get("why", ""),
    )  # fmt: skip

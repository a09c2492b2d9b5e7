"""The mean of an observable: its value, and each term with the qubits it depends on."""

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text, span_text
from app.views.shell import theme
from app.views.shell.page import card
from app.views.widgets.columns import Column
from app.views.widgets.table import TablePanel

Row = tuple[int, str, float, float, int]


class MeanPart(QWidget):
    """Shows the result document of `circuit.expect`."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.facts = QLabel(), QLabel()
        self.value.setProperty("role", "heading")
        self.facts.setProperty("role", "muted")
        for label in (self.value, self.facts):
            label.setWordWrap(True)
        self._rows: Records[Row] = Records(lambda row: str(row[0]), "term")
        columns = [
            Column[Row]("term", tr("Term"), lambda row: row[1], width=200),
            Column[Row]("factor", tr("Factor"), lambda row: row[2], _figure, 110, right=True),
            Column[Row]("mean", tr("Mean"), lambda row: row[3], _figure, 140, right=True),
            Column[Row]("qubits", tr("Depends on qubits"), lambda row: row[4], count_text, 150, right=True),
        ]
        self.table = TablePanel(self._rows, columns, name=tr("Terms"), row_px=theme.COMPACT_ROW_PX, filterable=False)
        said = QVBoxLayout()
        said.addWidget(self.value)
        said.addWidget(self.facts)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3 * theme.SPACE)
        column.addWidget(card(said, heading=tr("Mean")))
        column.addWidget(card(self.table, heading=tr("Terms")), 1)

    def show_result(self, result: Mapping[str, Any]) -> None:
        """Show a result, or nothing while there is none."""
        known = "value" in result
        self.value.setText(f"{result['observable']}  =  {number_text(float(result['value']), '.9g')}" if known else "")
        self.facts.setText(
            tr("{simulator}: {why}; {wall}", simulator=result["simulator"], why=result["why"], wall=span_text(result["wall_s"]))
            if known else ""
        )  # fmt: skip
        terms = result.get("terms") or []
        self._rows.replace_all(
            (at, str(term["term"]), float(term["factor"]), float(term["mean"]), int(term["qubits"]))
            for at, term in enumerate(terms)
        )


def _figure(value: float) -> str:
    return number_text(value, ".9g")

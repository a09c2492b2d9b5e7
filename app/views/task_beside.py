"""Another run of the same task beside the one that is shown: what was asked, both answers of each, and what they took."""

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.circuits.tasks.comparing import ASKED, CLASSICAL, QUANTUM, RUN, said
from app.engine.jobs.runs import Run
from app.views.beside import RunBeside
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.widgets.columns import Column
from app.views.widgets.table import TablePanel

_LETTERS: Final = 24
Row = tuple[str, str, str, str]


class TaskBeside(RunBeside):
    """The runs of a task beside the shown one; `table` has both, hidden while there is no other."""

    def __init__(self, context: Context, runs: Records[Run], alone: QWidget) -> None:
        """`alone` is what shows the answers of one run; it gives way to both."""
        super().__init__(context, runs, "task.compare", tr("Another run of this task whose answers stand beside these"))
        self._alone = alone
        self._rows: Records[Row] = Records(lambda row: f"{row[0]} {row[1]}", "figure")
        columns = [
            Column[Row]("part", tr("Part"), lambda row: row[0], width=80),
            Column[Row]("what", tr("Figure"), lambda row: row[1], width=150),
            Column[Row]("shown", tr("This run"), lambda row: row[2], width=130),
            Column[Row]("beside", tr("The one beside"), lambda row: row[3], width=130),
        ]
        self.table = TablePanel(
            self._rows, columns, name=tr("Runs side by side"), row_px=theme.COMPACT_ROW_PX, filterable=False
        )
        self.table.hide()  # what is shown before it stands in a window would be a window of its own

    def offer(self, run: Run) -> None:
        """List what can stand beside `run`, which is shown from now on."""
        alike = [one for one in self._runs if one.id != run.id and one.source == run.source and one.result]
        alike.sort(key=lambda one: -one.created_us)
        self._list(run, ((_asked(one), one) for one in alike), _LETTERS)
        self.setVisible(self.count() > 1 and bool(run.result))
        self._tell(None)

    def _chosen(self, at: int) -> None:
        self._tell(None)
        super()._chosen(at)

    def _tell(self, told: Mapping[str, Any] | None) -> None:
        if told is not None:
            parts = {ASKED: tr("asked"), QUANTUM: tr("quantum"), CLASSICAL: tr("classical"), RUN: tr("run")}
            self._rows.replace_all(
                [(parts[part], name.replace("_", " "), said(one), said(other)) for part, name, one, other in told["rows"]]
            )
        self.table.setVisible(told is not None)
        self._alone.setVisible(told is None)


def _asked(run: Run) -> str:
    """Return what tells a run of a task from others: its options and its seed."""
    ran = (run.result or {}).get("execution") or {}
    words = [f"{name} {said(value)}" for name, value in (ran.get("options") or {}).items() if value != ""]
    return ", ".join([*words, f"{tr('seed')} {ran.get('seed', 0)}"])

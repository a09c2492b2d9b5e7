"""Another run of the same task beside the one that is shown: what was asked, both answers of each, and what they took."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.circuits.tasks.comparing import ASKED, CLASSICAL, QUANTUM, RUN, said
from app.engine.jobs.runs import Run
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.widgets.choice import Choice
from app.views.widgets.columns import Column
from app.views.widgets.explain import explain
from app.views.widgets.jobs import ago_text
from app.views.widgets.table import TablePanel

_MOST: Final = 30
_LETTERS: Final = 24
Row = tuple[str, str, str, str]


class TaskBeside(Choice):
    """The runs that can stand beside the shown one; `table` has both, hidden while there is no other."""

    def __init__(self, context: Context, runs: Records[Run], alone: QWidget) -> None:
        """`alone` is what shows the answers of one run; it gives way to both."""
        super().__init__()
        self._context, self._runs, self._alone = context, runs, alone
        self._run: Run | None = None
        self.setAccessibleName(tr("Beside"))
        explain(self, tr("Another run of this task whose answers stand beside these"))
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
        self.activated.connect(self._chosen)

    def offer(self, run: Run) -> None:
        """List what can stand beside `run`, which is shown from now on."""
        self._run = run
        self.clear()
        self.addItem(tr("Nothing beside"), "")
        alike = [one for one in self._runs if one.id != run.id and one.source == run.source and one.result]
        for one in sorted(alike, key=lambda one: -one.created_us)[:_MOST]:
            self.addItem(f"{_asked(one)} · {ago_text(self._context.engine.clock, one.created_us)}", one.id)
        self.narrow()
        self.setMinimumContentsLength(_LETTERS)
        self.setVisible(self.count() > 1 and bool(run.result))
        self._put_away()

    def put(self, run_id: str) -> None:
        """Put the run called `run_id` beside the shown one."""
        at = self.findData(run_id)
        if at > 0 and self._run is not None:
            self.setCurrentIndex(at)
            self._context.start(
                "task.compare", partial(self._compared, self._run.id, run_id), first=self._run.id, second=run_id
            )

    def _chosen(self, at: int) -> None:
        wanted = str(self.itemData(at) or "")
        self._put_away()
        if wanted:
            self.put(wanted)

    def _compared(self, first: str, second: str, told: Mapping[str, Any]) -> None:
        if self._run is None or self._run.id != first or self.currentData() != second:
            return
        parts = {ASKED: tr("asked"), QUANTUM: tr("quantum"), CLASSICAL: tr("classical"), RUN: tr("run")}
        self._rows.replace_all(
            [(parts[part], name.replace("_", " "), said(one), said(other)) for part, name, one, other in told["rows"]]
        )
        self.table.setVisible(True)
        self._alone.setVisible(False)

    def _put_away(self) -> None:
        self.table.setVisible(False)
        self._alone.setVisible(True)


def _asked(run: Run) -> str:
    """Return what tells a run of a task from others: its options and its seed."""
    ran = (run.result or {}).get("execution") or {}
    words = [f"{name} {said(value)}" for name, value in (ran.get("options") or {}).items() if value != ""]
    return ", ".join([*words, f"{tr('seed')} {ran.get('seed', 0)}"])

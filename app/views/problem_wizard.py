"""The import of a problem: a file or a pasted table, then what was understood of it, then the way to its solution."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.qubo.problems.told import size_text
from app.views.problem_picture import ProblemPicture
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.fields import Field
from app.views.widgets.explain import as_scrolled, explain
from app.views.widgets.state import dress

COMMAND: Final = "problem.import"
_EXAMPLE: Final = "capacity = 15\nitem, value, weight\nwinch, 10, 6\npump, 9, 5\n"


class ProblemWizard(QScrollArea):
    """Fires `problem.import` and shows what it understood; `solve` gets file and kind of what was kept."""

    def __init__(self, context: Context, solve: Callable[[Path, str], None]) -> None:
        super().__init__()
        self._context, self._solve, self._kept = context, solve, (Path(), "auto")
        row = context.engine.table.need(COMMAND)
        self._fields = {arg.name: Field(arg) for arg in row.args if arg.name != "text"}
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText(_EXAMPLE)
        self.text.setFixedHeight(110)
        self.text.setFont(theme.mono_font())
        self.text.setAccessibleName(tr("Table, typed or pasted"))
        self.text.setAccessibleDescription(tr("One row a line, values apart by commas, tabs or spaces"))
        self.read = QPushButton(tr("Read and keep"))
        self.read.setProperty("primary", True)
        explain(self.read, context.why_not(COMMAND) or tr("Read the file or the table, and say what was understood"))
        self.read.setEnabled(not context.why_not(COMMAND))
        self.read.clicked.connect(lambda _checked=False: self.submit())
        self.understood = QLabel()
        self.understood.setWordWrap(True)
        self.facts = QLabel()
        self.facts.setWordWrap(True)
        self.facts.setProperty("role", "caption")
        self.picture = ProblemPicture()
        self.picture.setMinimumHeight(170)
        self.solve = QPushButton(tr("Enter it into the form"))
        explain(self.solve, tr("Puts it into the form of the QUBO page, where solver and budget are chosen"))
        self.solve.clicked.connect(lambda _checked=False: self._solve(*self._kept))
        self._lay_out()
        self._show_outcome(shown=False)

    def _lay_out(self) -> None:
        holder = QWidget()
        holder.setProperty("clear", True)
        column = QVBoxLayout(holder)
        column.setContentsMargins(12, 8, 8, 8)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(self._fields["file"])
        either = QLabel(tr("or a table, its kind in a first line such as: problem = knapsack"))
        either.setProperty("role", "caption")
        either.setWordWrap(True)
        column.addWidget(either)
        column.addWidget(self.text)
        for name in ("kind", "sense", "name", "fleet", "replace"):
            column.addWidget(self._fields[name])
        for widget in (self.read, self.understood, self.picture, self.facts, self.solve):
            column.addWidget(widget)
        column.addStretch(1)
        as_scrolled(self, tr("A problem of your own"))
        self.setWidget(holder)

    def field(self, name: str) -> Field:
        """Return the field of one argument."""
        return self._fields[name]

    def given(self) -> dict[str, Any]:
        """Return what is entered."""
        entered = {name: field.given() for name, field in self._fields.items()}
        out = {name: value for name, value in entered.items() if value is not None}
        if self.text.toPlainText().strip():
            out["text"] = self.text.toPlainText()
        return out

    def submit(self) -> None:
        """Have the problem read; a notice tells what is wrong with it, and nothing is kept then."""
        self._show_outcome(shown=False)
        self._context.start(COMMAND, self.show_understood, **self.given())

    def show_understood(self, told: Mapping[str, Any]) -> None:
        """Show kind, facts, size, penalties with their reasons, conflicts, and the picture."""
        problem = told["problem"]
        self._kept = Path(str(told["file"])), str(problem["kind"])
        conflicts = told.get("conflicts") or []
        if conflicts:
            self.understood.setText(tr("■ Infeasible: {why}", why="; ".join(conflicts)))
        elif told.get("why_not"):
            self.understood.setText(
                tr("▲ {title}, for its own method only: {why}", title=tr(problem["title"]), why=told["why_not"])
            )
        else:
            self.understood.setText(tr("● {title}: {size}", title=tr(problem["title"]), size=size_text(told)))
        dress(self.understood, "bad" if conflicts else "warn" if told.get("why_not") else "ok")
        lines = [f"{label}: {value}" for label, value in problem["facts"]]
        lines += [tr("penalty {name}: {weight} ({why})", name=one["name"], weight=number_text(one["weight"], "g"),
                     why=one["why"]) for one in told.get("penalties", ())]  # fmt: skip
        lines += [tr("also solved by {method}", method=tr(str(told["method"])))] if told.get("method") else []
        self.facts.setText("\n".join(lines))
        self.picture.show_picture(told.get("picture"))
        self._show_outcome(shown=True)
        self.solve.setEnabled(not conflicts)
        QTimer.singleShot(0, self, self._to_outcome)

    def _to_outcome(self) -> None:
        """Scroll to what was understood, once it is laid out; it stands below the form."""
        self.ensureWidgetVisible(self.solve, 0, 2 * theme.SPACE)
        self.ensureWidgetVisible(self.understood, 0, 2 * theme.SPACE)

    def _show_outcome(self, *, shown: bool) -> None:
        for widget in (self.understood, self.facts, self.picture, self.solve):
            widget.setVisible(shown)

"""Forms drawn from command rows: the same arguments, units, ranges and help that the command line has."""

import shlex
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.engine.base.command import Command, Danger
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.fields import Field
from app.views.shell.icons import icon
from app.views.shell.presets import PresetButton
from app.views.shell.view_state import ViewState

Run = Callable[[dict[str, Any]], None]


class CommandForm(QWidget):
    """One field per argument (less the `fixed` ones), checked as it is typed; runs only what the command would take."""

    def __init__(
        self, row: Command, run: Run, *, fixed: Mapping[str, Any] | None = None, hidden: Collection[str] = (),
        why_not: str = "", compact: bool = True, view: ViewState | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._view = view
        self.row, self._run, self._fixed, self._why_not = row, run, dict(fixed or {}), why_not
        shown = [arg for arg in row.args if arg.name not in self._fixed and arg.name not in hidden]
        self._fields = {arg.name: Field(arg, helped=not compact) for arg in shown}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * theme.SPACE)
        if not compact:
            about = QLabel(tr(row.help))
            about.setProperty("role", "muted")
            about.setWordWrap(True)
            column.addWidget(about)
        for field in self._fields.values():
            field.edited.connect(self.check)
        column.addLayout(self._grid(columns=2 if compact else 1))
        column.addLayout(self._buttons())
        self.check()

    def field(self, name: str) -> Field:
        """Return the field of the argument `name`."""
        return self._fields[name]

    def fill(self, values: Mapping[str, Any]) -> None:
        """Enter `values` into the fields that exist."""
        for name, value in values.items():
            if name in self._fields:
                self._fields[name].show_value(value)
        self.check()

    def given(self) -> dict[str, Any]:
        """Return what is entered and what is fixed; arguments left empty are left out."""
        entered = {name: field.given() for name, field in self._fields.items()}
        return {**self._fixed, **{name: value for name, value in entered.items() if value is not None}}

    def check(self) -> bool:
        """Check every field; the button is ready only when the command would take them all."""
        wrong = [error for field in self._fields.values() if (error := field.check()) is not None]
        ready = not wrong and not self._why_not
        self.button.setEnabled(ready)
        self.button.setToolTip(self._why_not or (str(wrong[0]) if wrong else tr(self.row.help)))
        return ready

    def set_why_not(self, reason: str) -> None:
        """Say why the command cannot be started here; empty when it can."""
        self._why_not = reason
        self.check()

    def submit(self) -> None:
        """Run the command, if it would take what is entered."""
        if self.check():
            self._run(self.row.take(self.given()))

    def focus_first(self) -> None:
        """Put the keyboard into the first field, or on the button when there is none."""
        first = next(iter(self._fields.values()), None)
        (first.editor if first is not None else self.button).setFocus()

    def as_command(self) -> str:
        """Return the same run as a line for the command line."""
        return command_line(self.row, self.given())

    def _grid(self, *, columns: int) -> QGridLayout:
        """Return the fields in `columns`; a file takes a whole line."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * theme.SPACE)
        grid.setVerticalSpacing(2 * theme.SPACE)
        place = 0
        for field in self._fields.values():
            whole = field.arg.type is Path
            place += place % columns if whole else 0
            grid.addWidget(field, place // columns, place % columns, 1, columns if whole else 1, Qt.AlignmentFlag.AlignTop)
            place += columns if whole else 1
        for at in range(columns):
            grid.setColumnStretch(at, 1)
        return grid

    def _buttons(self) -> QHBoxLayout:
        self.button = QPushButton(tr(self.row.title))
        self.button.setProperty("destructive" if self.row.danger is Danger.DESTRUCTIVE else "primary", True)
        self.button.clicked.connect(lambda _checked=False: self.submit())
        copy = QToolButton()
        copy.setIcon(icon("copy"))
        copy.setAccessibleName(tr("Copy as command"))
        copy.setToolTip(tr("Copy as command"))
        copy.clicked.connect(lambda _checked=False: QGuiApplication.clipboard().setText(self.as_command()))
        line = QHBoxLayout()
        line.addWidget(self.button)
        line.addWidget(copy)
        if self._view is not None and self._fields:
            self.presets = PresetButton(self.row, self._view, self.given, self.fill)
            line.addWidget(self.presets)
        line.addStretch(1)
        return line


def command_line(row: Command, given: Mapping[str, Any]) -> str:
    """Return how `row` with `given` is typed; arguments equal to their defaults are left out."""
    words = ["outpost", *row.id.split(".")]
    for arg in row.args:
        value = given.get(arg.name)
        if value is None or (not arg.required and str(value) == str(arg.default)):
            continue
        if arg.positional:
            words.append(str(value))
        elif arg.type is bool:
            words.append(f"--{arg.name.replace('_', '-')}" if value else f"--no-{arg.name.replace('_', '-')}")
        else:
            words += [f"--{arg.name.replace('_', '-')}", str(value)]
    return shlex.join(words)

"""The Inspector: the dock at the right that follows the selection, or holds the form of a command."""

from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.engine.base.command import Command
from app.engine.base.text import tr
from app.views.shell.context import Context
from app.views.shell.details import Details
from app.views.shell.forms import CommandForm
from app.views.shell.icons import icon
from app.views.widgets.explain import scrolled

WIDTH_PX: Final = 300


class Inspector(QDockWidget):
    """Shows one widget at a time under a title; hidden when there is nothing to show."""

    def __init__(self, context: Context) -> None:
        super().__init__(tr("Inspector"))
        self.setObjectName("inspector")
        self.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        self.setAllowedAreas(Qt.DockWidgetArea.RightDockWidgetArea)
        self._context = context
        self._stack = QStackedWidget()
        self._stack.setMinimumWidth(WIDTH_PX - 40)
        self._details = Details()
        self._stack.addWidget(self._details)
        self._form: QWidget | None = None
        self._owner = ""
        self.setWidget(self._stack)
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self.setTitleBarWidget(self._title_bar())
        self.hide()

    def show_widget(self, widget: QWidget, title: str, owner: str) -> None:
        """Show `widget`, which belongs to the page `owner`."""
        if self._stack.indexOf(widget) < 0:
            self._stack.addWidget(widget)
        self._stack.setCurrentWidget(widget)
        self._title.setText(title)
        self._owner = owner
        self.show()

    def show_form(self, row: Command, given: dict[str, Any]) -> CommandForm:
        """Show the form of `row` with `given` entered, and give it the keyboard."""
        if self._form is not None:
            self._stack.removeWidget(self._form)
            self._form.deleteLater()
        form = CommandForm(
            row, lambda args: self._context.start(row.id, lambda result: self._done(row, result), **args),
            why_not=self._context.why_not(row.id), compact=False, view=self._context.view,
        )  # fmt: skip
        form.fill(given)
        holder = QWidget()
        holder.setProperty("clear", True)
        column = QVBoxLayout(holder)
        column.setContentsMargins(12, 8, 12, 12)
        column.addWidget(form)
        column.addStretch(1)
        area = scrolled(holder, tr(row.title))
        self._form = area
        self.show_widget(area, tr(row.title), "")
        form.focus_first()
        return form

    def close_for(self, page: str) -> None:
        """Hide what belongs to a page that is left."""
        if self._owner != page:
            self.hide()

    def _done(self, row: Command, result: Any) -> None:
        self._details.show_thing(tr(row.title), document=result)
        self.show_widget(self._details, tr("Result"), "")

    def _title_bar(self) -> QWidget:
        bar = QWidget()
        line = QHBoxLayout(bar)
        line.setContentsMargins(12, 6, 6, 6)
        line.addWidget(self._title, 1)
        close = QToolButton()
        close.setIcon(icon("x"))
        close.setAccessibleName(tr("Close the Inspector"))
        close.setToolTip(tr("Close (Esc)"))
        close.clicked.connect(lambda _checked=False: self.hide())
        line.addWidget(close)
        return bar

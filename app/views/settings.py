"""Settings: every row of the table of settings as a field; a change is checked as it is typed and stored on Return."""

from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.engine.base.command import Arg
from app.engine.base.events import SettingChanged
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.fields import Field
from app.views.shell.icons import icon
from app.views.shell.page import Page, card
from app.views.widgets.explain import scrolled


def area_titles() -> dict[str, str]:
    """Return the headings of the areas of settings."""
    return {"fleet": tr("Fleet"), "jobs": tr("Jobs"), "view": tr("Window"), "user": tr("You"), "link": tr("Link"),
            "store": tr("Store"), "activity": tr("Activity"), "sync": tr("Sync"), "models": tr("Models")}  # fmt: skip


class SettingsPage(Page):
    """One card per area."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Settings"))
        settings = context.engine.settings
        self.subtitle.setText(tr("kept in {file}", file=context.engine.home / "settings.toml"))
        self._fields: dict[str, Field] = {}
        self._resets: dict[str, QToolButton] = {}
        self._areas: list[tuple[QWidget, list[str]]] = []
        holder = QWidget()
        holder.setProperty("clear", True)
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(3 * theme.SPACE)
        areas: dict[str, list[Arg]] = {}
        for row in settings.rows.values():
            areas.setdefault(row.name.partition(".")[0], []).append(row)
        titles = area_titles()
        for area, rows in areas.items():
            whole = card(self._area(rows), heading=titles.get(area, area))
            self._areas.append((whole, [row.name for row in rows]))
            column.addWidget(whole)
        column.addStretch(1)
        scroll = self._scroll = scrolled(holder, tr("Settings"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search names and meanings…"))
        self.search.setAccessibleName(tr("Search the settings"))
        self.search.setAccessibleDescription(tr("Shows the settings whose name or meaning holds the words"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._search)
        self.body.addWidget(self.search)
        self.body.addWidget(scroll, 1)
        hold(self, context.engine.bus.subscribe(self._changed, SettingChanged))
        self.shown()

    def field(self, key: str) -> Field:
        """Return the field of one setting."""
        return self._fields[key]

    def focus_filter(self) -> None:
        """Search the settings."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _search(self, text: str) -> None:
        words = text.casefold().split()
        wanted = {key for key, field in self._fields.items() if all(word in _hay(field) for word in words)}
        for key, field in self._fields.items():
            place = field.parentWidget()
            if place is not None:
                place.setVisible(key in wanted)
        for area, keys in self._areas:
            area.setVisible(bool(wanted.intersection(keys)))

    def pick(self, key: str) -> None:
        """Give the field of one setting the keyboard."""
        if key in self._fields:
            self._scroll.ensureWidgetVisible(self._fields[key])
            self._fields[key].editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def shown(self) -> None:
        """Show the values in use."""
        settings = self.context.engine.settings
        why = self.context.why_not("settings.set")
        for key, field in self._fields.items():
            field.show_value(settings[key])
            field.setEnabled(not why)
            self._resets[key].setVisible(not settings.is_default(key))

    def _area(self, rows: list[Arg]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for at, row in enumerate(rows):
            field = Field(row)
            self._fields[row.name] = field
            self._wire(row, field)
            reset = QToolButton()
            reset.setIcon(icon("rotate-ccw"))
            reset.setAccessibleName(tr("Back to the default of {key}", key=row.name))
            reset.setToolTip(tr("Back to the default: {value}", value=row.default))
            reset.clicked.connect(partial(self._reset, row))
            self._resets[row.name] = reset
            place = QWidget()
            inner = QGridLayout(place)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.addWidget(field, 0, 0)
            inner.addWidget(reset, 0, 1, Qt.AlignmentFlag.AlignVCenter)
            inner.setColumnMinimumWidth(1, 32)
            grid.addWidget(place, at // 2, at % 2, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        return grid

    def _wire(self, row: Arg, field: Field) -> None:
        editor = field.editor
        if isinstance(editor, QLineEdit):
            editor.editingFinished.connect(partial(self._store, row))
        elif isinstance(editor, QComboBox):
            editor.activated.connect(lambda _number: self._store(row))
        else:
            field.edited.connect(partial(self._store, row))

    def _store(self, row: Arg) -> None:
        field = self._fields[row.name]
        if field.check() is None and row.take(field.given()) != self.context.engine.settings[row.name]:
            self._set(row.name, field.given())

    def _reset(self, row: Arg, _checked: bool = False) -> None:
        self._set(row.name, row.default)

    def _set(self, key: str, value: Any) -> None:
        self.context.start("settings.set", None, key=key, value=str(value))

    def _changed(self, event: SettingChanged) -> None:
        field = self._fields.get(event.key)
        if field is not None:
            field.show_value(self.context.engine.settings[event.key])
            self._resets[event.key].setVisible(not self.context.engine.settings.is_default(event.key))


def _hay(field: Field) -> str:
    """Return what a search looks through: the setting's name and meaning."""
    return f"{field.arg.name} {tr(field.arg.help)}".casefold()

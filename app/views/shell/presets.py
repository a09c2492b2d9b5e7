"""Presets of a form: named values of one command, kept with the window; secrets are never among them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMenu, QToolButton

from app.engine.base.command import Command
from app.engine.base.text import tr
from app.views.shell.icons import icon
from app.views.shell.view_state import ViewState

Values = Mapping[str, Any]


class PresetButton(QToolButton):
    """Offers the presets of a command, and keeps what is entered as another."""

    def __init__(self, row: Command, view: ViewState, given: Callable[[], Values], fill: Callable[[Values], None]) -> None:
        super().__init__()
        self._row, self._view, self._given, self._fill = row, view, given, fill
        self.setIcon(icon("ellipsis"))
        self.setAccessibleName(tr("Presets of {title}", title=tr(row.title)))
        self.setToolTip(tr("Presets: keep what is entered, or enter what was kept"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        menu.setAccessibleName(tr("Presets"))
        menu.aboutToShow.connect(self._tell)
        self.setMenu(menu)

    @property
    def names(self) -> list[str]:
        """Return the names of the presets."""
        return sorted(self._held())

    def keep(self, name: str) -> None:
        """Keep what is entered under `name`."""
        secret = {arg.name for arg in self._row.args if arg.secret}
        values = {key: value for key, value in self._given().items() if key not in secret}
        plain = {key: value if isinstance(value, (bool, int, float)) else str(value) for key, value in values.items()}
        self._store({**self._held(), name: plain})

    def use(self, name: str) -> None:
        """Enter what was kept under `name`."""
        held = self._held().get(name)
        if isinstance(held, Mapping):
            self._fill(held)

    def drop(self, name: str) -> None:
        """Forget a preset."""
        self._store({key: held for key, held in self._held().items() if key != name})

    def _held(self) -> dict[str, Any]:
        held = self._view.get("presets", self._row.id)
        return dict(held) if isinstance(held, Mapping) else {}

    def _store(self, held: dict[str, Any]) -> None:
        self._view.put("presets", held, self._row.id)
        self._view.save()

    def _tell(self) -> None:
        menu = self.menu()
        menu.clear()
        for name in self.names:
            menu.addAction(name.replace("&", "&&")).triggered.connect(partial(self._use, name))
        if self.names:
            menu.addSeparator()
            forget = menu.addMenu(tr("Forget"))
            for name in self.names:
                forget.addAction(name.replace("&", "&&")).triggered.connect(partial(self._drop, name))
        menu.addAction(tr("Keep what is entered…")).triggered.connect(lambda _on=False: self._ask())

    def _use(self, name: str, _on: bool = False) -> None:
        self.use(name)

    def _drop(self, name: str, _on: bool = False) -> None:
        self.drop(name)

    def _ask(self) -> None:
        dialog = QInputDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Keep what is entered"))
        dialog.setLabelText(tr("Name; one that exists is replaced"))
        dialog.textValueSelected.connect(lambda name: self.keep(name.strip()) if name.strip() else None)
        dialog.open()

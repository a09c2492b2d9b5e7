"""The navigation rail: a button per page, icons alone when the window is narrow."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QToolButton, QVBoxLayout

from app.engine.base.text import tr
from app.views.shell.icons import icon
from app.views.shell.page import PAGES, page_titles

WIDE_PX: Final = 148
NARROW_PX: Final = 52


class Rail(QFrame):
    """Tells `open_page` the name of the page that was asked for."""

    def __init__(self, open_page: Callable[[str], None]) -> None:
        super().__init__()
        self.setProperty("rail", True)
        self._buttons: dict[str, QToolButton] = {}
        self._group = QButtonGroup(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 10, 6, 10)
        column.setSpacing(4)
        titles = page_titles()
        for number, spec in enumerate(PAGES, 1):
            button = QToolButton()
            button.setProperty("rail", True)
            button.setIcon(icon(spec.icon))
            button.setIconSize(QSize(20, 20))
            button.setText(f" {titles[spec.name]}")
            button.setAccessibleName(titles[spec.name])
            key = tr(" (Ctrl+{number})", number=number % 10) if number <= 10 else ""
            button.setToolTip(titles[spec.name] + key)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setFixedHeight(36)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, name=spec.name: open_page(name))
            self._group.addButton(button)
            self._buttons[spec.name] = button
            column.addWidget(button)
        column.addStretch(1)
        self.set_wide(wide=True)

    def mark(self, name: str) -> None:
        """Show which page is open."""
        self._buttons[name].setChecked(True)

    def set_wide(self, *, wide: bool) -> None:
        """Show words beside the icons, or icons alone."""
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in self._buttons.values():
            button.setToolButtonStyle(style)
        self.setFixedWidth(WIDE_PX if wide else NARROW_PX)

"""A figure or a name that leads to its place: a button that looks like a word, reached by Tab like any other."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy


class Link(QPushButton):
    """Says `text`; a press calls `act`. `quiet` writes it in the colour of text, for the titles of a list."""

    def __init__(self, text: str, act: Callable[[], None], *, where: str = "", quiet: bool = False) -> None:
        super().__init__(text)
        self.setFlat(True)
        self.setProperty("link", True)
        self.setProperty("quiet", quiet)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip(where)
        self.setAccessibleDescription(where)
        self.clicked.connect(lambda _checked=False: act())

    def tell(self, text: str) -> None:
        """Say `text` from now on."""
        if text != self.text():
            self.setText(text)

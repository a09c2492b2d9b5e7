"""Empty states: what this place is for, and the one action to begin."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from app.views.shell import theme
from app.views.shell.icons import icon


class EmptyState(QWidget):
    """An icon, a heading, a sentence and at most one button, in the middle of an empty place."""

    def __init__(
        self, picture: str, heading: str, sentence: str, action: str = "", act: Callable[[], None] | None = None
    ) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setSpacing(2 * theme.SPACE)
        column.addStretch(1)
        drawing = QLabel()
        drawing.setPixmap(icon(picture, "stale").pixmap(32, 32))
        title = QLabel(heading)
        title.setProperty("role", "heading")
        text = QLabel(sentence)
        text.setProperty("role", "muted")
        text.setWordWrap(True)
        text.setMaximumWidth(440)
        text.setMinimumWidth(160)
        for label in (drawing, title, text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        self.button: QPushButton | None = None
        if action and act is not None:
            column.addSpacing(2 * theme.SPACE)
            self.button = QPushButton(action)
            self.button.setProperty("primary", True)
            self.button.clicked.connect(lambda _checked=False: act())
            column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)

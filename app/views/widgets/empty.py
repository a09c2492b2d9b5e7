"""Empty states: what this place is for, and the one action to begin."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.views.shell import theme
from app.views.shell.icons import icon


class EmptyState(QWidget):
    """An icon, a heading, a sentence and at most one button, in the middle of an empty place."""

    def __init__(
        self, picture: str, heading: str, sentence: str, action: str = "", act: Callable[[], None] | None = None, *,
        compact: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        column = QVBoxLayout()
        column.setSpacing(theme.SPACE if compact else 2 * theme.SPACE)
        column.addStretch(1)
        if not compact:
            drawing = QLabel()
            drawing.setPixmap(icon(picture, "stale").pixmap(32, 32))
            drawing.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(drawing)
        title = QLabel(heading)
        title.setProperty("role", "heading")
        text = QLabel(sentence)
        text.setProperty("role", "muted")
        for label in (title, text):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        self.button: QPushButton | None = None
        if action and act is not None:
            column.addSpacing(2 * theme.SPACE)
            self.button = QPushButton(action)
            self.button.setProperty("primary", True)
            self.button.setAccessibleDescription(sentence)
            self.button.clicked.connect(lambda _checked=False: act())
            column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        line = QHBoxLayout(self)
        line.addStretch(1)
        line.addLayout(column, 3)
        line.addStretch(1)

"""What the Inspector shows of a thing that has no picture of its own: its state, its figures, its document."""

import json
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.state import Badge

_MOST_TEXT = 20_000


class Details(QWidget):
    """A title, a state, captioned lines and a document in a fixed-width font."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(2 * theme.SPACE)
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        self._title.setWordWrap(True)
        self._badge = Badge()
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setFont(theme.mono_font())
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setAccessibleName(tr("Document"))
        self._text.setAccessibleDescription(tr("All that is known of it, as JSON; Ctrl+A and Ctrl+C copy it"))
        column.addWidget(self._title)
        column.addWidget(self._badge)
        column.addLayout(self._grid)
        column.addWidget(self._text, 1)
        column.addStretch(0)

    def show_thing(self, title: str, *, state: str = "", lines: Sequence[tuple[str, str]] = (), document: Any = None) -> None:
        """Show one thing in place of the last."""
        self._title.setText(title)
        self._badge.setVisible(bool(state))
        if state:
            self._badge.show_state(state)
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        for row, (caption, said) in enumerate(lines):
            name, value = QLabel(caption), QLabel(said)
            name.setProperty("role", "caption")
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, row, 1)
        text = pretty(document) if document is not None else ""
        self._text.setPlainText(text)
        self._text.setVisible(bool(text))


def pretty(document: Any) -> str:
    """Return a JSON document as people read it, cut when it is long."""
    text = document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False, default=str)
    return (
        text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + tr("\n… {count} more characters", count=len(text) - _MOST_TEXT)
    )

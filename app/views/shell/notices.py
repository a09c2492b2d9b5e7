"""The message bar: what happened and what to do, one line per cause; a newer message of the same cause replaces the older.

Nothing here is a dialog, and a node that is offline is no message at all: it is a badge with an age.
"""

from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.engine.base.funnel import Fate, Notice
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.icons import icon

MOST_SHOWN: Final = 3
PASSING_MS: Final = 6000


class NoticeBar(QWidget):
    """At most three messages, the newest on top."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, QFrame] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.SPACE)
        self.hide()

    @property
    def texts(self) -> list[str]:
        """Return the messages shown, newest first."""
        return [str(row.property("text")) for row in reversed(self._rows.values())]

    def tell(self, notice: Notice, key: str = "") -> None:
        """Show `notice` in place of an older one with the same `key` (its text when none is given)."""
        key = key or notice.text
        self.dismiss(key)
        row = self._row_of(notice, key)
        self._rows[key] = row
        self._column.insertWidget(0, row)
        for old in list(self._rows)[:-MOST_SHOWN]:
            self.dismiss(old)
        self.show()

    def pass_on(self, text: str) -> None:
        """Show a line that goes by itself."""
        self.tell(Notice(Fate.SILENT, text), key="passing")

    def dismiss(self, key: str) -> None:
        """Take one message away."""
        row = self._rows.pop(key, None)
        if row is not None:
            self._column.removeWidget(row)
            row.setParent(None)
            row.deleteLater()
        self.setVisible(bool(self._rows))

    def dismiss_newest(self) -> bool:
        """Take the newest message away; false when there is none."""
        if not self._rows:
            return False
        self.dismiss(next(reversed(self._rows)))
        return True

    def _row_of(self, notice: Notice, key: str) -> QFrame:
        row = QFrame()
        row.setProperty("notice", "info" if notice.fate is Fate.SILENT else "bad")
        row.setProperty("text", notice.text)
        row.setAccessibleName(notice.text)
        line = QHBoxLayout(row)
        line.setContentsMargins(12, 6, 6, 6)
        words = QVBoxLayout()
        words.setSpacing(2)
        text = QLabel(notice.text)
        text.setWordWrap(True)
        words.addWidget(text)
        if notice.hint:
            hint = QLabel(notice.hint)
            hint.setProperty("role", "caption")
            hint.setWordWrap(True)
            words.addWidget(hint)
        line.addLayout(words, 1)
        if notice.report:
            copy = QPushButton(tr("Copy report"))
            copy.clicked.connect(lambda _checked=False: QGuiApplication.clipboard().setText(notice.report))
            line.addWidget(copy)
        close = QToolButton()
        close.setIcon(icon("x"))
        close.setAccessibleName(tr("Dismiss this message"))
        close.setToolTip(tr("Dismiss (Esc)"))
        close.clicked.connect(lambda _checked=False: self.dismiss(key))
        line.addWidget(close)
        if notice.fate is Fate.SILENT:
            passing = QTimer(row)
            passing.setSingleShot(True)
            passing.timeout.connect(lambda: self._expire(key, row))
            passing.start(PASSING_MS)
        return row

    def _expire(self, key: str, row: QFrame) -> None:
        if self._rows.get(key) is row:
            self.dismiss(key)

"""The message bar: what happened and what to do, one line per cause; a newer message of the same cause replaces the older.

Nothing here is a dialog, and a node that is offline is no message at all: it is a badge with an age.
"""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.engine.base.funnel import Fate, Notice
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.icons import icon

MOST_SHOWN: Final = 3
PASSING_MS: Final = 6000
_MOST_SHOWN_TEXT: Final = 1500


class NoticeBar(QWidget):
    """At most three messages, the newest on top."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, QFrame] = {}
        self._counts: dict[str, int] = {}
        self._quiet = False
        self._help: Callable[[], None] | None = None
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
        if self._quiet and notice.fate is Fate.SILENT:
            return
        again = self._counts.get(key, 0) + 1 if key in self._rows else 1
        self.dismiss(key)
        self._counts[key] = again
        row = self._row_of(notice, key, again)
        self._rows[key] = row
        self._column.insertWidget(0, row)
        for old in list(self._rows)[:-MOST_SHOWN]:
            self.dismiss(old)
        self.show()

    def set_quiet(self, *, quiet: bool) -> None:
        """Show no passing lines while somebody does not want to be disturbed; errors are told all the same."""
        self._quiet = quiet

    def offer_help(self, act: Callable[[], None]) -> None:
        """Offer `act`, the making of a support bundle, beside the report of a bug."""
        self._help = act

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

    def _row_of(self, notice: Notice, key: str, times: int) -> QFrame:
        row = QFrame()
        row.setProperty("notice", "info" if notice.fate is Fate.SILENT else "bad")
        row.setProperty("text", notice.text)
        row.setAccessibleName(notice.text)
        line = QHBoxLayout(row)
        line.setContentsMargins(12, 6, 6, 6)
        words = QVBoxLayout()
        words.setSpacing(2)
        text = QLabel(tr("{text} ({n} times)", text=notice.text, n=times) if times > 1 else notice.text)
        text.setWordWrap(True)
        text.setTextFormat(Qt.TextFormat.PlainText)
        words.addWidget(text)
        if notice.hint:
            hint = QLabel(notice.hint)
            hint.setProperty("role", "caption")
            hint.setWordWrap(True)
            words.addWidget(hint)
        line.addLayout(words, 1)
        if notice.report:
            line.addWidget(self._copy_button(notice.report))
            if self._help is not None:
                bundle = QPushButton(tr("Make a support bundle"))
                bundle.setToolTip(tr("One file with versions, settings and the log, without secrets"))
                bundle.clicked.connect(lambda _checked=False, act=self._help: act())
                line.addWidget(bundle)
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

    def _copy_button(self, report: str) -> QPushButton:
        copy = QPushButton(tr("Copy report"))
        copy.setToolTip(report if len(report) < _MOST_SHOWN_TEXT else report[:_MOST_SHOWN_TEXT] + "…")
        copy.setAccessibleDescription(tr("What ran where, and the trace; keys, codes and folders are taken out"))
        copy.clicked.connect(lambda _checked=False: QGuiApplication.clipboard().setText(report))
        return copy

    def _expire(self, key: str, row: QFrame) -> None:
        if self._rows.get(key) is row:
            self.dismiss(key)

"""The lane of changes that wait before they leave this machine: a few seconds in which each can be taken back.

Nothing is sent while it waits; a window that is closed meanwhile sends nothing.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.engine.base.command import Command
from app.engine.base.text import tr
from app.views.shell import theme
from app.views.shell.forms import command_line

TICK_MS: Final = 250


class _Waiting(QFrame):
    """One change that waits: what it is, how long still, now or not at all."""

    def __init__(self, row: Command, given: Mapping[str, Any], wait_s: float, go: Callable[[], None]) -> None:
        super().__init__()
        self.left_s, self.go, self.title, self._leaves = wait_s, go, tr(row.title), row.leaves
        self.setProperty("notice", "info")
        leaves = tr("{what} waits to leave this machine", what=self.title)
        self.setAccessibleName(leaves if row.leaves else tr("{what} waits to begin", what=self.title))
        self.said = QLabel()
        exact = QLabel(command_line(row, given))
        exact.setProperty("role", "caption")
        exact.setWordWrap(True)
        self.now = QPushButton(tr("Send now") if row.leaves else tr("Begin now"))
        self.back = QPushButton(tr("Take back"))
        self.back.setProperty("primary", True)
        for button in (self.now, self.back):
            button.setAccessibleDescription(self.title)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.said)
        words.addWidget(exact)
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 6, 6, 6)
        line.addLayout(words, 1)
        line.addWidget(self.now)
        line.addWidget(self.back)
        self.tell()

    def tell(self) -> None:
        """Say how long it still waits."""
        left = max(1, math.ceil(self.left_s))
        leaves = tr("{what} leaves this machine in {n} s", what=self.title, n=left)
        self.said.setText(leaves if self._leaves else tr("{what} begins in {n} s", what=self.title, n=left))


class PendingLane(QWidget):
    """Holds changes and lets each go when its time has come; `take_back` stops the newest."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[_Waiting] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.SPACE)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(lambda: self.pass_s(TICK_MS / 1000))
        self.hide()

    @property
    def texts(self) -> list[str]:
        """Return what waits, in the order it was asked for."""
        return [row.said.text() for row in self._rows]

    def hold(self, row: Command, given: Mapping[str, Any], wait_s: float, go: Callable[[], None]) -> None:
        """Call `go` after `wait_s` seconds unless it is taken back before."""
        waiting = _Waiting(row, given, wait_s, go)
        waiting.now.clicked.connect(lambda _checked=False: self._end(waiting, send=True))
        waiting.back.clicked.connect(lambda _checked=False: self._end(waiting, send=False))
        self._rows.append(waiting)
        self._column.addWidget(waiting)
        self._timer.start()
        self.show()

    def take_back(self) -> bool:
        """Take back what was asked for last; False when nothing waits."""
        if not self._rows:
            return False
        self._end(self._rows[-1], send=False)
        return True

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        for row in tuple(self._rows):
            row.left_s -= seconds
            if row.left_s <= 0:
                self._end(row, send=True)
            else:
                row.tell()

    def stop(self) -> None:
        """Send nothing of what waits."""
        for row in tuple(self._rows):
            self._end(row, send=False)

    def _end(self, row: _Waiting, *, send: bool) -> None:
        if row not in self._rows:
            return
        self._rows.remove(row)
        self._column.removeWidget(row)
        row.setParent(None)
        row.deleteLater()
        if not self._rows:
            self._timer.stop()
            self.hide()
        if send:
            row.go()

"""The one frame timer: it pulls, plots never push; it rests when the window is hidden and slows down when nothing moves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

IDLE_MS: Final = 250  # between looks while no plot has anything new
_REST_AFTER: Final = 10  # frames without anything drawn before the timer slows down

Draw = Callable[[], bool]


@dataclass
class _Entry:
    widget: QWidget
    draw: Draw


class Frames(QObject):
    """Calls `draw` of every visible widget at most `hz` times a second; `second` comes once a second for ages and clocks."""

    second = Signal()

    def __init__(self, hz: float, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[_Entry] = []
        self._quiet = 0
        self._ticks_ms = 0
        self._busy_ms = max(33, round(1000 / hz))
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.CoarseTimer)
        self._timer.setInterval(self._busy_ms)
        self._timer.timeout.connect(self.tick)

    @property
    def running(self) -> bool:
        """Tell whether the timer runs."""
        return self._timer.isActive()

    @property
    def interval_ms(self) -> int:
        """Return the time between two looks now."""
        return self._timer.interval()

    def set_rate(self, hz: float) -> None:
        """Change the highest rate (frames per second)."""
        self._busy_ms = max(33, round(1000 / hz))
        self._timer.setInterval(self._busy_ms)

    def add(self, widget: QWidget, draw: Draw) -> None:
        """Call `draw` (true when it drew something) while `widget` is visible; ends with the widget."""
        entry = _Entry(widget, draw)
        self._entries.append(entry)
        entries = self._entries

        def forget() -> None:
            if entry in entries:
                entries.remove(entry)

        widget.destroyed.connect(forget)

    def start(self) -> None:
        """Begin, or go on."""
        if not self._timer.isActive():
            self._quiet = 0
            self._timer.start(self._busy_ms)

    def stop(self) -> None:
        """Rest: the window is hidden, minimised or closed."""
        self._timer.stop()

    def tick(self) -> None:
        """Draw one frame of what is visible."""
        drew = False
        for entry in tuple(self._entries):
            if entry.widget.isVisible():
                drew = entry.draw() or drew
        self._quiet = 0 if drew else self._quiet + 1
        wanted = self._busy_ms if self._quiet < _REST_AFTER else max(IDLE_MS, self._busy_ms)
        self._ticks_ms += self._timer.interval()
        if wanted != self._timer.interval():
            self._timer.setInterval(wanted)
        if self._ticks_ms >= 1000:
            self._ticks_ms -= 1000
            self.second.emit()

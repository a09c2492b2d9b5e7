"""Coalescing: many asks, one call, a short time later."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


class Later(QObject):
    """Calls `act` once, `wait_ms` after the first of many `ask()`s; `now()` does not wait."""

    def __init__(self, act: Callable[[], None], wait_ms: int, parent: QObject) -> None:
        super().__init__(parent)
        self._act = act
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(wait_ms)
        self._timer.timeout.connect(self._fire)

    @property
    def pending(self) -> bool:
        """Tell whether a call is due."""
        return self._timer.isActive()

    def ask(self) -> None:
        """Ask for a call; further asks until then are the same ask."""
        if not self._timer.isActive():
            self._timer.start()

    def now(self) -> None:
        """Call at once and forget what was asked."""
        self._timer.stop()
        self._act()

    def stop(self) -> None:
        """Forget what was asked."""
        self._timer.stop()

    def _fire(self) -> None:
        self._act()

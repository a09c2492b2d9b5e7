"""A button for what cannot be undone: it asks once more in its own place, and forgets after a few seconds."""

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QPushButton

from app.engine.base.text import tr

WAIT_MS: Final = 4000


class ConfirmButton(QPushButton):
    """The first press asks, the second one within four seconds acts."""

    def __init__(self, text: str, question: str, act: Callable[[], None]) -> None:
        super().__init__(text)
        self._text, self._question, self._act = text, question, act
        self.setProperty("destructive", True)
        self.setAccessibleDescription(tr("Asks once more before it acts: {question}", question=question))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self.forget)
        self.clicked.connect(self._pressed)

    @property
    def asking(self) -> bool:
        """Tell whether the next press acts."""
        return self._timer.isActive()

    def forget(self) -> None:
        """Go back to the first question."""
        self._timer.stop()
        self.setText(self._text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Looking away is a no."""
        super().focusOutEvent(event)
        self.forget()

    def _pressed(self, _checked: bool = False) -> None:
        if self.asking:
            self.forget()
            self._act()
        else:
            self.setText(self._question)
            self._timer.start()

"""Two or more parts beside each other where there is room for all of them, else one below the other."""

from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLayout, QWidget

from app.views.shell import theme

# What a part needs to be read, where its content asks for less.
LEAST_PX: Final = 260


class SideBySide(QWidget):
    """Holds `parts`, each with its share of the room; it asks for the width of the widest alone."""

    def __init__(self, *parts: tuple[QWidget, int]) -> None:
        super().__init__()
        self.setProperty("clear", True)
        self._line = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._line.setContentsMargins(0, 0, 0, 0)
        # What it needs is told here; its layout would ask for all parts beside each other.
        self._line.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._line.setSpacing(3 * theme.SPACE)
        self._parts = [part for part, _ in parts]
        for part, share in parts:
            part.setMinimumWidth(LEAST_PX)
            self._line.addWidget(part, share)

    @property
    def stacked(self) -> bool:
        """Tell whether the parts stand one below the other."""
        return self._line.direction() == QBoxLayout.Direction.TopToBottom

    def minimumSizeHint(self) -> QSize:
        """Return what it needs at least: the width of one part, the height as they stand."""
        return QSize(max(map(_wide, self._parts)), self._line.minimumSize().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the parts as there is room."""
        need = sum(map(_wide, self._parts)) + self._line.spacing() * (len(self._parts) - 1)
        narrow = event.size().width() < need
        if narrow != self.stacked:
            self._line.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
            self.updateGeometry()
        super().resizeEvent(event)


def _wide(part: QWidget) -> int:
    return max(LEAST_PX, part.minimumSizeHint().width())

"""A choice of a few words: Qt's box with an arrow that follows the theme."""

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox

from app.views.shell.icons import icon

_ARROW_PX = 14
_NARROW = 6  # letters


class Choice(QComboBox):
    """Draws its own arrow, since a style sheet takes away the style's."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, then the arrow."""
        super().paintEvent(event)
        painter = QPainter(self)
        top = (self.height() - _ARROW_PX) // 2
        icon("chevron-down").paint(painter, QRect(self.width() - _ARROW_PX - 7, top, _ARROW_PX, _ARROW_PX))
        painter.end()

    def narrow(self) -> None:
        """Be as narrow as a form's column, however long a word in the list is; the list itself shows it whole."""
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_NARROW)
        self.view().setMinimumWidth(self.view().sizeHintForColumn(0) + 2 * _ARROW_PX)

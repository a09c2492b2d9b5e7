"""A card that can be folded to its heading, so that what is below comes into sight."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.explain import explain


class Fold(QFrame):
    """Holds one widget below a heading; a press on the heading, or Space, shows or hides it."""

    opened = Signal(bool)

    def __init__(self, heading: str, widget: QWidget, *, is_open: bool) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.heading = QToolButton()
        self.heading.setText(heading)
        self.heading.setProperty("role", "heading")
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.heading.setCheckable(True)
        self.heading.setAutoRaise(True)
        self.heading.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._widget = widget
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(2 * theme.SPACE)
        column.addWidget(self.heading)
        column.addWidget(widget)
        self.heading.setChecked(is_open)
        self._turned(is_open)
        self.heading.toggled.connect(self._turned)
        self.heading.toggled.connect(self.opened)

    def unfold(self) -> None:
        """Show what it holds."""
        self.heading.setChecked(True)

    def _turned(self, is_open: bool) -> None:
        self._widget.setVisible(is_open)
        self.heading.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        explain(self.heading, tr("Fold it to its heading") if is_open else tr("Show what it holds"))

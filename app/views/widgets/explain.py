"""What a widget is for and what it shows, said to the pointer that rests on it and to a reader of the screen alike."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QTabWidget, QWidget

from app.engine.base.text import tr


def explain(widget: QWidget, sentence: str) -> None:
    """Give `widget` the sentence as tool tip and as accessible description."""
    widget.setToolTip(sentence)
    widget.setAccessibleDescription(sentence)


def name_drawn(widget: QWidget, name: str, said: str = "") -> None:
    """Name a widget that draws its content, and say what it shows."""
    widget.setAccessibleName(name)
    say_drawn(widget, said)


def say_drawn(widget: QWidget, said: str) -> None:
    """Say in words what `widget` draws; nothing said means that it draws nothing yet."""
    widget.setAccessibleDescription(said or tr("Nothing to show yet"))


def as_scrolled(area: QScrollArea, name: str, *, across: bool = False) -> QScrollArea:
    """Have `area` fit its content, name it, and say how it moves; without `across` it moves up and down only.

    A tool tip would show on everything inside, so there is none.
    """
    area.setWidgetResizable(True)
    area.setAccessibleName(name)
    area.setAccessibleDescription(tr("Arrows and the Page keys scroll"))
    if not across:
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def scrolled(inside: QWidget, name: str, *, across: bool = False) -> QScrollArea:
    """Return an area named `name` that scrolls `inside`."""
    area = as_scrolled(QScrollArea(), name, across=across)
    area.setWidget(inside)
    return area


def tabbed(name: str) -> QTabWidget:
    """Return tabs named `name`, still empty; the tab bar is what takes the focus."""
    tabs = QTabWidget()
    for part in (tabs, tabs.tabBar()):
        part.setAccessibleName(name)
        part.setAccessibleDescription(tr("Left and Right open the tab beside"))
    return tabs

"""Walking the tree of widgets as a reader of the screen would, for the laws on names, keys and languages."""

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)  # fmt: skip

from app.views.shell.page import PAGES

KINDS = (QAbstractButton, QLineEdit, QComboBox, QPlainTextEdit, QAbstractItemView, QAbstractSpinBox, QAbstractSlider)
OF_QT = ("qt_", "ScrollLeftButton", "ScrollRightButton")


def is_qts_own(widget: QWidget) -> bool:
    """Tell whether Qt made the widget inside another one (a clear button, the list of a choice, a scroll bar)."""
    parent = widget.parentWidget()
    inside = isinstance(parent, (QLineEdit, QComboBox, QTabBar, QAbstractSpinBox)) or (
        parent is not None and isinstance(parent.parentWidget(), QComboBox)
    )
    corner = isinstance(parent, QAbstractItemView)
    return inside or corner or isinstance(widget, QScrollBar) or widget.objectName().startswith(OF_QT)


def interactive(window) -> Iterator[QWidget]:
    """Yield what a person can act on, visible or not yet."""
    for widget in window.findChildren(QWidget):
        if isinstance(widget, KINDS) and not is_qts_own(widget):
            yield widget


def told_of(whole) -> Iterator[QWidget]:
    """Yield what a reader of the screen must be able to tell: what acts, takes the keyboard, or draws what it shows.

    A label is its own text; what hands the keyboard on is told by whoever gets it.
    """
    for widget in whole.findChildren(QWidget):
        acts = isinstance(widget, (*KINDS, QProgressBar)) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        draws = any("paintEvent" in vars(kind) for kind in type(widget).__mro__ if kind.__module__.startswith("app."))
        if (acts or draws) and not (is_qts_own(widget) or isinstance(widget, QLabel) or widget.focusProxy() is not None):
            yield widget


def spoken(widget: QWidget) -> tuple[str, str]:
    """Return name and description of `widget` as the platform hands them to a reader of the screen."""
    face = QAccessible.queryAccessibleInterface(widget)
    return face.text(QAccessible.Text.Name).strip(), face.text(QAccessible.Text.Description).strip()


def name_of(widget: QWidget) -> str:
    """Return what a screen reader calls `widget`."""
    return spoken(widget)[0]


def untold(whole) -> set[str]:
    """Return the places in `whole` where a name or a description is missing."""
    said = {
        place_of(widget): (name, what) for widget in told_of(whole) for name, what in [spoken(widget)] if not (name and what)
    }
    return {f"{place}: {name or 'no name'}, {what or 'no description'}" for place, (name, what) in said.items()}


def place_of(widget: QWidget) -> str:
    """Return where a widget stands, for the report of a failing law."""
    names = []
    at = widget
    while at is not None and len(names) < 4:
        names.append(type(at).__name__)
        at = at.parentWidget()
    return " in ".join(names)


def visited(window) -> Iterator[str]:
    """Open every page, and yield its name."""
    for spec in PAGES:
        window.open_page(spec.name)
        window.settle()
        yield spec.name


def reachable(widget: QWidget) -> bool:
    """Tell whether Tab (or a key of its own) leads to `widget`; among buttons of which one is on, the arrows lead on."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    ways = group.buttons() if group is not None and group.exclusive() else [widget]
    return any(way.focusPolicy() & Qt.FocusPolicy.TabFocus for way in ways) or bool(widget.property("keys"))


def texts_of(window) -> Iterator[tuple[QWidget, str]]:
    """Yield every text written on a visible label or button."""
    for widget in window.findChildren(QWidget):
        if widget.isVisibleTo(window) and isinstance(widget, (QLabel, QPushButton, QToolButton)) and not is_qts_own(widget):
            yield widget, widget.text()

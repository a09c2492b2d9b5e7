"""Resizing by keyboard what the mouse drags: the part of a page, or the dock, that has the keyboard."""

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QSplitter

STEP_PX: Final = 40


def resize(sign: int) -> None:
    """Make the part with the keyboard larger (1) or smaller (-1); what stands alone stays as it is."""
    part = QApplication.focusWidget()
    while part is not None:
        around = part.parentWidget()
        if isinstance(around, QSplitter) and around.count() > 1:
            _shift(around, around.indexOf(part), sign * STEP_PX)
            return
        if isinstance(part, QDockWidget) and isinstance(around, QMainWindow):
            _widen(around, part, sign * STEP_PX)
            return
        part = around


def _shift(splitter: QSplitter, at: int, by: int) -> None:
    """Move the handle between part `at` and its neighbour; the splitter keeps what each needs at least."""
    last = at == splitter.count() - 1
    handle = at if last else at + 1
    place = splitter.handle(handle).pos()
    now = place.x() if splitter.orientation() == Qt.Orientation.Horizontal else place.y()
    splitter.moveSplitter(now - by if last else now + by, handle)


def _widen(window: QMainWindow, dock: QDockWidget, by: int) -> None:
    beside = window.dockWidgetArea(dock) in (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)
    size = dock.width() if beside else dock.height()
    way = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
    window.resizeDocks([dock], [max(1, size + by)], way)

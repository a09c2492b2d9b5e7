"""Where the window stands: put back where it was left, but never where no screen shows it."""

from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

_GRIP_PX: Final = 80  # so much of the window must be on a screen, or it cannot be taken hold of


def put_frame(window: QWidget, held: Any) -> None:
    """Put `window` where `held` says ({frame, maximized}); what is malformed, or on no screen any more, is not taken."""
    if not isinstance(held, Mapping):
        return
    frame = _frame(held.get("frame"))
    if frame is not None:
        window.setGeometry(on_screen(frame))
    if held.get("maximized") is True:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def on_screen(frame: QRect) -> QRect:
    """Return `frame`, moved to the middle of the first screen when too little of it can be seen on any."""
    areas = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    for area in areas:
        seen = area.intersected(frame)
        if seen.width() >= _GRIP_PX and seen.height() >= _GRIP_PX and area.top() <= frame.top():
            return frame
    if not areas:
        return frame
    moved = QRect(frame)
    moved.setSize(frame.size().boundedTo(areas[0].size()))
    moved.moveCenter(areas[0].center())
    return moved


def sizes_of(frame: QRect) -> list[int]:
    """Return x, y, width and height."""
    return [frame.x(), frame.y(), frame.width(), frame.height()]


def _frame(held: Any) -> QRect | None:
    if are_sizes(held) and len(held) == 4 and held[2] > 0 and held[3] > 0:
        return QRect(*held)
    return None


def are_sizes(held: Any) -> TypeGuard[list[int]]:
    """Tell whether `held` is a list of pixels a screen may have."""
    return isinstance(held, list) and all(isinstance(one, int) and abs(one) < 100_000 for one in held)

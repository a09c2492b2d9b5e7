"""Icons: Lucide line drawings in the colours of the theme, drawn at the resolution they are asked for."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.views.shell import theme


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return (theme.RESOURCES / "icons" / f"{name}.svg").read_text("utf-8")


@lru_cache(maxsize=256)
def _drawing(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))


class _Painted(QIconEngine):
    """An icon that is drawn; a picture of it is a drawing on nothing."""

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the icon as a picture of `size`."""
        picture = QPixmap(size)
        picture.fill(QColor(Qt.GlobalColor.transparent))
        painter = QPainter(picture)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return picture


class _Engine(_Painted):
    """Draws one icon: muted when off, in the text colour when on, pale when disabled."""

    def __init__(self, name: str, tint: str) -> None:
        super().__init__()
        self._name, self._tint = name, tint

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw into `rect`."""
        tint = self._tint
        if mode == QIcon.Mode.Disabled:
            tint = "stale"
        elif state == QIcon.State.On:
            tint = "accent"
        _drawing(self._name, getattr(theme.now(), tint)).render(painter, QRectF(rect))

    def clone(self) -> QIconEngine:
        """Return an equal engine."""
        return _Engine(self._name, self._tint)


class _Swatch(_Painted):
    """Draws the line of a curve in its colour; pale while the curve is hidden."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def paint(self, painter: QPainter, rect: QRect, _mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw into `rect`."""
        tokens = theme.now()
        colour = tokens.series[self._number % len(tokens.series)] if state == QIcon.State.On else tokens.border
        painter.fillRect(QRectF(rect.left(), rect.center().y() - 1, rect.width(), 3), QColor(colour))

    def clone(self) -> QIconEngine:
        """Return an equal engine."""
        return _Swatch(self._number)


def icon(name: str, tint: str = "muted") -> QIcon:
    """Return the icon `name` (a file of resources/icons) that follows the theme, in the colour `tint`."""
    return QIcon(_Engine(name, tint))


def swatch(number: int) -> QIcon:
    """Return the line of curve `number` of a legend."""
    return QIcon(_Swatch(number))

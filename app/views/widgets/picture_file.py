"""A drawing as a file, whole, however little of it the window shows: PNG in fine pixels, SVG as lines and text."""

from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from PySide6.QtCore import QBuffer, QByteArray, QRectF, QSize
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from app.engine.base.errors import Conflict, Limit
from app.engine.base.platform import replace_file
from app.views.shell import theme

PRINT_RATIO: Final = 2.0  # pixels of an exported picture per pixel of the window
_MOST_PX: Final = 30_000  # along one side
_LEAST_RATIO: Final = 0.5


@runtime_checkable
class Whole(Protocol):
    """A picture that may be larger than its window."""

    def drawn_size(self) -> QSize:
        """Return the size of the whole drawing."""

    def draw_whole(self, painter: QPainter) -> None:
        """Draw all of it from the origin."""


def save_png(picture: Whole, file: Path) -> Path:
    """Write all of `picture`, coarser when it is very long; raise `Limit` when it is too long for that."""
    size = picture.drawn_size()
    ratio = min(PRINT_RATIO, _MOST_PX / max(1, size.width(), size.height()))
    if ratio < _LEAST_RATIO:
        raise Limit("The picture is too large for a PNG file", hint="Save it as SVG.")
    image = QImage(QSize(round(size.width() * ratio), round(size.height() * ratio)), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(theme.now().colour("surface"))
    painter = QPainter(image)
    picture.draw_whole(painter)
    painter.end()
    data = QBuffer()
    data.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(data, QByteArray(b"PNG")).write(image)
    return _written(file, data.data())


def save_svg(picture: Whole, file: Path, title: str) -> Path:
    """Write all of `picture` with its title."""
    size, data = picture.drawn_size(), QBuffer()
    data.open(QBuffer.OpenModeFlag.WriteOnly)
    drawing = QSvgGenerator()
    drawing.setOutputDevice(data)
    drawing.setSize(size)
    drawing.setViewBox(QRectF(0, 0, size.width(), size.height()))
    drawing.setTitle(title)
    painter = QPainter(drawing)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), theme.now().colour("surface"))
    picture.draw_whole(painter)
    painter.end()
    return _written(file, data.data())


def _written(file: Path, data: QByteArray) -> Path:
    try:
        replace_file(file, bytes(data.data()))
    except OSError as error:
        raise Conflict(
            "{file} cannot be written: {reason}",
            file=file,
            reason=error.strerror or "",
            hint="Choose a folder you may write to.",
        ) from None
    return file

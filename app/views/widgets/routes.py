"""Points and lines on the map, or in a plane where they are not on the earth: tours, a network with its loads, flows."""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.engine.base.text import tr
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import MARGIN_PX, Drawing, label, series
from app.views.widgets.map_layers import draw_base, view_of

_LABELS: Final = 60


class Routes(Drawing):
    """A line by colour and number; a depot ■, a stop ●, a node ○."""

    def said(self) -> str:
        """Return how many points and lines there are."""
        return tr("{points} places, {lines} lines", points=len(self.picture["points"]), lines=len(self.picture["lines"]))

    def twin(self) -> Twin:
        """Return the lines with the names along them."""
        names = [str(point["name"]) for point in self.picture.get("points", ())]
        rows: list[Row] = [
            (line["label"] or str(at + 1), len(line["points"]), " → ".join(names[k] for k in line["points"]))
            for at, line in enumerate(self.picture.get("lines", ()))
        ]
        return Twin((tr("Line"), tr("Places"), tr("Way")), rows)

    def draw(self, painter: QPainter) -> None:
        """Draw the ground, the lines, then the points over them, then the names that fit."""
        points = self.picture["points"]
        places = [(point["x"], point["y"]) for point in points]
        if self.picture.get("earth") and points:
            view, at = view_of(places, (self.width(), self.height()), 6 if self.small else MARGIN_PX)
            draw_base(painter, view, None, grid=not self.small)
            painter.setFont(theme.text_font(theme.CAPTION_PX))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            at = self.fitted(places)
        for line in self.picture["lines"]:
            muted = line["series"] < 0
            pen = QPen(series(line["series"], 120 if muted else 230), 1 + (5 if muted else 1.5) * line["width_ratio"])
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF([at[k] for k in line["points"]]))
        for point, place in zip(points, at, strict=True):
            self._point(painter, place, str(point["role"]))
        if not self.small and len(points) <= _LABELS:
            taken = [QRectF(place.x() - 4, place.y() - 4, 8, 8) for place in at]
            for point, place in zip(points, at, strict=True):
                label(painter, place, str(point["name"]), taken)

    def _point(self, painter: QPainter, at: QPointF, role: str) -> None:
        tokens = theme.now()
        radius = 2.0 if self.small else max(2.0, min(4.5, 60 / max(1, len(self.picture["points"])) ** 0.5))
        painter.setPen(QPen(QColor(tokens.surface if role != "node" else tokens.text), 1))
        painter.setBrush(QColor(tokens.accent if role == "depot" else tokens.surface if role == "node" else tokens.text))
        if role == "depot":
            painter.drawRect(QRectF(at.x() - 1.5 * radius, at.y() - 1.5 * radius, 3 * radius, 3 * radius))
        else:
            painter.drawEllipse(at, radius, radius)

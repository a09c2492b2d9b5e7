"""Risk against return: the efficient frontier as a curve, the assets as dots, the chosen portfolio and its shares."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing, label, series


class Frontier(Drawing):
    """The curve says what shares without lots could reach; a choice cannot lie above it."""

    def said(self) -> str:
        """Return risk and return of the choice."""
        chosen = self.picture.get("chosen")
        if not chosen:
            return tr("{assets} assets and the efficient frontier", assets=len(self.picture["assets"]))
        return tr("Chosen: return {gain}, risk {risk}", gain=number_text(chosen[1], ".4g"), risk=number_text(chosen[0], ".4g"))

    def twin(self) -> Twin:
        """Return the assets with return, risk and share."""
        shares = {str(name): float(share) for name, share in self.picture.get("weights", ())}
        rows: list[Row] = [
            (name, gain, risk, shares.get(str(name), 0.0)) for name, risk, gain in self.picture.get("assets", ())
        ]
        return Twin((tr("Asset"), tr("Return"), tr("Risk (standard deviation)"), tr("Share")), rows)

    def draw(self, painter: QPainter) -> None:
        """Draw the curve, the assets, the choice and the words."""
        tokens = theme.now()
        curve, assets, chosen = self.picture["curve"], self.picture["assets"], self.picture["chosen"]
        plane = [*curve, *([risk, gain] for _, risk, gain in assets), *([chosen] if chosen else [])]
        at = self.fitted([(float(risk), float(gain)) for risk, gain in plane], square=False)
        line, rest = at[: len(curve)], at[len(curve) :]
        painter.setPen(QPen(series(0), 1 if self.small else 2))
        painter.drawPolyline(QPolygonF(line))
        taken: list[QRectF] = []
        for (name, _, _), place in zip(assets, rest, strict=False):
            painter.setPen(QPen(QColor(tokens.surface), 1))
            painter.setBrush(QColor(tokens.muted))
            painter.drawEllipse(place, 2 if self.small else 4, 2 if self.small else 4)
            if not self.small:
                label(painter, place, str(name), taken)
        if chosen:
            painter.setBrush(series(1))
            size = 3.0 if self.small else 6.0
            middle = rest[-1]
            corners = [(0, -size), (size, 0), (0, size), (-size, 0)]
            painter.drawPolygon(QPolygonF([QPointF(middle.x() + x, middle.y() + y) for x, y in corners]))
        if not self.small:
            painter.setPen(QColor(tokens.muted))
            painter.drawText(
                QRectF(4, self.height() - 16, self.width() - 8, 16), int(Qt.AlignmentFlag.AlignRight), tr("risk →")
            )
            painter.drawText(QRectF(4, 2, self.width() - 8, 16), int(Qt.AlignmentFlag.AlignLeft), tr("↑ return"))

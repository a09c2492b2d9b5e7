"""A graph in colours: two sides of a cut, the parts of a partition, the colours of a colouring, the values of bits."""

from typing import Final

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.engine.base.text import tr
from app.engine.base.units import count_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing, series

_LABELS: Final = 60
_EVEN: Final = 4000


class Coloring(Drawing):
    """A node's group is told by its colour and, where there is room, by a number; marked edges are in the accent."""

    def said(self) -> str:
        """Return how many nodes and edges there are."""
        marked = sum(bool(edge[3]) for edge in self.picture["edges"])
        nodes, edges = len(self.picture["points"]), len(self.picture["edges"])
        return ", ".join((
            tr("{count} nodes", count=count_text(nodes), n=nodes), tr("{count} edges", count=count_text(edges), n=edges),
            tr("{count} marked", count=count_text(marked)),
        ))  # fmt: skip

    def twin(self) -> Twin:
        """Return the nodes with their groups and numbers of edges."""
        points = self.picture.get("points", ())
        degree = [0] * len(points)
        for i, j, _, _ in self.picture.get("edges", ()):
            degree[i] += 1
            degree[j] += 1
        rows: list[Row] = [
            (point["name"], None if point["group"] < 0 else point["group"], degree[at]) for at, point in enumerate(points)
        ]
        return Twin((tr("Node"), tr("Group"), tr("Edges")), rows)

    def draw(self, painter: QPainter) -> None:
        """Draw the edges, then the nodes, then what is left out."""
        tokens = theme.now()
        at = self.fitted([(point["x"], point["y"]) for point in self.picture["points"]])
        edges = self.picture["edges"]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(edges) < _EVEN)
        faint = max(14, min(150, round(60_000 / max(1, len(edges)))))
        for marked, token in ((False, "stale"), (True, "accent")):
            colour = QColor(getattr(tokens, token))
            colour.setAlpha(faint if not marked else min(255, 2 * faint))
            painter.setPen(QPen(colour, 1))
            painter.drawLines([QLineF(at[i], at[j]) for i, j, _, mark in edges if bool(mark) is marked])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        named = not self.small and len(at) <= _LABELS
        radius = 8.0 if named else 2.5 if self.small else max(1.5, min(6.0, 90 / max(1, len(at)) ** 0.5))
        for point, place in zip(self.picture["points"], at, strict=True):
            self._node(painter, place, radius, int(point["group"]), str(point["name"]) if named else "")
        if self.picture["left_out"] and not self.small:
            painter.setPen(QColor(tokens.muted))
            told = tr("{count} nodes and edges are not drawn", count=count_text(self.picture["left_out"]))
            painter.drawText(QRectF(4, self.height() - 16, self.width(), 16), int(Qt.AlignmentFlag.AlignLeft), told)

    def _node(self, painter: QPainter, at: QPointF, radius: float, group: int, name: str) -> None:
        tokens = theme.now()
        painter.setPen(QPen(QColor(tokens.surface), 1))
        painter.setBrush(QColor(tokens.stale) if group < 0 else series(group))
        box = QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
        if group % 2 == 1:
            painter.drawRect(box)
        else:
            painter.drawEllipse(box)
        if name and len(name) <= 3:
            painter.setPen(QColor("#000000" if painter.brush().color().lightnessF() > 0.5 else "#ffffff"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), name)
        elif name:
            painter.setPen(QColor(tokens.text))
            painter.drawText(QPointF(at.x() + radius + 2, at.y() + 4), name)

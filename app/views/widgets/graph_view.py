"""A weighted graph: nodes by side (● or ■), couplings as lines, cut ones in the accent; positions come from a worker."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.engine.base.text import tr
from app.engine.base.units import count_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.explain import name_drawn, say_drawn

_EDGE_PX: Final = 16
_LABELS: Final = 40  # nodes up to which each has its number beside it


class GraphView(QWidget):
    """Draws `{n, at: [[x, y]], edges: [[i, j, weight]], left_out}`; `show_sides` colours the nodes by a sample."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._at = np.zeros((0, 2))
        self._edges = np.zeros((0, 3))
        self._left_out = 0
        self._sides = ""
        self._picture: tuple[object, QPixmap] | None = None
        name_drawn(self, name)
        self.setMinimumSize(160, 140)

    def show_graph(self, graph: Mapping[str, Any] | None) -> None:
        """Show a graph, or nothing."""
        graph = graph or {}
        self._at = np.asarray(graph.get("at") or np.zeros((0, 2)), float).reshape(-1, 2)
        self._edges = np.asarray(graph.get("edges") or np.zeros((0, 3)), float).reshape(-1, 3)
        self._left_out = int(graph.get("left_out", 0))
        self._picture = None
        nodes, edges = len(self._at), len(self._edges)
        told = (
            tr("{count} nodes", count=count_text(nodes), n=nodes),
            tr("{count} couplings", count=count_text(edges), n=edges),
        )
        say_drawn(self, ", ".join(told))
        self.update()

    def show_sides(self, sample: str) -> None:
        """Colour the nodes by a sample of 0 and 1, in the order of the nodes."""
        if sample != self._sides:
            self._sides, self._picture = sample, None
            self.update()

    def twin(self) -> Twin:
        """Return the nodes with their side, number of couplings and sum of weights."""
        n = len(self._at)
        ends = self._edges[:, :2].astype(int)
        count = np.bincount(ends.ravel(), minlength=n)
        weight = np.bincount(ends.ravel(), np.repeat(self._edges[:, 2], 2), n)
        rows: list[Row] = [(k, self._side(k) or "–", int(count[k]), float(weight[k])) for k in range(n)]
        return Twin((tr("Node"), tr("Side"), tr("Couplings"), tr("Sum of weights")), rows)

    def sizeHint(self) -> QSize:
        """Return the wanted size."""
        return QSize(360, 300)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the graph from its picture, which is made once per size and theme."""
        ratio = self.devicePixelRatioF()
        key = (self.width(), self.height(), ratio, theme.now().name)
        if self._picture is None or self._picture[0] != key:
            pixels = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            pixels.setDevicePixelRatio(ratio)
            pixels.fill(theme.now().colour("surface"))
            inner = QPainter(pixels)
            self._draw(inner)
            inner.end()
            self._picture = (key, pixels)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture[1])
        painter.end()

    # inside

    def _side(self, node: int) -> str:
        return self._sides[node] if node < len(self._sides) else ""

    def _points(self) -> list[QPointF]:
        wide, high = self.width() - 2 * _EDGE_PX, self.height() - 2 * _EDGE_PX - 12
        return [QPointF(_EDGE_PX + x * wide, _EDGE_PX + y * high) for x, y in self._at.tolist()]

    def _draw(self, painter: QPainter) -> None:
        tokens = theme.now()
        points = self._points()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=len(self._edges) < 4000)
        whole: list[QLineF] = []
        cut: list[QLineF] = []
        for i, j in self._edges[:, :2].astype(int).tolist():
            line = QLineF(points[i], points[j])
            (cut if self._side(i) != self._side(j) else whole).append(line)
        for lines, token, most in ((whole, "border", 120), (cut, "accent", 150)):
            colour = QColor(getattr(tokens, token))
            colour.setAlpha(max(12, min(most, round(60000 / max(1, len(self._edges))))))
            painter.setPen(QPen(colour, 1))
            painter.drawLines(lines)
        self._draw_nodes(painter, points)
        if self._left_out:
            painter.setPen(QColor(tokens.muted))
            painter.setFont(theme.text_font(theme.CAPTION_PX))
            told = tr("{count} weaker couplings are not drawn", count=count_text(self._left_out), n=self._left_out)
            painter.drawText(QRectF(4, self.height() - 16, self.width(), 16), int(Qt.AlignmentFlag.AlignLeft), told)

    def _draw_nodes(self, painter: QPainter, points: list[QPointF]) -> None:
        tokens = theme.now()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = max(2.0, min(7.0, 90 / max(1, len(points)) ** 0.5))
        painter.setFont(theme.text_font(theme.CAPTION_PX))
        for node, at in enumerate(points):
            one = self._side(node) == "1"
            painter.setPen(QPen(QColor(tokens.surface), 1))
            painter.setBrush(QColor(tokens.series[1] if one else tokens.series[0]))
            if one:
                painter.drawRect(QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius))
            else:
                painter.drawEllipse(at, radius, radius)
            if len(points) <= _LABELS:
                painter.setPen(QColor(tokens.text))
                painter.drawText(QPointF(at.x() + radius + 2, at.y() + 4), str(node))

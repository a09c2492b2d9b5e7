"""An embedding: the graph of a problem beside the device's, where each variable is a chain of qubits of one colour."""

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text, ratio_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing, series
from app.views.widgets.explain import say_drawn

_STEPS: Final = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_GAP_PX: Final = 24
_MARGIN_PX: Final = 16
_LABELS: Final = 40
_REACH_PX: Final = 9


class EmbeddingView(Drawing):
    """Draws what `app.engine.qubo.embedding.work` returns; a qubit is a line, a dot a coupler within a chain.

    Arrows go from variable to variable and show the picked one on both sides; Escape shows all again.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._picked = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(360, 180)

    def show_picture(self, picture: Mapping[str, Any] | None) -> None:
        """Show an embedding, or nothing."""
        self._picked = -1
        super().show_picture(picture)

    def said(self) -> str:
        """Return the embedding, or the picked chain, in a sentence."""
        chains = self.picture["chains"]
        if not 0 <= self._picked < len(chains):
            return tr(
                "{n} variables on {used} of {qubits} qubits; the longest chain has {longest}", n=len(chains),
                used=self.picture["used"], qubits=self.picture["qubits"], longest=self.picture["longest"],
            )  # fmt: skip
        count = len(chains[self._picked])
        return tr("variable {number}: a chain of {count} qubits", number=self._picked, count=count, n=count)

    def twin(self) -> Twin:
        """Return the chain of each variable."""
        rows: list[Row] = [
            (variable, len(chain), " ".join(map(str, chain))) for variable, chain in enumerate(self.picture.get("chains") or ())
        ]
        return Twin((tr("Variable"), tr("Chain length"), tr("Qubits")), rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from variable to variable."""
        step, many = _STEPS.get(Qt.Key(event.key())), len(self.picture.get("chains") or ())
        if step is not None and many:
            self._pick((self._picked + step) % many if self._picked >= 0 else 0)
        elif event.key() == Qt.Key.Key_Escape and self._picked >= 0:
            self._pick(-1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the variable under the pointer, on either side."""
        if not self.picture:
            return
        at = event.position()
        found = [((place - at).manhattanLength(), k) for k, place in enumerate(self._nodes())]
        for line, variable in self._lines():
            if variable >= 0:
                found.append((_distance(line, at), variable))
        nearest = min(found, default=(float("inf"), -1))
        self._pick(nearest[1] if nearest[0] <= _REACH_PX else -1)

    def draw(self, painter: QPainter) -> None:
        """Draw the graph, the device, and what they are."""
        self._draw_graph(painter)
        self._draw_device(painter)
        tokens = theme.now()
        left, right = self._areas()
        painter.setPen(QColor(tokens.muted))
        middle = int(Qt.AlignmentFlag.AlignHCenter)
        told = tr("graph of the problem") if self._nodes() else tr("too many variables for a drawing of their graph")
        painter.drawText(QRectF(left.left(), self.height() - 18.0, left.width(), 16), middle, told)
        name = f"{str(self.picture['topology']).capitalize()} {self.picture['size']}"
        said = painter.fontMetrics().elidedText(f"{name} · {self.said()}", Qt.TextElideMode.ElideRight, int(right.width()))
        painter.drawText(QRectF(right.left(), self.height() - 18.0, right.width(), 16), middle, said)

    # inside

    def _pick(self, variable: int) -> None:
        self._picked = variable
        say_drawn(self, self.said())
        self.update()

    def _colour(self, variable: int) -> QColor:
        """Return a variable's colour, faint when another one is picked."""
        return series(variable, 255 if self._picked in (-1, variable) else 50)

    def _areas(self) -> tuple[QRectF, QRectF]:
        high = max(40.0, self.height() - 2.0 * _MARGIN_PX - 14)
        wide = max(80.0, self.width() - 2.0 * _MARGIN_PX - _GAP_PX)
        left = QRectF(_MARGIN_PX, _MARGIN_PX, 0.4 * wide, high)
        return left, QRectF(left.right() + _GAP_PX, _MARGIN_PX, 0.6 * wide, high)

    def _nodes(self) -> list[QPointF]:
        area = self._areas()[0].adjusted(6, 6, -6, -6)
        places = (self.picture.get("logical") or {}).get("at") or ()
        return [QPointF(area.left() + x * area.width(), area.top() + y * area.height()) for x, y in places]

    def _draw_graph(self, painter: QPainter) -> None:
        tokens, nodes = theme.now(), self._nodes()
        for i, j, _ in (self.picture.get("logical") or {}).get("edges") or ():
            mine = self._picked in (i, j)
            painter.setPen(QPen(QColor(tokens.text if mine else tokens.border), 1))
            painter.drawLine(nodes[i], nodes[j])
        size = max(2.5, min(8.0, 90 / max(1, len(nodes)) ** 0.5))
        for variable, at in enumerate(nodes):
            painter.setPen(QPen(QColor(tokens.surface), 1))
            painter.setBrush(self._colour(variable))
            painter.drawEllipse(at, size, size)
            if len(nodes) <= _LABELS:
                painter.setPen(QColor(tokens.text))
                painter.drawText(at + QPointF(size + 2, 4), str(variable))

    def _scale(self) -> tuple[float, float, float, float, float]:
        """Return pixels per cell, the first cell in both directions, and where it lies."""
        area, lines = self._areas()[1], self.picture["physical"]["lines"]
        xs = [end for down, track, low, high, _ in lines for end in ((track, track) if down else (low, high + 1))]
        ys = [end for down, track, low, high, _ in lines for end in ((low, high + 1) if down else (track, track))]
        wide, high = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
        unit = min(area.width() / wide, area.height() / high)
        left = area.left() + (area.width() - unit * wide) / 2
        top = area.top() + (area.height() - unit * high) / 2
        return unit, min(xs), min(ys), left, top

    def _point(self, x: float, y: float, scale: tuple[float, float, float, float, float]) -> QPointF:
        unit, x0, y0, left, top = scale
        return QPointF(left + (x - x0) * unit, top + (y - y0) * unit)

    def _lines(self) -> list[tuple[QLineF, int]]:
        """Return each qubit's line with its variable, -1 for a free one; neighbours end to end do not touch."""
        scale, out = self._scale(), []
        for down, track, low, high, variable in self.picture["physical"]["lines"]:
            begin, end = low + 0.1, high + 0.9
            ends = ((track, begin), (track, end)) if down else ((begin, track), (end, track))
            out.append((QLineF(self._point(*ends[0], scale), self._point(*ends[1], scale)), int(variable)))
        return out

    def _draw_device(self, painter: QPainter) -> None:
        tokens, scale, lines = theme.now(), self._scale(), self._lines()
        painter.setPen(QPen(QColor(tokens.border), 1))
        painter.drawLines([line for line, variable in lines if variable < 0])
        width = max(1.5, min(5.0, 0.5 * scale[0]))
        for line, variable in lines:
            if variable >= 0:
                painter.setPen(QPen(self._colour(variable), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
                painter.drawLine(line)
        painter.setPen(Qt.PenStyle.NoPen)
        for x, y, variable in self.picture["physical"]["joints"]:
            painter.setBrush(self._colour(int(variable)))
            painter.drawEllipse(self._point(x, y, scale), width, width)
        for x, y, i, j in self.picture["physical"]["links"]:
            if self._picked in (i, j):
                painter.setPen(QPen(QColor(tokens.text), 1.5))
                painter.setBrush(self._colour(int(j if self._picked == i else i)).lighter())
                painter.drawEllipse(self._point(x, y, scale), width + 1, width + 1)


def caption(told: Mapping[str, Any]) -> str:
    """Return what a person wants to know of an embedding, in a line."""
    chains = tr(
        "chains of {mean} on average, {longest} at most · a chain holds from a coupling of {strength} · {why}",
        mean=number_text(told["mean"], ".3g"), longest=told["longest"], strength=number_text(told["strength"], ".4g"),
        why=told["why"],
    )  # fmt: skip
    return ", ".join((tr("{count} qubits", count=count_text(told["used"]), n=told["used"]), chains))


def breaks(told: Mapping[str, Any]) -> str:
    """Return how often chains broke when the embedded problem was sampled, in a line; empty when it was not."""
    sampling = told.get("sampling") or {}
    if not sampling.get("rows"):
        return str(sampling.get("why_not") or "")
    shares = [
        tr("{share} at a coupling of {strength}", share=ratio_text(row["broken"], ".2g"),
           strength=number_text(row["strength"], ".4g")) for row in sampling["rows"]
    ]  # fmt: skip
    first = sampling["rows"][0]
    return tr(
        "chains broken: {shares} · best after mending: {majority} by majority, {energy} by energy · simulated: {reads} reads "
        "of a classical sampler in the device's stead",
        shares=", ".join(shares), majority=number_text(first["majority"], ",.6g"), energy=number_text(first["energy"], ",.6g"),
        reads=sampling["reads"],
    )  # fmt: skip


def _distance(line: QLineF, at: QPointF) -> float:
    """Return how far a point lies from a line along an axis."""
    box = QRectF(line.p1(), line.p2()).normalized()
    away_x = max(box.left() - at.x(), 0.0, at.x() - box.right())
    away_y = max(box.top() - at.y(), 0.0, at.y() - box.bottom())
    return float(away_x + away_y)

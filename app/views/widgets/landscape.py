"""The landscape of near-optimal samples: energy over the distance from the best, and a plane where near samples lie near."""

from collections.abc import Mapping
from typing import Any, Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from app.engine.base.text import tr
from app.engine.base.units import count_text, number_text, ratio_text
from app.views.shell import theme
from app.views.widgets.chart import Row, Twin
from app.views.widgets.drawing import Drawing
from app.views.widgets.explain import say_drawn

_STEPS: Final = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_LEFT_PX, _WORDS_PX = 64, 18
_REACH_PX: Final = 12


class Landscape(Drawing):
    """Draws `{samples: [{energy, objective, count, distance, at, feasible}], shown_ratio, mirrored}`, the best sample first.

    A dot is a sample, the larger the oftener found, bright when good; an infeasible one is hollow and square. Arrows read
    sample by sample.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._picked = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 160)

    def show_picture(self, picture: Mapping[str, Any] | None) -> None:
        """Show a document, or nothing."""
        self._picked = -1
        super().show_picture(picture)

    def said(self) -> str:
        """Return the landscape in a sentence."""
        rows = self._rows
        if not 0 <= self._picked < len(rows):
            far = max((row["distance"] for row in rows), default=0)
            count = tr("{count} samples", count=count_text(len(rows)), n=len(rows))
            return ", ".join((count, tr("up to {bits} bits from the best", bits=count_text(far), n=far)))
        row = rows[self._picked]
        return ", ".join((
            tr("sample {rank}: energy {energy}", rank=self._picked + 1, energy=number_text(row["energy"], ",.6g")),
            tr("{bits} bits from the best", bits=count_text(row["distance"]), n=row["distance"]),
            tr("found {times} times", times=count_text(row["count"]), n=row["count"]),
        ))  # fmt: skip

    def twin(self) -> Twin:
        """Return a row per sample."""
        rows: list[Row] = [
            (
                k,
                float(row["energy"]),
                int(row["distance"]),
                int(row["count"]),
                tr("yes") if row.get("feasible", True) else tr("no"),
            )
            for k, row in enumerate(self._rows, 1)
        ]
        return Twin((tr("Rank"), tr("Energy"), tr("Bits from the best"), tr("Times found"), tr("Feasible")), rows)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Read sample by sample with the arrows."""
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or not self._rows:
            super().keyPressEvent(event)
            return
        self._pick(min(max(self._picked + step, 0), len(self._rows) - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Read the sample under the pointer."""
        at = event.position()
        ends = [(QPointF.dotProduct(place - at, place - at), k) for places in self._places() for k, place in enumerate(places)]
        nearest = min(ends, default=(float("inf"), -1))
        self._pick(nearest[1] if nearest[0] <= _REACH_PX**2 else -1)

    def draw(self, painter: QPainter) -> None:
        """Draw both planes and what they mean."""
        rows, tokens = self._rows, theme.now()
        for area in self._areas():
            painter.setPen(QPen(QColor(tokens.border), 1))
            painter.drawRect(area)
        self._draw_words(painter)
        for places in self._places():
            for k in range(len(rows) - 1, -1, -1):
                self._dot(painter, places[k], rows[k], best=k == 0, picked=k == self._picked)

    # inside

    @property
    def _rows(self) -> list[Mapping[str, Any]]:
        return list(self.picture.get("samples") or ())

    def _pick(self, number: int) -> None:
        self._picked = number
        say_drawn(self, self.said())
        self.update()

    def _areas(self) -> tuple[QRectF, QRectF]:
        high = max(40.0, self.height() - 2.0 * _WORDS_PX - 4)
        half = max(60.0, (self.width() - _LEFT_PX - 28.0) / 2)
        return QRectF(_LEFT_PX, 6, half, high), QRectF(_LEFT_PX + half + 20, 6, half, high)

    def _places(self) -> tuple[list[QPointF], list[QPointF]]:
        """Return where each sample lies in both planes."""
        rows = self._rows
        if not rows:
            return [], []
        first, second = (area.adjusted(10, 10, -10, -10) for area in self._areas())
        low = min(row["energy"] for row in rows)
        span = max(row["energy"] for row in rows) - low or 1.0
        far = max(row["distance"] for row in rows) or 1
        left = [
            QPointF(first.left() + row["distance"] / far * first.width(),
                    first.bottom() - (row["energy"] - low) / span * first.height())
            for row in rows
        ]  # fmt: skip
        right = [
            QPointF(
                second.center().x() + row["at"][0] * second.width() / 2,
                second.center().y() - row["at"][1] * second.height() / 2,
            )
            for row in rows
        ]
        return left, right

    def _dot(self, painter: QPainter, at: QPointF, row: Mapping[str, Any], *, best: bool, picked: bool) -> None:
        tokens, rows = theme.now(), self._rows
        low, high = rows[0]["energy"], rows[-1]["energy"]
        share = (row["energy"] - low) / (high - low) if high > low else 0.0
        strong, weak = QColor(tokens.series[0]), QColor(tokens.stale)
        parts = ((strong.red(), weak.red()), (strong.green(), weak.green()), (strong.blue(), weak.blue()))
        mixed = [round(a + share * (b - a)) for a, b in parts]
        size = min(8.0, 3.0 + 0.7 * float(row["count"]) ** 0.5)
        colour = QColor(mixed[0], mixed[1], mixed[2])
        painter.setPen(QPen(QColor(tokens.text if picked or best else tokens.surface), 2 if picked else 1))
        painter.setBrush(colour)
        box = QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size)
        if row.get("feasible", True):
            painter.drawEllipse(box)
        else:
            painter.setPen(QPen(colour, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box)

    def _draw_words(self, painter: QPainter) -> None:
        rows, tokens = self._rows, theme.now()
        first, second = self._areas()
        painter.setPen(QColor(tokens.muted))
        right, middle = int(Qt.AlignmentFlag.AlignRight), int(Qt.AlignmentFlag.AlignHCenter)
        if rows:
            for value, level in ((rows[-1]["energy"], first.top()), (rows[0]["energy"], first.bottom() - 16)):
                painter.drawText(QRectF(0, level, _LEFT_PX - 6, 16), right, number_text(value, ",.6g"))
        below = QRectF(first.left(), first.bottom() + 2, first.width(), 16)
        painter.drawText(below, middle, tr("energy over bits from the best"))
        shown = tr(
            "near means alike; {share} of all differences", share=ratio_text(float(self.picture.get("shown_ratio", 0.0)))
        )
        painter.drawText(QRectF(second.left(), second.bottom() + 2, second.width(), 16), middle, shown)
        told = self.said()
        if self.picture.get("mirrored"):
            told += " · " + tr("opposite samples count as one answer")
        painter.drawText(QRectF(8, first.bottom() + _WORDS_PX, self.width() - 16.0, 16), int(Qt.AlignmentFlag.AlignLeft), told)

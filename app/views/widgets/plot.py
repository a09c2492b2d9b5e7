"""Live plots: pyqtgraph imported on first use, fixed ranges, thin pens, and never more points than pixels.

Ranges are recomputed once a second, not per frame: an automatic range triples the cost of a frame, antialiasing and wide
pens double it (measured in the field notes).
"""

import importlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.engine.base.rings import Floats, Ring
from app.engine.base.text import tr
from app.views.shell import theme

Source = Callable[[], Ring | None]
RANGE_EVERY_S: Final = 1.0
_MARGIN: Final = 0.06


@lru_cache(maxsize=1)
def graphs() -> Any:
    """Return pyqtgraph, imported on first use and told to be frugal."""
    library: Any = importlib.import_module("pyqtgraph")
    library.setConfigOptions(antialias=False, useOpenGL=False)
    return library


@lru_cache(maxsize=1)
def _loading() -> threading.Thread:
    """Return the thread that imports pyqtgraph: half a second that the window must not stand still for."""
    os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
    thread = threading.Thread(target=importlib.import_module, args=("pyqtgraph",), name="import pyqtgraph", daemon=True)
    thread.start()
    return thread


def graphs_ready(*, wait: bool = False) -> bool:
    """Tell whether the plot library is loaded; the first call begins to load it, `wait` stays until it is."""
    thread = _loading()
    if wait:
        thread.join()
    return not thread.is_alive()


@dataclass
class Series:
    """One curve: its name, where its samples come from, and the colour by its number."""

    name: str
    number: int
    source: Source | None = None
    t: Floats = field(default_factory=lambda: np.empty(0))
    v: Floats = field(default_factory=lambda: np.empty(0))
    seen: tuple[int, int] = (0, -1)
    dirty: bool = False
    curve: Any = None


def padded(low: float, high: float) -> tuple[float, float]:
    """Return a range a little wider than from `low` to `high`, never empty."""
    span = high - low
    if span <= 0:
        span = abs(high) * 0.1 or 1.0
    return low - _MARGIN * span, high + _MARGIN * span


def span_of(arrays: list[Floats]) -> tuple[float, float] | None:
    """Return the least and the greatest finite value of `arrays`, or None when there is none."""
    parts = [part[np.isfinite(part)] for part in arrays]
    parts = [part for part in parts if len(part)]
    return (float(min(part.min() for part in parts)), float(max(part.max() for part in parts))) if parts else None


class LivePlot(QWidget):
    """Curves over time since the first sample of all curves, pulled by the frame timer through `draw`.

    `fixed_y` pins the vertical range; `counted` draws over 1, 2, 3… instead of time (rounds, ticks).
    """

    def __init__(
        self, title: str, *, unit: str = "", fixed_y: tuple[float, float] | None = None, counted: str = "", steps: bool = False
    ) -> None:
        super().__init__()
        self._fixed_y, self._counted, self._steps = fixed_y, counted, steps
        self._series: list[Series] = []
        self._plot: Any = None
        self._ranged_s = 0.0
        self._unranged = False
        self._title = QLabel(f"{title}, {unit}" if unit else title)
        self._title.setProperty("role", "heading")
        self._legend = QLabel()
        self._legend.setProperty("role", "caption")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self.setAccessibleName(tr("Plot of {what}", what=title))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.SPACE)
        self._column.addWidget(self._title)
        self._column.addWidget(self._legend)
        self._column.addStretch(1)
        self.setMinimumHeight(120)

    # what is drawn

    def add(self, name: str, source: Source | None = None) -> Series:
        """Add a curve; without a source it shows what `show_data` gives it."""
        series = Series(name, len(self._series), source)
        self._series.append(series)
        self._tell_legend()
        if self._plot is not None:
            self._make_curve(series)
        return series

    def show_data(self, number: int, t: Floats, v: Floats) -> None:
        """Give curve `number` finished data, shape (n,) each."""
        series = self._series[number]
        series.t, series.v, series.dirty = np.asarray(t, float), np.asarray(v, float), True
        self._ranged_s = 0.0

    def clear(self) -> None:
        """Forget what is drawn; sources are asked anew."""
        for series in self._series:
            series.t, series.v, series.seen, series.dirty = np.empty(0), np.empty(0), (0, -1), True
        self._ranged_s = 0.0

    @property
    def points(self) -> int:
        """Return how many points are drawn."""
        return sum(len(series.v) for series in self._series)

    def draw(self, *, wait: bool = False) -> bool:
        """Pull what is new and draw it; true when anything was drawn. Without `wait` the first frames may be empty."""
        if self._plot is None:
            if not graphs_ready(wait=wait):
                return False
            self._make_plot()
            if not wait:
                return True  # its data comes with the next frame
        drew = False
        most = max(64, 2 * self.width())
        for series in self._series:
            drew = self._pull(series, most) or drew
        if drew:
            self._place()
        elif self._unranged and time.monotonic() - self._ranged_s >= RANGE_EVERY_S:
            self._set_ranges()
        return drew

    def _pull(self, series: Series, most: int) -> bool:
        ring = series.source() if series.source is not None else None
        if ring is not None and (id(ring), ring.count) != series.seen and len(ring):
            series.seen = (id(ring), ring.count)
            series.t, series.v = ring.tail() if self._counted else ring.envelope(most)
            if self._counted:
                series.t = np.arange(ring.count - len(series.v) + 1, ring.count + 1, dtype=float)
            series.dirty = True
        drew, series.dirty = series.dirty, False
        return drew

    def _place(self) -> None:
        start = span_of([series.t for series in self._series])
        origin = 0.0 if start is None or self._counted else start[0]
        for series in self._series:
            t, v = (series.t, series.v) if not self._steps else _stairs(series.t, series.v)
            series.curve.setData(t - origin, v, connect="finite", skipFiniteCheck=False)
        self._unranged = True
        if time.monotonic() - self._ranged_s >= RANGE_EVERY_S:
            self._set_ranges()

    def _set_ranges(self) -> None:
        self._unranged = False
        span = span_of([series.t for series in self._series])
        if span is None:
            return
        self._ranged_s = time.monotonic()
        origin = 0.0 if self._counted else span[0]
        y = self._fixed_y or padded(*(span_of([series.v for series in self._series]) or (0.0, 1.0)))
        self._plot.setRange(xRange=(span[0] - origin, max(span[1] - origin, span[0] - origin + 1e-3)), yRange=y, padding=0)

    # the library

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the curves up to date as the plot comes into view."""
        super().showEvent(event)
        self._ranged_s = 0.0

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _make_plot(self) -> None:
        library = graphs()
        self._plot = library.PlotWidget()
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.disableAutoRange()
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setAccessibleName(self.accessibleName())
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.getPlotItem().showGrid(x=False, y=True, alpha=0.15)
        self._plot.getAxis("left").setWidth(52)
        self._column.takeAt(2)
        self._column.addWidget(self._plot, 1)
        self._plot.show()
        for series in self._series:
            self._make_curve(series)
        self._dress()

    def _make_curve(self, series: Series) -> None:
        series.curve = self._plot.plot()
        self._dress()

    def _dress(self) -> None:
        self._tell_legend()
        if self._plot is None:
            return
        tokens = theme.now()
        self._plot.setBackground(tokens.surface)
        size = {"font-size": f"{theme.CAPTION_PX}px", "color": tokens.muted}
        self._plot.setLabel("bottom", self._counted or tr("seconds"), **size)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(tokens.border)
            axis.setTextPen(tokens.muted)
            axis.setTickFont(theme.text_font(theme.CAPTION_PX))
        for series in self._series:
            if series.curve is not None:
                series.curve.setPen(graphs().mkPen(tokens.series[series.number % len(tokens.series)], width=1))

    def _tell_legend(self) -> None:
        self._legend.setVisible(len(self._series) > 1)
        if len(self._series) > 1:
            colours = theme.now().series
            parts = [f'<span style="color:{colours[one.number % len(colours)]}">━</span> {one.name}' for one in self._series]
            self._legend.setText("&nbsp;&nbsp; ".join(parts))


def _stairs(t: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Return the curve that holds each value until the next one."""
    if len(t) < 2:
        return t, v
    return np.repeat(t, 2)[1:], np.repeat(v, 2)[:-1]

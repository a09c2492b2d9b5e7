"""Live plots: pyqtgraph imported on first use, fixed ranges, thin pens, and never more points than pixels.

Ranges are recomputed once a second at most, not per frame: an automatic range triples the cost of a frame, antialiasing and
wide pens double it (measured in the field notes). Where time goes on they have some room ahead, and stay until it is used up: a
new range draws both axes anew, which costs more than the curve. When nothing new comes for a while the range fits again. A
window of the history is drawn through the pyramid of its ring.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QToolButton

from app.engine.base.rings import Floats, Ring
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.views.shell.icons import icon
from app.views.widgets.chart import Chart, Row, Twin
from app.views.widgets.plot_face import Face, graphs, graphs_ready
from app.views.widgets.plot_fit import Fit, span_of
from app.views.widgets.time_axis import Span, TimeAxis

Source = Callable[[], Ring | None]
RANGE_EVERY_S: Final = 1.0
_QUIET_S: Final = 3.0


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
    shown: bool = True
    curve: Any = None

    @property
    def ring(self) -> Ring | None:
        """Return where the samples come from, or None."""
        return self.source() if self.source is not None else None

    def nearest(self, t_s: float, *, counted: bool) -> tuple[float, float] | None:
        """Return the sample (time, value) nearest to `t_s`."""
        ring = None if counted else self.ring
        if ring is not None and len(ring):
            return ring.nearest(t_s)
        if not len(self.t):
            return None
        at = int(np.argmin(np.abs(self.t - t_s)))
        return float(self.t[at]), float(self.v[at])


class LivePlot(Chart):
    """Curves over time since the first sample of all curves, pulled by the frame timer through `draw`.

    `fixed_y` pins the vertical range; `scale` multiplies what is written (100 for ratios in percent); `counted` draws over
    1, 2, 3… instead of time (rounds, ticks). Wheel and + and - zoom, dragging and Shift with an arrow pan, arrows move the
    crosshair, Space holds, 0 shows everything again.
    """

    def __init__(
        self, title: str, *, unit: str = "", fixed_y: tuple[float, float] | None = None, counted: str = "", steps: bool = False,
        scale: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__(f"{title}, {unit}" if unit else title)
        self._counted, self._steps, self._scale = counted, steps, scale
        self._series: list[Series] = []
        self._plot: Any = None
        self._face: Face | None = None
        self._ranged_s = self._placed_s = self._tabled_s = 0.0
        self._unranged = False
        self._fit = Fit(fixed_y)
        self._origin = 0.0
        self._lines: list[tuple[float, str]] = []
        self.setAccessibleName(tr("Plot of {what}", what=title))
        self.setAccessibleDescription(tr("Plus and minus zoom, arrows read values, Space holds, 0 shows everything"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._hold = self._make_hold()
        self.axis = TimeAxis(self)
        self._join(self.axis)
        self._nothing = QLabel(tr("No values yet"))
        self._nothing.setProperty("role", "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
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

    def set_curves(self, sources: Mapping[str, Source | None]) -> None:
        """Have a curve for each of `sources`, by name, and no others; nothing changes while the names stay."""
        if [series.name for series in self._series] == list(sources):
            return
        for series in self._series:
            if series.curve is not None:
                self._plot.removeItem(series.curve)
        self._series.clear()
        self.drop_toggles()
        for name, source in sources.items():
            self.add(name, source)
        self._ranged_s = 0.0

    def show_lines(self, lines: list[tuple[float, str]]) -> None:
        """Draw levels to compare with (a bound, the best known) across the plot, each with its name."""
        if lines != self._lines:
            self._lines, self._ranged_s, self._unranged = list(lines), 0.0, True
            if self._face is not None:
                self._face.show_lines(self._lines)

    def show_data(self, number: int, t: Floats, v: Floats) -> None:
        """Give curve `number` finished data, shape (n,) each."""
        series = self._series[number]
        series.t, series.v, series.dirty = np.asarray(t, float), np.asarray(v, float), True
        self._ranged_s = 0.0

    def clear(self) -> None:
        """Forget what is drawn; sources are asked anew, and everything is shown."""
        for series in self._series:
            series.t, series.v, series.seen, series.dirty = np.empty(0), np.empty(0), (0, -1), True
        self._ranged_s = 0.0
        self.axis.zoom(None)
        self.axis.point(None)

    def share(self, axis: TimeAxis) -> None:
        """Show the same time as every other plot of `axis`."""
        self.axis.leave(self)
        self.axis.disconnect(self)
        self.axis = axis
        self._join(axis)

    def toggle(self, number: int, shown: bool) -> None:
        """Hide or show curve `number`."""
        self._series[number].shown = shown
        if self._series[number].curve is not None:
            self._series[number].curve.setVisible(shown)
            self._set_ranges()

    @property
    def points(self) -> int:
        """Return how many points are drawn."""
        return sum(len(series.v) for series in self._series)

    def time_span(self) -> Span | None:
        """Return the first and last time of everything there is, also outside the window."""
        ends: list[Floats] = []
        for series in self._series:
            ring = None if self._counted else series.ring
            last = ring.last() if ring is not None else None
            if ring is None or last is None:
                ends.append(series.t[[0, -1]] if len(series.t) else series.t)
            elif (first := ring.nearest(-np.inf)) is not None:
                ends.append(np.array([first[0], last[0]]))
        return span_of(ends)

    def twin(self) -> Twin:
        """Return every sample held, curve by curve; times in seconds since the first."""
        rows: list[Row] = []
        for series in self._series:
            ring = None if self._counted else series.ring
            t, v = ring.tail() if ring is not None and len(ring) else (series.t, series.v)
            rows += [
                (series.name, float(at) - self._origin, self._scale * float(value)) for at, value in zip(t, v, strict=True)
            ]
        return Twin((tr("Curve"), self._counted or tr("Time, s"), tr("Value")), rows)

    def draw(self, *, wait: bool = False) -> bool:
        """Pull what is new and draw it; true when anything was drawn. Without `wait` the first frames may be empty."""
        if self._plot is None:
            if not graphs_ready(wait=wait):
                return False
            self._make_plot()
            if not wait:
                return True  # its data comes with the next frame
        if self.axis.paused and self.points:
            return False
        drew = False
        most = max(64, 2 * self.width())
        for series in self._series:
            drew = self._pull(series, most) or drew
        if drew:
            self._place()
        elif self._unranged and (not self._ranged_s or time.monotonic() - self._placed_s >= _QUIET_S):
            self._set_ranges()
        return drew

    def _tell_empty(self) -> None:
        """Say that there is nothing, where axes from 0 to 1 would claim a scale."""
        if self._plot is not None:
            self.set_picture(self._plot if self.points else self._nothing)

    def _pull(self, series: Series, most: int) -> bool:
        ring = series.ring
        if ring is not None and (id(ring), ring.count) != series.seen and len(ring):
            series.seen = (id(ring), ring.count)
            if self._counted:
                series.t, series.v = ring.tail()
                series.t = np.arange(ring.count - len(series.v) + 1, ring.count + 1, dtype=float)
            elif self.axis.window is not None:
                series.t, series.v = ring.between(*self.axis.window, most)
            else:
                series.t, series.v = ring.envelope(most)
            series.dirty = True
        drew, series.dirty = series.dirty, False
        return drew

    def _place(self) -> None:
        self._tell_empty()
        self._placed_s = now_s = time.monotonic()
        anew = not self._ranged_s or (now_s - self._ranged_s >= RANGE_EVERY_S and not self._fit.holds(*self._spans()))
        if anew and (self.axis.window is None or self._counted):
            starts = [float(series.t[0]) for series in self._series if len(series.t)]
            self._origin = 0.0 if not starts or self._counted else min(starts)
        for series in self._series:
            t, v = (series.t, series.v) if not self._steps else _stairs(series.t, series.v)
            whole = bool(np.isfinite(v).all())  # a gap costs a look at every point as the line is drawn
            series.curve.setData(t - self._origin, v, connect="all" if whole else "finite", skipFiniteCheck=whole)
        self._unranged = True
        if anew:
            self._set_ranges(ahead=self._ranged_s > 0 and not self._counted and self.axis.window is None)
        if self.table_shown and now_s - self._tabled_s >= RANGE_EVERY_S:
            self._tabled_s = now_s
            self.tell_table()

    def _spans(self) -> tuple[Span | None, Span]:
        """Return the times, or none, and the values that a range must hold."""
        shown = [series for series in self._series if series.shown]
        levels = [np.array([value]) for value, _ in self._lines]
        times = self.axis.window or self.axis.span() or span_of([series.t for series in shown])
        return times, span_of([*(series.v for series in shown), *levels]) or (0.0, 1.0)

    def _set_ranges(self, *, ahead: bool = False) -> None:
        """Show everything, or the window that was chosen; `ahead` keeps some room for what comes."""
        self._unranged = False
        times, values = self._spans()
        if self._face is None or times is None:
            return
        self._ranged_s = time.monotonic()
        (first, last), y = self._fit.take(times, values, ahead=ahead, least=1.0 if self._counted else 1e-3)
        self._face.set_range((first - self._origin, last - self._origin), y)

    # the shared axis

    def _join(self, axis: TimeAxis) -> None:
        axis.join(self)
        axis.zoomed.connect(self._zoomed)
        axis.pointed.connect(self._pointed)
        axis.paused_changed.connect(self._paused)
        self.destroyed.connect(partial(axis.leave, self))

    def _zoomed(self) -> None:
        for series in self._series:
            series.seen = (0, -1)
        self._ranged_s = 0.0
        paused, self.axis.paused = self.axis.paused, False
        if not self.draw():
            self._set_ranges()
        self.axis.paused = paused

    def _paused(self) -> None:
        self._hold.setChecked(self.axis.paused)
        self._hold.setIcon(icon("play" if self.axis.paused else "pause"))
        for series in self._series:
            series.seen = (0, -1)

    def _pointed(self) -> None:
        at = self.axis.cross_s
        if self._face is not None:
            self._face.point(None if at is None else at - self._origin)
        self.readout.setText("" if at is None else self._read(at))

    def _read(self, t_s: float) -> str:
        parts = []
        for series in self._series:
            found = series.nearest(t_s, counted=bool(self._counted)) if series.shown else None
            if found is not None:
                parts.append(f"{series.name} {number_text(self._scale * found[1], ',.6g')}")
        at = f"{self._counted} {t_s:.0f}" if self._counted else number_text(t_s - self._origin, ".6g") + "\u2009s"
        return " · ".join([at, *parts])

    # the keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom, pan, read values and hold without a mouse."""
        far = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        acts: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Plus: partial(self.axis.scale, 0.5),
            Qt.Key.Key_Equal: partial(self.axis.scale, 0.5),
            Qt.Key.Key_Minus: partial(self.axis.scale, 2.0),
            Qt.Key.Key_0: partial(self.axis.zoom, None),
            Qt.Key.Key_Space: lambda: self.axis.pause(paused=not self.axis.paused),
            Qt.Key.Key_Left: partial(self.axis.pan, -0.25) if far else partial(self._step, -1),
            Qt.Key.Key_Right: partial(self.axis.pan, 0.25) if far else partial(self._step, 1),
        }
        if self.axis.cross_s is not None:
            acts[Qt.Key.Key_Escape] = partial(self.axis.point, None)
        act = acts.get(event.key())
        if act is None:
            super().keyPressEvent(event)
        else:
            act()

    def _step(self, sign: int) -> None:
        """Move the crosshair by a hundredth of what is shown, or put it into the middle."""
        shown = self.axis.window or self.axis.span()
        if shown is not None:
            step = max(1.0, (shown[1] - shown[0]) / 100) if self._counted else (shown[1] - shown[0]) / 100
            at = sum(shown) / 2 if self.axis.cross_s is None else self.axis.cross_s + sign * step
            self.axis.point(min(max(at, shown[0]), shown[1]))

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
        self._face = Face(graphs(), self.accessibleName(), self._counted or tr("seconds"), self._scale)
        self._plot = self._face.plot
        self._face.on_zoom(lambda low, high: self.axis.zoom((low + self._origin, high + self._origin)))
        self._face.on_point(lambda at: self.axis.point(None if at is None else at + self._origin))
        self._face.on_reset(lambda: self.axis.zoom(None))
        self.set_picture(self._plot)
        self._tell_empty()
        for series in self._series:
            self._make_curve(series)
        self._face.show_lines(self._lines)
        self._dress()

    def _make_curve(self, series: Series) -> None:
        series.curve = graphs().PlotCurveItem()  # the data item around it thins and transforms: the ring has done so
        self._plot.addItem(series.curve)
        series.curve.setVisible(series.shown)
        self._dress()

    def _dress(self) -> None:
        if self._face is not None:
            self._face.dress([(series.curve, series.number) for series in self._series if series.curve is not None])

    def _tell_legend(self) -> None:
        if len(self._series) > 1:
            for series in self._series[self.legend.count() - 1 :]:
                self.add_toggle(series.name, series.number, partial(self.toggle, series.number))

    def _make_hold(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("pause"))
        button.setCheckable(True)
        button.setAccessibleName(tr("Hold {what}", what=self.title))
        button.setToolTip(tr("Hold what is shown (Space)"))
        button.toggled.connect(lambda checked: self.axis.pause(paused=checked))
        self.head.insertWidget(self.head.count() - 1, button)
        return button


def _stairs(t: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Return the curve that holds each value until the next one."""
    if len(t) < 2:
        return t, v
    return np.repeat(t, 2)[1:], np.repeat(v, 2)[:-1]


__all__ = ["RANGE_EVERY_S", "LivePlot", "Series", "Source", "graphs", "graphs_ready"]

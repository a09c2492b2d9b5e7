"""The face of a live plot: the one place that speaks to a pyqtgraph plot, its axes, its lines and its mouse."""

import importlib
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QGraphicsItem, QSizePolicy

from app.views.shell import theme

_LOW_PX: Final = 150  # below this height a plot has fewer figures at its side and no caption below
_AXIS_PX: Final = 52
_WIDE_PX: Final = 88
_SMALL, _LARGE = 1e-2, 1e5


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


class Face(QObject):
    """Wraps one `PlotWidget`; x is in the plot's own time, from its origin."""

    def __init__(self, library: Any, name: str, below: str, scale: float = 1.0) -> None:
        super().__init__()
        self._library, self._below = library, below
        self.plot: Any = library.PlotWidget(enableMenu=False)
        self.setParent(self.plot)
        self._lines: list[Any] = []
        self._low: bool | None = None
        self._wide, self._scale = False, scale
        self._left: Callable[[], None] = _nothing
        plot = self.plot
        plot.hideButtons()
        plot.setMouseEnabled(x=True, y=False)
        plot.disableAutoRange()
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        plot.setAccessibleName(name)
        for part in (plot, plot.viewport()):  # the keys are those of the widget around it
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.getPlotItem().showGrid(x=False, y=True, alpha=0.15)
        for side in ("left", "bottom"):  # text is slow to draw: once per change, not once per frame
            plot.getAxis(side).setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        plot.getAxis("left").setWidth(_AXIS_PX)
        plot.getAxis("left").setScale(scale)
        for side in ("left", "bottom"):  # a unit of "seconds (x0.001)" is none
            plot.getAxis(side).enableAutoSIPrefix(False)
        self._cross = library.InfiniteLine(angle=90, movable=False)
        self._cross.setVisible(False)
        plot.addItem(self._cross, ignoreBounds=True)

    def set_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show x and y."""
        low = self.plot.height() < _LOW_PX
        if low != self._low:
            self._low = low
            self.plot.getAxis("left").setTickDensity(0.4 if low else 1.0)
            self.plot.getAxis("bottom").showLabel(not low)
        # Labels that do not fit are left out, so figures with many digits or an exponent get room.
        most = self._scale * max(map(abs, y))
        wide = not _SMALL <= most < _LARGE
        if wide != self._wide:
            self._wide = wide
            self.plot.getAxis("left").setWidth(_WIDE_PX if wide else _AXIS_PX)
        self.plot.setRange(xRange=x, yRange=y, padding=0)

    def point(self, at: float | None) -> None:
        """Draw the crosshair at `at`, or take it away."""
        if at is not None:
            self._cross.setPos(at)
        self._cross.setVisible(at is not None)

    def show_lines(self, lines: list[tuple[float, str]]) -> None:
        """Draw levels with their names, instead of those drawn before."""
        for line in self._lines:
            self.plot.removeItem(line)
        self._lines = []
        for value, name in lines:
            label = {"position": 0.02, "anchors": [(0, 1), (0, 1)], "movable": False}
            line = self._library.InfiniteLine(pos=value, angle=0, movable=False, label=name, labelOpts=label)
            self.plot.addItem(line, ignoreBounds=True)
            self._lines.append(line)
        self._dress_lines()

    def on_zoom(self, act: Callable[[float, float], None]) -> None:
        """Call `act` with the range that wheel or drag chose."""
        box = self.plot.getPlotItem().getViewBox()
        box.sigRangeChangedManually.connect(lambda *_: act(*map(float, box.viewRange()[0])))

    def on_point(self, act: Callable[[float | None], None]) -> None:
        """Call `act` with the time under the pointer, and with None as it leaves."""
        box = self.plot.getPlotItem().getViewBox()

        def moved(at: Any) -> None:
            act(float(box.mapSceneToView(at).x()) if box.sceneBoundingRect().contains(at) else None)

        def left() -> None:
            act(None)

        self._left = left
        self.plot.scene().sigMouseMoved.connect(moved)
        self.plot.viewport().installEventFilter(self)

    def on_reset(self, act: Callable[[], None]) -> None:
        """Call `act` after a double click."""
        self.plot.scene().sigMouseClicked.connect(lambda event: act() if event.double() else None)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Take the crosshair away as the pointer leaves."""
        if event.type() == QEvent.Type.Leave:
            self._left()
        return False

    def dress(self, curves: list[tuple[Any, int]]) -> None:
        """Take the colours of the theme."""
        tokens = theme.now()
        self.plot.setBackground(tokens.surface)
        size = {"font-size": f"{theme.CAPTION_PX}px", "color": tokens.muted}
        self.plot.setLabel("bottom", self._below, **size)
        self._low = None
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(tokens.border)
            axis.setTextPen(tokens.muted)
            axis.setTickFont(theme.text_font(theme.CAPTION_PX))
        for curve, number in curves:
            curve.setPen(self._library.mkPen(tokens.series[number % len(tokens.series)], width=1))
        self._cross.setPen(self._library.mkPen(tokens.muted, width=1))
        self._dress_lines()

    def _dress_lines(self) -> None:
        tokens = theme.now()
        for line in self._lines:
            line.setPen(self._library.mkPen(tokens.muted, width=1, style=Qt.PenStyle.DashLine))
            line.label.setColor(tokens.muted)
            line.label.textItem.setFont(theme.text_font(theme.CAPTION_PX))


def _nothing() -> None:
    return None

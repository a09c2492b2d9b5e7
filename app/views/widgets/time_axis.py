"""The time axis that several plots share: the same window of time, one crosshair, paused together."""

from typing import Protocol

from PySide6.QtCore import QObject, Signal

Span = tuple[float, float]


class Timed(Protocol):
    """A plot as its axis sees it."""

    def time_span(self) -> Span | None:
        """Return the first and last time it shows of everything, or None when it shows nothing."""


class TimeAxis(QObject):
    """Holds the window (None: everything, following what is new), the crosshair's time and the pause."""

    zoomed = Signal()
    pointed = Signal()
    paused_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.window: Span | None = None
        self.cross_s: float | None = None
        self.paused = False
        self._plots: list[Timed] = []

    def join(self, plot: Timed) -> None:
        """Count `plot` in."""
        self._plots.append(plot)

    def leave(self, plot: Timed) -> None:
        """Count `plot` out."""
        if plot in self._plots:
            self._plots.remove(plot)

    def span(self) -> Span | None:
        """Return the first and last time of all plots."""
        spans = [span for plot in self._plots if (span := plot.time_span()) is not None]
        return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None

    def zoom(self, window: Span | None) -> None:
        """Show `window` (absolute times) in every plot; None goes back to everything."""
        if window is not None and window[1] <= window[0]:
            return
        if window != self.window:
            self.window = window
            self.zoomed.emit()

    def scale(self, factor: float) -> None:
        """Zoom by `factor` (below 1: closer) around the crosshair, or the middle; out of everything it follows again."""
        whole = self.span()
        shown = self.window or whole
        if whole is None or shown is None:
            return
        middle = self.cross_s if self.cross_s is not None and shown[0] <= self.cross_s <= shown[1] else sum(shown) / 2
        low, high = middle - (middle - shown[0]) * factor, middle + (shown[1] - middle) * factor
        self.zoom(None if high - low >= whole[1] - whole[0] else (low, high))

    def pan(self, share: float) -> None:
        """Move the window by `share` of its width, positive to later times, never beyond what there is."""
        whole = self.span()
        if self.window is None or whole is None:
            return
        low, high = self.window
        step = share * (high - low)
        step = max(whole[0] - low, min(step, whole[1] - high)) if whole[0] <= low and high <= whole[1] else step
        self.zoom((low + step, high + step))

    def point(self, t_s: float | None) -> None:
        """Put the crosshair of every plot at `t_s`, or take it away."""
        if t_s != self.cross_s:
            self.cross_s = t_s
            self.pointed.emit()

    def pause(self, *, paused: bool) -> None:
        """Hold what is shown, or go on with what came meanwhile."""
        if paused != self.paused:
            self.paused = paused
            self.paused_changed.emit()

"""The history of one node's figures: four plots on one time axis, below table and map, shown on demand."""

from functools import partial

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from app.engine.base.rings import Ring
from app.engine.base.text import tr
from app.engine.fleet.records import Node
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.icons import icon
from app.views.widgets.plot import LivePlot
from app.views.widgets.time_axis import TimeAxis


class NodePlots(QFrame):
    """Follows the node it was last shown for; zoom, crosshair and pause are common to all four."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName(tr("Figures of one node"))
        self._samples = context.engine.samples
        self._node_id = ""
        self.axis = TimeAxis(self)
        self._title = QLabel()
        self._title.setProperty("role", "heading")
        close = QToolButton()
        close.setIcon(icon("x"))
        close.setAccessibleName(tr("Close the figures"))
        close.setToolTip(tr("Close the figures"))
        close.clicked.connect(lambda _checked=False: self.hide())
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.addLayout(head)
        grid = QGridLayout()
        grid.setSpacing(3 * theme.SPACE)
        column.addLayout(grid, 1)
        self.plots: dict[str, LivePlot] = {}
        for at, (metric, plot) in enumerate(_plots().items()):
            plot.add(plot.title, partial(self._ring, metric))
            plot.share(self.axis)
            context.frames.add(plot, plot.draw)
            grid.addWidget(plot, at // 2, at % 2)
            self.plots[metric] = plot
        self.hide()

    def show_node(self, node: Node) -> None:
        """Show the figures of `node`."""
        if node.id != self._node_id:
            self._node_id = node.id
            for plot in self.plots.values():
                plot.clear()
        self._title.setText(tr("Figures of {node}", node=node.name))
        self.show()

    def draw(self) -> None:
        """Draw every plot now."""
        if self.isVisible():
            for plot in self.plots.values():
                plot.draw(wait=True)

    def _ring(self, metric: str) -> Ring | None:
        return self._samples.ring(self._node_id, metric) if metric in self._samples.metrics(self._node_id) else None


def _plots() -> dict[str, LivePlot]:
    return {
        "cpu_ratio": LivePlot(tr("CPU"), unit="%", fixed_y=(0.0, 1.05), scale=100),
        "mem_ratio": LivePlot(tr("Memory"), unit="%", fixed_y=(0.0, 1.05), scale=100),
        "latency_p99_s": LivePlot(tr("Latency p99"), unit="ms", scale=1000),
        "error_ratio": LivePlot(tr("Errors"), unit="%", scale=100),
    }

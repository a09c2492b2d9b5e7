"""One node, alive: its state with age, four sparklines, its models and what can be done with it."""

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.engine.base.rings import Ring
from app.engine.base.text import tr
from app.engine.base.units import bytes_text, count_text, ratio_text, span_text
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.views.node_history import NodeHistory
from app.views.node_serving import ServingPart
from app.views.node_words import labels_text, tier_text
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.twin_part import TwinPart
from app.views.widgets.confirm import ConfirmButton
from app.views.widgets.explain import explain
from app.views.widgets.jobs import ago_text
from app.views.widgets.sparkline import Sparkline
from app.views.widgets.state import Badge

_METRICS: Final = ("cpu_ratio", "mem_ratio", "latency_p99_s", "error_ratio")


class NodeInspector(QScrollArea):
    """Follows one node; figures of a silent node are grey and tell their age."""

    def __init__(self, context: Context, show_plots: Callable[[Node], None] | None = None) -> None:
        super().__init__()
        self._context = context
        self._show_plots = show_plots
        self._node_id = ""
        whole = QWidget()
        whole.setProperty("clear", True)
        self.setWidget(whole)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(whole)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(2 * theme.SPACE)
        self._name = QLabel()
        self._name.setProperty("role", "title")
        self._badge = Badge()
        self._badge.setWordWrap(True)
        column.addWidget(self._name)
        column.addWidget(self._badge)
        self.sparks = {
            "cpu_ratio": Sparkline(tr("CPU"), ratio_text, number=0, top=1.0),
            "mem_ratio": Sparkline(tr("Memory"), ratio_text, number=1, top=1.0),
            "latency_p99_s": Sparkline(tr("Latency p99"), span_text, number=2),
            "error_ratio": Sparkline(tr("Errors"), ratio_text, number=5, top=1.0),
        }
        for spark in self.sparks.values():
            column.addWidget(spark)
        self._facts = self._make_facts(column)
        self.serving = ServingPart()
        column.addWidget(self.serving)
        self.twin = TwinPart(self._resolve)
        column.addWidget(self.twin)
        self.history = NodeHistory(context)
        column.addWidget(self.history)
        self._make_actions(column)
        column.addStretch(1)
        context.frames.add(self, self.draw)

    def show_node(self, node: Node) -> None:
        """Follow `node` from now on."""
        self._node_id = node.id
        self.history.show_node(node.id)
        for metric, spark in self.sparks.items():
            spark.follow(partial(self._ring, node.id, metric))
        self.tell()
        self.draw()

    def tell(self) -> None:
        """Say how the node is now."""
        node = self._context.engine.fleet.records.get(self._node_id)
        self.setEnabled(node is not None)
        if node is None:
            if self._node_id:
                self._badge.show_state("unknown", tr("removed from the fleet"))
            return
        state, clock = str(node.state), self._context.engine.clock
        self._name.setText(node.name)
        self._facts[2].setToolTip(node.device_id)
        self._badge.show_state(state, tr("as of {age}", age=ago_text(clock, node.last_heartbeat_us)))
        for spark in self.sparks.values():
            spark.show_stale(stale=state != "online")
        said = (
            node.site or "–", node.address, f"{node.device_id[:16]}…", tier_text(node), labels_text(node) or "–",
            ", ".join(node.models) or tr("none active"), count_text(node.inference_count), self._link_text(node),
            node.trouble or "–",
        )  # fmt: skip
        for label, text in zip(self._facts, said, strict=True):
            if label.text() != text:
                label.setText(text)
        self.serving.show_node(node)
        self.rest.setText(tr("End maintenance") if node.state is Health.MAINTENANCE else tr("Put into maintenance"))
        self.rest.setVisible(node.state is not Health.DECOMMISSIONED)
        self.history.tell()
        self.twin.show_twin(self._context.engine.fleet.twins.document(node))
        self.kill.setVisible(node.demo and state != "offline")
        self.restart.setVisible(node.demo and state != "online")

    def draw(self) -> bool:
        """Pull the sparklines."""
        drew = [spark.draw() for spark in self.sparks.values()]
        return True in drew

    def _link_text(self, node: Node) -> str:
        """Return what the link carried today, of how much, and how fast it may go."""
        carried = bytes_text(self._context.engine.fleet.budgets.carried_today(node.id))
        day = node.link_bytes_day
        said = tr("{size} of {day} today", size=carried, day=bytes_text(day)) if day else tr("{size} today", size=carried)
        said = f"{node.connectivity} · {said}" if node.connectivity else said
        return said + (" · " + tr("at most {size}/s", size=bytes_text(node.link_bytes_s)) if node.link_bytes_s else "")

    def _ring(self, node_id: str, metric: str) -> Ring | None:
        samples = self._context.engine.samples
        return samples.ring(node_id, metric) if metric in samples.metrics(node_id) else None

    def _make_facts(self, column: QVBoxLayout) -> list[QLabel]:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        labels = []
        captions = (
            tr("Site"), tr("Address"), tr("Device"), tr("Tier"), tr("Labels"), tr("Models"), tr("Inferences"), tr("Link"),
            tr("Trouble"),
        )  # fmt: skip
        for row, caption in enumerate(captions):
            name, value = QLabel(caption), QLabel()
            name.setProperty("role", "caption")
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            if row in (1, 2):
                value.setFont(theme.mono_font(theme.CAPTION_PX))
            grid.addWidget(name, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
            labels.append(value)
        column.addLayout(grid)
        return labels

    def _make_actions(self, column: QVBoxLayout) -> None:
        self.plots = QPushButton(tr("Show the history"))
        self.plots.setToolTip(tr("Four plots on one time axis, below the table"))
        if self._show_plots is None:
            self.plots.hide()
        self.plots.clicked.connect(lambda _checked=False: self._open_plots())
        self.rest = QPushButton(tr("Put into maintenance"))
        explain(self.rest, tr("In maintenance no rollout changes the node and its silence alarms nobody"))
        self.rest.clicked.connect(lambda _checked=False: self._rest())
        self.restart = QPushButton(tr("Restart agent"))
        explain(self.restart, tr("Starts the agent's process again where it was"))
        self.restart.clicked.connect(lambda _checked=False: self._start("fleet.restart"))
        self.kill = QPushButton(tr("Kill agent (drill)"))
        self.kill.setToolTip(tr("Ends the agent's process at once, as a power cut would"))
        self.kill.clicked.connect(lambda _checked=False: self._start("fleet.kill"))
        self.remove = ConfirmButton(tr("Remove node"), tr("Really remove it?"), lambda: self._start("fleet.remove"))
        column.addSpacing(2 * theme.SPACE)
        for button in (self.plots, self.rest, self.restart, self.kill, self.remove):
            column.addWidget(button)

    def _open_plots(self) -> None:
        node = self._context.engine.fleet.records.get(self._node_id)
        if node is not None and self._show_plots is not None:
            self._show_plots(node)

    def _resolve(self, keep: str) -> None:
        if self._node_id:
            self._context.start("fleet.resolve", None, node=self._node_id, keep=keep)

    def _rest(self) -> None:
        node = self._context.engine.fleet.records.get(self._node_id)
        if node is not None:
            off = {"off": True} if node.state is Health.MAINTENANCE else {}
            self._context.start("fleet.maintenance", None, nodes=node.id, **off)

    def _start(self, command: str) -> None:
        row = self._context.find(command)
        if row is not None and self._node_id:
            self._context.start(command, None, **{row.args[0].name: self._node_id})

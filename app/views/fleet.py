"""Fleet: the nodes as a table and on a map; the Inspector shows the picked one, alive."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSplitter, QWidget

from app.engine.base.events import SettingChanged
from app.engine.base.text import tr
from app.engine.base.units import ratio_text, span_text
from app.engine.fleet.records import TIER_NAMES, Node
from app.views.fleet_bulk import FleetBar
from app.views.fleet_query import QueryFilter
from app.views.node_inspector import NodeInspector
from app.views.node_plots import NodePlots
from app.views.node_words import labels_text
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.shell.page import Page
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.jobs import ago_text
from app.views.widgets.map import Place
from app.views.widgets.map_panel import MapPanel
from app.views.widgets.state import state_text, token_of
from app.views.widgets.table import TablePanel

_RANK = {"offline": 0, "suspect": 1, "unknown": 2, "online": 3}


def _figure(node: Node) -> str:
    """Return the token of a node's figures: old ones are pale."""
    return "text" if str(node.state) == "online" else "stale"


def _tier_token(node: Node) -> str:
    """Return the token of a measured tier: one slower than declared stands out."""
    names = TIER_NAMES
    slow = node.tier in names and node.measured_tier in names and names.index(node.measured_tier) > names.index(node.tier)
    return "warn" if slow else _figure(node)


def node_columns(context: Context) -> list[Column[Node]]:
    """Return the columns of the table of nodes."""
    ago = partial(ago_text, context.engine.clock)
    return [
        Column("name", tr("Node"), lambda node: node.name, width=88),
        Column(
            "state", tr("State"), lambda node: _RANK.get(str(node.state), 2), width=96,
            say=lambda node: state_text(str(node.state)), token=lambda node: token_of(str(node.state)),
        ),
        Column("site", tr("Site"), lambda node: node.site, width=88),
        Column("cpu", tr("CPU"), lambda node: node.cpu_ratio, ratio_text, 52, right=True, token=_figure),
        Column("memory", tr("Memory"), lambda node: node.mem_ratio, ratio_text, 64, right=True, token=_figure),
        Column("latency", tr("p99"), lambda node: node.latency_p99_s, span_text, 72, right=True, token=_figure,
               hint=tr("99th percentile of inference latency")),
        Column("errors", tr("Errors"), lambda node: node.error_ratio, ratio_text, 56, right=True, token=_figure),
        Column("heard", tr("As of"), lambda node: node.as_of_us, ago, 84, right=True, live=True,
               hint=tr("When these figures were true")),
        Column("models", tr("Models"), lambda node: ", ".join(node.models), width=80, token=_figure),
        Column("tier", tr("Tier"), lambda node: node.tier or None, width=64, spare=True,
               hint=tr("The tier it was declared as")),
        Column("measured", tr("Measured"), lambda node: node.measured_tier or None, width=72, spare=True, token=_tier_token,
               hint=tr("The tier that its measured round trip stands for")),
        Column("rtt", tr("Round trip"), lambda node: node.round_trip_s, span_text, 76, right=True, spare=True, token=_figure),
        Column("connectivity", tr("Connectivity"), lambda node: node.connectivity or None, width=96, spare=True),
        Column("labels", tr("Labels"), labels_text, width=120, spare=True),
        Column("trouble", tr("Trouble"), lambda node: node.trouble or None, width=160, spare=True),
    ]  # fmt: skip


class FleetPage(Page):
    """Table left, map right; both follow one selection."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Fleet"))
        records = context.engine.fleet.records
        self._demo = partial(context.start, "fleet.demo", None, nodes=6)
        empty = EmptyState(
            "server", tr("No nodes yet"),
            tr("A node is a machine at a site that runs the Outpost agent. Start six agents on this machine to try everything, "
               "or pair one by its address and code."),
            tr("Start demo fleet"), self._demo,
        )  # fmt: skip
        self.table = TablePanel(records, node_columns(context), name=tr("Nodes"), empty=empty)
        QueryFilter(self.table.field, self.table.model, records, context.engine.clock)
        self.places = MapPanel()
        self.map = self.places.map
        self.plots = NodePlots(context)
        self.node = NodeInspector(context, self.plots.show_node)
        self.keep_aside(self.node)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.table)
        splitter.addWidget(self.places)
        splitter.setStretchFactor(0, 5)
        splitter.setStretchFactor(1, 2)
        splitter.setHandleWidth(12)
        splitter.setSizes([830, 330])
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(splitter)
        whole.addWidget(self.plots)
        whole.setStretchFactor(0, 3)
        whole.setStretchFactor(1, 2)
        whole.setHandleWidth(12)
        whole.setChildrenCollapsible(False)
        self.bar = FleetBar(context, self.table)
        self.body.addWidget(self.bar)
        self.body.addWidget(whole, 1)
        self.begin_at(self.table.view)
        self._add_actions()
        self.table.on_picked(self._picked)
        self.table.view.opened.connect(self._picked)
        self.places.picked.connect(self.table.view.pick)
        self.places.chose_tiles.connect(self._keep_tiles)
        self.places.use_tiles(str(context.engine.settings["view.map_tiles"]))
        self._later = Later(self._tell, 200, self)
        hold(
            self, records.watch(lambda _change: self._later.ask()), context.engine.bus.subscribe(self._setting, SettingChanged)
        )
        self._tell()

    def shown(self) -> None:
        """Bring ages and map up to date."""
        for button, command in ((self.pair, "fleet.pair"), (self.demo, "fleet.demo")):
            why = self.context.why_not(command)
            button.setEnabled(not why)
            button.setToolTip(why)
        self._tell()
        self.table.model.tell_live()

    def inspector(self) -> tuple[QWidget, str] | None:
        """Return the picked node."""
        return (self.node, tr("Node")) if self.table.view.picked_key else None

    def second(self) -> None:
        """Ages have changed."""
        self.table.model.tell_live()
        self.node.tell()

    def frame_now(self) -> None:
        """Draw the picked node's figures."""
        self.node.draw()
        self.plots.draw()

    def pick(self, key: str) -> None:
        """Select a node."""
        self.table.model.flush()
        self.table.view.pick(key)

    def focus_filter(self) -> None:
        """Filter the nodes."""
        self.table.focus_filter()

    def _add_actions(self) -> None:
        self.pair = QPushButton(tr("Pair a node"))
        self.pair.clicked.connect(lambda _checked=False: self.context.open_command("fleet.pair", {}))
        self.demo = QPushButton(tr("Start demo fleet"))
        self.demo.setProperty("primary", True)
        self.pair.setAccessibleDescription(tr("Take up a node by its address and the code it shows"))
        self.demo.setAccessibleDescription(tr("Six agents on this machine, each a process of its own"))
        self.demo.clicked.connect(lambda _checked=False: self._demo())
        self.add_action(self.pair)
        self.add_action(self.demo)

    def _picked(self, key: str) -> None:
        node = self.context.engine.fleet.records.get(key)
        self._tell_map()
        if node is not None:
            self.node.show_node(node)
            if self.plots.isVisible():
                self.plots.show_node(node)
            self.context.inspect(self.node, tr("Node"))

    def _tell(self) -> None:
        records = self.context.engine.fleet.records
        online = sum(str(node.state) == "online" for node in records)
        self.subtitle.setText(tr("{online} of {all} online", online=online, all=len(records)) if len(records) else "")
        self.places.setVisible(len(records) > 0)
        running = any(node.demo for node in records)
        self.demo.setVisible(not running and len(records) > 0)
        self._tell_map()
        self.node.tell()

    def _tell_map(self) -> None:
        placed: list[Place] = []
        without: list[Place] = []
        for node in self.context.engine.fleet.records:
            known = node.lat is not None and node.lon is not None
            place = Place(node.id, node.name, node.lat or 0.0, node.lon or 0.0, str(node.state), node.site)
            (placed if known else without).append(place)
        self.places.show_places(placed, without, self.table.view.picked_key)

    def _keep_tiles(self, file: str) -> None:
        self.context.start("settings.set", None, key="view.map_tiles", value=file)

    def _setting(self, event: SettingChanged) -> None:
        if event.key == "view.map_tiles":
            self.places.use_tiles(str(self.context.engine.settings["view.map_tiles"]))

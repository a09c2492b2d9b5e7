"""The status line: where we are, how the nodes are, and what time it is; always true, never in the way."""

from collections import Counter
from typing import Any

from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton

from app.engine.base.text import tr
from app.engine.base.units import bytes_text, clock_text, time_text, use_zone, zone
from app.engine.home import store_bytes
from app.views.shell.context import Context, hold
from app.views.shell.hub_words import conflicts_text, hub_text, pending_text
from app.views.shell.later import Later
from app.views.widgets.state import shape_of, words

_EVERY_S = 10
_STATES = ("online", "suspect", "offline", "maintenance")


class StatusLine(QStatusBar):
    """Home, link, pending changes with open conflicts, store size, role, nodes by state, and the clock in UTC or local time."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._engine = context, context.engine
        use_zone(str(self._engine.settings["view.time"]))
        self._seconds = 0
        self._told: dict[str, Any] = {}
        self.setSizeGripEnabled(False)
        self._home, self._role, self._nodes, self._store, self._link, self._pending = (QLabel() for _ in range(6))
        self._clock = QToolButton()
        self._clock.setAccessibleName(tr("Switch the clock between UTC and local time"))
        self._clock.setToolTip(tr("Switch between UTC and local time"))
        self._clock.clicked.connect(self._switch)
        for label in (self._home, self._link, self._pending, self._store, self._role):
            label.setContentsMargins(8, 0, 8, 0)
            self.addWidget(label)
        self._nodes.setContentsMargins(8, 0, 8, 0)
        self.addPermanentWidget(self._nodes)
        self.addPermanentWidget(self._clock)
        self._parts = (self._home, self._link, self._pending, self._store, self._role, self._nodes, self._clock)
        self._home.setText(tr("home {folder}", folder=self._engine.home.name))
        self._home.setToolTip(str(self._engine.home))
        later = Later(self._tell_nodes, 200, self)
        hold(self, self._engine.fleet.records.watch(lambda _change: later.ask()))
        context.frames.second.connect(self.second)
        self._tell_nodes()
        self._tell_store()
        self.tell_role()
        self._tell_clock()

    def second(self) -> None:
        """A second has passed."""
        self._tell_clock()
        if self._seconds % _EVERY_S == 0:
            self._tell_store()
            self._context.start("status", self._take_status)
        self._seconds += 1
        self._tell_link()

    def tell_role(self) -> None:
        """Say who may do what here."""
        role = str(self._engine.settings["user.role"])
        text = tr("{user} · {role}", user=self._engine.settings["user.name"], role=role)
        self._role.setText(tr("{text} · read only", text=text) if role == "observer" else text)

    @property
    def texts(self) -> list[str]:
        """Return what the line says, from left to right."""
        return [part.text() for part in self._parts]

    def _switch(self) -> None:
        other = "local" if zone() == "utc" else "utc"
        use_zone(other)
        self._tell_clock()
        if not self._context.why_not("settings.set"):
            self._context.start("settings.set", None, key="view.time", value=other)

    def _tell_clock(self) -> None:
        self._clock.setText(clock_text(self._engine.clock.now_us()))

    def _take_status(self, answer: Any) -> None:
        self._told = dict(answer)
        self._pending.setText(" · ".join(part for part in (pending_text(answer), conflicts_text(answer)) if part))
        self._tell_link()

    def _tell_link(self) -> None:
        """Tell how we stand with the hub; without one, with the nodes."""
        nodes = list(self._engine.fleet.records)
        if self._told and self._told["hubs_count"]:
            self._link.setText(hub_text(self._told, self._engine.clock.now_us()))
            self._link.setToolTip(self._told["hub_problem"])
        elif not nodes:
            self._link.setText(tr("no link yet") if self._told else "")
        elif any(str(node.state) == "online" for node in nodes):
            self._link.setText(tr("● linked"))
        else:
            heard_us = max(node.last_heartbeat_us for node in nodes)
            self._link.setText(tr("■ offline since {time}", time=time_text(heard_us)))

    def _tell_store(self) -> None:
        self._store.setText(tr("store {size}", size=bytes_text(store_bytes(self._engine.home))))

    def _tell_nodes(self) -> None:
        counts = Counter(str(node.state) for node in self._engine.fleet.records)
        said = [f"{shape_of(state)} {counts[state]} {words()[state]}" for state in _STATES if counts[state]]
        self._nodes.setText("   ".join(said) or tr("no nodes"))
        self._tell_link()

"""The status line: where we are, how the nodes are, and what time it is; always true, never in the way."""

from collections import Counter
from datetime import UTC, datetime

from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton

from app.engine.base.text import tr
from app.engine.base.units import bytes_text
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.widgets.state import shape_of, words

_STATES = ("online", "suspect", "offline", "maintenance")


class StatusLine(QStatusBar):
    """Home, store size, role, nodes by state, and the clock in UTC or local time."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._engine = context.engine
        self._utc = True
        self._seconds = 0
        self.setSizeGripEnabled(False)
        self._home, self._role, self._nodes, self._store = QLabel(), QLabel(), QLabel(), QLabel()
        self._clock = QToolButton()
        self._clock.setAccessibleName(tr("Switch the clock between UTC and local time"))
        self._clock.setToolTip(tr("Switch between UTC and local time"))
        self._clock.clicked.connect(self._switch)
        for label in (self._home, self._store, self._role):
            label.setContentsMargins(8, 0, 8, 0)
            self.addWidget(label)
        self._nodes.setContentsMargins(8, 0, 8, 0)
        self.addPermanentWidget(self._nodes)
        self.addPermanentWidget(self._clock)
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
        self._seconds += 1
        if self._seconds % 10 == 0:
            self._tell_store()

    def tell_role(self) -> None:
        """Say who may do what here."""
        role = str(self._engine.settings["user.role"])
        self._role.setText(tr("{user} · {role}", user=self._engine.settings["user.name"], role=role))

    @property
    def texts(self) -> list[str]:
        """Return what the line says, from left to right."""
        return [part.text() for part in (self._home, self._store, self._role, self._nodes, self._clock)]

    def _switch(self) -> None:
        self._utc = not self._utc
        self._tell_clock()

    def _tell_clock(self) -> None:
        at = datetime.fromtimestamp(self._engine.clock.now_us() / 1e6, UTC)
        self._clock.setText(f"{at:%H:%M:%S} UTC" if self._utc else f"{at.astimezone():%H:%M:%S %Z}")

    def _tell_store(self) -> None:
        size = sum(file.stat().st_size for file in self._engine.home.glob("outpost.db*"))
        self._store.setText(tr("store {size}", size=bytes_text(size)))

    def _tell_nodes(self) -> None:
        counts = Counter(str(node.state) for node in self._engine.fleet.records)
        said = [f"{shape_of(state)} {counts[state]} {words()[state]}" for state in _STATES if counts[state]]
        self._nodes.setText("   ".join(said) or tr("no nodes"))

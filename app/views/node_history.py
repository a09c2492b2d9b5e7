"""What happened to one node lately: its newest entries of the time line, and the way to all of them."""

from typing import Any, Final

from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.engine.base.events import CommandFinished, Event, ModelActivated, NodeStateChanged, TelemetryLost
from app.engine.base.text import tr
from app.engine.base.units import time_text
from app.views.activity_timeline import what_text
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.widgets.jobs import ago_text
from app.views.widgets.link import Link
from app.views.widgets.state import dress, state_text, token_of

MOST: Final = 6
_WAIT_MS: Final = 800


class NodeHistory(QWidget):
    """Asks the store for the newest entries about one node, again when something happened to it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context, self._node_id = context, ""
        self._entries: list[dict[str, Any]] = []
        self._titles = {row.id: tr(row.title) for row in context.engine.table}
        heading = QLabel(tr("What happened"))
        heading.setProperty("role", "heading")
        self.nothing = QLabel(tr("Nothing is kept about it yet."))
        self.nothing.setProperty("role", "muted")
        self.more = Link(tr("Show all of it"), self._open, where=tr("Show everything that happened to it"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self.lines = [(QLabel(), QLabel()) for _ in range(MOST)]
        for row, (when, what) in enumerate(self.lines):
            when.setProperty("role", "caption")
            what.setWordWrap(True)
            grid.addWidget(when, row, 0)
            grid.addWidget(what, row, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addWidget(heading)
        column.addWidget(self.nothing)
        column.addLayout(grid)
        column.addWidget(self.more)
        self._later = Later(self._ask, _WAIT_MS, self)
        hold(
            self,
            context.engine.bus.subscribe(self._about_node, NodeStateChanged, ModelActivated, TelemetryLost),
            context.engine.bus.subscribe(self._commanded, CommandFinished),
        )
        self.tell()

    def show_node(self, node_id: str) -> None:
        """Follow the node `node_id` from now on."""
        if node_id != self._node_id:
            self._node_id, self._entries = node_id, []
            self.tell()
        self._ask()

    def tell(self) -> None:
        """Say what is known, with its ages as of now."""
        self.nothing.setVisible(not self._entries)
        self.more.setVisible(bool(self._entries))
        for (when, what), entry in zip(self.lines, [*self._entries, *[None] * MOST], strict=False):
            when.setVisible(entry is not None)
            what.setVisible(entry is not None)
            if entry is None:
                continue
            said = " ".join(part for part in (self._what(entry), state_text(entry["state"]) if entry["state"] else "") if part)
            _write(when, ago_text(self._context.engine.clock, entry["at_us"]), time_text(entry["at_us"]))
            _write(what, said, " · ".join(part for part in (entry["actor"], entry["detail"] or "") if part))
            dress(what, token_of(entry["state"]) if entry["state"] in ("offline", "suspect", "failed") else "text")

    def _what(self, entry: dict[str, Any]) -> str:
        return what_text(entry, self._titles)

    def _about_node(self, event: Event) -> None:
        if getattr(event, "node_id", "") == self._node_id and self.isVisible():
            self._later.ask()

    def _commanded(self, event: CommandFinished) -> None:
        if event.command.partition(".")[0] in ("fleet", "model", "rollout") and self.isVisible():
            self._later.ask()

    def _ask(self) -> None:
        self._later.stop()
        if not self._node_id:
            return
        asked = self._node_id

        def take(answer: Any) -> None:
            if asked == self._node_id:
                self._entries = list(answer["entries"])
                self.tell()

        self._context.start("activity.list", take, object=asked, limit=MOST)

    def _open(self) -> None:
        self._context.show_history(self._node_id)


def _write(label: QLabel, text: str, tip: str) -> None:
    if label.text() != text:
        label.setText(text)
    if label.toolTip() != tip:
        label.setToolTip(tip)

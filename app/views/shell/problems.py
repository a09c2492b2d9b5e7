"""What is wrong now, kept current for Overview, tray and status line: problems by cause, from nodes and jobs."""

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from app.engine.base.events import NodeStateChanged
from app.engine.observe import alerts
from app.engine.observe.alerts import Problem, Sign
from app.views.shell.context import hold_object
from app.views.shell.later import Later

if TYPE_CHECKING:
    from app.engine.engine import Engine

_DAY_US: Final = 86_400_000_000
_BAD: Final = ("failed", "interrupted")
_WAIT_MS: Final = 400  # a storm comes in one go: look once when it has come


class Problems(QObject):
    """Watches the engine; `changed` when the list is another one, `appeared` with each problem of a new cause."""

    changed = Signal()
    appeared = Signal(object)

    def __init__(self, engine: "Engine", parent: QObject) -> None:
        super().__init__(parent)
        self._engine = engine
        self._changes: deque[tuple[str, int]] = deque(maxlen=4096)
        self._known: set[str] = set()
        self.seen_us = engine.clock.now_us() - _DAY_US
        self.current: list[Problem] = []
        self._later = Later(self.look, _WAIT_MS, self)
        hold_object(
            self,
            engine.fleet.records.watch(lambda _change: self._later.ask()),
            engine.jobs.records.watch(lambda _change: self._later.ask()),
            engine.bus.subscribe(self._node_changed, NodeStateChanged),
        )
        self.look()

    def seen(self, at_us: int) -> None:
        """Jobs that failed before `at_us` are no problem any more."""
        self.seen_us = at_us
        self.look()

    def look(self) -> None:
        """Bring the list up to date."""
        self._later.stop()
        nodes = list(self._engine.fleet.records)
        unsteady = alerts.flapping(self._changes, self._engine.clock.now_us())
        signs = [
            Sign("node", node.id, node.name, str(node.state), node.last_heartbeat_us, node.site, node.trouble)
            for node in nodes if str(node.state) in alerts.SILENT
        ]  # fmt: skip
        signs += [
            Sign("job", job.id, job.title, job.state, job.ended_us, job.kind, str((job.error or {}).get("detail", "")))
            for job in self._engine.jobs.records if job.state in _BAD and job.ended_us > self.seen_us
        ]  # fmt: skip
        found = alerts.problems(signs, per_place=dict(Counter(node.site for node in nodes)), flapping=unsteady)
        if found == self.current:
            return
        self.current = found
        self.changed.emit()
        causes = {one.cause for one in found}
        for one in found:
            if one.cause not in self._known:
                self.appeared.emit(one)
        self._known = causes

    def _node_changed(self, event: NodeStateChanged) -> None:
        self._changes.append((event.node_id, event.at_us))

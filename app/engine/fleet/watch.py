"""Watches over the health of every node: when it was heard, whether the last try failed, and who vouches for it.

Part of the fleet's service. A change of health is shown in the node's record and told as an event.
"""

from collections.abc import Callable
from dataclasses import replace

from app.engine.base.events import NodeStateChanged
from app.engine.base.records import Records
from app.engine.fleet.health import Health, Limits
from app.engine.fleet.pulse import Pulse
from app.engine.fleet.records import Node
from app.engine.fleet.thrift import WIDEST_S
from app.engine.jobs.base import Base

_SELF = "engine"


class Watch:
    """The health of all nodes; `mark` has the state of a node written, `wait_s` tells of one that is asked seldom."""

    def __init__(self, base: Base, nodes: Records[Node], mark: Callable[[str], None], wait_s: Callable[[str], float]) -> None:
        self._base, self._nodes, self._mark, self._wait_s = base, nodes, mark, wait_s
        self._pulse = Pulse()

    def first(self, node: Node) -> Node:
        """Return a node just read from the store with the health that its last sign of life stands for."""
        clock = self._base.clock
        if node.last_heartbeat_us:
            age_s = max(0, clock.now_us() - node.last_heartbeat_us) / 1e6
            self._pulse.heard(node.id, clock.monotonic_s() - age_s)
        return replace(node, state=self._pulse.health(node.id, node.state, self._limits(node.id), clock.monotonic_s()))

    def heard(self, node_id: str) -> None:
        """Note that a node answers now."""
        self._pulse.heard(node_id, self._base.clock.monotonic_s())

    def failed(self, node_id: str) -> None:
        """Take it that the last try to reach a node failed: it is suspect at once."""
        self._pulse.failed(node_id)
        self.judge(node_id)

    def vouched(self, node_id: str, age_s: float) -> None:
        """Note that a neighbour reached a node `age_s` ago; the next look shows it."""
        self._pulse.vouched(node_id, self._base.clock.monotonic_s() - age_s)

    def judge(self, node_id: str) -> None:
        """Show the health of a node anew."""
        node = self._nodes.need(node_id)
        self._show(node, self._pulse.health(node_id, node.state, self._limits(node_id), self._base.clock.monotonic_s()))

    def look(self, ended: Callable[[Node], bool]) -> None:
        """Show the health of every node anew; `ended` tells of one whose agent is known to be gone."""
        for node in self._nodes:
            if node.state is Health.ONLINE and ended(node):
                self._pulse.failed(node.id)
        limits, now_s = self._limits(), self._base.clock.monotonic_s()
        for node in self._nodes:
            mine = self._limits(node.id) if self._wait_s(node.id) else limits
            self._show(node, self._pulse.health(node.id, node.state, mine, now_s))

    def forget(self, node_id: str) -> None:
        """Know nothing of a node any more."""
        self._pulse.forget(node_id)

    def _limits(self, node_id: str = "") -> Limits:
        settings, wait_s = self._base.settings, self._wait_s(node_id)
        cadence_s = max(settings["fleet.cadence_s"], min(wait_s, WIDEST_S))
        return Limits.of(settings["fleet.suspect_s"], settings["fleet.offline_s"], cadence_s)

    def _show(self, node: Node, state: Health) -> None:
        if state is node.state:
            return
        self._nodes.put(replace(node, state=state))
        self._base.bus.publish(
            NodeStateChanged(
                at_us=self._base.clock.now_us(), actor=_SELF, node_id=node.id, name=node.name,
                before=str(node.state), after=str(state), as_of_us=node.last_heartbeat_us,
            )
        )  # fmt: skip
        if state is Health.OFFLINE:
            self._mark(node.id)

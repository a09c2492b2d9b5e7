"""Telemetry on links with an allowance of a day: asked less often as the day's bytes go, and said so.

Artifacts go before figures: telemetry may plan with half of what is left of the day, spread over the rest of it. Nothing is
lost without a word: the node's spool keeps what was not asked for, and what it had to drop is told as lost.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from app.engine.base.clock import Clock
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.fleet.budget import DAY_S, Budgets
from app.engine.fleet.records import Node
from app.engine.link.records import Batch

SHARE: Final = 0.5  # of what is left of a day, that telemetry may plan with
_CLOSE: Final = 0.8  # a wait this near to the one in force is left as it is
WIDEST_S: Final = 900.0  # a node asked more seldom than that counts as silent in between


def every_s(left_bytes: float, left_s: float, page_bytes: float, cadence_s: float) -> float:
    """Return the wait between two pages: the cadence while the bytes left for the day allow it, `left_s` when none may go."""
    if page_bytes > left_bytes:
        return max(left_s, cadence_s)
    if page_bytes <= 0:
        return cadence_s
    return min(max(cadence_s, left_s * page_bytes / (SHARE * left_bytes)), max(left_s, cadence_s))


class Thrift:
    """Decides after every page when the next one comes, for nodes whose link has an allowance; `pace` tells the link."""

    def __init__(
        self, budgets: Budgets, clock: Clock, nodes: Records[Node], pace: Callable[[str, float], None],
        cadence_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._budgets, self._clock, self._nodes = budgets, clock, nodes
        self._pace, self._cadence_s = pace, cadence_s
        self._waits: dict[str, float] = {}
        self._pages: dict[str, int] = {}
        self._day = budgets.day

    def wait_s(self, node_id: str) -> float:
        """Return the seconds between two pages of a node, 0 for the usual cadence."""
        return self._waits.get(node_id, 0.0)

    def first_s(self, node: Node) -> float:
        """Return how long a node is not asked at all, because its day is spent; 0 when it may be asked."""
        day = node.link_bytes_day or 0
        return self._left_s() if day and self._budgets.carried_today(node.id) >= day else 0.0

    def after(self, node: Node, batch: Batch) -> None:
        """Count a page, and have the next one come as the day's allowance asks."""
        self._budgets.hear(node.id, batch.link_bytes)
        if node.link_bytes_day or node.id in self._waits:
            self._pages[node.id] = batch.link_bytes
            self._judge(node)

    def look(self) -> None:
        """Judge nodes anew that are asked seldom, when a day begins or their allowance was changed."""
        fresh, self._day = self._budgets.day != self._day, self._budgets.day
        for node_id in tuple(self._waits):
            node = self._nodes.get(node_id)
            if node is None:
                self.forget(node_id)
            elif fresh or not node.link_bytes_day or (not self.first_s(node) and self._waits[node_id] >= self._left_s()):
                self._judge(node)

    def forget(self, node_id: str) -> None:
        """Know nothing of a node any more."""
        self._waits.pop(node_id, None)
        self._pages.pop(node_id, None)

    def _judge(self, node: Node) -> None:
        day, cadence_s, before_s = node.link_bytes_day or 0, self._cadence_s(), self._waits.get(node.id, 0.0)
        wait_s = 0.0
        if day:
            left = day - self._budgets.carried_today(node.id)
            wait_s = every_s(left, self._left_s(), self._pages.get(node.id, 0), cadence_s)
        if wait_s <= cadence_s:
            wait_s = 0.0
        if not (wait_s and before_s and _CLOSE < wait_s / before_s < 1 / _CLOSE):
            self._waits[node.id] = wait_s
            if not wait_s:
                self.forget(node.id)
            if wait_s != before_s:
                self._pace(node.id, wait_s)
        self._say(node.id)

    def _say(self, node_id: str) -> None:
        """Tell in the node's record that it is asked seldom."""
        wait_s, node = self._waits.get(node_id, 0.0), self._nodes.need(node_id)
        if not wait_s:
            return
        if wait_s >= self._left_s():
            said = tr("Its link has carried what it may today: telemetry waits on the node until 00:00 UTC")
        else:
            said = tr("Asked every {seconds} s only: its link has bytes for that", seconds=round(wait_s))
        self._nodes.put(replace(node, trouble=said))

    def _left_s(self) -> float:
        return DAY_S - self._clock.now_us() / 1e6 % DAY_S

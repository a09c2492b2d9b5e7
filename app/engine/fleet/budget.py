"""The bytes a link may carry: token buckets, one per node and one per site, and a node's allowance of a day.

A transfer asks before each piece; telemetry is counted as it comes, and `thrift.py` has it come more seldom. What a link
carried today (UTC), both ways, is kept in the store, so that a restart grants nothing. Counted are the bytes of HTTP; what TLS
and TCP add is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from app.engine.base.clock import Clock
from app.engine.base.errors import Limit
from app.engine.fleet.records import Node
from app.engine.store import rows
from app.engine.store.store import Store

Pace: TypeAlias = Callable[[int], Awaitable[None]]
_BURST_S: Final = 1.0
DAY_S: Final = 86400
_META: Final = "meta"
_KEY: Final = "fleet.sent_today"
MOST: Final = 0.8  # of a day's allowance: from here on a link is told as near its end


class DaySpent(Limit):
    """A node's link has carried what it may today; `due_s` is when the next day begins, UTC seconds."""

    due_s: float = 0.0


class Bucket:
    """A token bucket of `bytes_s` per second that holds a second's worth; what is larger runs it into debt."""

    def __init__(self, bytes_s: float) -> None:
        self.bytes_s = bytes_s
        self._left = bytes_s * _BURST_S
        self._at_s: float | None = None

    def take(self, count: int, now_s: float) -> float:
        """Take `count` bytes now; return the seconds to wait before they may be sent."""
        if self._at_s is not None:
            self._left = min(self._left + (now_s - self._at_s) * self.bytes_s, self.bytes_s * _BURST_S)
        self._at_s = now_s
        self._left -= count
        return max(0.0, -self._left / self.bytes_s)


class Budgets:
    """The buckets of all links; a link without a limit has none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._day, self._changed = 0, False
        self._sent, self._heard = dict[str, int](), dict[str, int]()

    def pace(self, limits: Sequence[tuple[str, str, int]], node_id: str = "", bytes_day: int = 0) -> Pace:
        """Return what waits until every bucket of `limits`, as (kind, name, bytes per second), lets a piece through.

        With `bytes_day` it raises `DaySpent` for a piece that the node `node_id` may not be sent today.
        """
        mine = [self._bucket(kind, name, bytes_s) for kind, name, bytes_s in limits if bytes_s > 0]

        async def wait(count: int) -> None:
            if node_id:
                self._spend(node_id, bytes_day, count)
            delay_s = max((bucket.take(count, self._clock.monotonic_s()) for bucket in mine), default=0.0)
            if delay_s:
                await asyncio.sleep(delay_s)

        return wait

    def for_node(self, node: Node, site_bytes_s: int = 0) -> Pace:
        """Return what paces a transfer to `node`: its link's bytes per second and per day, and its site's per second."""
        limits = (("node", node.id, node.link_bytes_s or 0), ("site", node.site or node.name, site_bytes_s))
        return self.pace(limits, node.id, node.link_bytes_day or 0)

    def sent_today(self, node_id: str) -> int:
        """Return the bytes that a node was sent since midnight UTC."""
        self._turn()
        return self._sent.get(node_id, 0)

    def heard_today(self, node_id: str) -> int:
        """Return the bytes of telemetry that a node's link carried since midnight UTC."""
        self._turn()
        return self._heard.get(node_id, 0)

    def carried_today(self, node_id: str) -> int:
        """Return all bytes that a node's link carried since midnight UTC."""
        return self.sent_today(node_id) + self.heard_today(node_id)

    @property
    def day(self) -> int:
        """Return the day, counted since 1970 in UTC."""
        self._turn()
        return self._day

    def hear(self, node_id: str, count: int) -> None:
        """Count bytes of telemetry that came."""
        if count:
            self._heard[node_id], self._changed = self.heard_today(node_id) + count, True

    def summary(self, nodes: Iterable[Node]) -> dict[str, int]:
        """Return the bytes sent to and heard from `nodes` today, how many links have an allowance, how many used most of it."""
        links = [(node.id, node.link_bytes_day or 0) for node in nodes]
        return {
            "sent_today_bytes": sum(self.sent_today(node_id) for node_id, _ in links),
            "heard_today_bytes": sum(self.heard_today(node_id) for node_id, _ in links),
            "links_limited": sum(day > 0 for _, day in links),
            "links_near": sum(day > 0 and self.carried_today(node_id) >= MOST * day for node_id, day in links),
        }

    async def load(self, store: Store) -> None:
        """Go on with what the store says was sent today."""
        row = await store.read(lambda conn: rows.get(conn, _META, _KEY))
        told: dict[str, Any] = (row or {}).get("value") or {}
        self._day, self._sent = int(told.get("day", 0)), {str(key): int(count) for key, count in told.get("sent", {}).items()}
        self._heard = {str(key): int(count) for key, count in told.get("heard", {}).items()}

    async def save(self, store: Store) -> None:
        """Write what was sent today, if it grew."""
        if not self._changed:
            return
        self._changed = False
        row, now_us = (
            {"id": _KEY, "value": {"day": self._day, "sent": dict(self._sent), "heard": dict(self._heard)}},
            self._clock.now_us(),
        )
        await store.write(lambda conn: rows.put(conn, _META, row, actor="engine", cause="", now_us=now_us))

    def _spend(self, node_id: str, bytes_day: int, count: int) -> None:
        spent = self.sent_today(node_id) + count
        if bytes_day and spent + self.heard_today(node_id) > bytes_day:
            error = DaySpent("The link has carried what it may in a day, {bytes} bytes", bytes=bytes_day)
            error.due_s = float((self._day + 1) * DAY_S)
            raise error
        self._sent[node_id], self._changed = spent, True

    def _turn(self) -> None:
        today = self._clock.now_us() // 1_000_000 // DAY_S
        if today != self._day:
            self._day, self._sent, self._heard = today, {}, {}

    def _bucket(self, kind: str, name: str, bytes_s: int) -> Bucket:
        found = self._buckets.get((kind, name))
        if found is None or found.bytes_s != bytes_s:
            found = self._buckets[kind, name] = Bucket(bytes_s)
        return found

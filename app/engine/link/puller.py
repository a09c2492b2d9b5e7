"""Pulls telemetry from many nodes, each at its own pace from its own cursor.

The same code serves in the engine's loop and in the link process. A node that fails is asked again with full jitter, so
that a thousand nodes that come back do not come at once.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from app.engine.base.clock import Clock
from app.engine.base.errors import OutpostError
from app.engine.base.funnel import as_outpost_error
from app.engine.link.client import NodeClient
from app.engine.link.records import Batch, Peer, Target
from app.engine.link.transport import full_jitter_s

PAGE: Final = 500
_SHORT_PAGE: Final = 50  # of a node that is asked seldom, because its link carries little
_TRIPS: Final = 16  # the quickest of the last so many answers is the round trip: others waited for something else as well
_STATUS_EVERY_S: Final = 20.0
_CAP_S: Final = 30.0
_APART_S: Final = 0.04  # on average between the beats of two nodes, as long as all fit into one cadence

ClientOf = Callable[[Peer], NodeClient]
Hand = Callable[[Batch], None]


@dataclass
class _Follow:
    """What the loop of one node keeps between pulls."""

    target: Target
    client: NodeClient
    poked: asyncio.Event
    failures: int = 0
    status_due_s: float = 0.0
    due_s: float | None = None
    paced: bool = False
    full: bool = False
    trips_s: deque[float] = field(default_factory=lambda: deque(maxlen=_TRIPS))


class Puller:
    """A task per node; `hand` gets a batch of every pull, on the loop that made the puller."""

    def __init__(self, client_of: ClientOf, hand: Hand, cadence_s: float, clock: Clock, draw: random.Random) -> None:
        self._client_of, self._hand, self._cadence_s = client_of, hand, cadence_s
        self._clock, self._draw = clock, draw
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._follows: dict[str, _Follow] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def attach(self, target: Target) -> None:
        """Pull from `target` from now on, in place of what was pulled under its id before."""
        self.detach(target.peer.id)
        follow = _Follow(target, self._client_of(target.peer), asyncio.Event())
        self._follows[target.peer.id] = follow
        self._tasks[target.peer.id] = asyncio.get_running_loop().create_task(self._run(follow), name="pull")

    def detach(self, node_id: str) -> None:
        """Pull from a node no longer; unknown ids are ignored."""
        task, follow = self._tasks.pop(node_id, None), self._follows.pop(node_id, None)
        if task is not None and follow is not None:
            task.cancel()
            closing = asyncio.get_running_loop().create_task(_close(task, follow.client), name="pull-close")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def poke(self, node_id: str) -> None:
        """Pull from a node now, its status included."""
        follow = self._follows.get(node_id)
        if follow is not None:
            follow.status_due_s = 0.0
            follow.poked.set()

    def pace(self, node_id: str, every_s: float) -> None:
        """Have a node asked for a page every `every_s` from now on; 0 for the cadence of all."""
        follow = self._follows.get(node_id)
        if follow is not None:
            follow.target, follow.due_s = replace(follow.target, every_s=every_s), None
            follow.paced = True
            follow.poked.set()

    async def stop(self) -> None:
        """Pull from nobody and close every connection."""
        for node_id in tuple(self._tasks):
            self.detach(node_id)
        await asyncio.gather(*self._closing)

    async def _run(self, follow: _Follow) -> None:
        if follow.target.every_s:
            await self._pause(follow)
        while True:
            batch = await self._pull(follow)
            follow.failures = 0 if batch.problem is None else follow.failures + 1
            self._hand(batch)
            await self._pause(follow)

    async def _pull(self, follow: _Follow) -> Batch:
        """Ask once; a failure is a batch too."""
        target, began_s, carried = follow.target, self._clock.monotonic_s(), follow.client.wire_bytes
        most = _SHORT_PAGE if target.every_s else PAGE
        try:
            due = began_s >= follow.status_due_s
            page = await follow.client.telemetry(target.epoch, target.seq, most, status=due)
            follow.trips_s.append(self._clock.monotonic_s() - began_s)
            status = page.status
            if status is None and (due or page.epoch != target.epoch):  # too old to send it along, or begun anew
                status = await follow.client.status()
            if status is not None:
                follow.status_due_s = began_s + _STATUS_EVERY_S
        except OutpostError as error:
            return Batch(target.peer.id, self._clock.now_us(), target.epoch, target.seq, problem=error.problem())
        except Exception as error:  # noqa: BLE001 - one node's surprise must not end the pulling; it is told as a bug
            told = as_outpost_error(error)
            return Batch(target.peer.id, self._clock.now_us(), target.epoch, target.seq, problem=told.problem())
        follow.target = replace(follow.target, epoch=page.epoch, seq=page.cursor)
        follow.full = len(page.items) >= PAGE
        return Batch(
            target.peer.id, self._clock.now_us(), page.epoch, page.cursor, page.items, page.lost, status, min(follow.trips_s),
            link_bytes=follow.client.wire_bytes - carried,
        )  # fmt: skip

    async def _pause(self, follow: _Follow) -> None:
        """Wait for the next pull: not at all while a gap is being filled, longer and longer while a node fails."""
        if follow.full and not follow.failures and not follow.target.every_s:
            await asyncio.sleep(0)
            return
        while await self._wait(follow):
            pass

    async def _wait(self, follow: _Follow) -> bool:
        """Wait as long as it now should be; tell whether to wait anew, because the pace changed meanwhile."""
        follow.paced = False
        delay_s = self._until_due_s(follow)
        if follow.failures:
            cap_s = max(_CAP_S, self._cadence_s)
            delay_s = max(0.25 * self._cadence_s, full_jitter_s(follow.failures, self._cadence_s, cap_s, self._draw))
            delay_s = max(delay_s, follow.target.every_s)
        try:
            async with asyncio.timeout(delay_s):  # wait_for may swallow the end when it comes with a poke (Python 3.11)
                await follow.poked.wait()
        except TimeoutError:
            return False
        follow.poked.clear()
        return follow.paced

    def _until_due_s(self, follow: _Follow) -> float:
        """Return the wait to the node's next beat.

        A few nodes beat almost together, so that a console at rest wakes, writes and draws once for all of them; the more
        there are, the wider their beats are drawn apart.
        """
        now_s = self._clock.monotonic_s()
        if follow.target.every_s:
            follow.due_s = None
            return follow.target.every_s
        if follow.due_s is None:
            spread_s = min(self._cadence_s, _APART_S * len(self._follows))
            beat_s = (now_s // self._cadence_s + 1) * self._cadence_s
            follow.due_s = beat_s + self._draw.uniform(0.0, spread_s)
        else:
            follow.due_s = max(follow.due_s + self._cadence_s, now_s)
        return follow.due_s - now_s


async def _close(task: asyncio.Task[None], client: NodeClient) -> None:
    await asyncio.gather(task, return_exceptions=True)
    await client.close()

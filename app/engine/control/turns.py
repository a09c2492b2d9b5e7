"""Turns of controllers, taken on the wheel they share, and one watch over all who take them.

When no turn of somebody comes for as long as it asked, its revert is called on a fresh thread: a resource that hangs may hang
there too, and holds up neither the watch nor others. A turn that raises is logged, and the next is tried: the watch reverts
while none comes through. The watch's thread ends when nobody takes turns any more. A program that ends, in peace or by an
error, leaves the resources of those who still take turns as their `stop` does; no program can when it is killed.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from app.engine.base.errors import BadInput, Conflict, Limit
from app.engine.control.abreast import abreast
from app.engine.control.wheel import WHEEL, Spoke

log = logging.getLogger(__name__)
# How long a stop waits for the last turn; one that hangs is left behind on its thread.
LAST_TURN_S: Final = 2.0
# Turns wait on one clock of the system, which counts no longer than this by far.
_LONGEST_S: Final = 86_400.0


def need_tick(tick_s: float) -> None:
    """Raise `BadInput` for a length of turns that is no time: all share one thread, which such turns would end or starve."""
    if not 0 < tick_s <= _LONGEST_S:
        raise BadInput("A turn takes a number of seconds above 0, a day at most, not {tick_s}", field="tick_s", tick_s=tick_s)


class Turns:
    """Calls `turn` every `tick_s` from `start` to `stop`, and `revert` when no turn has come for `patience_s`.

    `leave` is called where the program ends before the `stop`.
    """

    def __init__(self, name: str, turn: Callable[[], None], revert: Callable[[], None], *, tick_s: float, patience_s: float,
                 clock: Callable[[], float], leave: Callable[[], object] | None = None) -> None:  # fmt: skip
        need_tick(tick_s)
        self.name, self.tick_s, self.leave = name, tick_s, leave
        self._turn, self._revert, self._patience_s, self._clock = turn, revert, patience_s, clock
        self._spoke = Spoke(self._take, tick_s)
        self._reverting: threading.Thread | None = None
        self._looked_after, self._looking = False, threading.Lock()
        self._turned_s = clock()

    def start(self) -> None:
        """Take turns until `stop`; raises `Conflict` when they are taken already, or the last one still hangs.

        Raises `Limit` where the system has no thread left for the watch, without which none are taken.
        """
        before_s, self._turned_s = self._turned_s, self._clock()
        if not WHEEL.add(self._spoke):
            self._turned_s = before_s
            raise Conflict("This controller runs already")
        self._looked_after = True
        try:
            WATCH.add(self)
        except RuntimeError as error:
            self.stop()
            raise Limit("Nobody could watch over these turns: {why}", why=error) from error

    def stop(self, wait_s: float = LAST_TURN_S) -> bool:
        """End the turns and tell whether the last is over, waited for at most `wait_s`; a second call changes nothing.

        The watch looks until then: a last turn that hangs is reverted like any other, and such a revert is waited for as well.
        """
        until_s = time.monotonic() + wait_s
        over = WHEEL.remove(self._spoke, wait_s)
        WATCH.discard(self)
        with self._looking:
            self._looked_after, reverting = False, self._reverting
        if reverting in {None, threading.current_thread()}:
            return over
        reverting.join(max(0.0, until_s - time.monotonic()))
        return over and not reverting.is_alive()

    def look(self) -> None:
        """Revert on a fresh thread when no turn has come for too long."""
        with self._looking:
            busy = self._reverting is not None and self._reverting.is_alive()
            if self._looked_after and not busy and self._clock() - self._turned_s > self._patience_s:
                reverting = threading.Thread(target=self._revert, name=f"{self.name}-revert", daemon=True)
                reverting.start()
                self._reverting = reverting

    def _take(self) -> None:
        if self._took():
            self._turned_s = self._clock()

    def _took(self) -> bool:
        """Take one turn and tell whether it came through: what a law or a listener raises must not end the loop."""
        try:
            self._turn()
        except Exception:
            log.exception("a turn of %s failed", self.name)
            return False
        return True


class Watch:
    """Looks at everybody who takes turns, as often as the quickest of them turns."""

    def __init__(self) -> None:
        self._waits_for_the_end = False
        self.begin_anew()

    def begin_anew(self) -> None:
        """Watch over nobody: a child that was forked has none of the threads, and what they steer is its parent's to leave."""
        self._watched: set[Turns] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Tell whether the watch's thread looks."""
        return self._thread is not None

    def add(self, turns: Turns) -> None:
        """Watch over `turns` from now on."""
        with self._changed:
            self._watched.add(turns)
            if not self._waits_for_the_end:
                self._waits_for_the_end = True
                atexit.register(self.leave)
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="controller-watch", daemon=True)
                thread.start()
                self._thread = thread
            elif turns.tick_s < min((one.tick_s for one in self._watched if one is not turns), default=0.0):
                self._changed.notify_all()

    def discard(self, turns: Turns) -> None:
        """Watch over `turns` no more."""
        with self._changed:
            self._watched.discard(turns)
            if not self._watched:
                self._changed.notify_all()

    def leave(self) -> None:
        """Have all that still take turns leave their resources: the program ends. One that hangs holds up no other."""
        leaves = [turns.leave for turns in tuple(self._watched) if turns.leave is not None]
        abreast(lambda row: leaves[row](), range(len(leaves)))

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._watched:
                    self._changed.wait(min(one.tick_s for one in self._watched))
                watched = tuple(self._watched)
                if not watched:
                    self._thread = None
                    return
            try:
                WHEEL.help()
                for turns in watched:
                    turns.look()
            except RuntimeError:
                log.exception("the system has no more threads; what hangs is looked at again in a turn")


WATCH: Final = Watch()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WHEEL.begin_anew)
    os.register_at_fork(after_in_child=WATCH.begin_anew)

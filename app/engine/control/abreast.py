"""The same for many resources, so that one that hangs holds up no other: more threads where no row comes through.

One thread does all where each is quick, which keeps their order; while some are left after a moment, twice as many go on with
them. A thread whose row hangs is left behind with it.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

log = logging.getLogger(__name__)
_MOMENT_S: Final = 0.05
# How long nothing may come through before what hangs is left behind.
PATIENCE_S: Final = 2.0


class _Abreast:
    def __init__(self, work: Callable[[int], object], rows: Iterable[int]) -> None:
        self._work, self._left = work, deque(rows)
        self._open, self._changed = len(self._left), threading.Condition()

    def go(self, patience_s: float) -> bool:
        threads, quiet_s = 1, 0.0
        while True:
            for _ in range(min(threads, len(self._left))):
                self._start()
            with self._changed:
                before = self._open
                if self._changed.wait_for(lambda: not self._open, _MOMENT_S):
                    return True
                quiet_s = quiet_s + _MOMENT_S if self._open == before else 0.0
            if quiet_s >= patience_s:
                return False
            threads *= 2

    def _start(self) -> None:
        """Work on a fresh thread; here where the system has no more, or the program ends: better held up than not done."""
        try:
            threading.Thread(target=self._run, name="controller-abreast", daemon=True).start()
        except RuntimeError:
            self._run()

    def _run(self) -> None:
        while True:
            try:
                row = self._left.popleft()
            except IndexError:
                return
            try:
                self._work(row)
            except Exception:
                log.exception("row %d of a bank failed", row)
            with self._changed:
                self._open -= 1
                self._changed.notify_all()


def abreast(work: Callable[[int], object], rows: Iterable[int], patience_s: float | None = None) -> bool:
    """Call `work(row)` for every row and tell whether all are through; waits while any comes through, then `patience_s`."""
    return _Abreast(work, rows).go(PATIENCE_S if patience_s is None else patience_s)

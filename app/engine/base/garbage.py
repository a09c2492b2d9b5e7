"""Work that makes thousands of objects which all live until it ends, and refer to each other in no circle.

Python's collector walks through all of them again and again (https://docs.python.org/3/library/gc.html), for a third of the
time that such work takes, and finds nothing. Where somebody is always at work, as at a busy hub, it runs now and then all the
same: what does refer to itself in a circle would be kept for ever.
"""

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from typing import Final

_LOCK = threading.Lock()
_AT_WORK: list[bool] = []  # an entry for each that is at work; the first one, whether the collector was on before
_MOST_S: Final = 10.0  # that it rests while one takes over from another
_rested_s = 0.0  # since when, on the monotonic clock


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Have the collector rest while this runs, in whichever threads; for work that ends soon."""
    global _rested_s
    with _LOCK:
        if not _AT_WORK:
            _rested_s = time.monotonic()
        _AT_WORK.append(_AT_WORK[0] if _AT_WORK else gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _LOCK:
            before, now_s = _AT_WORK.pop(), time.monotonic()
            if before and not _AT_WORK:
                gc.enable()
            overdue = before and bool(_AT_WORK) and now_s - _rested_s > _MOST_S
            if overdue:
                _rested_s = now_s
        if overdue:
            gc.collect()

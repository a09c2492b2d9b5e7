"""Work that makes thousands of objects which all live until it ends, and refer to each other in no circle.

Python's collector walks through all of them again and again (https://docs.python.org/3/library/gc.html), for a third of the
time that such work takes, and finds nothing.
"""

import contextlib
import gc
import threading
from collections.abc import Iterator

_LOCK = threading.Lock()
_AT_WORK: list[bool] = []  # an entry for each that is at work; the first one, whether the collector was on before


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Have the collector rest while this runs, in whichever threads; for work that ends soon."""
    with _LOCK:
        _AT_WORK.append(_AT_WORK[0] if _AT_WORK else gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _LOCK:
            before = _AT_WORK.pop()
            if before and not _AT_WORK:
                gc.enable()

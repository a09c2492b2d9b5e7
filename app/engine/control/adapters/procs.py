"""One thread that reads small files of the system for everybody: /proc and cgroup figures, ten times a second.

A file is kept open and read again from its beginning, as the kernel writes it anew for each read. Who wants a figure takes the
newest text and never waits. The thread ends when nobody watches any more.
"""

import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.engine.base.errors import Offline

_MOST_BYTES: Final = 1 << 18
EVERY_S: Final = 0.1


class Watched:
    """The newest text of one file; read with `text`, which raises `Offline` when the file has gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        self._text, self._why = "", ""
        self.look()

    def look(self) -> bool:
        """Read the file again and tell whether it could be read."""
        try:
            self._text, self._why = os.pread(self._file, _MOST_BYTES, 0).decode("utf-8", "replace"), ""
        except OSError as error:
            self._why = error.strerror or str(error)
        return not self._why

    def text(self) -> str:
        """Return the newest text."""
        if self._why:
            raise Offline("{path} cannot be read: {why}", path=self.path, why=self._why)
        return self._text


class Sampler:
    """Keeps what is watched up to date; `reads` counts how often."""

    def __init__(self, every_s: float = EVERY_S, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s, self._clock = every_s, clock
        self._watched: weakref.WeakValueDictionary[Path, Watched] = weakref.WeakValueDictionary()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.reads = 0

    def watch(self, path: Path) -> Watched:
        """Return the file's figures, kept up to date while somebody holds them; raises `OSError` when it cannot be opened."""
        with self._changed:
            found = self._watched.get(path)
            if found is None or not found.look():
                found = self._watched[path] = Watched(path)
            self._read_on()
            return found

    def begin_anew(self) -> None:
        """Go on with what is watched in a child that was forked, which has none of the threads."""
        self._changed, self._thread = threading.Condition(), None
        # A copy: the thread that is not here may have been going through the old one.
        self._watched = weakref.WeakValueDictionary(dict(self._watched))
        with self._changed:
            if self._watched:
                self._read_on()

    def _read_on(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="proc-sampler", daemon=True)
            thread.start()
            self._thread = thread

    @property
    def running(self) -> bool:
        """Tell whether the thread reads."""
        return self._thread is not None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(self._every_s)
                watched = list(self._watched.values())
                if not watched:
                    self._thread = None
                    return
            for one in watched:
                one.look()
            self.reads += 1
            del watched, one


SAMPLER: Final = Sampler()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=SAMPLER.begin_anew)


def resident_bytes(statm: str) -> float:
    """Return the resident memory from the text of /proc/PID/statm (proc(5): the second figure, in pages)."""
    return float(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def interface_counts(net_dev: str, name: str) -> tuple[float, float, float, float] | None:
    """Return (received bytes, packets, errors, drops) of an interface from the text of /proc/net/dev (proc(5)), or None."""
    for line in net_dev.splitlines():
        interface, colon, figures = line.partition(":")
        if colon and interface.strip() == name:
            parts = figures.split()
            return float(parts[0]), float(parts[1]), float(parts[2]), float(parts[3])
    return None

"""Full pages of a hub's log as they were read first, for all who ask for the same: consoles that meet after weeks do.

Nothing is added to a page that more stands behind. It holds while the hub's epoch does and nothing in the log was scrubbed.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from app.engine.store.rows import Row

MOST_BYTES: Final = 32 << 20
Era: TypeAlias = tuple[str, int]  # the hub's epoch, and how often something in its log was scrubbed
Place: TypeAlias = tuple[int, int]  # behind which entry, and how many


@dataclass(frozen=True)
class Page:
    """Entries as lines, up to entry `cursor`; `owners` wrote them: "" for what was judged, which its writer is told too."""

    cursor: int
    lines: tuple[str, ...]
    owners: tuple[str, ...]

    def told_to(self, replica: str, *, whole: bool = False) -> list[str]:
        """Return what a replica is to be told: what others wrote, and what was decided on its own; all where `whole`."""
        if whole or replica not in self.owners:
            return list(self.lines)
        return [line for line, owner in zip(self.lines, self.owners, strict=True) if owner != replica]


def page_of(found: Sequence[Row], place: Place) -> Page:
    """Return the page that entries of the log make."""
    owners = ("" if row["verdicts"] else str(row["replica"]) for row in found)
    return Page(int(found[-1]["hub_seq"]) if found else place[0], tuple(map(_told, found)), tuple(owners))


def _told(row: Row) -> str:
    """Return an entry of the log as a line: its replica, what was decided on it, and the operation, as they are kept."""
    return f"[{_quoted(row['replica'])},{row['verdicts'] or 'null'},{row['op']}]"


@lru_cache(256)
def _quoted(replica: str) -> str:
    return json.dumps(replica)


Read: TypeAlias = tuple[Era, Place, Page]


class Pages:
    """What was read last, up to `most_bytes`; of one era at a time. Asked by any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._size = most_bytes, 0
        self._era: Era = ("", 0)
        self._kept: OrderedDict[Place, Page] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, era: Era, place: Place) -> Page | None:
        """Return the page of a place, None where it is to be read; what is of another era is let go of."""
        with self._lock:
            self._turn(era)
            if place in self._kept:
                self._kept.move_to_end(place)
            return self._kept.get(place)

    def keep(self, era: Era, place: Place, page: Page) -> None:
        """Keep a page that was read in a transaction which is committed, in place of those nobody asked for longest."""
        with self._lock:
            if era != self._era or place in self._kept:
                return
            self._kept[place] = page
            self._size += _size_of(page)
            while self._size > self._most:
                self._size -= _size_of(self._kept.popitem(last=False)[1])

    def _turn(self, era: Era) -> None:
        if era != self._era:
            self._kept.clear()
            self._era, self._size = era, 0


def _size_of(page: Page) -> int:
    return sum(map(len, page.lines))

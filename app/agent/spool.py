"""The telemetry spool: measurements kept on the node until consoles have read them, oldest dropped first when full or too old.

The sequence is gapless within an epoch, and the epoch is drawn at random with each new file, so a reader can tell a new
spool from an old one and knows exactly what it missed. Acknowledgements are of a class of their own and are never dropped.
"""

import json
import secrets
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from app.agent.database import open_database
from app.engine.base.clock import Clock
from app.wire.limits import PAGE_ITEMS
from app.wire.telemetry import Measurement, TelemetryPage

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spool (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, kept INTEGER NOT NULL DEFAULT 0, at_us INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS epoch (only INTEGER PRIMARY KEY CHECK (only = 1), name TEXT NOT NULL);
"""
_CHECK_EVERY: Final = 32
_DROP_PART: Final = 16  # a full spool drops one sixteenth of its rows at a time


class Spool:
    """One spool file; every method blocks and belongs to the disk lane."""

    def __init__(self, path: Path, clock: Clock, most_bytes: int) -> None:
        self._db = open_database(path, _SCHEMA, clock)
        self._grow()
        self._clock, self._most_bytes, self._ttl_us = clock, most_bytes, 0
        self._db.execute("INSERT OR IGNORE INTO epoch VALUES (1, ?)", (secrets.token_hex(8),))
        self.epoch = str(self._db.execute("SELECT name FROM epoch").fetchone()[0])
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spool'").fetchone()
        self.last_seq = int(row[0]) if row else 0
        self._until_check = 1

    def limit(self, most_bytes: int, ttl_s: float | None) -> None:
        """Keep at most `most_bytes`, and nothing older than `ttl_s` (None: as long as there is room)."""
        self._most_bytes, self._ttl_us, self._until_check = most_bytes, round((ttl_s or 0.0) * 1e6), 1

    def append(self, at_us: int, measured: dict[str, Any], *, keep: bool = False) -> int:
        """Keep one measurement and return its sequence number; durable when this returns. `keep`: it is never dropped."""
        body = json.dumps({"at_us": at_us, **measured}, separators=(",", ":"), allow_nan=False)
        cursor = self._db.execute("INSERT INTO spool (body, kept, at_us) VALUES (?, ?, ?)", (body, int(keep), at_us))
        self.last_seq = int(cursor.lastrowid or 0)
        self._until_check -= 1
        if self._until_check <= 0:
            self._until_check = _CHECK_EVERY
            self._make_room()
        return self.last_seq

    def page(self, epoch: str, after: int, limit: int) -> TelemetryPage:
        """Return at most `limit` measurements after the cursor (`epoch`, `after`); an unknown epoch starts anew."""
        if epoch != self.epoch or after > self.last_seq:
            after = 0
        rows = self._db.execute(
            "SELECT seq, body FROM spool WHERE seq > ? ORDER BY seq LIMIT ?", (after, min(limit, PAGE_ITEMS))
        ).fetchall()
        items = tuple(Measurement.from_json({**json.loads(body), "seq": seq}) for seq, body in rows)
        end = items[-1].seq + 1 if len(rows) == min(limit, PAGE_ITEMS) else self.last_seq + 1
        known = [after, *(item.seq for item in items), end]
        lost = tuple((one + 1, other - 1) for one, other in pairwise(known) if other > one + 1)
        return TelemetryPage(self.epoch, items, end, lost)

    def size_bytes(self) -> int:
        """Return how much of the file holds something."""
        pages, free, size = (self._db.execute(f"PRAGMA {what}").fetchone()[0] for what in _SIZES)
        return int((pages - free) * size)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _make_room(self) -> None:
        if self._ttl_us:
            self._db.execute("DELETE FROM spool WHERE kept = 0 AND at_us < ?", (self._clock.now_us() - self._ttl_us,))
        while self.size_bytes() > self._most_bytes:
            first, count = self._db.execute("SELECT min(seq), count(*) FROM spool WHERE kept = 0").fetchone()
            if first is None or first >= self.last_seq:
                return
            oldest = "SELECT seq FROM spool WHERE kept = 0 AND seq < ? ORDER BY seq LIMIT ?"
            part = max(count // _DROP_PART, 1)
            self._db.execute(f"DELETE FROM spool WHERE seq IN ({oldest})", (self.last_seq, part))  # noqa: S608 - a constant

    def _grow(self) -> None:
        """Give a file of an earlier version the columns it lacks."""
        there = {row[1] for row in self._db.execute("PRAGMA table_info(spool)")}
        for name in ("kept", "at_us"):
            if name not in there:
                self._db.execute(f"ALTER TABLE spool ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")


_SIZES: Final = ("page_count", "freelist_count", "page_size")

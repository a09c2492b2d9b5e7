"""The telemetry spool: measurements kept on the node until consoles have read them, oldest dropped first when full.

The sequence is gapless within an epoch, and the epoch is drawn at random with each new file, so a reader can tell a new
spool from an old one and knows exactly what it missed.
"""

import json
import secrets
from pathlib import Path
from typing import Any, Final

from app.agent.database import open_database
from app.engine.base.clock import Clock
from app.wire.limits import PAGE_ITEMS
from app.wire.telemetry import Measurement, TelemetryPage

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS spool (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS epoch (only INTEGER PRIMARY KEY CHECK (only = 1), name TEXT NOT NULL);
"""
_CHECK_EVERY: Final = 32
_DROP_PART: Final = 16  # a full spool drops one sixteenth of its rows at a time


class Spool:
    """One spool file; every method blocks and belongs to the disk lane."""

    def __init__(self, path: Path, clock: Clock, most_bytes: int) -> None:
        self._db = open_database(path, _SCHEMA, clock)
        self._most_bytes = most_bytes
        self._db.execute("INSERT OR IGNORE INTO epoch VALUES (1, ?)", (secrets.token_hex(8),))
        self.epoch = str(self._db.execute("SELECT name FROM epoch").fetchone()[0])
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'spool'").fetchone()
        self.last_seq = int(row[0]) if row else 0
        self._until_check = 1

    def append(self, at_us: int, measured: dict[str, Any]) -> int:
        """Keep one measurement and return its sequence number; durable when this returns."""
        body = json.dumps({"at_us": at_us, **measured}, separators=(",", ":"), allow_nan=False)
        cursor = self._db.execute("INSERT INTO spool (body) VALUES (?)", (body,))
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
        first = items[0].seq if items else self.last_seq + 1
        lost = ((after + 1, first - 1),) if first > after + 1 else ()
        return TelemetryPage(self.epoch, items, items[-1].seq + 1 if items else first, lost)

    def size_bytes(self) -> int:
        """Return how much of the file holds something."""
        pages, free, size = (self._db.execute(f"PRAGMA {what}").fetchone()[0] for what in _SIZES)
        return int((pages - free) * size)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _make_room(self) -> None:
        while self.size_bytes() > self._most_bytes:
            first = self._db.execute("SELECT min(seq) FROM spool").fetchone()[0]
            if first is None or first >= self.last_seq:
                return
            upto = first + max((self.last_seq - first) // _DROP_PART, 1)
            self._db.execute("DELETE FROM spool WHERE seq < ?", (upto,))


_SIZES: Final = ("page_count", "freelist_count", "page_size")

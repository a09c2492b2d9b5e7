"""What an agent must not forget: the consoles it is paired with, spent nonces, and its desired state."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from app.agent.database import open_database
from app.engine.base.clock import Clock
from app.engine.base.errors import Refused
from app.wire.identity import PublicIdentity

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pins (device TEXT PRIMARY KEY, identity TEXT NOT NULL, paired_us INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, expiry_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_TIDY_US: Final = 10_000_000  # how far the floor moves until it is written: not with each request


class State:
    """The agent's own small database; every method blocks and belongs to the disk lane."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._db = open_database(path, _SCHEMA, clock)
        self._floor_us = int(self._meta("nonce_floor", "0"))

    def pins(self) -> list[PublicIdentity]:
        """Return the consoles this agent is paired with."""
        rows = self._db.execute("SELECT identity FROM pins ORDER BY paired_us")
        return [PublicIdentity.from_json(json.loads(row[0])) for row in rows]

    def pin(self, console: PublicIdentity, now_us: int) -> None:
        """Remember `console`, in the place of an earlier identity of the same id."""
        row = (console.device_id, json.dumps(console.to_json()), now_us)
        self._db.execute("INSERT OR REPLACE INTO pins VALUES (?, ?, ?)", row)

    def unpin(self, device: str) -> None:
        """Forget the console with the id `device`."""
        self._db.execute("DELETE FROM pins WHERE device = ?", (device,))

    def nonces(self) -> tuple[int, list[tuple[str, int]]]:
        """Return the floor and the spent (nonce, expiry) pairs, for `NonceCache`."""
        spent = self._db.execute("SELECT nonce, expiry_us FROM nonces").fetchall()
        return self._floor_us, [(str(nonce), int(expiry)) for nonce, expiry in spent]

    def spend(self, nonce: str, expiry_us: int, floor_us: int) -> None:
        """Remember a spent nonce and forget those at or below the floor; durable when this returns."""
        with transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO nonces VALUES (?, ?)", (nonce, expiry_us))
            if tidy := floor_us >= self._floor_us + _TIDY_US:  # what is not yet forgotten here is refused as spent
                self._db.execute("DELETE FROM nonces WHERE expiry_us <= ?", (floor_us,))
                self._set_meta("nonce_floor", str(floor_us))
        self._floor_us = floor_us if tidy else self._floor_us

    def twin(self) -> tuple[int, dict[str, Any]]:
        """Return the version and the document of the desired state."""
        version, desired = json.loads(self._meta("twin", "[0, {}]"))
        return int(version), dict(desired)

    def set_twin(self, version: int, desired: dict[str, Any]) -> None:
        """Replace the desired state."""
        self._set_meta("twin", json.dumps([version, desired]))

    def take_bundle(self, signer: str, at_us: int) -> None:
        """Remember the newest bundle of a console; raise `Refused` for one that is not newer than the last."""
        key = f"bundle_us:{signer}"
        if at_us <= int(self._meta(key, "0")):
            raise Refused("The bundle is not newer than the one followed before", hint="Export it again.")
        self._set_meta(key, str(at_us))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _meta(self, key: str, default: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else default

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit all of the block or none of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")

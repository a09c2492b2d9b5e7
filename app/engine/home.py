"""A home folder: everything one Outpost keeps, and the lock that lets one engine own it."""

import contextlib
from pathlib import Path
from typing import IO

from app.engine.base.errors import Conflict
from app.engine.base.platform import make_private, try_lock, unlock, write_private

_DATABASE = "database"


def store_bytes(folder: Path) -> int:
    """Return the size of the store in `folder`, its log included."""
    size = 0
    for file in folder.glob("outpost.db*"):
        with contextlib.suppress(FileNotFoundError):  # a log may be folded in at this moment
            size += file.stat().st_size
    return size


class Home:
    """The folder of one engine; `store`, `settings` and the rest are paths inside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "outpost.db"
        self.settings = folder / "settings.toml"
        self._lock: IO[bytes] | None = None

    @property
    def database(self) -> str:
        """Return the address of the database that stands in for the store's file; empty for none. The file is private."""
        try:
            return (self.folder / _DATABASE).read_text("utf-8").strip()
        except FileNotFoundError:
            return ""

    def keep_database(self, address: str) -> None:
        """Remember the address of the database, or with none that the store is a file again."""
        if address:
            write_private(self.folder / _DATABASE, (address + "\n").encode())
        else:
            (self.folder / _DATABASE).unlink(missing_ok=True)

    def take(self) -> bool:
        """Own the folder until `release` or the end of the process; False when another process owns it."""
        if self._lock is None:
            make_private(self.folder)
            self._lock = try_lock(self.folder / "engine.lock")
        return self._lock is not None

    def need(self) -> None:
        """Own the folder or raise `Conflict`."""
        if not self.take():
            raise Conflict(
                "Another Outpost has {folder} open", folder=self.folder, hint="Close it, or choose another folder with --home."
            )

    def release(self) -> None:
        """Let another engine own the folder."""
        if self._lock is not None:
            unlock(self._lock)
            self._lock = None

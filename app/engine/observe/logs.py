"""The log file of a home: what the program said, bounded in size, without secrets, in UTC."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from app.engine.base.clock import iso_of
from app.engine.base.platform import make_private
from app.engine.base.redact import redact

FOLDER: Final = "logs"
FILE: Final = "outpost.log"
MOST_BYTES: Final = 1_000_000
KEPT: Final = 3
_ROOT: Final = "app"


class _Clean(logging.Formatter):
    """One line in UTC, redacted, so that a log can be handed on."""

    def __init__(self, home: Path) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._places = {str(home): "HOME"}

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - its name
        """Return when `record` was made, in UTC."""
        return iso_of(round(record.created * 1e6))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`."""
        return redact(super().format(record), places=self._places)


class LogFile:
    """A part of the engine: from `start` to `stop` what the program logs also goes to `HOME/logs/outpost.log`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._handler: RotatingFileHandler | None = None

    async def start(self) -> None:
        """Open the file; it turns over at 1 MB, and three old ones are kept."""
        folder = make_private(self._home / FOLDER)
        handler = RotatingFileHandler(folder / FILE, maxBytes=MOST_BYTES, backupCount=KEPT, encoding="utf-8", delay=True)
        handler.setFormatter(_Clean(self._home))
        handler.setLevel(logging.INFO)
        root = logging.getLogger(_ROOT)
        root.addHandler(handler)
        self._handler = handler

    async def stop(self) -> None:
        """Close the file."""
        if self._handler is not None:
            logging.getLogger(_ROOT).removeHandler(self._handler)
            self._handler.close()
            self._handler = None


def files(home: Path) -> list[Path]:
    """Return the log files of `home`, the newest first."""
    folder = home / FOLDER
    return sorted((file for file in folder.glob(f"{FILE}*") if file.is_file()), key=lambda file: file.name)

"""The one seam where SQLite's complaints become our errors.

Codes: https://sqlite.org/rescode.html; the low byte is the primary code.
"""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app.engine.base.errors import Bug, Conflict, Limit

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def code_of(error: BaseException) -> int:
    """Return the primary SQLite code of `error`, or 0 when it is not SQLite's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF
    return 0


def cannot_write(error: BaseException) -> bool:
    """Tell whether the disk is the matter: full, failing or read-only."""
    return code_of(error) in _FULL


def is_broken(error: BaseException) -> bool:
    """Tell whether the file is damaged or no SQLite file at all."""
    return code_of(error) in _BROKEN


def translate(error: Exception, file: Path) -> Exception:
    """Return what the caller is told for `error`: one of our errors if SQLite raised it, else `error` itself."""
    if not isinstance(error, (DBAPIError, sqlite3.Error)):
        return error
    code = code_of(error)
    reason = str(error.orig if isinstance(error, DBAPIError) else error)
    if code in _FULL:
        return _no_room(code, file, reason)
    if code in _BROKEN:
        return Conflict(
            "{file} is damaged: {reason}", file=file, reason=reason, hint="Restore a backup: outpost store restore FILE",
        )  # fmt: skip
    if code in _BUSY:
        return Conflict("{file} is in use by another process", file=file, hint="Close the other Outpost and try again.")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Conflict("This exists already or breaks a rule of the store: {reason}", reason=reason)
    return Bug("{kind}: {reason}", kind=type(error).__name__, reason=reason)


def _no_room(code: int, file: Path, reason: str) -> Limit:
    if code == sqlite3.SQLITE_FULL:
        return Limit(
            "The disk is full: nothing more can be written to {file}",
            file=file, hint="Free some space; everything written before is still readable.",
        )  # fmt: skip
    return Limit(
        "{file} cannot be written: {reason}",
        file=file, reason=reason, hint="Check the disk and the permissions; what was written before is still readable.",
    )  # fmt: skip

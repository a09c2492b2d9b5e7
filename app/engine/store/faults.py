"""The one seam where the complaints of SQLite and PostgreSQL become our errors.

Codes: https://sqlite.org/rescode.html, of which the low byte is the primary code, and
https://www.postgresql.org/docs/15/errcodes-appendix.html, of which the first two signs are the class.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.engine.base.errors import BadInput, Bug, Conflict, Limit, Missing, Offline, OutpostError, Refused

_SAVE = "Save what can be read: outpost store salvage. Or restore a backup: outpost store restore FILE"
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Damaged(Conflict):
    """The state file is damaged."""


def damaged(file: Any, reason: str) -> Damaged:
    """Return what is told of a damaged file."""
    return Damaged("{file} is damaged: {reason}", file=file, reason=reason, hint=_SAVE)


def damaged_and_kept(file: Any, reason: str, copy: Any) -> Damaged:
    """Return what is told of a damaged file of which a copy was put aside."""
    return Damaged("{file} is damaged: {reason}. A copy is kept as {copy}", file=file, reason=reason, copy=copy, hint=_SAVE)


_PASSING = {"40001", "40P01", "55P03"}  # serialization, deadlock, lock


def state_of(error: BaseException) -> str | None:
    """Return PostgreSQL's state of an error ("" for one without, such as a connection that was lost), or None."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if cause is None or not type(cause).__module__.startswith("psycopg"):
        return None
    return str(getattr(cause, "sqlstate", None) or "")


def is_passing(error: BaseException) -> bool:
    """Tell whether the database gave way to another writer, so that the same is tried again."""
    return state_of(error) in _PASSING


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection to a database broke, so that nobody knows what stands."""
    state = state_of(error)
    return state is not None and (state[:2] in ("08", "57") or (not state and _is_operational(error)))


def _is_operational(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return type(cause).__name__ in ("OperationalError", "InterfaceError")


def code_of(error: BaseException) -> int:
    """Return the primary SQLite code of `error`, or 0 when it is not SQLite's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF
    return 0


def cannot_write(error: BaseException) -> bool:
    """Tell whether the disk is the matter: full, failing or read-only."""
    return code_of(error) in _FULL or (state_of(error) or "")[:2] == "53"


def is_broken(error: BaseException) -> bool:
    """Tell whether the file is damaged or no SQLite file at all."""
    return code_of(error) in _BROKEN


def translate(error: Exception, file: Any) -> Exception:
    """Return what the caller is told for `error`: one of our errors if a database raised it, else `error` itself."""
    if isinstance(error, OverflowError | UnicodeEncodeError | RecursionError):  # a number or a sign a driver cannot bind, depth
        return BadInput("A value does not fit its column: {reason}", reason=str(error))
    state = state_of(error)
    if state is not None:
        return _of_postgres(error, state, file)
    return _of_sqlite(error, file) if isinstance(error, (DBAPIError, sqlite3.Error)) else error


def _of_sqlite(error: Exception, file: Any) -> OutpostError:
    code = code_of(error)
    reason = str(error.orig if isinstance(error, DBAPIError) else error)
    if code in _FULL:
        return _no_room(code, file, reason)
    if code in _BROKEN:
        return damaged(file, reason)
    if code in _BUSY:
        return Conflict("{file} is in use by another process", file=file, hint="Close the other Outpost and try again.")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Conflict("This exists already or breaks a rule of the store: {reason}", reason=reason)
    return Bug("{kind}: {reason}", kind=type(error).__name__, reason=reason)


def _no_room(code: int, file: Any, reason: str) -> Limit:
    if code == sqlite3.SQLITE_FULL:
        return Limit(
            "The disk is full: nothing more can be written to {file}",
            file=file, hint="Free some space; everything written before is still readable.",
        )  # fmt: skip
    return Limit(
        "{file} cannot be written: {reason}",
        file=file, reason=reason, hint="Check the disk and the permissions; what was written before is still readable.",
    )  # fmt: skip


def _of_postgres(error: BaseException, state: str, file: Any) -> OutpostError:
    """Return what is told for an error of PostgreSQL; what it quotes of a row or an address is left out."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    reason = str(getattr(getattr(cause, "diag", None), "message_primary", None) or type(cause).__name__)
    if state in _PASSING:
        return Conflict("{file} is in use by another process", file=file, hint="Close the other Outpost and try again.")
    if is_lost(error):
        return Offline("{file} does not answer: {reason}", file=file, reason=reason)
    make = _STATES.get(state[:2])
    return make(file, reason) if make is not None else Bug("{kind}: {reason}", kind=type(cause).__name__, reason=reason)


def _no_leave(file: Any, reason: str) -> OutpostError:
    return Refused("{file} lets this user not do that: {reason}", file=file, reason=reason)


_STATES: dict[str, Callable[[Any, str], OutpostError]] = {
    "22": lambda _file, reason: BadInput("A value does not fit its column: {reason}", reason=reason),
    "23": lambda _file, reason: Conflict("This exists already or breaks a rule of the store: {reason}", reason=reason),
    "28": _no_leave,
    "3D": lambda file, _reason: Missing("There is no database {file}", file=file, hint="Make it with: createdb -E UTF8"),
    "42": _no_leave,
    "53": lambda file, reason: _no_room(0, file, reason),
}

"""How Outpost opens an SQLite file: pragmas, transactions begun by hand, JSON without NaN.

WAL with synchronous FULL: an acknowledged commit survives a kill and, on disks that honour fsync, a power cut
(https://sqlite.org/wal.html, https://sqlite.org/pragma.html#pragma_synchronous).
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event

BUSY_MS = 5000


def encoder_of(*, sort_keys: bool = False) -> Callable[[Any, int], Iterable[str]]:
    """Return what makes the parts of compact JSON of (a value, 0); NaN raises `ValueError`.

    `json.JSONEncoder` makes its C encoder anew for each value, which takes longer than most of our values.
    """
    plain = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys)
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return lambda value, _level: (plain.encode(value),)
    told: Callable[[Any, int], Iterable[str]] = make(
        None, plain.default, getattr(json.encoder, "encode_basestring"), None, ":", ",", sort_keys, False, False  # noqa: B009
    )  # fmt: skip
    return told


_ENCODE = encoder_of()
_DECODER: Any = json.JSONDecoder()
_SCAN: Callable[[str, int], tuple[Any, int]] = _DECODER.scan_once


def to_json(value: Any) -> str:
    """Return compact JSON; NaN raises `ValueError`."""
    return "".join(_ENCODE(value, 0))


def from_json(text: str) -> Any:
    """Return what JSON of ours says; as `json.loads`, without its way there, which takes longer than most of our values."""
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else json.loads(text)


UNREADABLE = "unreadable"


def document_of(text: str) -> Any:
    """Return the document in a column; of what another program left there and is no JSON, one that says so.

    Whoever shows thousands of rows is not to fall over one of them, and the text is kept.
    """
    try:
        return from_json(text)
    except ValueError:
        return {UNREADABLE: text}


def open_engine(path: Path, *, writer: bool, readers: int = 3) -> Engine:
    """Return an engine on `path`: the writer's transactions begin IMMEDIATE, a reader's see one snapshot and cannot write."""
    options: dict[str, Any] = {"poolclass": NullPool} if writer else {"poolclass": QueuePool, "pool_size": readers}
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": BUSY_MS / 1000},
        json_serializer=to_json,
        json_deserializer=document_of,
        **options,
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _record: Any) -> None:
        raw.isolation_level = None
        prepare(raw, writer=writer)

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def prepare(raw: sqlite3.Connection, *, writer: bool) -> None:
    """Set the pragmas of one connection."""
    raw.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    raw.execute("PRAGMA foreign_keys = ON")
    if writer:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")
        raw.execute(
            "PRAGMA secure_delete = ON"
        )  # what is deleted is overwritten (https://sqlite.org/pragma.html#pragma_secure_delete)
    else:
        raw.execute("PRAGMA query_only = ON")


SIDES = ("-wal", "-shm", "-journal")


@contextlib.contextmanager
def looking(path: Path, *, mode: str = "ro") -> Iterator[sqlite3.Connection]:
    """Open an existing file without SQLAlchemy; mode `ro` leaves it and its folder as they were, `rw` may replay its log."""
    beside = [path.with_name(path.name + side) for side in SIDES]
    fresh = [one for one in beside if not one.exists()]
    address = f"{path.resolve().as_uri()}?mode={mode}"
    raw = sqlite3.connect(address, uri=True, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    try:
        yield raw
    finally:
        raw.close()
        # A reader that may not write leaves the empty log it had to make.
        if mode == "ro" and beside[0] in fresh and beside[0].exists() and not beside[0].stat().st_size:
            for one in fresh:
                one.unlink(missing_ok=True)


def problems_of(path: Path, *, mode: str = "ro", most: int = 20) -> list[str]:
    """Return what SQLite's own check finds wrong in the file at `path`; empty when it is sound.

    On real damage `quick_check` raises as often as it answers, so both count.
    """
    try:
        with looking(path, mode=mode) as raw:
            found = [str(row[0]) for row in raw.execute(f"PRAGMA quick_check({most})")]
            lost = raw.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as error:
        return [str(error)]
    found += [f"{row[0]}: row {row[1]} refers to nothing in {row[2]}" for row in lost]
    return [line for line in found if line != "ok"][:most]

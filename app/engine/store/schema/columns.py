"""How a table is written down: every column says how two copies of it merge.

The kinds of merge (used by sync, kept from the first migration on): `lww` the last writer by clock wins, `counter`
additions add up, `set` members join, `guarded` a state machine decided in one place, `append` written once, `text`
shared text, `local` never leaves this machine.
"""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Float, MetaData, Table, Text
from sqlalchemy.types import JSON, TypeEngine

MERGE_KINDS: Final = frozenset({"lww", "counter", "set", "guarded", "append", "text", "local"})
STAMPS: Final = ("id", "created_us", "updated_us", "base_version", "author", "deleted_us")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)


def _column(
    name: str, kind: TypeEngine[Any], merge: str, default: Any, *, key: bool = False, null: bool = False
) -> Column[Any]:
    return Column(name, kind, primary_key=key, nullable=null, default=default, info={"merge": merge})


def text(name: str, merge: str = "lww", default: str | None = "") -> Column[Any]:
    """A text column, empty unless given; `default=None` lets it be null."""
    return _column(name, Text(), merge, default, null=default is None)


def whole(name: str, merge: str = "lww", default: int | None = 0) -> Column[Any]:
    """A whole number of up to 64 bits (times in microseconds, sizes in bytes)."""
    return _column(name, BigInteger(), merge, default, null=default is None)


def real(name: str, merge: str = "lww", default: float | None = None) -> Column[Any]:
    """A float64; null unless given."""
    return _column(name, Float(), merge, default, null=default is None)


def document(name: str, merge: str = "lww", default: Any = None) -> Column[Any]:
    """A JSON column (dict or list); `default` is a callable such as `dict`, or None for null."""
    return _column(name, JSON(none_as_null=True), merge, default, null=default is None)


def key(name: str, merge: str = "append") -> Column[Any]:
    """A text column that is (part of) the primary key."""
    return _column(name, Text(), merge, None, key=True)


def key_whole(name: str, merge: str = "append") -> Column[Any]:
    """A whole number that is part of the primary key."""
    return _column(name, BigInteger(), merge, None, key=True)


def synced(name: str, *items: Any, lasting: bool = False) -> Table:
    """Make a table whose rows travel: adds the id, times, author, base version and the tombstone.

    `base_version` is the peer's version that the local state was built on (0: never synced); `deleted_us` is null
    while the row lives. Rows of a `lasting` table are never let go of by age.
    """
    stamps = (
        key("id"),
        whole("created_us", "append"),
        whole("updated_us"),
        whole("base_version", "local"),
        text("author"),
        whole("deleted_us", default=None),
    )
    return Table(name, metadata, *stamps, *items, info={"synced": True, "lasting": lasting})


def local(name: str, *items: Any, **options: Any) -> Table:
    """Make a table that never leaves this machine."""
    return Table(name, metadata, *items, info={"synced": False}, **options)

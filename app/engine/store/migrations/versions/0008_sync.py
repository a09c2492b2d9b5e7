"""Sync: the outbox tells clock, intent and what was there before; operations, cells, peers, a hub's log, conflicts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008_sync"
down_revision: str | None = "0007_learning"
branch_labels: str | None = None
depends_on: str | None = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers by itself only what is INTEGER

_TABLES = (
    "sync_here", "sync_ops", "sync_cells", "sync_peers", "sync_replicas", "sync_log", "sync_later", "sync_conflicts",
)  # fmt: skip


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _wholes(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=null) for name in names]


def _documents(*names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON(), nullable=null) for name in names]


def _table(name: str, keys: tuple[str, ...], *columns: sa.Column[Any], **options: Any) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"), **options)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, _NUMBER, primary_key=True, autoincrement=True, nullable=False)


def _outbox() -> None:
    op.add_column("outbox", sa.Column("before", sa.JSON(), nullable=True))
    op.add_column("outbox", sa.Column("hlc", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("intent", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("is_new", sa.BigInteger(), nullable=True))


def _ours() -> None:
    _table(
        "sync_here", ("id",), *_texts("id", "replica"), *_wholes("hlc", "applying", "skew_us"),
        *_texts("txn", "actor", "cause", "intent"), *_wholes("now_us", "seq"), *_texts("chain"),
    )  # fmt: skip
    _table("sync_ops", ("seq",), *_wholes("seq"), *_texts("table_name", "row_id", "op", "chain"))
    op.create_index("ix_sync_ops_table_name_row_id", "sync_ops", ["table_name", "row_id"])
    _table("sync_cells", ("table_name", "row_id"), *_texts("table_name", "row_id", "cells"))
    _table(
        "sync_peers", ("id",), *_texts("id", "kind", "name", "address"), *_documents("identity"), *_texts("epoch"),
        *_wholes("cursor", "acked", "durable", "sent_bytes", "received_bytes", "synced_us", "tried_us"), *_texts("error"),
        *_wholes("schema"), *_documents("state"),
    )  # fmt: skip
    _table("sync_later", ("number",), _number("number"), *_texts("replica", "op"), sqlite_autoincrement=True)


def _hubs() -> None:
    _table(
        "sync_replicas", ("id",), *_texts("id", "device", "name", "state"), *_wholes("acked"), *_texts("chain"),
        *_wholes("cursor", "durable", "schema", "seen_us"),
    )  # fmt: skip
    _table(
        "sync_log", ("hub_seq",), _number("hub_seq"), *_texts("replica"), *_wholes("seq", "left_count"),
        *_texts("table_name", "row_id"), *_wholes("at_us"), *_texts("op", "verdicts"), sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("uq_sync_log_replica_seq", "sync_log", ["replica", "seq"], unique=True)
    op.create_index("ix_sync_log_table_name_row_id", "sync_log", ["table_name", "row_id"])


def _conflicts() -> None:
    _table(
        "sync_conflicts", ("id",), *_texts("id"), *_wholes("created_us", "updated_us", "base_version"), *_texts("author"),
        *_wholes("deleted_us", null=True), *_texts("table_name", "row_id", "column_name", "title", "reason"),
        *_documents("kept", null=True), *_wholes("kept_us"), *_texts("kept_by"), *_documents("lost", null=True),
        *_wholes("lost_us"), *_texts("lost_by", "state", "choice", "resolved_by"), *_wholes("resolved_us"),
    )  # fmt: skip
    op.create_index("ix_sync_conflicts_state", "sync_conflicts", ["state"])


def upgrade() -> None:
    """Make columns and tables."""
    _outbox()
    _ours()
    _hubs()
    _conflicts()


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
    for name in ("is_new", "intent", "hlc", "before"):
        op.drop_column("outbox", name)

"""The fleet in depth: held states, tier and link budget of a node, the accept queue, twins with layers, saved views."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003_fleet"
down_revision: str | None = "0002_events"
branch_labels: str | None = None
depends_on: str | None = None

_NODE_TEXTS = ("tier", "held")
_NODE_WHOLES = ("link_bytes_s", "link_bytes_day")
_TABLES = ("edge_candidates", "edge_layers", "edge_twins", "saved_views")


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _wholes(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _documents(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _stamps() -> list[sa.Column[Any]]:
    key = sa.Column("id", sa.Text(), primary_key=True, nullable=False)
    deleted = sa.Column("deleted_us", sa.BigInteger(), nullable=True)
    return [key, *_wholes("created_us", "updated_us", "base_version"), *_texts("author"), deleted]


def _table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint("id", name=f"pk_{name}"))


def upgrade() -> None:
    """Make columns and tables."""
    for name in _NODE_TEXTS:
        op.add_column("edge_nodes", sa.Column(name, sa.Text(), nullable=True))
    for name in _NODE_WHOLES:
        op.add_column("edge_nodes", sa.Column(name, sa.BigInteger(), nullable=True))
    _table(
        "edge_candidates",
        sa.Column("id", sa.Text(), primary_key=True, nullable=False),
        *_texts("name", "address", "device_id", "source", "state"),
        *_documents("about"),
        *_wholes("found_us"),
    )
    _table("edge_layers", *_stamps(), *_texts("name", "query"), *_wholes("priority", "version"), *_documents("document"))
    _table(
        "edge_twins",
        *_stamps(),
        *_wholes("version"),
        *_documents("desired", "acked", "reported"),
        *_wholes("acked_version", "applied_version", "reported_us"),
        *_documents("conflict"),
    )
    _table("saved_views", *_stamps(), *_texts("name", "page", "filter", "sort", "grouping"), *_documents("columns"))


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
    for name in (*_NODE_TEXTS, *_NODE_WHOLES):
        op.drop_column("edge_nodes", name)

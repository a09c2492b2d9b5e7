"""Sessions of federated training, and what nodes sent."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007_learning"
down_revision: str | None = "0006_tasks"
branch_labels: str | None = None
depends_on: str | None = None


def _table(name: str, *columns: sa.Column[Any]) -> None:
    stamps: list[sa.Column[Any]] = [
        sa.Column("id", sa.Text(), nullable=False),
        *(sa.Column(one, sa.BigInteger(), nullable=False) for one in ("created_us", "updated_us", "base_version")),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("deleted_us", sa.BigInteger(), nullable=True),
    ]
    op.create_table(name, *stamps, *columns, sa.PrimaryKeyConstraint("id", name=f"pk_{name}"))


def _columns(kind: Any, *names: str, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=null) for name in names]


def upgrade() -> None:
    """Make the tables."""
    _table(
        "federated_training_sessions",
        *_columns(sa.Text(), "session_name", "model_architecture", "status", "reason"),
        *_columns(sa.JSON(), "privacy_config", "participating_nodes", "spec", "checkpoint"),
        *_columns(sa.BigInteger(), "current_round", "started_at"),
        *_columns(sa.Float(), "convergence_metric", null=True),
    )
    op.create_index("ix_federated_training_sessions_status", "federated_training_sessions", ["status"])
    _table(
        "federated_updates",
        *_columns(sa.Text(), "session_id", "node_id", "status", "reason"),
        *_columns(sa.JSON(), "model_update", "metrics"),
        *_columns(sa.BigInteger(), "round_number", "submitted_at"),
        *_columns(sa.Float(), "privacy_spent", null=True),
    )
    op.create_index(
        "ix_federated_updates_session_id_round_number", "federated_updates", ["session_id", "round_number"]
    )  # fmt: skip


def downgrade() -> None:
    """Drop them."""
    op.drop_table("federated_updates")
    op.drop_table("federated_training_sessions")

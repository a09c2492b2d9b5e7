"""The nodes of rollouts, a row each."""

import sqlalchemy as sa
from alembic import op

revision = "0004_rollouts"
down_revision: str | None = "0003_fleet"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rollout_tasks",
        sa.Column("rollout_id", sa.Text(), nullable=False),
        sa.Column("node_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("task", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("rollout_id", "node_id", name="pk_rollout_tasks"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("rollout_tasks")

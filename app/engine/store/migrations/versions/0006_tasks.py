"""Runs of guided tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0006_tasks"
down_revision: str | None = "0005_quantum"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table."""
    texts = ("id", "author", "job_id", "title", "source", "state")
    wholes = ("created_us", "updated_us", "base_version")
    op.create_table(
        "task_runs",
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in wholes),
        sa.Column("deleted_us", sa.BigInteger(), nullable=True),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_task_runs"),
    )
    op.create_index("ix_task_runs_created_us", "task_runs", ["created_us"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("task_runs")

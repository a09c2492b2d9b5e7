"""Sync: stamps that are exchanged slice by slice where our own log is stamped anew."""

import sqlalchemy as sa
from alembic import op

revision = "0010_sync_moved"
down_revision: str | None = "0009_models_told"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "sync_moved",
        sa.Column("hlc", sa.BigInteger(), nullable=False),
        sa.Column("replica", sa.Text(), nullable=False),
        sa.Column("had", sa.JSON(), nullable=False),
        sa.Column("fresh_hlc", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hlc", "replica", name="pk_sync_moved"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("sync_moved")

"""The events of the bus, kept for the time line."""

import sqlalchemy as sa
from alembic import op

revision = "0002_events"
down_revision: str | None = "0001_core"
branch_labels: str | None = None
depends_on: str | None = None

_TEXTS = ("name", "actor", "cause", "object_kind", "object_id", "object_name", "state")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), primary_key=True, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    for columns in (["at_us"], ["object_id", "at_us"], ["name", "at_us"]):
        op.create_index(f"ix_events_{'_'.join(columns)}", "events", columns)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("events")

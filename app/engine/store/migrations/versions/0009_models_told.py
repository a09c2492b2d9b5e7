"""What models a node last said it has, kept over restarts: plans, undo and gates of a node that is silent build on it."""

import sqlalchemy as sa
from alembic import op

revision = "0009_models_told"
down_revision: str | None = "0008_sync"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("edge_nodes", sa.Column("models", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("edge_nodes", "models")

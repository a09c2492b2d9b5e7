"""Which versions' files stay because they were used, and which were let go of; every version there is so far stays."""

import sqlalchemy as sa
from alembic import op

revision = "0011_files_kept"
down_revision: str | None = "0010_sync_moved"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the column."""
    op.add_column("model_versions", sa.Column("file", sa.Text(), nullable=True))
    op.execute("UPDATE model_versions SET file = 'kept'")


def downgrade() -> None:
    """Drop it."""
    op.drop_column("model_versions", "file")

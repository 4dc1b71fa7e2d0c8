"""A camera that is removed stays as a mark.

Why: `[camera]` of the settings is taken over by name, once; without the mark a removed camera would come back with the
next start of its daemon.  No camera was removed until now.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cameras", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # What is removed would be a camera again, without an address; passages name their camera and need no row.
    op.execute("DELETE FROM cameras WHERE removed_at IS NOT NULL")
    op.drop_column("cameras", "removed_at")

"""Cameras are edited on the admin site: their encrypted address, their options, and the computer that has them.

Why: one program serves all cameras of a site, so a camera can no longer be a section of one settings file.  Cameras
that are there keep their rows; the address follows from `[camera]` of the settings when the daemon starts.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cameras", sa.Column("address", sa.LargeBinary(), nullable=True))
    op.add_column("cameras", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("cameras", sa.Column("computer", sa.String(length=200), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    op.drop_column("cameras", "computer")
    op.drop_column("cameras", "options")
    op.drop_column("cameras", "address")

"""A camera's region of interest, and one picture of it for whoever draws that region.

- roi: four shares of the picture's width and height (x1, y1, x2, y2), NULL for all of it; JSON and not
  four columns, because the four are only ever read and written together;
- snapshot: a small JPEG that the daemon writes when an administrator asked for it (snapshot_wanted_at)
  and takes away again minutes later.  Nothing else in this database is a picture.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("cameras") as table:
        table.add_column(sa.Column("roi", sa.JSON(), nullable=True))
        table.add_column(sa.Column("snapshot", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("snapshot_wanted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("cameras") as table:
        for column in ("snapshot_wanted_at", "snapshot_at", "snapshot", "roi"):
            table.drop_column(column)

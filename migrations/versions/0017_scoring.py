"""Which scores a threshold is for, and the centre that they are taken from.

Why: a threshold fits only the scores that it was computed from.  A site may compare with the mean of a person's photos,
and take off what its faces have in common; thresholds from before are for the best photo.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("operating_points") as table:
        table.add_column(sa.Column("scoring", sa.String(length=60), server_default="best photo", nullable=False))
        table.add_column(sa.Column("centre", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    # The program of before compares with the best photo only: its newest threshold for that is in force again.
    op.execute(sa.text("DELETE FROM operating_points WHERE scoring <> 'best photo'"))
    with op.batch_alter_table("operating_points") as table:
        table.drop_column("centre")
        table.drop_column("scoring")

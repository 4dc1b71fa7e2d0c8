"""Which grown templates a threshold was computed with.

Why: a threshold keeps to its risk only for the gallery that it was computed for, and what grows changes that gallery.
Of thresholds from before nobody knows it, so the site computes once more where something grew already.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operating_points", sa.Column("grown", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("operating_points") as table:
        table.drop_column("grown")

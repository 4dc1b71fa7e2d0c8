"""What was measured of a picture that was too poor to compare.

Why: "too small" explains little; "31 pixels of at least 40" tells who stood there how much closer to come, and
whoever looks after the camera whether it hangs too far away.  Older rows keep NULL: it was not written down then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passages", sa.Column("measured", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("passages", "measured")

"""Since when a person is locked out, and by whom.

Why: the page of people who are locked out says it, so that nobody stays locked out by oversight.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("access_states", sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("access_states", sa.Column("locked_by", sa.String(length=100), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("access_states") as table:
        table.drop_column("locked_by")
        table.drop_column("locked_at")

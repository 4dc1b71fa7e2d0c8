"""When a check-in that a tablet kept was received; whether it came late; the tablet's own count.

Why: the time of a check-in is that of its id, which the tablet makes, so a backdated one left no trace.
Passages from before keep no time of arrival, and count as they did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: copying the table of passages would take long, and SQLite would lose its CHECK.
    op.add_column("passages", sa.Column("received_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("passages", sa.Column("late", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("passages", sa.Column("counter", sa.String(length=8), nullable=True))
    op.add_column("passages", sa.Column("sequence", sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in ("sequence", "counter", "late", "received_at"):
        op.drop_column("passages", name)

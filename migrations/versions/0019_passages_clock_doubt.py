"""Passages that were recorded while the computer's clock was implausible are marked.

Why: a wall clock that jumped gives passages wrong times, and so wrong hours.  The mark lets people find them; nothing
is corrected by itself.  Passages from before the mark are taken for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: copying the table of passages would take long, and SQLite would lose its CHECK.
    op.add_column("passages", sa.Column("clock_doubt", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("passages", "clock_doubt")

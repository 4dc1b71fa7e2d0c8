"""Wrong PINs are counted by the place where they were typed, and in a row over all places.

Why: one count for all places let anybody outside lock a number at the tablets, too.  What was counted so far becomes
the count over all places; a lock that was running ends.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pin_failures",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number_hash", "place", name=op.f("pk_pin_failures")),
    )
    op.execute(
        "INSERT INTO pin_failures (number_hash, place, failures, last_at) "
        "SELECT number_hash, '', failures, last_at FROM pin_attempts"
    )
    op.drop_table("pin_attempts")


def downgrade() -> None:
    op.create_table(
        "pin_attempts",
        sa.Column("number_hash", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number_hash", name=op.f("pk_pin_attempts")),
    )
    op.execute(
        "INSERT INTO pin_attempts (number_hash, failures, last_at) "
        "SELECT number_hash, failures, last_at FROM pin_failures WHERE place = ''"
    )
    op.drop_table("pin_failures")

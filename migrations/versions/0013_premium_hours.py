"""Night, Sunday and holiday hours: the rules from a day on, and what each written-down day had of them.

Why: payroll pays extra for them, by rules that change with agreements.  Rules have a first day, so that what was
paid before stays as it was.  Days that were written down before have none: reports compute them from the check-ins.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FIGURES = ("night", "sunday", "holiday")


def upgrade() -> None:
    op.create_table(
        "premium_rules",
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("first", name=op.f("pk_premium_rules")),
    )
    for figure in FIGURES:
        op.add_column("day_totals", sa.Column(figure, sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    for figure in FIGURES:
        op.drop_column("day_totals", figure)
    op.drop_table("premium_rules")

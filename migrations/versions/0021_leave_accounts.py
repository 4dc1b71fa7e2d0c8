"""Kinds of leave, a year's entitlement, carry-over, and what differs for a person.

Why: leave was a list of days only, and nobody could say how many were left.  The kinds that the program knew become
rows; leave that is entered already keeps whether it is paid.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# name, paid, taken from the entitlement
_KINDS = (
    ("vacation", True, True), ("sickness", True, False), ("parental", False, False), ("training", True, False),
    ("business trip", True, False), ("unpaid", False, False), ("other", True, False),
)  # fmt: skip


def upgrade() -> None:
    kinds = op.create_table(
        "leave_kinds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave_kinds")),
        sa.UniqueConstraint("name", name=op.f("uq_leave_kinds_name")),
    )
    op.bulk_insert(kinds, [dict(zip(("name", "paid", "counts"), kind, strict=True), active=True) for kind in _KINDS])
    op.create_table(
        "leave_rules",
        sa.Column("year", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("days", sa.Double(), nullable=False),
        sa.Column("monthly", sa.Boolean(), nullable=False),
        sa.Column("carry_most", sa.Double(), nullable=True),
        sa.Column("carry_month", sa.Integer(), nullable=True),
        sa.Column("carry_day", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_leave_rules")),
    )
    op.create_table(
        "leave_entitlements",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("days", sa.Double(), nullable=True),
        sa.Column("brought", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_leave_entitlements_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "year", name=op.f("pk_leave_entitlements")),
    )


def downgrade() -> None:
    op.drop_table("leave_entitlements")
    op.drop_table("leave_rules")
    op.drop_table("leave_kinds")

"""Visitors have visits, which say from when until when they pass and whose guests they are.

Why: a guest passes from one moment to another, by an invitation that says whose guest it is; a guest has no working
time.  Everybody on record until now is not a visitor.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("visitor", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "visits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("company", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.Column("level_id", sa.Integer(), nullable=True),
        sa.Column("grant_id", sa.Integer(), nullable=True),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_by", sa.String(length=100), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.Column("end_reason", sa.String(length=200), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_visits_span")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_visits_person_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["host_id"], ["people.id"], name=op.f("fk_visits_host_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["level_id"], ["access_levels.id"], name=op.f("fk_visits_level_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["access_grants.id"], name=op.f("fk_visits_grant_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visits")),
    )
    for column in ("person_id", "host_id", "ends_at"):
        op.create_index(f"ix_visits_{column}", "visits", [column])


def downgrade() -> None:
    op.drop_table("visits")
    # Not in a batch, which would copy the table and lose what keeps SQLite from issuing a number twice.
    op.drop_column("people", "visitor")

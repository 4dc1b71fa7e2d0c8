"""The audit: who did what, when, to whom or what.

Why: lines of a log file can be lost and belong to no transaction.  An entry is committed together with its act.
There are no foreign keys: an entry outlives the person, the tablet or the operator that it is about.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=20), nullable=True),
        sa.Column("subject_id", sa.String(length=36), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('operator', 'command line', 'system')", name=op.f("ck_audit_entries_actor_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_at"), "audit_entries", ["at"])
    op.create_index(op.f("ix_audit_entries_subject_kind_subject_id"), "audit_entries", ["subject_kind", "subject_id"])


def downgrade() -> None:
    op.drop_table("audit_entries")

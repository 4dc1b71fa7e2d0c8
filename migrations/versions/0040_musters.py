"""Musters: who was inside when everybody had to leave, and who was ticked as safe.

Why: after an evacuation several people tick one list, on phones, and afterwards somebody asks who was found when.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "musters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(length=100), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_musters")),
    )
    op.create_table(
        "muster_rows",
        sa.Column("muster_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("place", sa.String(length=100), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("safe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("safe_by", sa.String(length=100), nullable=True),
        sa.CheckConstraint(
            "source IN ('area', 'hours', 'passage', 'door', 'forced')", name=op.f("ck_muster_rows_source")
        ),
        sa.ForeignKeyConstraint(
            ["muster_id"], ["musters.id"], name=op.f("fk_muster_rows_muster_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_muster_rows_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("muster_id", "key", name=op.f("pk_muster_rows")),
    )
    op.create_index("ix_muster_rows_person_id", "muster_rows", ["person_id"])


def downgrade() -> None:
    op.drop_table("muster_rows")
    op.drop_table("musters")

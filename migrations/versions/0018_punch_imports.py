"""Check-ins of other terminals: which file each came with, and whether it counts.

Why: a file of any length is written in short transactions, so that doors do not wait, and yet counts whole or not at
all.  The check-ins are passages like any other, so that corrections and erasure treat them alike.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "punch_imports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("device", sa.String(length=100), nullable=False),
        sa.Column("form", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("punches", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('loading', 'counted', 'removed')", name=op.f("ck_punch_imports_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_punch_imports")),
    )
    op.create_table(
        "imported_punches",
        sa.Column("passage_id", sa.String(length=36), nullable=False),
        sa.Column("import_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_imported_punches_passage_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["punch_imports.id"], name=op.f("fk_imported_punches_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("passage_id", name=op.f("pk_imported_punches")),
    )
    op.create_index(op.f("ix_imported_punches_import_id"), "imported_punches", ["import_id"])


def downgrade() -> None:
    # The older program does not know how these check-ins were identified.
    op.execute("UPDATE corrections SET passage_id = NULL WHERE passage_id IN (SELECT passage_id FROM imported_punches)")
    op.execute("DELETE FROM passages WHERE id IN (SELECT passage_id FROM imported_punches)")
    op.drop_table("imported_punches")
    op.drop_table("punch_imports")

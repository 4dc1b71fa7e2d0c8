"""Sign-ins of operators and employees, each a row that can be ended.

Why: a cookie was all there was to a session, so signing out ended nothing: a copy of the cookie went on working.
Everybody signs in anew after this upgrade.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("begun_at", time, nullable=False),
        sa.Column("begun_mark", sa.String(length=100), nullable=False),
        sa.Column("seen_at", time, nullable=False),
        sa.Column("seen_mark", sa.String(length=100), nullable=False),
        sa.Column("proven_at", time, nullable=False),
        sa.Column("proven_mark", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("browser", sa.String(length=100), nullable=False),
        sa.CheckConstraint("way IN ('password', 'pin', 'link')", name=op.f("ck_sign_ins_way")),
        sa.CheckConstraint("(operator_id IS NULL) <> (person_id IS NULL)", name=op.f("ck_sign_ins_whose")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_sign_ins_operator_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sign_ins_person_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    op.create_index(op.f("ix_sign_ins_operator_id"), "sign_ins", ["operator_id"])
    op.create_index(op.f("ix_sign_ins_person_id"), "sign_ins", ["person_id"])


def downgrade() -> None:
    op.drop_table("sign_ins")

"""What people were asked to do before a camera, and how they answered; the policy that asks for it.

Why: in doubt about liveness a movement that nobody knows before tells a person from a picture, and how it was answered
belongs to the decision.  Older passages have no challenge.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_BEFORE, _AFTER = "'watch', 'step_up', 'refuse'", "'watch', 'challenge', 'step_up', 'refuse'"


def upgrade() -> None:
    op.create_table(
        "liveness_challenges",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("camera", sa.String(length=100), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("done", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("hint", sa.String(length=12), nullable=True),
        sa.Column("declined", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("ended", sa.String(length=12), nullable=True),
        sa.Column("passage_id", sa.String(length=36), nullable=True),
        sa.CheckConstraint("why IN ('rule', 'doubt')", name=op.f("ck_liveness_challenges_why")),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_liveness_challenges_passage_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_liveness_challenges")),
    )
    op.create_index("ix_liveness_challenges_camera_asked_at", "liveness_challenges", ["camera", "asked_at"])
    op.create_index("ix_liveness_challenges_passage_id", "liveness_challenges", ["passage_id"])
    _policies(_AFTER)


def downgrade() -> None:
    op.execute("UPDATE liveness_rulings SET policy = 'step_up' WHERE policy = 'challenge'")
    _policies(_BEFORE)
    op.drop_table("liveness_challenges")


def _policies(words: str) -> None:
    with op.batch_alter_table("liveness_rulings") as batch:
        batch.drop_constraint(op.f("ck_liveness_rulings_policy"), type_="check")
        batch.create_check_constraint(op.f("ck_liveness_rulings_policy"), f"policy IN ({words})")

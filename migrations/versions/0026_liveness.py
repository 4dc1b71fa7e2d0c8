"""What was found about the liveness of a face at each grant, and the drills of each camera.

Why: a printed photo may not open a door, and a decision that nobody can explain helps nobody.  Older passages have
no ruling.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "liveness_rulings",
        sa.Column("passage_id", sa.String(length=36), nullable=False),
        sa.Column("policy", sa.String(length=10), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("network", sa.Double(), nullable=True),
        sa.Column("ring", sa.Double(), nullable=True),
        sa.Column("plane", sa.Double(), nullable=True),
        sa.Column("model_id", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.CheckConstraint("policy IN ('watch', 'step_up', 'refuse')", name=op.f("ck_liveness_rulings_policy")),
        sa.CheckConstraint("verdict IN ('live', 'unclear', 'attack')", name=op.f("ck_liveness_rulings_verdict")),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_liveness_rulings_passage_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("passage_id", name=op.f("pk_liveness_rulings")),
    )
    op.create_table(
        "liveness_drills",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("camera", sa.String(length=100), nullable=False),
        sa.Column("model_id", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=True),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("point", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_liveness_drills")),
    )
    op.create_index("ix_liveness_drills_camera_model_id", "liveness_drills", ["camera", "model_id"])


def downgrade() -> None:
    op.drop_table("liveness_drills")
    op.drop_table("liveness_rulings")

"""A standing list of people who look alike, because such pairs need a larger margin at the door.

Rows are found by comparing templates and may be computed again at any time; the confirmation that two
people are two people, given when a photo resembled somebody else, cannot, so it is kept in the row.

The old templates' quality numbers stay as they are: what was not measured then has a default.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "look_alikes",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=100), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=100), nullable=True),
        sa.CheckConstraint("person_id < other_id", name=op.f("ck_look_alikes_order")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_look_alikes_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["other_id"], ["people.id"], name=op.f("fk_look_alikes_other_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", "other_id", "model_id", name=op.f("pk_look_alikes")),
    )
    op.create_index(op.f("ix_look_alikes_other_id"), "look_alikes", ["other_id"])


def downgrade() -> None:
    op.drop_table("look_alikes")

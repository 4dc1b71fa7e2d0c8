"""The first and last day of employment, so that a leaver keeps the past.

Why: who was deactivated lost every day on which they had not come, so that absences and leave of the past were
wiped.  Now the days before the last one stay as they were.  For people who are inactive already, the day on which
their row was last changed is the best that is known of their last day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "employments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=True),
        sa.Column("last", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_employments_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employments")),
    )
    op.create_index(op.f("ix_employments_person_id"), "employments", ["person_id"])
    op.execute(
        "INSERT INTO employments (person_id, first, last) "
        "SELECT id, NULL, DATE(updated_at) FROM people WHERE NOT active ORDER BY id"
    )


def downgrade() -> None:
    op.drop_table("employments")
    op.drop_column("people", "ends_at")

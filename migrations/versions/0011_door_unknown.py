"""A door that may have opened is "unknown", not "failed".

Why: a passage that a crash left open was noted as "failed", although most of these doors had opened.  Who reads the
log after an incident must not take "nobody knows" for "it stayed shut".  Rows that an earlier start noted so are
corrected; they are found by the words that the program wrote.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STOPPED = "the program stopped before it noted what the door did"


def upgrade() -> None:
    _allow("'done', 'failed', 'unknown'", "'done', 'failed'")
    op.execute(sa.text("UPDATE door_events SET outcome = 'unknown' WHERE detail = :words").bindparams(words=STOPPED))


def downgrade() -> None:
    op.execute("UPDATE door_events SET outcome = 'failed' WHERE outcome = 'unknown'")
    _allow("'done', 'failed'", "'done', 'failed', 'unknown'")


def _allow(outcomes: str, before: str) -> None:
    """Replace the check; SQLite copies the table from the columns and checks that stand here."""
    with op.batch_alter_table("door_events", copy_from=_door_events(f"outcome IN ({before})")) as batch:
        batch.drop_constraint(op.f("ck_door_events_outcome"), type_="check")
        batch.create_check_constraint(op.f("ck_door_events_outcome"), f"outcome IN ({outcomes})")


def _door_events(outcome: str) -> sa.Table:
    return sa.Table(
        "door_events",
        sa.MetaData(),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("passage_id", sa.String(length=36), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("door", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint("action IN ('unlock', 'lock')", name=op.f("ck_door_events_action")),
        sa.CheckConstraint(outcome, name=op.f("ck_door_events_outcome")),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_door_events_passage_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door_events")),
        sa.Index(op.f("ix_door_events_passage_id"), "passage_id"),
    )

"""Mark passages that repeat an earlier one, so that hours count both as one.

Why: every granted request at a door is recorded and moves the door, also when the same person was there a
moment ago.  Until now a repeat was only a further door event of the first passage, so that the log showed the
newest outcome at the wrong time and place.  The cooldown now joins entries of attendance only.
There is no foreign key: when retention deletes the first passage, its repeat must not begin to count.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: copying the table of passages would take long, and SQLite would lose its CHECK.
    op.add_column("passages", sa.Column("repeat_of", sa.String(length=36), nullable=True))


def downgrade() -> None:
    # The older program would count a repeat twice: what the door did goes back to the first passage.
    op.execute(
        "UPDATE door_events SET passage_id = (SELECT first.id FROM passages AS again "
        "JOIN passages AS first ON first.id = again.repeat_of WHERE again.id = door_events.passage_id) "
        "WHERE passage_id IN (SELECT id FROM passages WHERE repeat_of IS NOT NULL)"
    )
    op.execute(
        "UPDATE corrections SET passage_id = NULL "
        "WHERE passage_id IN (SELECT id FROM passages WHERE repeat_of IS NOT NULL)"
    )
    op.execute("DELETE FROM passages WHERE repeat_of IS NOT NULL")
    op.drop_column("passages", "repeat_of")

"""Leave that begins or ends at midday, and why a request was refused.

Why: a half was a property of all days of a leave, so that "second half" of three days made all three half.  Now
the first day and the last day have a half each.  Leave of several half days is cut into days, so that it counts
what it counted before.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_KEPT = "person_id, kind, half, paid, note, state, requested_by, requested_at, decided_by, decided_at"


def upgrade() -> None:
    # Added in place: a copy of the table would lose its CHECKs on SQLite.
    op.add_column("leave", sa.Column("last_half", sa.String(length=10), nullable=False, server_default="whole"))
    op.add_column("leave", sa.Column("decision_note", sa.Text(), nullable=True))
    leave = sa.table("leave", sa.column("id", sa.Integer), sa.column("first", sa.Date), sa.column("last", sa.Date),
                     sa.column("half", sa.String))  # fmt: skip
    add = sa.text(f"INSERT INTO leave (first, last, {_KEPT}) SELECT :day, :day, {_KEPT} FROM leave WHERE id = :id")  # noqa: S608  our names only
    add = add.bindparams(sa.bindparam("day", type_=sa.Date))
    session = op.get_bind()
    for row in session.execute(sa.select(leave).where(leave.c.half != "whole", leave.c.last > leave.c.first)).all():
        session.execute(leave.update().where(leave.c.id == row.id).values(last=row.first))
        for number in range(1, (row.last - row.first).days + 1):
            session.execute(add, {"day": row.first + timedelta(days=number), "id": row.id})


def downgrade() -> None:
    # The older program would take the half for all days: whole ones are nearer to what was agreed.
    op.execute("UPDATE leave SET half = 'whole' WHERE last > first")
    op.drop_column("leave", "decision_note")
    op.drop_column("leave", "last_half")

"""Calendars of public holidays; which of them holds for a department or a person from a day on.

Why: every site had one list of holidays, and people of another region had theirs wrong.  The holidays that are entered
become the site's calendar, which holds for everybody until another one is chosen.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    calendars = op.create_table(
        "holiday_calendars",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday_calendars")),
        sa.UniqueConstraint("name", name=op.f("uq_holiday_calendars_name")),
    )
    op.bulk_insert(calendars, [{"name": "Site"}])
    site = connection.execute(sa.select(calendars.c.id)).scalar_one()
    rows = connection.execute(sa.text("SELECT day, name, source FROM holidays")).mappings().all()
    op.drop_table("holidays")
    _holidays(rows, site)
    op.create_table(
        "department_calendars",
        sa.Column("department", sa.String(length=200), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["holiday_calendars.id"], name=op.f("fk_department_calendars_calendar_id")
        ),
        sa.PrimaryKeyConstraint("department", "first", name=op.f("pk_department_calendars")),
    )
    op.create_table(
        "person_calendars",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_person_calendars_person_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["holiday_calendars.id"], name=op.f("fk_person_calendars_calendar_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "first", name=op.f("pk_person_calendars")),
    )


def downgrade() -> None:
    """Keep the site's calendar only."""
    connection = op.get_bind()
    op.drop_table("person_calendars")
    op.drop_table("department_calendars")
    site = connection.execute(sa.text("SELECT min(id) FROM holiday_calendars")).scalar()
    query = sa.text("SELECT day, name, source FROM holidays WHERE calendar_id = :site")
    rows = connection.execute(query, {"site": site}).mappings().all()
    op.drop_table("holidays")
    _holidays(rows, None)
    op.drop_table("holiday_calendars")


def _holidays(rows, site):
    """Create the table again, with these rows.  A key cannot be changed in place on both databases."""
    columns = [
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=50), nullable=False),
    ]
    if site is None:
        table = op.create_table("holidays", *columns, sa.PrimaryKeyConstraint("day", name=op.f("pk_holidays")))
    else:
        table = op.create_table(
            "holidays",
            sa.Column("calendar_id", sa.Integer(), nullable=False),
            *columns,
            sa.ForeignKeyConstraint(
                ["calendar_id"], ["holiday_calendars.id"], name=op.f("fk_holidays_calendar_id"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("calendar_id", "day", name=op.f("pk_holidays")),
        )
    # A plain query gives SQLite's texts for days; PostgreSQL has days.
    made = [dict(row) | ({} if site is None else {"calendar_id": site}) for row in rows]
    for row in made:
        row["day"] = date.fromisoformat(str(row["day"])[:10])
    if made:
        op.bulk_insert(table, made)

"""Working time: shifts, rosters, holidays, leave, corrections, closed periods, nightly totals.

Why: the passages say when somebody passed; whether that was on time, or a day's work, needs what was
agreed beforehand, and what was found to be wrong afterwards.  Nothing here changes a passage.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATES = "state IN ('requested', 'approved', 'refused', 'withdrawn')"


def _person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f(f"fk_{table}_person_id"), ondelete="CASCADE")


def _at(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _by(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(length=100), nullable=nullable)


def upgrade() -> None:
    _plans()
    _exceptions()
    _outcomes()


def _plans() -> None:
    op.create_table(
        "shifts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        _at("created_at"),
        _at("updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
        sa.UniqueConstraint("name", name=op.f("uq_shifts_name")),
    )
    op.create_table(
        "rosters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=True),
        sa.Column("pattern", sa.JSON(), nullable=False),
        _at("created_at"),
        _by("created_by"),
        _person("rosters"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rosters")),
    )
    op.create_index(op.f("ix_rosters_person_id_first"), "rosters", ["person_id", "first"])
    op.create_table(
        "roster_days",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=True),
        _at("created_at"),
        _by("created_by"),
        _person("roster_days"),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_roster_days_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_days")),
        sa.UniqueConstraint("person_id", "day", name=op.f("uq_roster_days_person_id_day")),
    )


def _exceptions() -> None:
    op.create_table(
        "holidays",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_holidays")),
    )
    op.create_table(
        "leave",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("half", sa.String(length=10), nullable=False),
        sa.Column("paid", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        _by("requested_by"),
        _at("requested_at"),
        _by("decided_by", nullable=True),
        _at("decided_at", nullable=True),
        sa.CheckConstraint("half IN ('whole', 'first', 'second')", name=op.f("ck_leave_half")),
        sa.CheckConstraint(_STATES, name=op.f("ck_leave_state")),
        _person("leave"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leave")),
    )
    op.create_index(op.f("ix_leave_person_id_first"), "leave", ["person_id", "first"])
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("passage_id", sa.String(length=36), nullable=True),
        _at("at", nullable=True),
        sa.Column("direction", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        _by("requested_by"),
        _at("requested_at"),
        _by("decided_by", nullable=True),
        _at("decided_at", nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.CheckConstraint("action IN ('add', 'void')", name=op.f("ck_corrections_action")),
        sa.CheckConstraint("direction IN ('in', 'out', 'unknown')", name=op.f("ck_corrections_direction")),
        sa.CheckConstraint(_STATES, name=op.f("ck_corrections_state")),
        _person("corrections"),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_corrections_passage_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index(op.f("ix_corrections_person_id_day"), "corrections", ["person_id", "day"])
    op.create_index(op.f("ix_corrections_state"), "corrections", ["state"])


def _outcomes() -> None:
    op.create_table(
        "period_locks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        _at("closed_at"),
        _by("closed_by"),
        _at("grace_until"),
        _at("reopened_at", nullable=True),
        _by("reopened_by", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_locks")),
    )
    op.create_table(
        "day_totals",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("worked", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("overtime", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("flags", sa.JSON(), nullable=False),
        _at("computed_at"),
        _person("day_totals"),
        sa.PrimaryKeyConstraint("person_id", "day", name=op.f("pk_day_totals")),
    )


def downgrade() -> None:
    for table in (
        "day_totals",
        "period_locks",
        "corrections",
        "leave",
        "holidays",
        "roster_days",
        "rosters",
        "shifts",
    ):
        op.drop_table(table)

"""The tables of working time: shifts, who works them, holidays, leave, corrections, closed periods, totals.

In: nothing.  Out: classes of `Base.metadata`.
Does not know: what a shift's rules mean; they are one JSON value, checked by domain/hours/shift.py.
Main choice: nothing here changes a passage.  A correction is a row beside the original, with who asked,
who decided and when.  Trade-off: every figure is computed from both.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from attendance.store.tables.base import Base


class ShiftRow(Base):
    """A shift as `shift.to_json` writes it."""

    __tablename__ = "shifts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    rules: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Roster(Base):
    """A person's pattern of shifts from `first` on: ids of shifts, null for a day off, repeated without end."""

    __tablename__ = "rosters"
    __table_args__ = (Index(None, "person_id", "first"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date | None] = mapped_column(Date)
    pattern: Mapped[list[int | None]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class RosterDay(Base):
    """One day that differs from the pattern: another shift, or none."""

    __tablename__ = "roster_days"
    __table_args__ = (UniqueConstraint("person_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(Date)
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shifts.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class HolidayCalendar(Base):
    """A list of public holidays by name, such as of a region.  The one with the lowest id is the site's."""

    __tablename__ = "holiday_calendars"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)


class DepartmentCalendar(Base):
    """The calendar of a department from `first` on; NULL: the site's.  A table of its own: `person_id` would hide it
    from supervisors, whose people have these holidays."""

    __tablename__ = "department_calendars"

    department: Mapped[str] = mapped_column(String(200), primary_key=True)
    first: Mapped[date] = mapped_column(Date, primary_key=True)
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("holiday_calendars.id"))


class PersonCalendar(Base):
    """The calendar of a person from `first` on; NULL: the department's."""

    __tablename__ = "person_calendars"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    first: Mapped[date] = mapped_column(Date, primary_key=True)
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("holiday_calendars.id"))


class Holiday(Base):
    """A public holiday of a calendar; `source`: "by hand", or country and region of the library."""

    __tablename__ = "holidays"

    calendar_id: Mapped[int] = mapped_column(ForeignKey("holiday_calendars.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(50))


class PremiumRulesRow(Base):
    """Which hours are night, Sunday and holiday hours from `first` on, as `premiums.to_json` writes it."""

    __tablename__ = "premium_rules"

    first: Mapped[date] = mapped_column(Date, primary_key=True)
    rules: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(100))


class LeaveRow(Base):
    """Days somebody may be away.  Only an approved one counts.

    `half`: of the first day, "second" for leave that begins at midday.  `last_half`: of the last day, if that is
    another one; "first" for leave that ends at midday.
    """

    __tablename__ = "leave"
    __table_args__ = (
        CheckConstraint("half IN ('whole', 'first', 'second')", name="half"),
        CheckConstraint("state IN ('requested', 'approved', 'refused', 'withdrawn')", name="state"),
        Index(None, "person_id", "first"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(50))
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    half: Mapped[str] = mapped_column(String(10))
    last_half: Mapped[str] = mapped_column(String(10), server_default="whole")
    paid: Mapped[bool]
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10))
    requested_by: Mapped[str] = mapped_column(String(100))
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(100))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None] = mapped_column(Text)


class LeaveKind(Base):
    """A kind of leave.  `counts`: it is taken from the entitlement."""

    __tablename__ = "leave_kinds"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    paid: Mapped[bool]
    counts: Mapped[bool]
    active: Mapped[bool] = mapped_column(default=True)


class LeaveRulesRow(Base):
    """Entitlement, accrual and carry-over from `year` on (domain/hours/entitlement.py)."""

    __tablename__ = "leave_rules"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    days: Mapped[float]
    monthly: Mapped[bool]
    carry_most: Mapped[float | None]
    carry_month: Mapped[int | None]
    carry_day: Mapped[int | None]


class LeaveEntitlement(Base):
    """What differs for one person from `year` on; `brought`: carried into this year, by hand."""

    __tablename__ = "leave_entitlements"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    days: Mapped[float | None]
    brought: Mapped[float | None]


class Correction(Base):
    """What somebody says really happened.  "add": a passage that is missing; "void": one that is wrong.

    A passage at the wrong time is both: voided, and added at the right time.  The original stays.
    `day`: the work day it is about, for locks and for finding it.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        CheckConstraint("action IN ('add', 'void')", name="action"),
        CheckConstraint("direction IN ('in', 'out', 'unknown')", name="direction"),
        CheckConstraint("state IN ('requested', 'approved', 'refused', 'withdrawn')", name="state"),
        Index(None, "person_id", "day"),
        Index(None, "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(Date)
    action: Mapped[str] = mapped_column(String(10))
    passage_id: Mapped[str | None] = mapped_column(ForeignKey("passages.id", ondelete="SET NULL"))
    at: Mapped[datetime | None]
    direction: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    requested_by: Mapped[str] = mapped_column(String(100))
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(100))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str] = mapped_column(Text, default="")


class PeriodLock(Base):
    """A closed period.  Until `grace_until` corrections may still be decided; reopening is written down."""

    __tablename__ = "period_locks"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(String(100))
    grace_until: Mapped[datetime]
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[str | None] = mapped_column(String(100))


class HoursEdge(Base):
    """Whether a person was in at `at`, when the passages before it were deleted.

    `open_at`: since when, null for out · `open_day`: the work day · `open_until`: nobody is there for longer ·
    `undirected`: no door said that they came in.
    """

    __tablename__ = "hours_edges"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]
    open_at: Mapped[datetime | None]
    open_day: Mapped[date | None] = mapped_column(Date)
    open_until: Mapped[datetime | None]
    undirected: Mapped[bool]


class PunchImport(Base):
    """A file of another terminal's check-ins.  They count in the state "counted" only."""

    __tablename__ = "punch_imports"
    __table_args__ = (CheckConstraint("state IN ('loading', 'counted', 'removed')", name="state"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    file_name: Mapped[str] = mapped_column(String(200))
    device: Mapped[str] = mapped_column(String(100))
    form: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    punches: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class ImportedPunch(Base):
    """Which import a passage came with."""

    __tablename__ = "imported_punches"

    passage_id: Mapped[str] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    import_id: Mapped[str] = mapped_column(ForeignKey("punch_imports.id", ondelete="CASCADE"), index=True)


class DayTotal(Base):
    """A day as it stood when the nightly roll-up or the closing of a period computed it; seconds."""

    __tablename__ = "day_totals"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    worked: Mapped[int]
    expected: Mapped[int]
    overtime: Mapped[int]
    night: Mapped[int] = mapped_column(default=0, server_default="0")
    sunday: Mapped[int] = mapped_column(default=0, server_default="0")
    holiday: Mapped[int] = mapped_column(default=0, server_default="0")
    late: Mapped[int]
    flags: Mapped[list[str]] = mapped_column(JSON)
    computed_at: Mapped[datetime]

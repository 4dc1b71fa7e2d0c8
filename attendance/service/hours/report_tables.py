"""The reports, as tables of typed cells: one shape for page, CSV, XLSX and PDF.

In: everybody's days (`attendance.sheet`), the zone.  Out: `Table`s.
Does not know: HTML, files, the database.
Main choice: a cell is a Python value (date, instant, seconds, number, text) and each writer decides how
it looks; so a spreadsheet can add up what the page shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.hours import overtime
from attendance.domain.hours.day import Day, Flag, Status
from attendance.service.access.log import day_bounds
from attendance.service.hours.days import PersonDays
from attendance.store.hours.rosters import StaffMember


class Form(Enum):
    """What a column holds.  SPAN: seconds, shown as hours and minutes; TIME: an instant, shown as local time."""

    TEXT = "text"
    DATE = "date"
    TIME = "time"
    SPAN = "span"
    COUNT = "count"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    form: Form = Form.TEXT


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart; `value` 0 or more, `words` beside it."""

    label: str
    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: as many cells as columns; `people`: whom each row is about, for a link (None: nobody).

    `foot`: a row of totals, or nothing.  `bars`: what is better seen than read.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    people: tuple[int | None, ...] = ()
    foot: tuple[Any, ...] = ()
    bars: tuple[Bar, ...] = ()
    chart_title: str = ""
    notes: tuple[str, ...] = ()


WHO = (Column("person", "Person"), Column("staff_number", "Staff number"), Column("department", "Department"))


def who(one: StaffMember) -> tuple[str, str, str]:
    return one.name, one.staff_number or "", one.department


def remarks(day: Day) -> str:
    """Flags and reasons in words, the plan's exceptions first."""
    words = [day.plan.holiday] if day.plan.holiday else []
    if day.plan.leave is not None:
        words.append(day.plan.leave.kind)
    if not day.flags and not words:
        return ""
    reasons = day.reasons
    # Late and early have columns of their own; a reason begins with the flag's words where there is more to say.
    told = {Flag.LATE, Flag.EARLY, Flag.IN_DOUBT}
    told |= {flag for flag in day.flags if any(one.startswith(flag.words) for one in reasons)}
    words += [flag.words for flag in Flag if flag in day.flags - told]
    return "; ".join([*words, *reasons])


def shift_words(day: Day) -> str:
    return f"{day.plan.shift.name} {day.plan.shift.words}" if day.plan.shift else ""


def daily(sheet: Sequence[PersonDays], day: date) -> Table:
    columns = (
        *WHO,
        Column("shift", "Shift"),
        Column("status", "Status"),
        Column("in", "In", Form.TIME),
        Column("out", "Out", Form.TIME),
        Column("worked", "Worked", Form.SPAN),
        Column("late", "Late", Form.SPAN),
        Column("early", "Early", Form.SPAN),
        Column("overtime", "Overtime", Form.SPAN),
        Column("remarks", "Remarks"),
    )
    rows, people, counts = [], [], dict[Status, int]()
    for person in sheet:
        one = person.days[0]
        counts[one.status] = counts.get(one.status, 0) + 1
        people.append(person.person.id)
        rows.append(
            (
                *who(person.person), shift_words(one), one.status.words, one.first_in, one.last_out, one.worked,
                one.late, one.early, one.overtime, remarks(one),
            )
        )  # fmt: skip
    bars = tuple(
        Bar(status.words.capitalize(), counts[status], str(counts[status])) for status in Status if status in counts
    )
    return Table(
        "daily", f"Daily report, {day:%A, %-d %B %Y}", columns, tuple(rows), tuple(people), total(columns, rows),
        bars, "How the day stands",
    )  # fmt: skip


def register(sheet: Sequence[PersonDays], first: date, last: date) -> Table:
    """The monthly register: a mark for each day, totals at the right."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    columns = (
        *WHO[:2],
        *(Column(day.isoformat(), f"{day.day}", Form.MARK) for day in days),
        Column("worked_days", "Days", Form.COUNT),
        Column("absent_days", "Absent", Form.COUNT),
        Column("leave_days", "Leave", Form.COUNT),
        Column("late_days", "Late", Form.COUNT),
        Column("worked", "Worked", Form.SPAN),
        Column("overtime", "Overtime", Form.SPAN),
    )
    rows = []
    for person in sheet:
        worked: float = 0
        absent: float = 0
        leave: float = 0
        for one in person.days:
            worked += _share_worked(one)
            absent += one.status is Status.ABSENT
            leave += _share_of_leave(one)
        rows.append(
            (
                person.person.name, person.person.staff_number or "", *(mark(one) for one in person.days), worked,
                absent, leave, sum(1 for one in person.days if one.late), person.worked,
                sum(one.overtime for one in person.days),
            )
        )  # fmt: skip
    legend = ", ".join(f"{status.letter} {status.words}" for status in Status if status.letter)
    return Table(
        "register", f"Register, {first:%-d %b %Y} to {last:%-d %b %Y}", columns, tuple(rows),
        tuple(one.person.id for one in sheet), total(columns, rows),
        notes=(f"{legend}; a dot after it: look at this day.",),
    )  # fmt: skip


def mark(day: Day) -> str:
    """One or two characters for the register."""
    unsure = day.flags & {Flag.MISSING_IN, Flag.MISSING_OUT, Flag.WRONG_CLOCK, Flag.FUTURE}
    return day.status.letter + ("." if unsure else "")


def _share_worked(day: Day) -> float:
    if day.status is Status.HALF_DAY:
        return 0.5
    return 1.0 if day.status in (Status.WORKED, Status.PRESENT) else 0.0


def _share_of_leave(day: Day) -> float:
    if day.plan.leave is None or day.plan.shift is None:
        return 0.0
    return 1.0 if day.plan.leave.half.value == "whole" else 0.5


TIMESHEET = (
    Column("date", "Date", Form.DATE),
    Column("weekday", "Weekday"),
    Column("shift", "Shift"),
    Column("status", "Status"),
    Column("in", "In", Form.TIME),
    Column("out", "Out", Form.TIME),
    Column("breaks", "Breaks", Form.SPAN),
    Column("worked", "Worked", Form.SPAN),
    Column("expected", "Expected", Form.SPAN),
    Column("balance", "Balance", Form.SPAN),
    Column("overtime", "Overtime", Form.SPAN),
    Column("remarks", "Remarks"),
)


def timesheet(person: PersonDays, zone: ZoneInfo) -> Table:
    rows = []
    for one in person.days:
        began = one.spells[0].start if one.spells else None
        over = one.last_out - began if began is not None and one.last_out is not None else None
        breaks = int(over.total_seconds()) - one.presence + one.auto_break if over is not None else 0
        done = one.status not in (Status.UPCOMING, Status.EXPECTED, Status.PRESENT)
        rows.append(
            (
                one.day, f"{one.day:%a}", shift_words(one), one.status.words, one.first_in, one.last_out, breaks,
                one.worked, one.expected, one.balance if done else 0, one.overtime, remarks(one),
            )
        )  # fmt: skip
    title = f"Timesheet of {person.person.name}"
    bars = tuple(Bar(f"{one.day:%a %-d}", one.worked / 3600, hours(one.worked)) for one in person.days if one.worked)
    return Table(
        "timesheet", title, TIMESHEET, tuple(rows), (), total(TIMESHEET, rows), bars, "Hours by day",
        rest_notes(person, zone),
    )  # fmt: skip


def rest_notes(person: PersonDays, zone: ZoneInfo) -> tuple[str, ...]:
    """Rests between days that were too short, and weeks without a free day."""
    ends = [
        (one.day, (one.spells[0].start, one.spells[-1].end))
        for one in person.days
        if one.spells and one.spells[-1].end is not None
    ]
    known = [(day, (start, end)) for day, (start, end) in ends if end is not None]
    notes = [
        f"{day:%-d %b}: only {hours(int(rest.total_seconds()))} h of rest since the day before"
        for day, rest in overtime.short_daily_rests(known).items()
    ]
    present = [(one.start, one.end) for day in person.days for one in day.spells if one.end is not None]
    inside = [(start, end) for start, end in present if end is not None]
    for monday in sorted({overtime.week_of(one.day) for one in person.days}):
        sunday = monday + timedelta(days=6)
        if person.days[0].day <= monday and sunday <= person.days[-1].day:
            bounds = day_bounds(monday, zone)[0], day_bounds(sunday, zone)[1]
            if overtime.weekly_rest_missing(inside, *bounds):
                notes.append(f"week from {monday:%-d %b}: no 24 hours of rest")
    return tuple(notes)


def summary(sheet: Sequence[PersonDays], title: str) -> Table:
    """Everybody's timesheet in a line each."""
    columns = (
        *WHO,
        Column("days", "Days", Form.COUNT),
        Column("worked", "Worked", Form.SPAN),
        Column("expected", "Expected", Form.SPAN),
        Column("balance", "Balance", Form.SPAN),
        Column("overtime", "Overtime", Form.SPAN),
        Column("look_at", "Days to look at", Form.COUNT),
    )
    rows = [
        (
            *who(one.person), sum(1 for day in one.days if day.spells), one.worked, one.expected,
            one.balance, sum(day.overtime for day in one.days),
            sum(1 for day in one.days if day.flags & {Flag.MISSING_IN, Flag.MISSING_OUT, Flag.WRONG_CLOCK}),
        )
        for one in sheet
    ]  # fmt: skip
    return Table("timesheet", title, columns, tuple(rows), tuple(one.person.id for one in sheet), total(columns, rows))


def hours(seconds: int) -> str:
    """7:35; seconds are cut off, not rounded, so that no minute appears twice."""
    minutes = abs(seconds) // 60
    return f"{'−' if seconds < 0 and minutes else ''}{minutes // 60}:{minutes % 60:02d}"


def total(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    if not rows:
        return ()
    cells: list[Any] = []
    for number, column in enumerate(columns):
        add = column.form in (Form.SPAN, Form.COUNT)
        cells.append(sum(row[number] for row in rows) if add else "Total" if number == 0 else "")
    return tuple(cells)

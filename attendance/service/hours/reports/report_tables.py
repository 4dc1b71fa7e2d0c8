"""The reports, as tables of typed cells: one shape for page, CSV, XLSX and PDF.

In: everybody's days (`days.sheet`), how the site writes dates and times.  Out: `Table`s.
Does not know: HTML, files, the database.
Main choice: a cell is a Python value (date, instant, seconds, number, text) and each writer decides how
it looks; so a spreadsheet can add up what the page shows.  Titles of columns are marked for translation;
pages and PDF translate them, and files keep them as they are, because other programs read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from attendance.domain.hours import overtime
from attendance.domain.hours.day import Day, Status
from attendance.domain.hours.leave import shares_of
from attendance.domain.hours.shift import PremiumRules
from attendance.errors import headline
from attendance.service.access.log import day_bounds
from attendance.service.hours.day_words import (
    STATUS_LETTERS,
    Local,
    hours,
    mark,
    premium_words,
    remarks,
    shift_words,
    status_words,
)
from attendance.service.hours.days import PersonDays
from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_
from attendance.texts import gettext as _


class Form(Enum):
    """What a column holds.

    SPAN: whole minutes in seconds, shown as hours and minutes; None: not known yet.
    TIME: an instant, shown as local time.  WEEKDAY: a date, shown as Mon.
    """

    TEXT = "text"
    DATE = "date"
    WEEKDAY = "weekday"
    TIME = "time"
    SPAN = "span"
    COUNT = "count"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Column:
    """`key`: the header in CSV files, which never changes.  `title`: for people."""

    key: str
    title: str
    form: Form = Form.TEXT


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: `value` (0 or more) sets its length, `words` stand beside it, `target` is a line across."""

    label: str
    value: float
    words: str
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """`rows`: as many cells as columns.  `people`: the person of each row, for a link (None: no link).

    `empty`: what it means that there are no rows, where that is more than a filter.
    `foot`: a row of totals, or nothing.  `bars`: what is better seen than read; `over_time`: they follow each other
    in time, and a chart draws them from left to right.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    people: tuple[int | None, ...] = ()
    foot: tuple[Any, ...] = ()
    bars: tuple[Bar, ...] = ()
    chart_title: str = ""
    notes: tuple[str, ...] = ()
    over_time: bool = False
    empty: str = ""


WHO = (
    Column("person", N_("Person")),
    Column("staff_number", N_("Staff number")),
    Column("department", N_("Department")),
)


# How much of the worked time; an hour may be overtime and each of them.
PREMIUMS = (
    Column("night", N_("Night"), Form.SPAN),
    Column("sunday", N_("Sunday"), Form.SPAN),
    Column("holiday", N_("Holiday"), Form.SPAN),
)


def who(person: StaffMember) -> tuple[str, str, str]:
    return person.name, person.staff_number or "", person.department


def daily(sheet: Iterable[PersonDays], on: date, local: Local) -> Table:
    """Return everybody's day in a line each."""
    columns = (
        *WHO,
        Column("shift", N_("Shift")),
        Column("status", N_("Status")),
        Column("in", N_("In"), Form.TIME),
        Column("out", N_("Out"), Form.TIME),
        Column("worked", N_("Worked"), Form.SPAN),
        Column("late", N_("Late"), Form.SPAN),
        Column("early", N_("Early"), Form.SPAN),
        Column("overtime", N_("Overtime"), Form.SPAN),
        *PREMIUMS,
        Column("remarks", N_("Remarks")),
    )
    rows, people, counts = [], [], dict[Status, int]()
    for row in sheet:
        day = row.days[0]
        counts[day.status] = counts.get(day.status, 0) + 1
        people.append(row.person.id)
        rows.append(
            (
                *who(row.person), shift_words(day), status_words(day.status), day.first_in, day.last_out, day.worked,
                day.late, day.early, day.overtime, day.night, day.sunday, day.holiday, remarks(day, local),
            )
        )  # fmt: skip
    bars = tuple(
        Bar(headline(status_words(status)), counts[status], str(counts[status]))
        for status in Status
        if status in counts
    )
    return Table(
        "daily", _("Daily report, %(day)s", day=local.full_date(on)), columns, tuple(rows), tuple(people),
        total(columns, rows), bars, _("State of the day"),
    )  # fmt: skip


def register(sheet: Iterable[PersonDays], first: date, last: date, local: Local) -> Table:
    """Return the monthly register: a mark for each day; at the right, totals of the finished days."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    columns = (
        *WHO[:2],
        *(Column(day.isoformat(), f"{day.day}", Form.MARK) for day in days),
        Column("worked_days", N_("Days"), Form.COUNT),
        Column("absent_days", N_("Absent"), Form.COUNT),
        Column("leave_days", N_("Leave"), Form.COUNT),
        Column("late_days", N_("Late"), Form.COUNT),
        Column("worked", N_("Worked"), Form.SPAN),
        Column("overtime", N_("Overtime"), Form.SPAN),
        *PREMIUMS,
    )
    rows, people = [], []
    for row in sheet:
        people.append(row.person.id)
        worked: float = 0
        absent: float = 0
        leave: float = 0
        for day in row.finished:
            shares = shares_of(day)
            worked += shares.worked
            absent += shares.absent
            leave += shares.leave
        rows.append(
            (
                row.person.name, row.person.staff_number or "", *(mark(day) for day in row.days), worked,
                absent, leave, row.days_late, row.worked, row.overtime, row.night, row.sunday, row.holiday,
            )
        )  # fmt: skip
    legend = ", ".join(f"{letter} {status_words(status)}" for status, letter in STATUS_LETTERS.items() if letter)
    title = _("Register, %(first)s to %(last)s", first=local.medium_date(first), last=local.medium_date(last))
    return Table(
        "register", title, columns, tuple(rows), tuple(people), total(columns, rows),
        notes=(_("%(legend)s; a dot after it: look at this day.", legend=legend),),
    )  # fmt: skip


TIMESHEET = (
    Column("date", N_("Date"), Form.DATE),
    Column("weekday", N_("Weekday"), Form.WEEKDAY),
    Column("shift", N_("Shift")),
    Column("status", N_("Status")),
    Column("in", N_("In"), Form.TIME),
    Column("out", N_("Out"), Form.TIME),
    Column("breaks", N_("Breaks"), Form.SPAN),
    Column("worked", N_("Worked"), Form.SPAN),
    Column("expected", N_("Expected"), Form.SPAN),
    Column("balance", N_("Balance"), Form.SPAN),
    Column("overtime", N_("Overtime"), Form.SPAN),
    *PREMIUMS,
    Column("remarks", N_("Remarks")),
)


def timesheet(person: PersonDays, local: Local) -> Table:
    """Return one person's days in a line each; figures of finished days only, so that every column adds up."""
    rows = []
    for day in person.days:
        figures: tuple[int | None, ...] = (None,) * 8
        if day.finished:
            premiums = (day.night, day.sunday, day.holiday)
            figures = (breaks(day), day.worked, day.expected, day.balance, day.overtime, *premiums)
        rows.append(
            (
                day.day, day.day, shift_words(day), status_words(day.status), day.first_in, day.last_out, *figures,
                _with_so_far(remarks(day, local), day),
            )
        )  # fmt: skip
    title = _("Timesheet of %(name)s", name=person.person.name)
    bars = tuple(
        Bar(f"{local.weekday(day.day)} {day.day.day}", day.worked / 3600, hours(day.worked), day.expected / 3600)
        for day in person.days
    )
    return Table(
        "timesheet", title, TIMESHEET, tuple(rows), (), total(TIMESHEET, rows),
        bars if any(bar.value for bar in bars) else (), _("Hours by day"),
        (*premium_notes([person]), *rest_notes(person, local)), over_time=True,
    )  # fmt: skip


def breaks(day: Day) -> int:
    """Return the time from the first arrival to the last departure in which the person did not work."""
    if day.first_in is None or day.last_out is None:
        return 0
    minutes = int((day.last_out - day.first_in).total_seconds()) // 60
    return minutes * 60 - day.presence + day.auto_break


def _with_so_far(words: str, day: Day) -> str:
    if day.finished or not day.worked:
        return words
    return "; ".join(filter(None, (words, _("%(worked)s so far, not in the totals", worked=hours(day.worked)))))


def rest_notes(person: PersonDays, local: Local) -> tuple[str, ...]:
    """Name the rests between days that were too short, and the weeks without a free day."""
    worked = [
        (day.day, (day.first_in, day.last_out))
        for day in person.days
        if day.first_in is not None and day.last_out is not None
    ]
    notes = [
        _("%(day)s: only %(rest)s h of rest since the day before",
          day=local.day(day), rest=hours(int(rest.total_seconds())))
        for day, rest in overtime.short_daily_rests(worked).items()
    ]  # fmt: skip
    presences = [(spell.start, spell.end) for day in person.days for spell in day.spells if spell.end is not None]
    for monday in sorted({overtime.week_of(day.day) for day in person.days}):
        sunday = monday + timedelta(days=6)
        if person.days[0].day <= monday and sunday <= person.days[-1].day:
            bounds = day_bounds(monday, local.zone)[0], day_bounds(sunday, local.zone)[1]
            if overtime.weekly_rest_missing(presences, *bounds):
                notes.append(_("week from %(day)s: no 24 hours of rest", day=local.day(monday)))
    return tuple(notes)


def premium_notes(sheet: Iterable[PersonDays]) -> tuple[str, ...]:
    """Say which hours are night, Sunday and holiday hours, where there are any: beside the figures."""
    return _premium_notes(rules for row in sheet for rules in _premiums_in(row))


def _premiums_in(row: PersonDays) -> Iterator[PremiumRules]:
    return (day.plan.premiums for day in row.days if day.night or day.sunday or day.holiday)


def _premium_notes(found: Iterable[PremiumRules]) -> tuple[str, ...]:
    return tuple(premium_words(rules) for rules in dict.fromkeys(found))


def summary(sheet: Iterable[PersonDays], title: str) -> Table:
    """Return everybody's timesheet in a line each."""
    columns = (
        *WHO,
        Column("days", N_("Days"), Form.COUNT),
        Column("worked", N_("Worked"), Form.SPAN),
        Column("expected", N_("Expected"), Form.SPAN),
        Column("balance", N_("Balance"), Form.SPAN),
        Column("overtime", N_("Overtime"), Form.SPAN),
        *PREMIUMS,
        Column("look_at", N_("Days to look at"), Form.COUNT),
    )
    rows: list[tuple[Any, ...]] = []
    people: list[int] = []
    premiums: dict[PremiumRules, None] = {}
    for row in sheet:
        people.append(row.person.id)
        premiums |= dict.fromkeys(_premiums_in(row))
        rows.append(
            (
                *who(row.person), sum(shares_of(day).worked for day in row.finished), row.worked, row.expected,
                row.balance, row.overtime, row.night, row.sunday, row.holiday, row.days_to_look_at,
            )
        )  # fmt: skip
    return Table(
        "timesheet", title, columns, tuple(rows), tuple(people), total(columns, rows), notes=_premium_notes(premiums)
    )


def total(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return a row with the sums of durations and counts; nothing if there are no rows."""
    if not rows:
        return ()
    cells: list[Any] = []
    for number, column in enumerate(columns):
        add = column.form in (Form.SPAN, Form.COUNT)
        cells.append(sum(row[number] or 0 for row in rows) if add else _("Total") if number == 0 else "")
    return tuple(cells)

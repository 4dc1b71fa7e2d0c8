"""Reports that list exceptions: late, absent, overtime, who is in the building.

In: everybody's days, or today.  Out: `Table`s.
Does not know: HTML, files, the database.
Main choice: newest first and biggest first, for a reader who has two minutes; totals below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from attendance.domain.hours.day import Day, Status
from attendance.domain.hours.leave import shares_of
from attendance.domain.people.names import sort_key
from attendance.errors import headline
from attendance.service.hours.day_words import Local, hours, leave_words, shift_words
from attendance.service.hours.days import PersonDays
from attendance.service.hours.muster import SOURCES, Ticked
from attendance.service.hours.reports.report_tables import (
    PREMIUMS,
    WHO,
    Bar,
    Column,
    Form,
    Table,
    premium_notes,
    total,
    who,
)
from attendance.store.hours.rosters import StaffMember
from attendance.texts import N_
from attendance.texts import gettext as _


def _newest_first(pair: tuple[StaffMember, Day]) -> tuple[int, tuple[str, str]]:
    """Return the key of a list: the newest day first, and on each day by name."""
    person, day = pair
    return -day.day.toordinal(), sort_key(person.name)


def lateness(sheet: Iterable[PersonDays], local: Local) -> Table:
    """Return who came late, left early or missed a part of a shift, and on which weekdays."""
    columns = (
        *WHO,
        Column("date", N_("Date"), Form.DATE),
        Column("shift", N_("Shift")),
        Column("in", N_("In"), Form.TIME),
        Column("late", N_("Late"), Form.SPAN),
        Column("out", N_("Out"), Form.TIME),
        Column("early", N_("Left early"), Form.SPAN),
        Column("missed", N_("Part missed"), Form.SPAN),
    )
    late = [(row.person, day) for row in sheet for day in row.days if day.late or day.early or day.missed]
    late.sort(key=_newest_first)
    rows = [
        (*who(person), day.day, shift_words(day), day.first_in, day.late, day.last_out, day.early, day.missed)
        for person, day in late
    ]
    weekdays = [sum(day.late for _person, day in late if day.day.weekday() == number) for number in range(7)]
    bars = tuple(
        Bar(name, seconds / 3600, hours(seconds)) for name, seconds in zip(local.weekdays(), weekdays, strict=True)
    )
    return Table(
        "lateness", _("Late and early"), columns, tuple(rows), tuple(person.id for person, _day in late),
        total(columns, rows), bars if rows else (), _("Hours late by weekday"), over_time=True,
    )  # fmt: skip


def absence(sheet: Iterable[PersonDays]) -> Table:
    """Return the days without work, and why; what is not over yet has a column of its own, as totals cover the past."""
    columns = (
        *WHO,
        Column("date", N_("Date"), Form.DATE),
        Column("shift", N_("Shift")),
        Column("kind", N_("Kind")),
        Column("paid", N_("Paid")),
        Column("days", N_("Days"), Form.COUNT),
        Column("days_to_come", N_("Days to come"), Form.COUNT),
    )
    away = [
        (row.person, day) for row in sheet for day in row.days
        if day.status is Status.ABSENT or day.plan.leave_share
    ]  # fmt: skip
    away.sort(key=_newest_first)
    rows = []
    people: list[int] = []
    kinds: dict[str, float] = {}
    for person, day in away:
        for kind, cell, paid, share in _away(day):
            kinds[kind] = kinds.get(kind, 0) + share
            figures = (share, None) if day.finished else (None, share)
            rows.append((*who(person), day.day, shift_words(day), cell, paid, *figures))
            people.append(person.id)
    bars = tuple(
        Bar(headline(kind), count, f"{count:g}") for kind, count in sorted(kinds.items(), key=lambda pair: -pair[1])
    )
    return Table(
        "absence", _("Absence and leave"), columns, tuple(rows), tuple(people),
        total(columns, rows), bars,
        _("Days by kind") if all(day.finished for _person, day in away) else _("Days by kind, those to come too"),
    )  # fmt: skip


def _away(day: Day) -> Iterator[tuple[str, str, str, float]]:
    """Yield kind, kind with its half, whether it is paid, and the share of the day, for each reason to be away."""
    shares = shares_of(day)
    if shares.leave:
        for leave in day.plan.leaves:
            paid = _("yes") if leave.paid else _("no")
            yield _(leave.kind), leave_words(leave), paid, shares.leave / len(day.plan.leaves)
    if shares.absent:
        kind = _("absent without leave")
        yield kind, kind, "", shares.absent


def overtime_report(sheet: Sequence[PersonDays]) -> Table:
    """Return what payroll pays extra for: overtime of days and weeks, night, Sunday and holiday hours.

    A second is overtime at one rate only; it may be at night and on a holiday, too.
    """
    rates = sorted({rate for row in sheet for rate, _seconds in _portions(row) if rate > 1})
    columns = (
        *WHO,
        Column("worked", N_("Worked"), Form.SPAN),
        Column("plain", N_("Plain"), Form.SPAN),
        *(Column(f"rate_{rate:g}", f"× {rate:g}", Form.SPAN) for rate in rates),
        Column("overtime", N_("Overtime"), Form.SPAN),
        *PREMIUMS,
    )
    entries = []
    for row in sheet:
        portions: dict[float, int] = {}
        for rate, seconds in _portions(row):
            portions[rate] = portions.get(rate, 0) + seconds
        extra = sum(seconds for rate, seconds in portions.items() if rate > 1)
        premiums = (row.night, row.sunday, row.holiday)
        if extra or any(premiums):
            cells = (row.worked, portions.get(1.0, 0), *(portions.get(rate, 0) for rate in rates), extra, *premiums)
            entries.append((extra, row.person, (*who(row.person), *cells)))
    entries.sort(key=lambda entry: -entry[0])
    rows = [cells for _extra, _person, cells in entries]
    bars = tuple(Bar(person.name, extra / 3600, hours(extra)) for extra, person, _cells in entries[:12] if extra)
    title = _("Overtime, night, Sunday and holiday hours")
    return Table(
        "overtime", title, columns, tuple(rows), tuple(person.id for _extra, person, _cells in entries),
        total(columns, rows), bars, _("Most overtime, hours"), premium_notes(sheet),
    )  # fmt: skip


def _portions(person: PersonDays) -> Iterable[tuple[float, int]]:
    """Return the seconds at each rate."""
    return (portion for day in person.finished for portion in day.portions)


def presence(listed: Sequence[Ticked], at: datetime, local: Local) -> Table:
    """Return who is in the building, for an evacuation: names to tick, by department."""
    columns = (
        WHO[2],
        *WHO[:2],
        Column("since", N_("In since"), Form.TIME),
        Column("door", N_("Last seen at")),
        Column("source", N_("Known because")),
        Column("met", N_("Met outside")),
    )
    rows, counts = [], dict[str, int]()
    for one in listed:
        row = one.row
        group = _("Nobody knows who") if row.person_id is None else row.department or "–"
        counts[group] = counts.get(group, 0) + 1
        name = row.name or _("Unknown person")
        met = "" if one.safe_at is None else f"{local.clock(one.safe_at)} {one.safe_by}"
        why = _(SOURCES[row.source])
        if one.left:
            why = _("%(why)s; seen leaving since the muster began", why=why)
        rows.append((row.department, name, row.staff_number, row.since, row.where, why, met))
    bars = tuple(Bar(name, count, str(count)) for name, count in counts.items())
    day = local.medium_date(at.astimezone(local.zone).date())
    title = _("In the building, %(day)s, %(time)s", day=day, time=local.clock(at))
    return Table(
        "presence", title, columns, tuple(rows), tuple(one.row.person_id for one in listed), (), bars,
        _("People by department"),
        (_("People who forgot to check out are still listed; people who came in unseen are not."),),
        empty=_("Nobody is in the building as far as the cameras know"),
    )  # fmt: skip

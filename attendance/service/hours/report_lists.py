"""Reports that list what stands out: late, absent, overtime, who is in the building.

In: everybody's days, or today.  Out: `Table`s.
Does not know: HTML, files, the database.
Main choice: newest first and biggest first, as somebody reads who has two minutes; totals below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import Status
from attendance.service.hours.days import PersonDays, Today
from attendance.service.hours.report_tables import WHO, Bar, Column, Form, Table, hours, shift_words, total, who


def lateness(sheet: Sequence[PersonDays]) -> Table:
    columns = (
        *WHO,
        Column("date", "Date", Form.DATE),
        Column("shift", "Shift"),
        Column("in", "In", Form.TIME),
        Column("late", "Late", Form.SPAN),
        Column("out", "Out", Form.TIME),
        Column("early", "Left early", Form.SPAN),
    )
    found = [(one, day) for one in sheet for day in one.days if day.late or day.early]
    found.sort(key=lambda pair: (pair[1].day, pair[0].person.name.lower()), reverse=True)
    rows = [
        (*who(one.person), day.day, shift_words(day), day.first_in, day.late, day.last_out, day.early)
        for one, day in found
    ]
    weekdays = [sum(day.late for _, day in found if day.day.weekday() == number) for number in range(7)]
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    bars = tuple(Bar(names[number], value / 3600, hours(value)) for number, value in enumerate(weekdays))
    return Table(
        "lateness", "Late and early", columns, tuple(rows), tuple(one.person.id for one, _ in found),
        total(columns, rows), bars if rows else (), "Hours late by weekday",
    )  # fmt: skip


def absence(sheet: Sequence[PersonDays]) -> Table:
    columns = (
        *WHO,
        Column("date", "Date", Form.DATE),
        Column("shift", "Shift"),
        Column("kind", "Kind"),
        Column("paid", "Paid"),
    )
    found = [
        (one, day) for one in sheet for day in one.days
        if day.status is Status.ABSENT or (day.plan.leave is not None and day.plan.shift is not None)
    ]  # fmt: skip
    found.sort(key=lambda pair: (pair[1].day, pair[0].person.name.lower()), reverse=True)
    rows = []
    kinds: dict[str, int] = {}
    for one, day in found:
        leave = day.plan.leave
        half = f" (half, {leave.half.value})" if leave and leave.half.value != "whole" else ""
        kind = f"{leave.kind}{half}" if leave else "absent without leave"
        kinds[leave.kind if leave else kind] = kinds.get(leave.kind if leave else kind, 0) + 1
        rows.append(
            (*who(one.person), day.day, shift_words(day), kind, "" if leave is None else "yes" if leave.paid else "no")
        )
    bars = tuple(
        Bar(kind.capitalize(), count, str(count)) for kind, count in sorted(kinds.items(), key=lambda i: -i[1])
    )
    return Table(
        "absence", "Absence and leave", columns, tuple(rows), tuple(one.person.id for one, _ in found), (), bars,
        "Days by kind",
    )  # fmt: skip


def overtime_report(sheet: Sequence[PersonDays]) -> Table:
    """Daily and weekly overtime: a second is paid at one rate only."""
    rates = sorted({rate for one in sheet for rate, _ in _portions(one) if rate > 1})
    columns = (
        *WHO,
        Column("worked", "Worked", Form.SPAN),
        Column("plain", "Plain", Form.SPAN),
        *(Column(f"rate_{rate:g}", f"× {rate:g}", Form.SPAN) for rate in rates),
        Column("overtime", "Overtime", Form.SPAN),
    )
    found = []
    for one in sheet:
        portions: dict[float, int] = {}
        for rate, seconds in _portions(one):
            portions[rate] = portions.get(rate, 0) + seconds
        extra = sum(seconds for rate, seconds in portions.items() if rate > 1)
        if extra:
            cells = (one.worked, portions.get(1.0, 0), *(portions.get(rate, 0) for rate in rates), extra)
            found.append((extra, one, (*who(one.person), *cells)))
    found.sort(key=lambda item: -item[0])
    rows = [row for _, _, row in found]
    bars = tuple(Bar(one.person.name, extra / 3600, hours(extra)) for extra, one, _ in found[:12])
    return Table(
        "overtime", "Overtime", columns, tuple(rows), tuple(one.person.id for _, one, _ in found),
        total(columns, rows), bars, "Most overtime, hours",
    )  # fmt: skip


def _portions(person: PersonDays) -> Iterable[tuple[float, int]]:
    """Seconds at each rate."""
    return (portion for one in person.days for portion in one.portions)


def presence(today: Today, at: datetime, zone: ZoneInfo) -> Table:
    """Who is in the building, for an evacuation: names to tick, by department."""
    columns = (
        Column("department", "Department"), Column("person", "Person"), Column("staff_number", "Staff number"),
        Column("since", "In since", Form.TIME), Column("door", "Last seen at"), Column("met", "Met outside"),
    )  # fmt: skip
    here = sorted(today.here, key=lambda one: (one.person.department.lower(), one.person.name.lower()))
    rows, counts = [], dict[str, int]()
    for one in here:
        counts[one.person.department or "–"] = counts.get(one.person.department or "–", 0) + 1
        door = next((used.punch.source for used in reversed(one.day.used) if used.inference), "")
        rows.append(
            (one.person.department, one.person.name, one.person.staff_number or "", one.day.spells[-1].start, door, "")
        )
    bars = tuple(Bar(name, count, str(count)) for name, count in counts.items())
    return Table(
        "presence", f"In the building, {at.astimezone(zone):%-d %b %Y, %H:%M}", columns, tuple(rows),
        tuple(one.person.id for one in here), (), bars, "People by department",
        ("Whoever forgot to check out is still listed; whoever came in unseen is not.",),
    )  # fmt: skip

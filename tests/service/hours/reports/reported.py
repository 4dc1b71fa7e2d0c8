"""Two people's days, as reports show them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.hours.day import Policy, Punch
from attendance.domain.hours.shift import Leave, Plan, Shift, Span, Tier
from attendance.domain.hours.timesheet import days_of, with_weekly_overtime
from attendance.domain.passage import Direction
from attendance.service.hours.day_words import Local
from attendance.service.hours.days import PersonDay, PersonDays, Today
from attendance.service.hours.muster import Ticked, by_hours
from attendance.service.hours.reports import report_lists, report_tables
from attendance.store.hours.rosters import StaffMember

BERLIN = ZoneInfo("Europe/Berlin")


LOCAL = Local(BERLIN)


MONDAY = date(2024, 5, 6)


NOW = datetime(2024, 5, 20, tzinfo=UTC)


OFFICE = Shift("Office", (Span(540, 1020),), tiers=(Tier(480, 1.25),), weekly=(Tier(960, 1.5),))


MONEY = "=HYPERLINK(1)"


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 5, 6 + day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def person(name: str = "Anna Łukasz", number: int = 1, leave: bool = False) -> PersonDays:
    """Monday on time with an hour extra, Tuesday late, Wednesday absent or on leave, Thursday without a check-out."""
    plans = {
        (day := MONDAY + timedelta(days=n)): Plan(
            day, OFFICE if n < 5 else None, leave=Leave("vacation") if leave and n == 2 else None
        )
        for n in range(-1, 8)
    }
    times = [(at(0, 9), "in"), (at(0, 18), "out"), (at(1, 9, 30), "in"), (at(1, 17), "out"), (at(3, 9), "in")]
    punches = [Punch(str(n), when, Direction(way), "gate") for n, (when, way) in enumerate(times)]
    found = [one for one in days_of(punches, plans, BERLIN, NOW, Policy()) if MONDAY <= one.day <= date(2024, 5, 12)]
    return PersonDays(StaffMember(number, name, f"{number}", "Lab"), with_weekly_overtime(found))


SHEET = [person(), person(MONEY, 2, leave=True)]


LAST = MONDAY + timedelta(days=6)


TODAY = Today(tuple(PersonDay(one.person, one.days[0]) for one in SHEET))


TABLES = [
    report_tables.daily([PersonDays(one.person, one.days[:1]) for one in SHEET], MONDAY, LOCAL),
    report_tables.register(SHEET, MONDAY, LAST, LOCAL),
    report_tables.timesheet(SHEET[0], LOCAL),
    report_tables.summary(SHEET, "Timesheets"),
    report_lists.lateness(SHEET, LOCAL),
    report_lists.absence(SHEET),
    report_lists.overtime_report(SHEET),
    report_lists.presence([Ticked(row) for row in by_hours(TODAY)], NOW, LOCAL),
]


NAMES = [one.name for one in TABLES]

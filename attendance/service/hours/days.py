"""Working days of people, computed from passages and plans; who is here today.

In: a session, ids, dates, the site's zone, the present instant.  Out: `Day`s, `PersonDay`s.
Does not know: the web, files.
Main choice: days are computed when they are asked for (500 people × 31 days in about a second), so that
no cache can be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours import timesheet
from attendance.domain.hours.day import Day, Inference, Policy, Status
from attendance.domain.hours.overtime import week_of
from attendance.domain.hours.shift import Plan
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.store.hours import punches as stored_punches
from attendance.store.hours import rosters
from attendance.store.hours.rosters import StaffMember

POLICY = Policy()
# A night reaches into the next day, and one that began the day before into the first.
AROUND = timedelta(days=1)
UNFINISHED = (Status.UPCOMING, Status.EXPECTED, Status.PRESENT)


@dataclass(frozen=True, slots=True)
class PersonDay:
    person: StaffMember
    day: Day


@dataclass(frozen=True, slots=True)
class PersonDays:
    person: StaffMember
    days: tuple[Day, ...]

    @property
    def worked(self) -> int:
        return sum(one.worked for one in self.days)

    @property
    def expected(self) -> int:
        """Of the days that are over: nobody owes the rest of the month yet."""
        return sum(one.expected for one in self.days if one.status not in UNFINISHED)

    @property
    def balance(self) -> int:
        return sum(one.balance for one in self.days if one.status not in UNFINISHED)


@dataclass(frozen=True, slots=True)
class Today:
    """`rows`: everybody's present work day, by name; who is here on yesterday's night shift has that day."""

    rows: tuple[PersonDay, ...]

    @property
    def here(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.here_now]

    @property
    def late(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.late]

    @property
    def absent(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.status is Status.ABSENT]

    @property
    def gone(self) -> list[PersonDay]:
        return [one for one in self.rows if one.day.spells and not one.day.here_now]

    @property
    def away(self) -> list[PersonDay]:
        """On leave, holiday or a day off."""
        idle = (Status.LEAVE, Status.HOLIDAY, Status.OFF)
        return [one for one in self.rows if one.day.status in idle]


def days_of(
    session: Session, person_id: int, first: date, last: date, zone: ZoneInfo, now: datetime | None = None
) -> list[Day]:
    """One person's work days from `first` to `last`.  `now` (aware) None: every day counts as finished."""
    everybody = days_of_people(session, [person_id], first, last, zone, now)
    return list(everybody[person_id])


def days_of_people(
    session: Session, person_ids: Sequence[int], first: date, last: date, zone: ZoneInfo, now: datetime | None = None
) -> dict[int, tuple[Day, ...]]:
    """Like `days_of` for several people at once, in a few queries."""
    if last < first:
        raise UserError("the last day is before the first: swap them")
    # Overtime by the week needs the whole week, wherever the span is cut; nobody else pays for it.
    monday = week_of(first)
    sunday = week_of(last) + timedelta(days=6)
    plans = rosters.plans(session, person_ids, monday - AROUND, sunday + AROUND)
    weekly = [one for one in person_ids if any(plan.shift and plan.shift.weekly for plan in plans[one].values())]
    others = [one for one in person_ids if one not in set(weekly)]
    found: dict[int, tuple[Day, ...]] = {}
    for ids, begin, end in ((others, first, last), (weekly, monday, sunday)):
        found |= _days_between(session, ids, plans, begin, end, zone, now)
    found |= {one: timesheet.with_weekly_overtime(found[one]) for one in weekly}
    return {one: tuple(day for day in found[one] if first <= day.day <= last) for one in person_ids}


def _days_between(
    session: Session, ids: Sequence[int], plans: Mapping[int, dict[date, Plan]], first: date, last: date,
    zone: ZoneInfo, now: datetime | None,
) -> dict[int, tuple[Day, ...]]:  # fmt: skip
    if not ids:
        return {}
    begin = datetime.combine(first - AROUND, time(), zone).astimezone(UTC)
    end = datetime.combine(last + 2 * AROUND, time(), zone).astimezone(UTC)
    punches = stored_punches.punches(session, begin, end, ids[0] if len(ids) == 1 else None)
    instant = now if now is not None else end + timedelta(days=1)
    found = {}
    for person_id in ids:
        around = {day: plan for day, plan in plans[person_id].items() if first - AROUND <= day <= last + AROUND}
        days = timesheet.days_of(punches.get(person_id, ()), around, zone, instant, POLICY)
        found[person_id] = tuple(one for one in days if first <= one.day <= last)
    return found


def sheet(
    session: Session,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    department: str | None = None,
    person_id: int | None = None,
) -> list[PersonDays]:
    """Everybody's days, by name: what all reports are made of."""
    people = rosters.list_staff(session, department=department, person_id=person_id, active=None)
    active = {one.id for one in rosters.list_staff(session, department=department, person_id=person_id)}
    days = days_of_people(session, [one.id for one in people], first, last, zone, now) if people else {}
    found = []
    for one in people:
        if one.id in active:
            found.append(PersonDays(one, days[one.id]))
        elif any(day.used for day in days[one.id]):
            # Who is inactive now has worked before: those days count, and the others ask for nothing.
            found.append(PersonDays(one, tuple(_of_leaver(day) for day in days[one.id])))
    return found


def _of_leaver(day: Day) -> Day:
    return day if day.used else replace(day, plan=Plan(day.day, rostered=False), status=Status.UNPLANNED, expected=0)


def today(session: Session, now: datetime, zone: ZoneInfo, department: str | None = None) -> Today:
    """Who is here, late, absent, away.  A night shift that is still running counts with its own day."""
    day = now.astimezone(zone).date()
    rows = []
    for one in sheet(session, day - AROUND, day, zone, now, department=department):
        before, present = one.days
        running = before.here_now or (before.status is Status.EXPECTED and present.status is Status.UPCOMING)
        rows.append(PersonDay(one.person, before if running and not present.spells else present))
    return Today(tuple(rows))


def next_inference(
    session: Session, person_id: int, at: datetime, zone: ZoneInfo, direction: Direction = Direction.UNKNOWN
) -> Inference:
    """What a passage of this person at `at` would be taken for; `in_doubt`: a kiosk had better ask."""
    day = at.astimezone(zone).date()
    plans = rosters.plans(session, [person_id], day - AROUND, day + AROUND)[person_id]
    begin = datetime.combine(day - 2 * AROUND, time(), zone).astimezone(UTC)
    punches = stored_punches.punches(session, begin, at, person_id).get(person_id, [])
    return timesheet.infer_next(punches, plans, zone, at, direction, POLICY)

"""Working days of people, computed from passages and plans; who is here today.

In: a session, ids, dates, the site's zone, the present instant.  Out: `Day`s, `PersonDays`, `Today`.
Does not know: the web, files.
Main choice: days are computed when they are asked for (500 people × 31 days in about half a second), so that
no cache can be wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours import timesheet
from attendance.domain.hours.day import Day, Inference, Status
from attendance.domain.hours.overtime import week_of
from attendance.domain.hours.windows import REACH
from attendance.domain.passage import Direction
from attendance.domain.people.employment import ALWAYS, employed_on
from attendance.errors import UserError
from attendance.service.hours.settled import AROUND, read
from attendance.store.hours import rosters
from attendance.store.hours.punches import punches as punches_between
from attendance.store.hours.rosters import StaffMember
from attendance.store.people.employment import employments


@dataclass(frozen=True, slots=True)
class PersonDay:
    """One day of one person."""

    person: StaffMember
    day: Day


# People whose days are computed at once: enough that queries cost little, few enough that memory stays small.
BLOCK = 500


@dataclass(frozen=True)
class PersonDays:
    """One person's days in order, with their sums: whole minutes in seconds.

    Every sum covers the finished days, so that they fit together: nobody owes the rest of the month yet, and what is
    still running has not come to anything.
    """

    person: StaffMember
    days: tuple[Day, ...]

    @cached_property
    def finished(self) -> list[Day]:
        return [day for day in self.days if day.finished]

    @property
    def worked(self) -> int:
        return sum(day.worked for day in self.finished)

    @property
    def expected(self) -> int:
        return sum(day.expected for day in self.finished)

    @property
    def balance(self) -> int:
        return sum(day.balance for day in self.finished)

    @property
    def overtime(self) -> int:
        return sum(day.overtime for day in self.finished)

    @property
    def night(self) -> int:
        return sum(day.night for day in self.finished)

    @property
    def sunday(self) -> int:
        return sum(day.sunday for day in self.finished)

    @property
    def holiday(self) -> int:
        return sum(day.holiday for day in self.finished)

    @property
    def days_late(self) -> int:
        return sum(1 for day in self.finished if day.late)

    @property
    def days_to_look_at(self) -> int:
        """Count unfinished days too: a time in the future lies on one, and the day's own page flags it."""
        return sum(1 for day in self.days if day.wants_look)


@dataclass(frozen=True, slots=True)
class Today:
    """`rows`: everybody's present work day, by name.  A person who is still on last night's shift has that day."""

    rows: tuple[PersonDay, ...]

    @property
    def here(self) -> list[PersonDay]:
        return [row for row in self.rows if row.day.here_now]

    @property
    def late(self) -> list[PersonDay]:
        return [row for row in self.rows if row.day.late]

    @property
    def absent(self) -> list[PersonDay]:
        return [row for row in self.rows if row.day.status is Status.ABSENT]

    @property
    def gone(self) -> list[PersonDay]:
        return [row for row in self.rows if row.day.spells and not row.day.here_now]

    @property
    def away(self) -> list[PersonDay]:
        """People on leave, holiday or a day off."""
        idle = (Status.LEAVE, Status.HOLIDAY, Status.OFF)
        return [row for row in self.rows if row.day.status in idle]


def days_of(
    session: Session, person_id: int, first: date, last: date, zone: ZoneInfo, now: datetime | None = None
) -> list[Day]:
    """Return one person's work days from `first` to `last`.  `now` (aware) None: every day counts as finished."""
    return list(days_of_people(session, [person_id], first, last, zone, now)[person_id])


def days_of_people(
    session: Session, person_ids: Sequence[int], first: date, last: date, zone: ZoneInfo, now: datetime | None = None
) -> dict[int, tuple[Day, ...]]:
    """Return the work days of several people at once, in a few queries."""
    if last < first:
        raise UserError("the last day is before the first: swap them")
    # Overtime by the week needs the whole week, wherever the dates cut it; other people are not slowed down by it.
    monday = week_of(first)
    sunday = week_of(last) + timedelta(days=6)
    plans = rosters.plans(session, person_ids, monday - AROUND, sunday + AROUND)
    by_plans: dict[int, bool] = {}  # people with the same plans share one mapping
    for some in plans.values():
        if id(some) not in by_plans:
            by_plans[id(some)] = any(
                plan.shift and plan.shift.weekly for day, plan in some.items() if monday <= day <= sunday
            )
    weekly = {key for key in person_ids if by_plans[id(plans[key])]}
    others = [key for key in person_ids if key not in weekly]
    days: dict[int, tuple[Day, ...]] = {}
    for ids, begin, end in ((others, first, last), (sorted(weekly), monday, sunday)):
        instant = now if now is not None else datetime.combine(end + 2 * AROUND, time(), zone).astimezone(UTC)
        for person_id, hours in read(session, ids, begin, end, zone, now=instant, plans=plans).items():
            days[person_id] = hours.days(begin, end, zone, instant)
    days |= {key: timesheet.with_weekly_overtime(days[key]) for key in weekly}
    return {key: tuple(day for day in days[key] if first <= day.day <= last) for key in person_ids}


def sheets(
    session: Session,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    department: str | None = None,
    person_id: int | None = None,
) -> Iterator[PersonDays]:
    """Yield everybody's days, by name, read in blocks of people: no more than a block is in memory at once."""
    people = rosters.list_staff(session, department=department, person_id=person_id, active=None)
    known = employments(session)
    for start in range(0, len(people), BLOCK):
        block = people[start : start + BLOCK]
        days = days_of_people(session, [person.id for person in block], first, last, zone, now)
        for person in block:
            employed = known.get(person.id, ALWAYS)
            own = days.pop(person.id)
            # Check-ins after the last day are shown too; nothing was asked of the person then.
            if any(employed_on(day.day, employed) or day.used for day in own):
                yield PersonDays(person, own)


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
    """Return everybody's days, by name, all at once: for few people, or few days."""
    return list(sheets(session, first, last, zone, now, department=department, person_id=person_id))


def today(session: Session, now: datetime, zone: ZoneInfo, department: str | None = None) -> Today:
    """Return who is here, late, absent, away.  A night shift that is still running counts with the day it began."""
    day = now.astimezone(zone).date()
    rows = sheet(session, day - REACH, day, zone, now, department=department)
    known = employments(session)
    present = [PersonDay(row.person, _present_day(row.days)) for row in rows]
    # Whose employment is over is not listed, unless they are seen.
    return Today(tuple(row for row in present if row.day.used or employed_on(day, known.get(row.person.id, ALWAYS))))


def people_here(session: Session, now: datetime, zone: ZoneInfo) -> frozenset[int]:
    """Return who is here by the rule of `today`: the ids; people who last passed days ago are left out."""
    day = now.astimezone(zone).date()
    since = datetime.combine(day - REACH, time(), zone).astimezone(UTC)
    passed = sorted(punches_between(session, since, now + timedelta(microseconds=1)))
    days = days_of_people(session, passed, day - REACH, day, zone, now)
    return frozenset(person_id for person_id, some in days.items() if _present_day(some).here_now)


def _present_day(days: Sequence[Day]) -> Day:
    """Return the last day; or the one that began before it and is still running."""
    return next((day for day in reversed(days) if day.here_now), days[-1])


def next_inference(
    session: Session, person_id: int, at: datetime, zone: ZoneInfo, direction: Direction = Direction.UNKNOWN
) -> Inference:
    """Return what a passage of this person at `at` would be taken for.  `in_doubt`: a kiosk should ask."""
    day = at.astimezone(zone).date()
    # The passage may still belong to a work day that began up to two days before.
    hours = read(session, [person_id], day - REACH, day, zone, now=at, until=at)[person_id]
    return hours.next_inference(at, zone, direction)


def seconds_on_work_day(session: Session, person_id: int, at: datetime, zone: ZoneInfo, now: datetime) -> int:
    """Return how long the person was here on the work day of a passage at `at`, up to `now`: a night is one day."""
    day = at.astimezone(zone).date()
    days = days_of(session, person_id, day - REACH, day, zone, now)
    its = next((one for one in days if any(used.punch.at == at for used in one.used)), days[-1])
    return sum(spell.seconds(now) for spell in its.spells)

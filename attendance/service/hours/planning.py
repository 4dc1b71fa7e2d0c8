"""Shifts, rosters and holidays: checked before they are written.

In: a session, what an editor holds.  Out: rows; a UserError that says what to do.
Does not know: forms, who is signed in (the caller passes a name).
Main choice: no change to a closed period is accepted from anybody: the period must be reopened first,
which is recorded.  The caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from attendance.domain.hours.shift import DAY, PremiumRules, Shift, from_json, hhmm
from attendance.errors import Phrase, UserError
from attendance.store.hours import calendars, rosters
from attendance.store.hours.periods import lock_over, require_open
from attendance.store.people import people
from attendance.store.people.departments import list_departments
from attendance.store.session import Sessions
from attendance.store.tables.hours import Roster, ShiftRow

FOREVER = date(9999, 1, 1)
MOST_PATTERN = 366
# Written in one transaction.
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Imported:
    """`entered`: how many holidays.  `closed`: how many were left out, because their period is closed."""

    entered: int
    closed: int


def save_shift(session: Session, shift: Shift, *, now: datetime, shift_id: int | None = None) -> ShiftRow:
    """Save a new shift, or new rules of one.

    A shift's rules hold for every day, so UserError if the shift was worked in a closed period.
    """
    if shift_id is not None and (lock := _closed_with(session, shift_id, now)) is not None:
        raise UserError(
            "this shift was worked in a closed period (%(lock)s): make a new shift and roster it from today", lock=lock
        )
    return rosters.put_shift(session, shift, at=now, shift_id=shift_id)


def set_shift_active(session: Session, shift_id: int, active: bool, *, now: datetime) -> ShiftRow:
    """Allow or end new rosters with this shift; days that have it keep it."""
    row = rosters.get_shift(session, shift_id)
    row.active, row.updated_at = active, now
    session.flush()
    return row


def _closed_with(session: Session, shift_id: int, now: datetime) -> Phrase | None:
    for roster in rosters.rosters_of(session):
        if shift_id in roster.pattern:
            lock = lock_over(session, roster.first, roster.last or FOREVER, now)
            if lock is not None:
                return Phrase("%(first)s to %(last)s", first=lock.first, last=lock.last)
    for day in rosters.days_with_shift(session, shift_id):
        if (lock := lock_over(session, day, day, now)) is not None:
            return Phrase("%(first)s to %(last)s", first=lock.first, last=lock.last)
    return None


def assign(
    session: Session, person_ids: Sequence[int], first: date, last: date | None, pattern: Sequence[int | None], *,
    now: datetime, by: str,
) -> list[Roster]:  # fmt: skip
    """Roster these people in this pattern from `first` on; the pattern that they had ends the day before.

    UserError if a pattern that was entered for later days would be overlapped.
    """
    _require_assignable(session, person_ids, first, last, pattern, now)
    made = []
    known = _rosters_by_person(session, person_ids)
    for person_id in person_ids:
        for other in known.get(person_id, ()):
            _make_room(session, other, first, last)
        made.append(rosters.add_roster(session, person_id, first, last, pattern, at=now, by=by))
    return made


def assign_in_steps(
    sessions: Sessions, person_ids: Sequence[int], first: date, last: date | None, pattern: Sequence[int | None], *,
    now: datetime, by: str,
) -> int:  # fmt: skip
    """Roster any number of people as `assign` does, in transactions of MOST_ROWS rows; return how many people.

    All of them are checked before the first row is written; UserError then changes nothing.  Should a later step
    fail, the steps before it stand, and doing the whole once more comes to the same.
    """
    with sessions() as session:
        _require_assignable(session, person_ids, first, last, pattern, now)
        known = _rosters_by_person(session, person_ids)
        for others in known.values():
            for other in others:
                _require_room(session, other, first, last)
        steps: list[list[int]] = []
        rows = MOST_ROWS
        for person_id in dict.fromkeys(person_ids):
            # The new roster; of an older one in its days, its end and what goes on after them.
            mine = 1 + 2 * sum(_overlaps(other, first, last) for other in known.get(person_id, ()))
            if rows + mine > MOST_ROWS:
                steps.append([])
                rows = 0
            steps[-1].append(person_id)
            rows += mine
    for step in steps:
        with sessions.begin() as session:
            assign(session, step, first, last, pattern, now=now, by=by)
    return sum(map(len, steps))


def _require_assignable(
    session: Session, person_ids: Sequence[int], first: date, last: date | None, pattern: Sequence[int | None],
    now: datetime,
) -> None:  # fmt: skip
    if not person_ids:
        raise UserError("choose at least one person")
    if not 1 <= len(pattern) <= MOST_PATTERN:
        raise UserError("a pattern has 1 to %(most)s days", most=MOST_PATTERN)
    if last is not None and last < first:
        raise UserError("the last day is before the first: swap them")
    active = {row.id: from_json(row.rules) for row in rosters.list_shifts(session)}
    for shift_id in pattern:
        if shift_id is not None and shift_id not in active:
            raise UserError("there is no active shift %(shift_id)s", shift_id=shift_id)
    days = [None if shift_id is None else active[shift_id] for shift_id in pattern]
    for before, after in pairwise([*days, days[0]]):
        _require_apart(before, after)
    require_open(session, first, last or FOREVER, now)


def _rosters_by_person(session: Session, person_ids: Sequence[int]) -> dict[int, list[Roster]]:
    """Return the rosters of each of these people; of many, everybody's are read, as a query names only so many."""
    known: dict[int, list[Roster]] = {}
    for roster in rosters.rosters_of(session, person_ids if len(person_ids) <= rosters.MOST_NAMED else None):
        known.setdefault(roster.person_id, []).append(roster)
    return {person_id: known[person_id] for person_id in person_ids if person_id in known}


def _require_apart(before: Shift | None, after: Shift | None) -> None:
    """Raise UserError if the shift of a day begins before the one of the day before has ended."""
    if before is not None and after is not None and before.spans[-1].end - DAY > after.spans[0].start:
        raise UserError(
            "the shifts overlap: %(before)s ends at %(end)s on the day after, when %(after)s has begun at %(start)s",
            before=before.name,
            end=hhmm(before.spans[-1].end - DAY),
            after=after.name,
            start=hhmm(after.spans[0].start),
        )


def _overlaps(other: Roster, first: date, last: date | None) -> bool:
    return (other.last is None or other.last >= first) and (last is None or other.first <= last)


def _require_room(session: Session, other: Roster, first: date, last: date | None) -> None:
    """Raise UserError if an older roster begins within these days and goes on after them."""
    if not _overlaps(other, first, last) or other.first < first or last is None:
        return
    if other.last is None or other.last > last:
        name = people.get_person(session, other.person_id).name
        raise UserError(
            "%(name)s has a roster from %(first)s to %(last)s that overlaps: choose days that contain it, or "
            "that end before it",
            name=name,
            first=other.first,
            last=other.last or Phrase("further notice"),
        )


def _make_room(session: Session, other: Roster, first: date, last: date | None) -> None:
    if not _overlaps(other, first, last):
        return
    _require_room(session, other, first, last)
    if other.first >= first:
        session.delete(other)  # replaced whole, by days that are all still open
        return
    if last is not None and (other.last is None or other.last > last):
        # The old pattern goes on after the new one, where it would have been.
        turn = (last + timedelta(days=1) - other.first).days % len(other.pattern)
        pattern = [*other.pattern[turn:], *other.pattern[:turn]]
        rosters.add_roster(
            session, other.person_id, last + timedelta(days=1), other.last, pattern,
            at=other.created_at, by=other.created_by,
        )  # fmt: skip
    other.last = first - timedelta(days=1)


def set_day(session: Session, person_id: int, day: date, shift_id: int | None, *, now: datetime, by: str) -> None:
    """Roster another shift, or none, on one day."""
    require_open(session, day, day, now)
    people.get_person(session, person_id)
    if shift_id is not None:
        shift = from_json(rosters.get_shift(session, shift_id).rules)
        around = rosters.plans(session, [person_id], day - timedelta(days=1), day + timedelta(days=1))[person_id]
        _require_apart(around[day - timedelta(days=1)].shift, shift)
        _require_apart(shift, around[day + timedelta(days=1)].shift)
    rosters.put_roster_day(session, person_id, day, shift_id, at=now, by=by)


def import_holidays(
    session: Session, country: str, region: str, year: int, *, now: datetime, calendar_id: int | None = None
) -> Imported:
    """Enter the public holidays of a year from the `holidays` library; days in a closed period stay as they are.

    `calendar_id`: the calendar they go to; None: the site's.
    """
    import holidays

    country, region = country.strip().upper(), region.strip().upper()
    try:
        days = holidays.country_holidays(country, subdiv=region or None, years=year)
    except (NotImplementedError, KeyError) as error:  # the library does not know this place
        raise UserError(
            "no holidays are known for %(place)s: use codes such as DE and BY", place=f"{country} {region}".rstrip()
        ) from error
    known = {
        row.day: row.name
        for row in calendars.holidays_between(session, date(year, 1, 1), date(year, 12, 31), calendar_id)
    }
    entered = closed = 0
    for day, name in sorted(days.items()):
        if lock_over(session, day, day, now) is None:
            calendars.put_holiday(session, day, name, f"{country} {region}".strip(), calendar_id)
            entered += 1
        elif known.get(day) != name:
            closed += 1
    return Imported(entered, closed)


def save_premium_rules(session: Session, rules: PremiumRules, first: date, *, now: datetime, by: str) -> None:
    """Count night, Sunday and holiday hours by these rules from `first` on; UserError for a closed period."""
    require_open(session, first, FOREVER, now)
    rosters.put_premium_rules(session, first, rules, at=now, by=by)


def remove_premium_rules(session: Session, first: date, *, now: datetime) -> None:
    """Remove the rules that begin on `first`; the ones before them hold on.  UserError for a closed period."""
    require_open(session, first, FOREVER, now)
    if not rosters.drop_premium_rules(session, first):
        raise UserError("no rules begin on %(first)s: they were removed already", first=first)


def add_holiday(session: Session, day: date, name: str, *, now: datetime, calendar_id: int | None = None) -> None:
    """Enter a holiday that the library does not have.  `calendar_id` None: in the site's calendar."""
    name = " ".join(name.split())
    if not name:
        raise UserError("a holiday needs a name")
    require_open(session, day, day, now)
    calendars.put_holiday(session, day, name, "by hand", calendar_id)


def remove_holiday(session: Session, day: date, *, now: datetime, calendar_id: int | None = None) -> None:
    """Remove a holiday; the day is planned as any other again.  `calendar_id` None: of the site's calendar."""
    require_open(session, day, day, now)
    calendars.drop_holiday(session, day, calendar_id)


def choose_calendar(
    session: Session, calendar_id: int | None, first: date, *, now: datetime,
    department: str | None = None, person_id: int | None = None,
) -> None:  # fmt: skip
    """Let a calendar hold for a person, else for a department, from `first` on.

    `calendar_id` None: a person has the department's again, a department the site's.  UserError for a closed period,
    and for a calendar, department or person that is not there.
    """
    require_open(session, first, FOREVER, now)
    if calendar_id is not None:
        calendars.get_calendar(session, calendar_id)
    if person_id is not None:
        people.get_person(session, person_id)
        calendars.choose_for_person(session, person_id, first, calendar_id)
    elif department in {one.name for one in list_departments(session)}:
        calendars.choose_for_department(session, department, first, calendar_id)
    else:
        raise UserError("choose a department or a person for the calendar")

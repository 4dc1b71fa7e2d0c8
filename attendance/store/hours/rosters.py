"""Shifts and rosters; with holidays and leave, the plan of each day.

In: a session, ids, dates.  Out: rows; `Plan`s by person and day.
Does not know: passages, local time, closed periods (service/hours/planning.py guards them).
Main choice: a plan is put together on reading, from pattern, exception, holiday and leave, so that an edited
shift holds for every day that is still open.  What a closed period came to is in `day_totals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, true
from sqlalchemy.orm import Session

from attendance.domain.hours import premiums as premium_hours
from attendance.domain.hours import shift as shifts
from attendance.domain.hours.leave import half_on, joined
from attendance.domain.hours.premiums import in_force
from attendance.domain.hours.shift import Half, Leave, Plan, PremiumRules, Rotation, Shift
from attendance.domain.people.employment import ALWAYS, Employment, employed_on
from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.store.hours.calendars import holidays_of
from attendance.store.hours.leave import leave_between
from attendance.store.people.employment import employments
from attendance.store.tables.hours import LeaveRow, PremiumRulesRow, Roster, RosterDay, ShiftRow
from attendance.store.tables.people import Person

# More people than this are not named one by one in a query: databases limit how many values one may hold.
MOST_NAMED = 500


@dataclass(frozen=True, slots=True)
class StaffMember:
    """The person of a row of a report."""

    id: int
    name: str
    staff_number: str | None
    department: str
    visitor: bool = False


def list_staff(
    session: Session,
    *,
    department: str | None = None,
    person_id: int | None = None,
    active: bool | None = True,
    visitors: bool = False,
) -> list[StaffMember]:
    """Return people by name.  `department` None: of all departments.  `active` None: inactive people, too.

    Visitors are left out, since they have no working time; `visitors`: they are there, too.
    """
    query = select(Person.id, Person.name, Person.staff_number, Person.department, Person.visitor)
    if not visitors:
        query = query.where(Person.visitor.is_(False))
    if active is not None:
        query = query.where(Person.active.is_(active))
    if department is not None:
        query = query.where(Person.department == department)
    if person_id is not None:
        query = query.where(Person.id == person_id)
    return sorted(
        (StaffMember(*row) for row in session.execute(query)), key=lambda person: (sort_key(person.name), person.id)
    )


def departments(session: Session) -> list[str]:
    """Return the departments of active people by name."""
    names = session.scalars(select(Person.department).where(Person.active, Person.visitor.is_(False)).distinct())
    return sorted(filter(None, names), key=sort_key)


def list_shifts(session: Session, active: bool | None = True) -> Sequence[ShiftRow]:
    """Return shifts by name.  `active` None: inactive shifts, too."""
    query = select(ShiftRow) if active is None else select(ShiftRow).where(ShiftRow.active.is_(active))
    return sorted(session.scalars(query), key=lambda row: sort_key(row.name))


def get_shift(session: Session, shift_id: int) -> ShiftRow:
    """Return the shift; UserError if there is none with this id."""
    row = session.get(ShiftRow, shift_id)
    if row is None:
        raise UserError("there is no shift %(shift_id)s", shift_id=shift_id)
    return row


def shift_named(session: Session, name: str) -> ShiftRow | None:
    return session.scalar(select(ShiftRow).where(ShiftRow.name == name))


def put_shift(session: Session, shift: Shift, *, at: datetime, shift_id: int | None = None) -> ShiftRow:
    """Write a new shift, or new rules for one; UserError if the name is taken."""
    holder = shift_named(session, shift.name)
    if holder is not None and holder.id != shift_id:
        raise UserError("there is a shift %(shift)s already: choose another name", shift=shift.name)
    if shift_id is None:
        row = ShiftRow(name=shift.name, rules=shifts.to_json(shift), active=True, created_at=at, updated_at=at)
        session.add(row)
    else:
        row = get_shift(session, shift_id)
        row.name, row.rules, row.updated_at = shift.name, shifts.to_json(shift), at
    session.flush()
    return row


def add_roster(
    session: Session, person_id: int, first: date, last: date | None, pattern: Sequence[int | None], *,
    at: datetime, by: str,
) -> Roster:  # fmt: skip
    row = Roster(person_id=person_id, first=first, last=last, pattern=list(pattern), created_at=at, created_by=by[:100])
    session.add(row)
    session.flush()
    return row


def rosters_of(session: Session, person_ids: Iterable[int] | None = None) -> Sequence[Roster]:
    """Return the rosters of these people, the oldest first; None: of everybody."""
    query = select(Roster).order_by(Roster.person_id, Roster.first, Roster.id)
    return session.scalars(query if person_ids is None else query.where(Roster.person_id.in_(list(person_ids)))).all()


def put_roster_day(
    session: Session, person_id: int, day: date, shift_id: int | None, *, at: datetime, by: str
) -> RosterDay:
    """Write the exception of one day: another shift, or None for a day off."""
    row = session.scalar(select(RosterDay).where(RosterDay.person_id == person_id, RosterDay.day == day))
    if row is None:
        row = RosterDay(person_id=person_id, day=day, shift_id=shift_id, created_at=at, created_by=by[:100])
        session.add(row)
    else:
        row.shift_id, row.created_at, row.created_by = shift_id, at, by[:100]
    session.flush()
    return row


def days_with_shift(session: Session, shift_id: int) -> Sequence[date]:
    """Return the days on which somebody has this shift as an exception of the pattern, in order."""
    query = select(RosterDay.day).where(RosterDay.shift_id == shift_id).distinct()
    return session.scalars(query.order_by(RosterDay.day)).all()


def list_premium_rules(session: Session) -> list[tuple[date, PremiumRules]]:
    """Return every version of the rules of night, Sunday and holiday hours with its first day, the oldest first."""
    rows = session.scalars(select(PremiumRulesRow).order_by(PremiumRulesRow.first))
    return [(row.first, premium_hours.from_json(row.rules)) for row in rows]


def put_premium_rules(session: Session, first: date, rules: PremiumRules, *, at: datetime, by: str) -> None:
    """Write the rules from `first` on; a version with the same first day is replaced."""
    session.merge(PremiumRulesRow(first=first, rules=premium_hours.to_json(rules), created_at=at, created_by=by[:100]))
    session.flush()


def drop_premium_rules(session: Session, first: date) -> bool:
    """Remove a version; the one before it holds on.  Return whether there was one."""
    done: Any = session.execute(delete(PremiumRulesRow).where(PremiumRulesRow.first == first))
    return bool(done.rowcount)


def plans(session: Session, person_ids: Sequence[int], first: date, last: date) -> dict[int, Mapping[date, Plan]]:
    """Return the plans of each of these people for every day from `first` to `last`.

    People who have the same plans share one mapping, and days that ask for the same share one `Plan`.
    """
    known = {row.id: shifts.from_json(row.rules) for row in list_shifts(session, active=None)}
    wanted = set(person_ids)
    rosters = _by_person(
        session.execute(
            select(Roster.person_id, Roster.first, Roster.last, Roster.pattern)
            .where(Roster.first <= last, or_(Roster.last.is_(None), Roster.last >= first), _among(Roster, person_ids))
            .order_by(Roster.first, Roster.id)
        ),
        wanted,
    )
    exceptions = _by_person(
        session.scalars(
            select(RosterDay).where(RosterDay.day >= first, RosterDay.day <= last, _among(RosterDay, person_ids))
        ),
        wanted,
    )
    leave = _by_person(leave_between(session, first, last, person_ids=person_ids), wanted)
    holidays = holidays_of(session, person_ids, first, last)
    employed = employments(session, person_ids)
    versions = list_premium_rules(session)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    planner = _Planner({day: in_force(versions, day) for day in days}, known)
    return {
        person_id: planner.plans_of(
            holidays[person_id],
            rosters.get(person_id, ()),
            exceptions.get(person_id, ()),
            leave.get(person_id, ()),
            employed.get(person_id, ALWAYS),
        )
        for person_id in person_ids
    }


def _among(table: type[Roster] | type[RosterDay], person_ids: Sequence[int]) -> ColumnElement[bool]:
    return table.person_id.in_(person_ids) if len(person_ids) <= MOST_NAMED else true()


class _Planner:
    """Puts plans together for one span of days; most people's are those of somebody before them."""

    def __init__(self, premiums: Mapping[date, PremiumRules], known: Mapping[int, Shift]) -> None:
        self._premiums, self._known = premiums, known
        self._by_roster: dict[tuple[Any, ...], dict[date, Plan]] = {}
        self._made: dict[tuple[Any, ...], Plan] = {}

    def plans_of(
        self,
        holidays: Mapping[date, str],
        rosters: Sequence[Any],
        exceptions: Sequence[RosterDay],
        leave: Sequence[LeaveRow],
        employed: Sequence[Employment],
    ) -> Mapping[date, Plan]:
        base = self._of_rosters(holidays, rosters)
        if not exceptions and not leave and employed is ALWAYS:
            return base
        by_day = {row.day: row for row in exceptions}
        away: dict[date, list[Leave]] = {}
        for row in leave:
            for day in self._premiums:
                half = half_on(day, row.first, row.last, Half(row.half), Half(row.last_half))
                if half is not None:
                    away.setdefault(day, []).append(Leave(row.kind, row.paid, half))
        plans = dict(base)
        for day, plan in base.items():
            if not employed_on(day, employed):
                plans[day] = self._plan(day, None, None, False)
                continue
            if (exception := by_day.get(day)) is not None:
                plan = self._plan(day, self._shift(exception.shift_id), holidays.get(day), True)
            if day in away:
                one, other = joined(away[day])
                plan = Plan(day, plan.shift, plan.holiday, one, plan.rostered, plan.premiums, other)
            plans[day] = plan
        return plans

    def _of_rosters(self, holidays: Mapping[date, str], rosters: Sequence[Any]) -> dict[date, Plan]:
        # `holidays` is one object for all people of a calendar, and outlives this one.
        key = id(holidays), tuple([(row.first, row.last, tuple(row.pattern)) for row in rosters])
        found = self._by_roster.get(key)
        if found is None:
            # The newest pattern counts: it was entered to replace the older one from its first day on.
            rotations = [
                Rotation(row.first, tuple(map(self._shift, row.pattern)), row.last) for row in reversed(rosters)
            ]
            found = self._by_roster[key] = {}
            for day in self._premiums:
                rotation = next((one for one in rotations if one.covers(day)), None)
                shift = rotation.shift_on(day) if rotation is not None else None
                found[day] = self._plan(day, shift, holidays.get(day), rotation is not None)
        return found

    def _shift(self, shift_id: int | None) -> Shift | None:
        return self._known.get(shift_id) if shift_id is not None else None

    def _plan(self, day: date, shift: Shift | None, holiday: str | None, rostered: bool) -> Plan:
        key = day, id(shift), holiday, rostered
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = Plan(day, shift, holiday, None, rostered, self._premiums[day])
        return found


def _by_person(rows: Iterable[Any], wanted: set[int]) -> dict[int, list[Any]]:
    by_person: dict[int, list[Any]] = {}
    for row in rows:
        if row.person_id in wanted:
            by_person.setdefault(row.person_id, []).append(row)
    return by_person

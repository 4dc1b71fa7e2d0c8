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

from sqlalchemy import delete, or_, select
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


@dataclass(frozen=True, slots=True)
class StaffMember:
    """The person of a row of a report."""

    id: int
    name: str
    staff_number: str | None
    department: str


def list_staff(
    session: Session, *, department: str | None = None, person_id: int | None = None, active: bool | None = True
) -> list[StaffMember]:
    """Return people by name.  `department` None: of all departments.  `active` None: inactive people, too."""
    query = select(Person.id, Person.name, Person.staff_number, Person.department)
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
    names = session.scalars(select(Person.department).where(Person.active).distinct())
    return sorted(filter(None, names), key=sort_key)


def list_shifts(session: Session, active: bool | None = True) -> Sequence[ShiftRow]:
    """Return shifts by name.  `active` None: inactive shifts, too."""
    query = select(ShiftRow) if active is None else select(ShiftRow).where(ShiftRow.active.is_(active))
    return sorted(session.scalars(query), key=lambda row: sort_key(row.name))


def get_shift(session: Session, shift_id: int) -> ShiftRow:
    """Return the shift; UserError if there is none with this id."""
    row = session.get(ShiftRow, shift_id)
    if row is None:
        raise UserError(f"there is no shift {shift_id}")
    return row


def shift_named(session: Session, name: str) -> ShiftRow | None:
    return session.scalar(select(ShiftRow).where(ShiftRow.name == name))


def put_shift(session: Session, shift: Shift, *, at: datetime, shift_id: int | None = None) -> ShiftRow:
    """Write a new shift, or new rules for one; UserError if the name is taken."""
    holder = shift_named(session, shift.name)
    if holder is not None and holder.id != shift_id:
        raise UserError(f"there is a shift {shift.name} already: choose another name")
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


def plans(session: Session, person_ids: Sequence[int], first: date, last: date) -> dict[int, dict[date, Plan]]:
    """Return the plans of each of these people for every day from `first` to `last`."""
    known = {row.id: shifts.from_json(row.rules) for row in list_shifts(session, active=None)}
    wanted = set(person_ids)
    rosters = _by_person(
        session.scalars(
            select(Roster)
            .where(Roster.first <= last, or_(Roster.last.is_(None), Roster.last >= first))
            .order_by(Roster.first, Roster.id)
        ),
        wanted,
    )
    exceptions = _by_person(
        session.scalars(select(RosterDay).where(RosterDay.day >= first, RosterDay.day <= last)), wanted
    )
    leave = _by_person(leave_between(session, first, last), wanted)
    holidays = holidays_of(session, person_ids, first, last)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    employed = employments(session, person_ids)
    versions = list_premium_rules(session)
    premiums = {day: in_force(versions, day) for day in days}
    return {
        person_id: _plans_of(
            premiums,
            known,
            holidays[person_id],
            rosters.get(person_id, ()),
            exceptions.get(person_id, ()),
            leave.get(person_id, ()),
            employed.get(person_id, ALWAYS),
        )
        for person_id in person_ids
    }


def _plans_of(
    premiums: Mapping[date, PremiumRules],
    known: Mapping[int, Shift],
    holidays: Mapping[date, str],
    rosters: Sequence[Roster],
    exceptions: Sequence[RosterDay],
    leave: Sequence[LeaveRow],
    employed: Sequence[Employment],
) -> dict[date, Plan]:
    def shift_of(shift_id: int | None) -> Shift | None:
        return known.get(shift_id) if shift_id is not None else None

    by_day = {row.day: row for row in exceptions}
    away: dict[date, list[Leave]] = {}
    for row in leave:
        for day in premiums:
            half = half_on(day, row.first, row.last, Half(row.half), Half(row.last_half))
            if half is not None:
                away.setdefault(day, []).append(Leave(row.kind, row.paid, half))
    # The newest pattern counts: it was entered to replace the older one from its first day on.
    rotations = [Rotation(row.first, tuple(map(shift_of, row.pattern)), row.last) for row in reversed(rosters)]
    plans = {}
    for day, rules in premiums.items():
        if not employed_on(day, employed):
            plans[day] = Plan(day, rostered=False, premiums=rules)
            continue
        rotation = next((rotation for rotation in rotations if rotation.covers(day)), None)
        shift = rotation.shift_on(day) if rotation is not None else None
        if (exception := by_day.get(day)) is not None:
            shift = shift_of(exception.shift_id)
        rostered = rotation is not None or exception is not None
        first_leave, other = joined(away.get(day, ()))
        plans[day] = Plan(day, shift, holidays.get(day), first_leave, rostered, rules, other)
    return plans


def _by_person(rows: Iterable[Any], wanted: set[int]) -> dict[int, list[Any]]:
    by_person: dict[int, list[Any]] = {}
    for row in rows:
        if row.person_id in wanted:
            by_person.setdefault(row.person_id, []).append(row)
    return by_person

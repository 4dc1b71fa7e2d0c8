"""Calendars of public holidays, and which of them holds for whom from which day on.

In: a session, calendars, departments, people, days.  Out: rows; the holidays of each person.
Does not know: closed periods (service/hours/planning.py guards them), where holidays come from.
Main choice: a person's choice counts before the department's, and that before the site's; each holds from a day on.
The department is the present one: whoever changes it keeps the past, because it is written down for the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.store.tables.hours import DepartmentCalendar, Holiday, HolidayCalendar, PersonCalendar
from attendance.store.tables.people import Person

# Where a department's or person's choice holds for every day: no site has passages before it.
BEGINNING = date(1970, 1, 1)
# Choices in order of their first day; None: as the department has it, or the site.
Choices = tuple[tuple[date, int | None], ...]


def site_calendar(session: Session) -> HolidayCalendar:
    """Return the calendar of everybody for whom no other is chosen."""
    return session.scalars(select(HolidayCalendar).order_by(HolidayCalendar.id).limit(1)).one()


def list_calendars(session: Session) -> Sequence[HolidayCalendar]:
    """Return the site's calendar, then the others by name."""
    first = site_calendar(session)
    others = [row for row in session.scalars(select(HolidayCalendar)) if row.id != first.id]
    return [first, *sorted(others, key=lambda row: sort_key(row.name))]


def get_calendar(session: Session, calendar_id: int) -> HolidayCalendar:
    """Return the calendar; UserError if there is none with this id."""
    row = session.get(HolidayCalendar, calendar_id)
    if row is None:
        raise UserError(
            "there is no calendar %(calendar_id)s: choose one of the page Holiday calendars", calendar_id=calendar_id
        )
    return row


def add_calendar(session: Session, name: str) -> HolidayCalendar:
    """Write a calendar without holidays; UserError if the name is missing, too long or taken."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 100:
        raise UserError("a calendar needs a name of 1 to 100 letters")
    if session.scalar(select(HolidayCalendar).where(HolidayCalendar.name == name)) is not None:
        raise UserError("there is a calendar %(name)s already: choose another name", name=name)
    row = HolidayCalendar(name=name)
    session.add(row)
    session.flush()
    return row


def holidays_between(session: Session, first: date, last: date, calendar_id: int | None = None) -> Sequence[Holiday]:
    """Return the holidays of a calendar in order.  `calendar_id` None: of the site's."""
    wanted = calendar_id or site_calendar(session).id
    query = select(Holiday).where(Holiday.calendar_id == wanted, Holiday.day >= first, Holiday.day <= last)
    return session.scalars(query.order_by(Holiday.day)).all()


def put_holiday(session: Session, day: date, name: str, source: str, calendar_id: int | None = None) -> None:
    """Write the holiday of a day; a repetition replaces the one before it.  `calendar_id` None: the site's."""
    wanted = calendar_id or site_calendar(session).id
    session.merge(Holiday(calendar_id=wanted, day=day, name=name[:200], source=source[:50]))
    session.flush()


def drop_holiday(session: Session, day: date, calendar_id: int | None = None) -> None:
    wanted = calendar_id or site_calendar(session).id
    session.execute(delete(Holiday).where(Holiday.calendar_id == wanted, Holiday.day == day))


def department_choices(session: Session) -> dict[str, Choices]:
    """Return what is chosen for each department, the oldest choice first."""
    rows = session.scalars(select(DepartmentCalendar).order_by(DepartmentCalendar.first))
    return _grouped((row.department, row.first, row.calendar_id) for row in rows)


def person_choices(session: Session) -> dict[int, Choices]:
    """Return what is chosen for each person, the oldest choice first."""
    rows = session.scalars(select(PersonCalendar).order_by(PersonCalendar.first))
    return _grouped((row.person_id, row.first, row.calendar_id) for row in rows)


def choose_for_department(session: Session, department: str, first: date, calendar_id: int | None) -> None:
    """Let a calendar hold for a department from `first` on; None: the site's again."""
    session.merge(DepartmentCalendar(department=department, first=first, calendar_id=calendar_id))
    session.flush()


def choose_for_person(session: Session, person_id: int, first: date, calendar_id: int | None) -> None:
    """Let a calendar hold for a person from `first` on; None: the department's again."""
    session.merge(PersonCalendar(person_id=person_id, first=first, calendar_id=calendar_id))
    session.flush()


def in_force(day: date, *levels: Choices) -> int | None:
    """Return the calendar that holds on a day: the first level that has one; None: the site's."""
    for choices in levels:
        chosen = next((calendar for first, calendar in reversed(choices) if first <= day), None)
        if chosen is not None:
            return chosen
    return None


def holidays_of(session: Session, person_ids: Iterable[int], first: date, last: date) -> dict[int, Mapping[date, str]]:
    """Return each person's holidays by day: of the calendar that holds for the person on that day."""
    by_calendar: dict[int, dict[date, str]] = {}
    for row in session.scalars(select(Holiday).where(Holiday.day >= first, Holiday.day <= last)):
        by_calendar.setdefault(row.calendar_id, {})[row.day] = row.name
    site = site_calendar(session).id
    departments, people = department_choices(session), person_choices(session)
    if not departments and not people:
        return dict.fromkeys(person_ids, by_calendar.get(site, {}))
    of_person: dict[int, str] = {row[0]: row[1] for row in session.execute(select(Person.id, Person.department))}
    days = sorted({day for known in by_calendar.values() for day in known})
    made: dict[tuple[Choices, Choices], Mapping[date, str]] = {}  # most people share theirs
    found = {}
    for person_id in person_ids:
        levels = people.get(person_id, ()), departments.get(of_person.get(person_id, ""), ())
        if levels not in made:
            named = {day: by_calendar.get(in_force(day, *levels) or site, {}).get(day) for day in days}
            made[levels] = {day: name for day, name in named.items() if name is not None}
        found[person_id] = made[levels]
    return found


def keep_past(session: Session, person_ids: Iterable[int], before: str, after: str, day: date) -> None:
    """Write down for people who change the department on `day` which calendars held for them until then."""
    chosen = department_choices(session)
    left, joined = chosen.get(before, ()), chosen.get(after, ())
    if left == joined:
        return
    site, choices = site_calendar(session).id, person_choices(session)
    for person_id in person_ids:
        own = choices.get(person_id, ())
        steps = sorted({BEGINNING, *(first for first, _calendar in (*left, *own) if first < day)})
        past = [(first, in_force(first, own, left) or site) for first in steps]
        present = next((calendar for first, calendar in reversed(own) if first <= day), None)
        for first, calendar in (*past, (day, present)):
            choose_for_person(session, person_id, first, calendar)


def rename_department(session: Session, before: str, after: str, *, joined: bool) -> None:
    """Move a department's choices to its new name; the choices of a department that it joins hold for both."""
    of_before, of_after = DepartmentCalendar.department == before, DepartmentCalendar.department == after
    # Choices of a name that nobody has any more are left over from a department of earlier.
    session.execute(delete(DepartmentCalendar).where(of_before if joined else of_after))
    session.execute(update(DepartmentCalendar).where(of_before).values(department=after))


def _grouped(rows: Iterable[tuple[Any, date, int | None]]) -> dict[Any, Choices]:
    found: dict[Any, list[tuple[date, int | None]]] = {}
    for key, first, calendar in rows:
        found.setdefault(key, []).append((first, calendar))
    return {key: tuple(choices) for key, choices in found.items()}

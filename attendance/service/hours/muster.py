"""Who is in the building: the one list for evacuations, and the muster that ticks it.

In: a session, the present instant, the site's zone.  Out: a row for each person, and for each stranger let in.
Does not know: pages, files.
Main choice: where areas are watched, the area that a person entered last speaks; else the working time; else, of
people whose passages do not count for hours, the last passage.  In doubt somebody is listed: a name too many is
asked for at the assembly point, a name too few is not.  Trade-off: who leaves by a door without a camera stays on
the list, with the age of what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.domain.people.names import sort_key
from attendance.service.hours import days
from attendance.service.hours.days import PersonDay, Today
from attendance.store.access import musters, present
from attendance.store.access.musters import Muster, MusterRow
from attendance.store.alarms import alarms
from attendance.store.hours import rosters
from attendance.store.hours.rosters import StaffMember
from attendance.store.session import Sessions
from attendance.texts import N_

# A passage, or a door opened for nobody known, says nothing about the building after so long.
REACH = timedelta(hours=16)
# Rows in one transaction, so that nobody at a door waits for a large site's list.
AT_ONCE = 200
KEPT_DAYS = 30


class Source(StrEnum):
    """Why somebody is listed."""

    AREA = "area"
    HOURS = "hours"
    PASSAGE = "passage"
    DOOR = "door"
    FORCED = "forced"


SOURCES = {
    Source.AREA: N_("entered the area"),
    Source.HOURS: N_("checked in"),
    Source.PASSAGE: N_("passed"),
    Source.DOOR: N_("an operator opened the door"),
    Source.FORCED: N_("the door was forced open"),
}


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is inside as far as it is known.  `name`: "" if nobody knows who.

    `key`: the same for the same person or event · `where`: an area, camera or door · `since`: of what is known.
    """

    key: str
    person_id: int | None
    name: str
    staff_number: str
    department: str
    source: Source
    where: str
    since: datetime
    visitor: bool = False


@dataclass(frozen=True, slots=True)
class Ticked:
    """A row of the list with what a muster knows.  `left`: seen leaving since it began."""

    row: Present
    safe_at: datetime | None = None
    safe_by: str | None = None
    left: bool = False


def inside(session: Session, now: datetime, zone: ZoneInfo, department: str | None = None) -> list[Present]:
    """Return who is in the building now, by department and name; strangers are at the end.

    `department`: its people only, without strangers.
    """
    today = days.today(session, now, zone, department)
    found = {row.person_id: row for row in by_hours(today)}
    staff = {one.id: one for one in rosters.list_staff(session, department=department, active=None, visitors=True)}
    seen = {row.person.id: row.day.used[-1].punch for row in today.rows if row.day.used}
    for person_id, (at, camera, direction) in present.newest_uncounted(session, now - REACH, now).items():
        counted = person_id in seen and seen[person_id].at >= at
        if person_id in staff and not counted and direction != Direction.OUT.value:
            found[person_id] = _person(staff[person_id], Source.PASSAGE, camera, at)
        elif not counted:
            found.pop(person_id, None)
    for person_id, at in present.outside(session).items():
        if person_id in found and found[person_id].since <= at:
            del found[person_id]
    for place, _name, area in present.inside(session):
        last = seen.get(place.person_id)
        # Only a check-out that was meant as one is newer knowledge than the area.
        gone = last is not None and last.at > place.since and last.direction is Direction.OUT
        if place.person_id in staff and not gone:
            found[place.person_id] = _person(staff[place.person_id], Source.AREA, area, place.since)
    people = sorted(found.values(), key=lambda row: (sort_key(row.department), sort_key(row.name)))
    return [*people, *([] if department else _strangers(session, now))]


def by_hours(today: Today) -> list[Present]:
    """Return who is here by the working time alone."""
    return [_person(row.person, Source.HOURS, _door(row), row.day.spells[-1].start) for row in today.here]


def listed(
    session: Session, muster: Muster | None, now: datetime, zone: ZoneInfo, department: str | None = None
) -> list[Ticked]:
    """Return the list as it is ticked: those who were inside when the muster began, and who came in since."""
    here = inside(session, now, zone, department)
    if muster is None:
        return [Ticked(row) for row in here]
    staff = {one.id: one for one in rosters.list_staff(session, department=department, active=None, visitors=True)}
    kept = {row.key: row for row in musters.rows(session, muster.id)}
    known = {row.key for row in here}
    before = [_of_row(row, staff) for key, row in kept.items() if key not in known]
    rows = [*here, *(row for row in before if row is not None and (row.person_id is not None or not department))]
    rows.sort(key=lambda row: (row.person_id is None, sort_key(row.department), sort_key(row.name), row.since))
    return [_ticked(row, kept, known) for row in rows]


def begin(sessions: Sessions, muster_id: int, rows: Iterable[Present]) -> None:
    """Write down who was inside when a muster began, in short transactions."""
    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        with sessions.begin() as session:
            musters.add(session, [row_of(muster_id, one) for one in some])


def row_of(muster_id: int, one: Present) -> MusterRow:
    return MusterRow(
        muster_id=muster_id, key=one.key, person_id=one.person_id, source=one.source.value, place=one.where[:100],
        since=one.since,
    )  # fmt: skip


def _strangers(session: Session, now: datetime) -> list[Present]:
    """Return who came in without a name: an operator opened a door, or somebody forced it."""
    since = now - REACH
    opened = [
        Present(f"door-{key}", None, "", "", "", Source.DOOR, door, at)
        for key, at, door in present.opened_for_nobody(session, since, now)
    ]
    forced = [
        Present(f"forced-{alarm.id}", None, "", "", "", Source.FORCED, alarm.subject, alarm.raised_at)
        for alarm in alarms.raised_since(session, "door forced", since)
    ]
    return sorted([*opened, *forced], key=lambda row: row.since)


def _person(person: StaffMember, source: Source, where: str, since: datetime) -> Present:
    return Present(
        f"person-{person.id}", person.id, person.name, person.staff_number or "", person.department, source, where,
        since, person.visitor,
    )  # fmt: skip


def _door(row: PersonDay) -> str:
    return next((used.punch.source for used in reversed(row.day.used) if used.inference), "")


def _of_row(row: MusterRow, staff: Mapping[int, StaffMember]) -> Present | None:
    source = Source(row.source)
    if row.person_id is None:
        return Present(row.key, None, "", "", "", source, row.place, row.since)
    person = staff.get(row.person_id)
    return None if person is None else _person(person, source, row.place, row.since)


def _ticked(row: Present, kept: Mapping[str, MusterRow], known: set[str]) -> Ticked:
    mark = kept.get(row.key)
    left = row.person_id is not None and row.key not in known
    return Ticked(row, left=left) if mark is None else Ticked(row, mark.safe_at, mark.safe_by, left)


def still_missing(rows: Sequence[Ticked]) -> int:
    return sum(row.safe_at is None for row in rows)

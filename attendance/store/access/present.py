"""The present, as the rules of doors ask for it: places, counts, doors, who passed and who waits.

In: a session, doors, instants.  Out: the parts of the domain's `State`; the place of a person after a passage.
Does not know: verdicts, devices.
Main choice: only a place is written down.  Counts, the first person of the day and who waits for a second one follow
from rows that are there, so that nothing can contradict the log.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Mark
from attendance.domain.access.rules.policy import Policy
from attendance.domain.access.rules.state import DoorState, Physical, Place, Waiting
from attendance.domain.passage import YOUNG, Direction, Passage
from attendance.domain.people.names import sort_key
from attendance.domain.reason import Reason
from attendance.store.access import door_states as live
from attendance.store.access import events, second_factors
from attendance.store.tables import access
from attendance.store.tables.people import Person


@dataclass(frozen=True, slots=True)
class Underway:
    """A grant that nothing was seen of yet: `area` is where the person will be, None outside."""

    door: int
    area: int | None
    at: datetime


def place_of(session: Session, person_id: int | None) -> dict[int, Place]:
    row = None if person_id is None else session.get(access.PersonPlace, person_id, populate_existing=True)
    return {} if row is None else {row.person_id: Place(row.area_id, row.since)}


def occupancy(session: Session) -> dict[int, int]:
    """Return how many people are in each area."""
    counts = dict.fromkeys(session.scalars(select(access.Area.id)), 0)
    inside = select(access.PersonPlace.area_id, func.count()).group_by(access.PersonPlace.area_id)
    counts.update({area: count for area, count in session.execute(inside) if area is not None})
    return counts


def move(session: Session, person_id: int, area_id: int | None, at: datetime, passage_id: str | None) -> None:
    """Write down that the person is in this area from `at` on; None: outside."""
    row = session.get(access.PersonPlace, person_id)
    if row is None:
        row = access.PersonPlace(person_id=person_id)
        session.add(row)
    row.area_id, row.since, row.passage_id = area_id, at, passage_id
    session.flush()


def inside(session: Session) -> Sequence[tuple[access.PersonPlace, str, str]]:
    """Return everybody who is in an area: place, name, area's name."""
    query = (
        select(access.PersonPlace, Person.name, access.Area.name)
        .join(Person, Person.id == access.PersonPlace.person_id)
        .join(access.Area, access.Area.id == access.PersonPlace.area_id)
    )
    found = [(row[0], row[1], row[2]) for row in session.execute(query)]
    return sorted(found, key=lambda one: (sort_key(one[2]), sort_key(one[1])))


def outside(session: Session) -> dict[int, datetime]:
    """Return who left the last area, and when."""
    query = select(access.PersonPlace).where(access.PersonPlace.area_id.is_(None))
    return {row.person_id: row.since for row in session.scalars(query)}


def newest_uncounted(session: Session, since: datetime, until: datetime) -> dict[int, tuple[datetime, str, str]]:
    """Return the newest taken passage of each person whose passages do not count for hours.

    By person: when, at which camera or tablet, in which direction.
    """
    query = (
        select(access.Passage.person_id, access.Passage.at, access.Passage.camera, access.Passage.direction)
        .where(access.Passage.at >= since, access.Passage.at <= until, access.Passage.granted)
        .where(access.Passage.person_id.is_not(None), access.Passage.for_hours.is_(False))
        .where(or_(access.Passage.phase.is_(None), access.Passage.phase == "taken"))
        .order_by(access.Passage.at, access.Passage.id)
    )
    found = session.execute(query).all()
    return {row[0]: (row[1], row[2], row[3]) for row in found if row[0] is not None}


def opened_for_nobody(session: Session, since: datetime, until: datetime) -> Sequence[tuple[str, datetime, str]]:
    """Return when an operator opened which door: whoever came in has no name.  Id, instant, door."""
    query = (
        select(access.DoorEvent.id, access.DoorEvent.at, access.DoorEvent.door)
        .where(access.DoorEvent.at >= since, access.DoorEvent.at <= until, access.DoorEvent.passage_id.is_(None))
        .where(access.DoorEvent.action == "unlock", access.DoorEvent.outcome != "failed")
        .order_by(access.DoorEvent.at)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def door_states(session: Session, policy: Policy, now: datetime) -> dict[int, DoorState]:
    """Return what the watched doors show; a door that nobody watches now is left out."""
    released = _released(session, policy, now)
    by_name = {row.door: row for row in live.list_states(session) if not live.is_stale(row, now)}
    found = {}
    for door in policy.doors.values():
        row = by_name.get(door.name)
        if row is not None and row.online:
            # Unlocked counts as open: somebody may push it at any moment.
            physical = Physical.OPEN if row.unlocked else Physical(row.contact)
            found[door.id] = DoorState(physical, online=True, released_until=released.get(door.id))
    return found


def _released(session: Session, policy: Policy, now: datetime) -> dict[int, datetime]:
    """Return until when doors are released for the newest grants, though their contacts may not show it yet."""
    found: dict[int, datetime] = {}
    for granted, until in _newest_grants(session, policy, now):
        if granted.door_id is not None:
            found[granted.door_id] = max(until, found.get(granted.door_id, until))
    return found


def underway(session: Session, policy: Policy, now: datetime) -> dict[int, Underway]:
    """Return who was granted just now at a door whose contact shows nothing of it yet, by person: the newest grant."""
    found: dict[int, Underway] = {}
    for granted, until in _newest_grants(session, policy, now):
        point, door = policy.points.get(granted.camera), policy.doors.get(granted.door_id or 0)
        if granted.phase is not None or granted.person_id is None or point is None or door is None:
            continue
        if not door.contact or point.area_from == point.area_to or until <= now:
            continue
        people = [granted.person_id]
        if Mark.SECOND_OF_TWO.value in granted.marks.split("+"):
            since = granted.at - timedelta(seconds=door.two_person_s)
            first = first_of_two(session, granted, since, policy.elsewhere(point))
            people += [] if first is None else [first]
        found.update((person, Underway(door.id, point.area_to, granted.at)) for person in people)
    return found


def _newest_grants(session: Session, policy: Policy, now: datetime) -> Sequence[tuple[Passage, datetime]]:
    """Return the grants whose doors may still be released, oldest first, and until when."""
    longest = max((door.extended_release_s for door in policy.doors.values()), default=0.0)
    query = (
        select(access.Passage)
        .where(access.Passage.granted, access.Passage.door_id.in_(list(policy.doors)))
        .where(*second_factors.heard_since(now - timedelta(seconds=longest) - YOUNG))
        .order_by(second_factors.heard(), access.Passage.id)
    )
    found = []
    for row in session.scalars(query):
        passage = events.passage_of(row)
        door = policy.doors[row.door_id or 0]
        seconds = door.extended_release_s if Mark.EXTENDED.value in passage.marks.split("+") else door.release_s
        late = YOUNG if passage.received_at is not None else timedelta(0)
        found.append((passage, second_factors.heard_at(passage) + timedelta(seconds=seconds) + late))
    return found


def newest_passage(
    session: Session,
    door_id: int,
    since: datetime,
    until: datetime,
    level: int | None = None,
    outwards: Collection[str] = (),
) -> dict[int, datetime]:
    """Return when somebody came in by this door last, by a passage that was taken as far as it is known.

    `level`: only people who hold this access level count.  `outwards`: access points by which people only leave.
    """
    query = select(func.max(access.Passage.at)).where(
        access.Passage.door_id == door_id,
        access.Passage.at >= since,
        access.Passage.at <= until,
        access.Passage.granted,
        access.Passage.camera.not_in(list(outwards)),
        access.Passage.direction != Direction.OUT.value,
        or_(access.Passage.phase.is_(None), access.Passage.phase == "taken"),
    )
    if level is not None:
        of_department = and_(access.AccessGrant.department != "", access.AccessGrant.department == Person.department)
        holders = (
            select(Person.id)
            .join(access.AccessGrant, or_(access.AccessGrant.person_id == Person.id, of_department))
            .where(access.AccessGrant.level_id == level)
        )
        query = query.where(access.Passage.person_id.in_(holders))
    at = session.scalar(query)
    return {} if at is None else {door_id: at}


def waiting(session: Session, door_id: int, since: datetime, elsewhere: Collection[str] = ()) -> dict[int, Waiting]:
    """Return who asked at this door last and was refused for want of a second person; nobody once the door opened.

    `elsewhere`: access points that are not meant, such as those of the door's other side.
    """
    query = (
        select(access.Passage)
        .where(access.Passage.door_id == door_id, access.Passage.at >= since)
        .where(or_(access.Passage.granted, access.Passage.reason == Reason.SECOND_PERSON.value))
        .where(access.Passage.camera.not_in(list(elsewhere)))
        .order_by(access.Passage.at.desc(), access.Passage.id.desc())
    )
    newest = session.scalars(query.limit(1)).first()
    if newest is None or newest.granted or newest.person_id is None:
        return {}
    return {door_id: Waiting(newest.person_id, newest.at)}


def first_of_two(session: Session, passage: Passage, since: datetime, elsewhere: Collection[str]) -> int | None:
    """Return who waited at this side of the door for the second person, whose passage this is."""
    query = (
        select(access.Passage.person_id)
        .where(access.Passage.door_id == passage.door_id, access.Passage.at >= since)
        .where(access.Passage.at <= passage.at, access.Passage.reason == Reason.SECOND_PERSON.value)
        .where(access.Passage.person_id != passage.person_id, access.Passage.camera.not_in(list(elsewhere)))
        .order_by(access.Passage.at.desc(), access.Passage.id.desc())
    )
    return session.scalars(query.limit(1)).first()


def set_phase(session: Session, passage_id: str, phase: str) -> Passage | None:
    """Write "taken" or "not_taken" for a granted passage, once; None if there is nothing to write."""
    done: Any = session.execute(
        update(access.Passage)
        .where(access.Passage.id == passage_id, access.Passage.granted, access.Passage.phase.is_(None))
        .values(phase=phase)
    )
    view = events.get_passage(session, passage_id) if done.rowcount == 1 else None
    return None if view is None else view.passage

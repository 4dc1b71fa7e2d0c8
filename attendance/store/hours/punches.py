"""Granted passages as punches, with the approved corrections applied.

In: a session, a span of time.  Out: `Punch`es by person.
Does not know: local time, what a punch counts as.
Main choice: an approved correction is applied when punches are read and is never written into a
passage, so that withdrawing the decision restores the original.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.domain.hours.day import CLOCK_SLACK, Punch
from attendance.domain.passage import CAME_LATE, Direction
from attendance.store.access.events import counts_once, voided
from attendance.store.hours.rosters import MOST_NAMED as MOST_NAMED
from attendance.store.tables.access import Passage
from attendance.store.tables.hours import Correction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


AROUND = timedelta(days=3)


_SLACK_MS = CLOCK_SLACK // timedelta(milliseconds=1)


_DIRECTIONS = {one.value: one for one in Direction}


def punches(
    session: Session, since: datetime, until: datetime, person_ids: Collection[int] | None = None
) -> dict[int, list[Punch]]:
    """Return granted passages with `since` <= at < `until` by person, as the approved corrections leave them.

    `person_ids`: of these people; None: of everybody.
    A passage that repeats another within the cooldown is left out, unless that other one was taken back; so is the
    face of somebody who agreed to access only.
    """
    query = select(
        Passage.id, Passage.at, Passage.person_id, Passage.direction, Passage.camera, Passage.received_at
    ).where(
        Passage.at >= since,
        Passage.at < until,
        Passage.granted,
        Passage.for_hours,
        Passage.person_id.is_not(None),
        counts_once(),
        ~voided(),
    )
    # A correction's work day is at most a night away from its instant.
    fixes = select(Correction).where(
        Correction.state == "approved",
        Correction.action == "add",
        Correction.day >= (since - AROUND).date(),
        Correction.day <= (until + AROUND).date(),
    )
    if person_ids is not None and len(person_ids) <= MOST_NAMED:
        query = query.where(Passage.person_id.in_(person_ids))
        fixes = fixes.where(Correction.person_id.in_(person_ids))
    wanted = None if person_ids is None else set(person_ids)
    approved = session.scalars(fixes).all()
    found: dict[int, list[Punch]] = {}
    directions, named = _DIRECTIONS, wanted if wanted is not None and len(wanted) > MOST_NAMED else None
    for passage_id, at, person, direction, camera, received_at in session.execute(query):
        if person is None or (named is not None and person not in named):
            continue
        late = received_at is not None and received_at - at > CAME_LATE
        punch = Punch(passage_id, at, directions[direction], camera, _recorded_at(passage_id, at), False, late)
        of_person = found.get(person)
        if of_person is None:
            found[person] = [punch]
        else:
            of_person.append(punch)
    for one in approved:
        if wanted is not None and one.person_id not in wanted:
            continue
        if one.at is not None and since <= one.at < until:
            punch = Punch(one.id, one.at, _DIRECTIONS[one.direction], "correction", None, True)
            found.setdefault(one.person_id, []).append(punch)
    return found


def first_punch_at(session: Session, person_ids: Collection[int]) -> dict[int, datetime]:
    """Return when the oldest stored punch of each of these people was; nobody without one."""
    granted = (
        select(Passage.person_id, func.min(Passage.at))
        .where(Passage.granted, Passage.for_hours, Passage.person_id.is_not(None))
        .group_by(Passage.person_id)
    )
    added = (
        select(Correction.person_id, func.min(Correction.at))
        .where(Correction.state == "approved", Correction.action == "add")
        .group_by(Correction.person_id)
    )
    if len(person_ids) <= MOST_NAMED:
        granted = granted.where(Passage.person_id.in_(person_ids))
        added = added.where(Correction.person_id.in_(person_ids))
    found: dict[int, datetime] = {}
    for query in (granted, added):
        for person, at in session.execute(query):
            if at is not None and person in person_ids:
                found[person] = min(at, found.get(person, at))
    return found


def people_with_punches(session: Session, until: datetime) -> set[int]:
    """Return the people with a granted passage before `until`."""
    query = select(Passage.person_id).where(
        Passage.at < until, Passage.granted, Passage.for_hours, Passage.person_id.is_not(None)
    )
    return {person for person in session.scalars(query.distinct()) if person is not None}


def _recorded_at(passage_id: str, at: datetime) -> datetime | None:
    """When the id was made (UUIDv7 carries it), where that is another time than the event's own."""
    if passage_id[14:15] != "7":
        return None
    milliseconds = int(passage_id[:8] + passage_id[9:13], 16)
    if -_SLACK_MS <= milliseconds - at.timestamp() * 1000 <= _SLACK_MS:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)

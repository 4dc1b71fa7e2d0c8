"""Visits: guests who are invited, let in until a moment, ended earlier, and forgotten.

In: a session, checked values, the present instant.  Out: visits; changed grants, and a new version of the rules.
Does not know: pages, who may invite (the view records the act), how a right is judged.
Main choice: a visit gives one access level by one grant with a first and a last moment, so that the door refuses by the
moment itself and no job has to come in time.  Trade-off: whoever is inside when it is over stays on the list of who is
inside until a passage or a muster says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.service.access.policy import editing
from attendance.service.audit.audit import Actor
from attendance.service.privacy.erasure import erase_person
from attendance.store.access import policies
from attendance.store.people import people
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions
from attendance.store.tables.access import AccessGrant, AccessLevel
from attendance.store.tables.people import Person, Visit

LONGEST = timedelta(days=366)
ACTOR = Actor("system", "retention")


class Stage(StrEnum):
    """Where a visit stands.  TAKEN: an operator took its access level away."""

    EXPECTED = "expected"
    NOW = "now"
    OVER = "over"
    ENDED = "ended"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit with the names of its visitor, host and access level; "" if they are gone."""

    id: int
    person_id: int
    name: str
    active: bool
    company: str
    host: str
    level: str
    begins_at: datetime
    ends_at: datetime
    invited_by: str
    ended_at: datetime | None
    ended_by: str
    end_reason: str
    stage: Stage

    @property
    def last(self) -> datetime:
        """Return the moment from which no door opens by this visit."""
        return self.ends_at if self.ended_at is None else self.ended_at

    @property
    def open(self) -> bool:
        return self.stage in (Stage.EXPECTED, Stage.NOW)


def invite(
    session: Session, *, name: str, person_id: int | None, host_id: int, company: str, level_id: int,
    begins_at: datetime, ends_at: datetime, by: str, at: datetime, any_level: bool,
) -> Visit:  # fmt: skip
    """Invite a guest; `ends_at` is exclusive.  UserError for times that cannot be, a host who is not of the staff.

    `person_id`: a visitor who was here before, None: a new one called `name`.  `any_level`: whoever invites may give
    every level, else only one that is open to visitors.
    """
    if ends_at <= begins_at:
        raise UserError("the visit ends before it begins: correct its end")
    if ends_at <= at:
        raise UserError("the end of the visit is over already: choose a later one")
    if ends_at - begins_at > LONGEST:
        raise UserError("a visit lasts at most a year: choose an earlier end, and invite again later")
    if not any_level and level_id not in editing.visitor_levels(session):
        raise UserError("this access level is not for visitors: choose another one")
    host = people.get_person(session, host_id)
    if not host.active or host.visitor:
        raise UserError("%(name)s cannot be a host: choose somebody of the staff", name=host.name)
    if person_id is None:
        guest = people.create_person(session, name=name, at=at, visitor=True)
    else:
        guest = people.lock_person(session, person_id)
        if not guest.visitor:
            raise UserError("%(name)s is of the staff and needs no invitation", name=guest.name)
        if not guest.active:
            raise UserError("%(name)s is inactive: activate them first, on their page", name=guest.name)
    grant = editing.give(
        session, level_id, guest.id, "", valid_from=begins_at, valid_to=ends_at, by=by, at=at, for_visit=True
    )
    visit = Visit(
        person_id=guest.id, host_id=host.id, company=company.strip()[:200], level_id=level_id, grant_id=grant,
        begins_at=begins_at, ends_at=ends_at, invited_at=at, invited_by=by[:100],
    )  # fmt: skip
    session.add(visit)
    session.flush()
    return visit


def end(session: Session, visit_id: int, *, reason: str, by: str, at: datetime) -> Visit | None:
    """End a visit now, so that no door opens by it; None if it is over or somebody ended it before."""
    if not reason:
        raise UserError("enter a reason")
    # Write before reading, so that two who press the button at once do not both end it.
    session.execute(update(Visit).where(Visit.id == visit_id).values(invited_by=Visit.invited_by))
    visit = session.get(Visit, visit_id, populate_existing=True)
    if visit is None:
        raise UserError("this visit is not there any more")
    if visit.ended_at is not None or visit.ends_at <= at:
        return None
    visit.ended_at, visit.ended_by, visit.end_reason = at, by[:100], reason[:200]
    if visit.grant_id is not None:
        session.execute(update(AccessGrant).where(AccessGrant.id == visit.grant_id).values(valid_to=at))
    session.flush()
    policies.bump_version(session, at)
    return visit


def current(session: Session, now: datetime, since: datetime) -> Sequence[Seen]:
    """Return the visits that are not over or that ended after `since`, by their begin and name."""
    found = _seen(session, now, or_(Visit.ended_at.is_(None), Visit.ended_at > since), Visit.ends_at > since)
    return sorted(found, key=lambda one: (one.begins_at, sort_key(one.name), one.id))


def past(session: Session, now: datetime, before: datetime, limit: int = 200) -> Sequence[Seen]:
    """Return the visits that were over at `before`, the newest first."""
    last = func.coalesce(Visit.ended_at, Visit.ends_at)
    return _seen(session, now, last <= before, order=(last.desc(), Visit.id.desc()), limit=limit)


def guests(session: Session) -> Sequence[Person]:
    """Return the active visitors on record, by name: whoever is invited again keeps photo, badge and PIN."""
    found = session.scalars(select(Person).where(Person.visitor, Person.active))
    return sorted(found, key=lambda one: (sort_key(one.name), one.id))


def forgettable(session: Session, cutoff: datetime, most: int) -> Sequence[int]:
    """Return at most `most` visitors whose last visit was over before `cutoff`, and who are not invited again."""
    over = func.max(func.coalesce(Visit.ended_at, Visit.ends_at))
    query = (
        select(Person.id)
        .outerjoin(Visit, Visit.person_id == Person.id)
        .where(Person.visitor, Person.created_at < cutoff)
        .group_by(Person.id)
        .having(or_(over.is_(None), over < cutoff))
    )
    return session.scalars(query.order_by(Person.id).limit(most)).all()


def forget(sessions: Sessions, ledger: Ledger, cutoff: datetime, at: datetime, most: int = 50) -> int:
    """Erase at most `most` visitors whose last visit was over before `cutoff`, as by hand; return how many."""
    with sessions() as session:
        found = forgettable(session, cutoff, most)
    for person_id in found:
        erase_person(sessions, ledger, person_id, ACTOR, at)
    return len(found)


def _seen(
    session: Session, now: datetime, *which: ColumnElement[bool], order: Sequence[ColumnElement[Any]] = (),
    limit: int | None = None,
) -> list[Seen]:  # fmt: skip
    host = aliased(Person)
    query = (
        select(Visit, Person.name, Person.active, host.name, AccessLevel.name)
        .join(Person, Person.id == Visit.person_id)
        .outerjoin(host, host.id == Visit.host_id)
        .outerjoin(AccessLevel, AccessLevel.id == Visit.level_id)
        .where(*which)
        .order_by(*order)
        .limit(limit)
    )
    return [
        Seen(
            row.id, row.person_id, name, active, row.company, host_name or "", level or "", row.begins_at, row.ends_at,
            row.invited_by, row.ended_at, row.ended_by or "", row.end_reason, _stage(row, now),
        )
        for row, name, active, host_name, level in session.execute(query)
    ]  # fmt: skip


def _stage(row: Visit, now: datetime) -> Stage:
    if row.ended_at is not None:
        return Stage.ENDED
    if row.ends_at <= now:
        return Stage.OVER
    if row.grant_id is None:
        return Stage.TAKEN
    return Stage.EXPECTED if now < row.begins_at else Stage.NOW

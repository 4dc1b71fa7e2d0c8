"""Passages and what doors did: written once, read by pages and reports.

In: a session and the domain's `Passage`.  Out: `PassageView`s, today's presence, open passages.
Does not know: how a decision was made, or local time (the caller gives the day's bounds in UTC).
Main choice: rows are only ever added; a door's outcome is a row that points to its passage, so
that a crash between the two is visible as a granted passage without a door event.  The one exception:
a direction may be added once, if no camera knew it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from attendance.domain.passage import Direction, Method, Passage
from attendance.domain.people.names import matches, sort_key
from attendance.domain.reason import Reason
from attendance.store.tables import access
from attendance.store.tables.hours import Correction, ImportedPunch, PunchImport
from attendance.store.tables.kiosk import KioskDevice
from attendance.store.tables.people import Person

Action = Literal["unlock", "lock"]
DoorOutcome = Literal["done", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class PassageView:
    """A passage with the names that a page shows.

    `person_name` is None for a stranger and for an erased person.  `door`: the newest outcome of
    unlocking; None if no door event is recorded (denied, or the program stopped in between, or
    `has_door` is False: a tablet away from doors moves none).
    """

    passage: Passage
    person_name: str | None
    staff_number: str | None
    department: str | None
    door: DoorOutcome | None
    door_detail: str
    has_door: bool = True


@dataclass(frozen=True, slots=True)
class Decided:
    """A past decision without its circumstances; the scores are None where no face was compared."""

    granted: bool
    reason: Reason
    score: float | None
    runner_up: float | None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """One person's passages of a day; whether somebody is still here, `service/hours/days` decides."""

    person_id: int
    name: str
    department: str
    first_in: datetime
    last_seen: datetime
    passages: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A day in numbers; `present` by name."""

    present: tuple[Presence, ...]
    granted: int
    denied: int
    denials: dict[Reason, int]
    active_people: int


def record_passage(session: Session, passage: Passage) -> None:
    """Add a passage; the caller commits, and only then unlocks."""
    session.add(
        access.Passage(
            id=passage.id,
            at=passage.at,
            camera=passage.camera,
            person_id=passage.person_id,
            granted=passage.granted,
            reason=passage.reason.value,
            score=passage.score,
            runner_up=passage.runner_up,
            threshold=passage.threshold,
            model_id=passage.model_id,
            gallery_version=passage.gallery_version,
            frames=passage.frames,
            direction=passage.direction.value,
            method=passage.method.value,
            margin=passage.margin,
            measured=passage.measured,
            repeat_of=passage.repeat_of,
            clock_doubt=passage.clock_doubt,
            received_at=passage.received_at,
            late=passage.late,
            counter=passage.counter,
            sequence=passage.sequence,
            door_id=passage.door_id,
            rule=passage.rule,
            policy_version=passage.policy_version,
            marks=passage.marks,
            phase=passage.phase,
            for_hours=passage.for_hours,
        )
    )
    session.flush()


def record_door_event(
    session: Session,
    *,
    event_id: str,
    passage_id: str | None,
    at: datetime,
    door: str,
    outcome: DoorOutcome,
    action: Action = "unlock",
    detail: str = "",
) -> None:
    session.add(
        access.DoorEvent(
            id=event_id, passage_id=passage_id, at=at, door=door, action=action, outcome=outcome, detail=detail[:1000]
        )
    )
    session.flush()


def granted_between(session: Session, person_id: int, since: datetime, until: datetime) -> list[Passage]:
    """Return the person's granted passages with `since` <= at <= `until` at any camera, newest first.

    Repeats are left out, what came late, and a passage that was undone: who undoes a check-in and repeats it means the
    second.
    """
    query = select(access.Passage).where(
        access.Passage.person_id == person_id,
        access.Passage.at >= since,
        access.Passage.at <= until,
        access.Passage.granted,
        access.Passage.repeat_of.is_(None),
        ~access.Passage.late,
        ~voided(),
    )
    return [
        passage_of(row) for row in session.scalars(query.order_by(access.Passage.at.desc(), access.Passage.id.desc()))
    ]


def newest_at(session: Session) -> datetime | None:
    """Return the time of the newest passage, None without any."""
    return session.scalar(select(func.max(access.Passage.at)))


def is_void(session: Session, passage_id: str) -> bool:
    """Whether an approved correction took this passage back."""
    return session.scalar(select(access.Passage.id).where(access.Passage.id == passage_id, voided())) is not None


def voided(passage: type[access.Passage] = access.Passage) -> ColumnElement[bool]:
    """Select the passages that an approved correction took back."""
    # A list that is read once, and not a search for each of 100,000 passages.
    taken_back = select(Correction.passage_id).where(
        Correction.action == "void", Correction.state == "approved", Correction.passage_id.is_not(None)
    )
    return passage.id.in_(taken_back)


def counts_once() -> ColumnElement[bool]:
    """Select the passages that count: none that repeats another, unless that other one was taken back.

    If the first of several joined passages was taken back, the earliest of its repeats counts in its place.
    Passages that were themselves taken back are for the caller to leave out.  A check-in of another terminal counts
    once its whole file is in.  What a tablet sent too late never counts by itself: an approved correction does.
    """
    uncounted = select(ImportedPunch.passage_id).join(PunchImport).where(PunchImport.state != "counted")
    first, sooner = aliased(access.Passage), aliased(access.Passage)
    first_is_void = exists().where(first.id == access.Passage.repeat_of, voided(first))
    before = or_(sooner.at < access.Passage.at, and_(sooner.at == access.Passage.at, sooner.id < access.Passage.id))
    sooner_counts = exists().where(sooner.repeat_of == access.Passage.repeat_of, before, ~voided(sooner))
    once = or_(access.Passage.repeat_of.is_(None), and_(first_is_void, ~sooner_counts))
    return and_(once, ~access.Passage.late, access.Passage.id.not_in(uncounted))


def set_direction(session: Session, passage_id: str, direction: Direction) -> bool:
    """Fill in the way of a granted passage whose camera knew none; False when it is known already."""
    done: Any = session.execute(
        update(access.Passage)
        .where(
            access.Passage.id == passage_id,
            access.Passage.granted,
            access.Passage.direction == Direction.UNKNOWN.value,
        )
        .values(direction=direction.value)
    )
    return bool(done.rowcount == 1)


def get_passage(session: Session, passage_id: str) -> PassageView | None:
    found = _views(session, _joined().where(access.Passage.id == passage_id))
    return found[0] if found else None


def list_passages(
    session: Session,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    person_id: int | None = None,
    granted: bool | None = None,
    camera: str | None = None,
    reason: Reason | None = None,
    method: Method | None = None,
    text: str = "",
    limit: int = 50,
    before_id: str | None = None,
    after_id: str | None = None,
) -> list[PassageView]:
    """Newest first.  `since` <= at < `until`; `text` is looked for in the person's name and staff number.

    `before_id`: the next page (give the last id of this one); `after_id`: only what is newer (live log).
    """
    where: list[ColumnElement[bool]] = []
    if since is not None:
        where.append(access.Passage.at >= since)
    if until is not None:
        where.append(access.Passage.at < until)
    if person_id is not None:
        where.append(access.Passage.person_id == person_id)
    if granted is not None:
        where.append(access.Passage.granted.is_(granted))
    if camera:
        where.append(access.Passage.camera == camera)
    if reason is not None:
        where.append(access.Passage.reason == reason.value)
    if method is not None:
        where.append(access.Passage.method == method.value)
    if before_id is not None:
        where.append(access.Passage.id < before_id)
    if after_id is not None:
        where.append(access.Passage.id > after_id)
    if text.strip():
        where.append(access.Passage.person_id.in_(_named(session, text)))
    return _views(session, _joined().where(*where).order_by(access.Passage.id.desc()).limit(limit))


def _named(session: Session, text: str) -> list[int]:
    """Return the people in whose name or staff number the text is (`names.matches`)."""
    rows = session.execute(select(Person.id, Person.name, Person.staff_number))
    return [person_id for person_id, name, number in rows if matches(text, name, number or "")]


def granted_scores(session: Session, since: datetime, model_id: str) -> list[tuple[int, float]]:
    """(person, score) of whom the model let in by face, unless taken back; of the refused nobody knows who it was."""
    query = select(access.Passage.person_id, access.Passage.score).where(
        access.Passage.at >= since,
        access.Passage.model_id == model_id,
        access.Passage.granted,
        access.Passage.method == Method.FACE.value,
        access.Passage.person_id.is_not(None),
        access.Passage.score.is_not(None),
    )
    rows = session.execute(query.where(~voided()).order_by(access.Passage.id))
    return [(person, score) for person, score in rows if person is not None and score is not None]


def decided_since(session: Session, since: datetime, model_id: str) -> list[Decided]:
    """Return the scores behind the model's decisions, oldest first, to replay them with another threshold."""
    columns = (access.Passage.granted, access.Passage.reason, access.Passage.score, access.Passage.runner_up)
    query = select(*columns, access.Passage.id).where(access.Passage.at >= since, access.Passage.model_id == model_id)
    rows = session.execute(query.order_by(access.Passage.id))
    return [Decided(granted, Reason(reason), score, second, id_) for granted, reason, score, second, id_ in rows]


def camera_names(session: Session) -> list[str]:
    """Every camera that has a passage."""
    return list(session.scalars(select(access.Passage.camera).distinct().order_by(access.Passage.camera)))


def overview(session: Session, day_start: datetime, day_end: datetime) -> Overview:
    """Return what happened in day_start <= at < day_end (UTC), person by person and in total.

    A repeat counts once, and a passage that was taken back does not count.  Whoever agrees to access only has no times.
    """
    today = (access.Passage.at >= day_start, access.Passage.at < day_end, counts_once(), ~voided())
    query = (
        select(access.Passage.at, Person.id, Person.name, Person.department)
        .join(Person, Person.id == access.Passage.person_id)
        .where(*today, access.Passage.granted, access.Passage.for_hours)
        .order_by(access.Passage.at, access.Passage.id)
    )
    present: dict[int, Presence] = {}
    for at, person_id, name, department in session.execute(query):
        seen = present.get(person_id)
        first, count = (at, 0) if seen is None else (seen.first_in, seen.passages)
        present[person_id] = Presence(person_id, name, department, first, at, count + 1)
    counted = (
        select(access.Passage.granted, access.Passage.reason, func.count())
        .where(*today)
        .group_by(access.Passage.granted, access.Passage.reason)
    )
    granted, denials = 0, dict[Reason, int]()
    for was_granted, reason, count in session.execute(counted):
        if was_granted:
            granted += count
        else:
            denials[Reason(reason)] = count
    active = session.scalar(select(func.count()).select_from(Person).where(Person.active)) or 0
    by_name = sorted(present.values(), key=lambda one: (sort_key(one.name), one.person_id))
    return Overview(tuple(by_name), granted, sum(denials.values()), denials, active)


def open_passages(session: Session, camera: str) -> list[Passage]:
    """Granted passages of this camera without any door event, oldest first: the program stopped before it noted one."""
    query = (
        select(access.Passage)
        .outerjoin(access.DoorEvent, access.DoorEvent.passage_id == access.Passage.id)
        .where(access.Passage.granted, access.Passage.camera == camera, access.DoorEvent.id.is_(None))
        .where(access.Passage.method != Method.TERMINAL.value)
        .order_by(access.Passage.id)
    )
    return [passage_of(row) for row in session.scalars(query)]


_Joined = tuple[access.Passage, Person | None]


def _joined() -> Select[access.Passage, Person | None]:
    return select(access.Passage, Person).outerjoin(Person, Person.id == access.Passage.person_id)


def _views(session: Session, query: Select[access.Passage, Person | None]) -> list[PassageView]:
    rows = session.execute(query).all()
    ids = [passage.id for passage, _ in rows if passage.granted]
    doors = select(access.DoorEvent).where(access.DoorEvent.passage_id.in_(ids), access.DoorEvent.action == "unlock")
    newest = {door.passage_id: door for door in session.scalars(doors.order_by(access.DoorEvent.id))}
    tablets = set(session.scalars(select(KioskDevice.name).where(KioskDevice.screen_of.is_(None))))
    views = []
    for row, person in rows:
        door = newest.get(row.id)
        views.append(
            PassageView(
                passage=passage_of(row),
                person_name=None if person is None else person.name,
                staff_number=None if person is None else person.staff_number,
                department=None if person is None else person.department,
                door=None if door is None else _outcome(door.outcome),
                door_detail="" if door is None else door.detail,
                has_door=row.method != Method.TERMINAL.value and (row.camera not in tablets or bool(row.door_id)),
            )
        )
    return views


def _outcome(stored: str) -> DoorOutcome:
    known: dict[str, DoorOutcome] = {"done": "done", "failed": "failed"}
    return known.get(stored, "unknown")


def passage_of(row: access.Passage) -> Passage:
    """Return a row as the domain has it."""
    return Passage(
        id=row.id,
        at=row.at,
        camera=row.camera,
        person_id=row.person_id,
        granted=row.granted,
        reason=Reason(row.reason),
        score=row.score,
        runner_up=row.runner_up,
        threshold=row.threshold,
        model_id=row.model_id,
        gallery_version=row.gallery_version,
        frames=row.frames,
        direction=Direction(row.direction),
        method=Method(row.method),
        margin=row.margin,
        measured=row.measured,
        repeat_of=row.repeat_of,
        clock_doubt=row.clock_doubt,
        received_at=row.received_at,
        late=row.late,
        counter=row.counter,
        sequence=row.sequence,
        door_id=row.door_id,
        rule=row.rule,
        policy_version=row.policy_version,
        marks=row.marks,
        phase=row.phase,
        for_hours=row.for_hours,
    )

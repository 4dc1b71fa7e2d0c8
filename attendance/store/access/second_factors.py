"""What the log says about requests that wait for another factor, and about grants whose door nobody moved yet.

In: a session, a door, instants.  Out: passages; door events that are claimed and settled.
Does not know: which factors are enough, drivers.
Main choice: a request that waits is what the log says of it, and has no row of its own: nothing can contradict the log.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from attendance.domain.access.rules.decide import Mark
from attendance.domain.passage import AT_ONCE, Method, Passage
from attendance.domain.reason import Reason
from attendance.store.access.events import DoorOutcome, passage_of, voided
from attendance.store.tables import access
from attendance.store.tables.cameras import Camera

_TELLS = (Reason.MATCHED, Reason.SECOND_FACTOR, Reason.FACTOR_TIMEOUT, Reason.WRONG_FACTOR)


@dataclass(frozen=True, slots=True)
class Proof:
    """One line of the log that says who proved what at a door.

    `heard`: when the site heard of it · `score`: the raw cosine of a face, None for a PIN or badge · `plain`: neither
    late, nor taken back, nor decided without the database or by a doubtful clock.
    """

    person_id: int | None
    reason: Reason
    method: Method
    door_id: int
    camera: str
    at: datetime
    heard: datetime
    score: float | None
    model_id: str
    plain: bool


def heard() -> ColumnElement[datetime]:
    """Return the expression for when the site heard of a request: see `heard_at`."""
    return func.coalesce(access.Passage.received_at, access.Passage.at)


def heard_since(since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for requests at a door that the site heard of since then.

    What waited in a tablet for longer than AT_ONCE has no door (`waited`), so that the index of `at` finds the rest.
    """
    return access.Passage.at >= since - AT_ONCE, heard() >= since


def story(session: Session, door_id: int, since: datetime, elsewhere: Collection[str] = ()) -> Sequence[Passage]:
    """Return the requests at this door that say who waits for another factor, oldest first.

    `elsewhere`: access points that are not meant, such as those of the door's other side.
    """
    query = (
        select(access.Passage)
        .where(access.Passage.door_id == door_id, *heard_since(since))
        .where(access.Passage.reason.in_([reason.value for reason in _TELLS]))
        .where(access.Passage.camera.not_in(list(elsewhere)))
        .order_by(heard(), access.Passage.id)
    )
    return [passage_of(row) for row in session.scalars(query)]


def proofs(session: Session, since: datetime, model_id: str) -> list[Proof]:
    """Return what was proven since then at doors where faces of this model waited for another factor, oldest first.

    Columns and no rows of the session, as these are the passages of weeks.
    """
    table = access.Passage
    waited = (table.at >= since, table.reason == Reason.SECOND_FACTOR.value, table.method == Method.FACE.value)
    doors = select(table.door_id).where(*waited, table.model_id == model_id, table.door_id.is_not(None))
    unsure = or_(table.late, table.clock_doubt, table.marks.contains(Mark.OFFLINE.value), voided())
    query = (
        select(
            table.person_id, table.reason, table.method, table.door_id, table.camera, table.at, heard(), table.score,
            table.model_id, unsure,
        )
        .where(table.door_id.in_(doors), *heard_since(since))
        .where(table.reason.in_([reason.value for reason in _TELLS]))
        .order_by(heard(), table.id)
    )  # fmt: skip
    return [
        Proof(person, Reason(reason), Method(method), door or 0, camera, at, known, score, model, not doubtful)
        for person, reason, method, door, camera, at, known, score, model, doubtful in session.execute(query)
    ]


def heard_at(passage: Passage) -> datetime:
    """Return when the site heard of a request: a tablet's clock may be another one."""
    return passage.received_at or passage.at


def strangers(session: Session, point: str, since: datetime) -> int:
    """Count the refusals at this access point in which nobody was identified."""
    query = select(func.count()).where(
        access.Passage.camera == point,
        access.Passage.at >= since,
        access.Passage.granted.is_(False),
        access.Passage.person_id.is_(None),
    )
    return session.scalar(query) or 0


def unmoved(session: Session, door_id: int, since: datetime) -> Sequence[Passage]:
    """Return the grants of this door from tablets, without a door event, oldest first.

    A camera's own daemon moves the door for what it saw, so its passages are left out.
    """
    query = (
        select(access.Passage)
        .outerjoin(access.DoorEvent, access.DoorEvent.passage_id == access.Passage.id)
        .where(access.Passage.door_id == door_id, access.Passage.granted)
        .where(*heard_since(since))
        .where(access.DoorEvent.id.is_(None), access.Passage.late.is_(False))
        .where(access.Passage.method != Method.TERMINAL.value)
        .where(access.Passage.camera.not_in(select(Camera.name)))
        .order_by(access.Passage.id)
    )
    return [passage_of(row) for row in session.scalars(query)]


def settle(session: Session, event_id: str, outcome: DoorOutcome, detail: str) -> None:
    """Write what the door did over the claim that was made before it moved."""
    session.execute(
        update(access.DoorEvent).where(access.DoorEvent.id == event_id).values(outcome=outcome, detail=detail[:1000])
    )

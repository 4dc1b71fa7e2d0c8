"""Enrolments at a camera: what the admin site asks of a camera's daemon, and the photos that wait for a decision.

In: a session, keys, a person, a camera.  Out: `Standing`s; sealed photos.
Does not know: how a photo is taken or judged.
Main choice: site and daemon speak through these rows, as for every wish at a camera.  All of them end after `KEPT`,
with the photos, whoever forgets to decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from attendance.store.crypto import Keys
from attendance.store.tables.people import CameraEnrolment, CameraEnrolmentPhoto, Person

# So long somebody may take to come before the camera.
WAITS = timedelta(seconds=60)
# So long after it was asked for no photo is taken any more, whatever became of the camera or its daemon meanwhile: who
# stands there later is somebody else.
ENDS = WAITS + timedelta(seconds=30)
# So long photos wait for the operator's decision.
KEPT = timedelta(minutes=10)


class Stage(StrEnum):
    ASKED = "asked"
    TAKING = "taking"
    TAKEN = "taken"
    NOBODY = "nobody"


BUSY = (Stage.ASKED, Stage.TAKING)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an enrolment is.  `hint`: the value of a `Reason` why the last picture was not used, or ""."""

    id: int
    person_id: int
    camera: str
    stage: Stage
    hint: str
    taken: int
    asked_at: datetime

    @property
    def busy(self) -> bool:
        return self.stage in BUSY


def ask(session: Session, person_id: int, camera: str, *, by: str, at: datetime) -> int | None:
    """Ask the camera for photos of the person; return the enrolment's id, None while it takes somebody else's.

    Ends what was asked for the person before.  Other people's photos that wait for a decision stay.
    """
    running = of_camera(session, camera, at)
    if running is not None and running.person_id != person_id:
        return None
    left = and_(CameraEnrolment.camera == camera, CameraEnrolment.stage.in_(BUSY))
    session.execute(delete(CameraEnrolment).where(or_(CameraEnrolment.person_id == person_id, left)))
    row = CameraEnrolment(person_id=person_id, camera=camera, stage=Stage.ASKED, asked_by=by, asked_at=at)
    session.add(row)
    session.flush()
    return row.id


def of_camera(session: Session, camera: str, at: datetime) -> Standing | None:
    """Return the enrolment that the camera's daemon is to serve now; of active people who consent only."""
    query = (
        select(CameraEnrolment)
        .join(Person, Person.id == CameraEnrolment.person_id)
        .where(CameraEnrolment.camera == camera, CameraEnrolment.stage.in_(BUSY), CameraEnrolment.asked_at > at - ENDS)
        .where(Person.active, or_(Person.access_consent_at.is_not(None), Person.attendance_consent_at.is_not(None)))
        .order_by(CameraEnrolment.id)
    )
    return _standing(session.scalars(query).first())


def of_person(session: Session, person_id: int, at: datetime) -> Standing | None:
    """Return the enrolment of a person that runs or waits for a decision."""
    query = select(CameraEnrolment).where(CameraEnrolment.person_id == person_id, CameraEnrolment.asked_at > at - KEPT)
    return _standing(session.scalars(query).first())


def note(session: Session, enrolment_id: int, stage: Stage, *, hint: str = "", taken: int = 0) -> bool:
    """Note how far the camera is; False if the enrolment is no longer wanted."""
    values = {"stage": stage.value, "hint": hint, "taken": taken}
    done: Any = session.execute(update(CameraEnrolment).where(CameraEnrolment.id == enrolment_id).values(values))
    return bool(done.rowcount)


def add_photos(session: Session, enrolment_id: int, sealed: Iterable[bytes]) -> None:
    session.add_all(CameraEnrolmentPhoto(enrolment_id=enrolment_id, sealed=one) for one in sealed)
    session.flush()


def photo_ids(session: Session, enrolment_id: int) -> list[int]:
    """Return the ids of the photos that wait, in the order in which they were taken."""
    query = select(CameraEnrolmentPhoto.id).where(CameraEnrolmentPhoto.enrolment_id == enrolment_id)
    return list(session.scalars(query.order_by(CameraEnrolmentPhoto.id)))


def photo(session: Session, keys: Keys, enrolment_id: int, photo_id: int) -> bytes | None:
    """Return one photo as JPEG; None if it is not (or no longer) there."""
    row = session.get(CameraEnrolmentPhoto, photo_id)
    if row is None or row.enrolment_id != enrolment_id:
        return None
    return keys.open_photo(row.sealed, enrolment_id)


def drop(session: Session, enrolment_id: int) -> None:
    """Delete an enrolment and its photos."""
    session.execute(delete(CameraEnrolment).where(CameraEnrolment.id == enrolment_id))


def drop_all(session: Session, person_id: int) -> None:
    """Delete what was asked of any camera for a person, and the photos."""
    session.execute(delete(CameraEnrolment).where(CameraEnrolment.person_id == person_id))


def drop_old(session: Session, at: datetime) -> int:
    """Delete what nobody decided in time; return how many enrolments."""
    done: Any = session.execute(delete(CameraEnrolment).where(CameraEnrolment.asked_at <= at - KEPT))
    return int(done.rowcount)


def _standing(row: CameraEnrolment | None) -> Standing | None:
    if row is None:
        return None
    return Standing(row.id, row.person_id, row.camera, Stage(row.stage), row.hint, row.taken, row.asked_at)

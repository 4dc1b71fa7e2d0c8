"""How far the photos of a person at an entrance are, for the person's page.

In: a session, a person, the present instant.  Out: `AtCamera`.
Does not know: pages, the daemon that takes the photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import kiosk_hint
from attendance.service.cameras.health import State, health_of
from attendance.service.enrolment.at_camera import PHOTOS
from attendance.store.cameras import cameras
from attendance.store.enrolment import camera_enrolments
from attendance.store.enrolment.camera_enrolments import Standing


@dataclass(frozen=True, slots=True)
class AtCamera:
    """`enrolment`: what runs or waits, if anything does · `photo_ids`: photos to decide about · `watched`: the names
    and titles of the cameras that can take some · `hint`: what the person should do · `most`: photos at most · `lost`:
    nobody watches the camera any more, so no photo comes."""

    enrolment: Standing | None
    photo_ids: Sequence[int] = ()
    watched: Sequence[tuple[str, str]] = ()
    hint: str = ""
    most: int = PHOTOS
    lost: bool = False


def state_of(session: Session, person_id: int, now: datetime) -> AtCamera:
    found = camera_enrolments.of_person(session, person_id, now)
    if found is None:
        return AtCamera(None, watched=watched_cameras(session, now))
    photo_ids = () if found.busy else camera_enrolments.photo_ids(session, found.id)
    lost = found.busy and (
        found.asked_at <= now - camera_enrolments.ENDS or found.camera not in dict(watched_cameras(session, now))
    )
    return AtCamera(found, photo_ids, hint=kiosk_hint(Reason(found.hint)) if found.hint else "", lost=lost)


def watched_cameras(session: Session, now: datetime) -> list[tuple[str, str]]:
    """Return the name and title of each camera that a daemon watches."""
    rows = [row for row in cameras.list_cameras(session) if health_of(row, now).state is State.WORKING]
    return [(row.name, row.title or row.name) for row in rows]

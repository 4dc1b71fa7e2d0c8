"""Templates, cameras, doors and alarms of an invented site, so that the pages which show them are full.

In: a session with people, the keys, a model.  Out: consent, sealed templates, look-alikes, cameras, alarms; doors with
schedules, access levels and who has them.
Does not know: photos; no vector here was ever a face.
Main choice: directions drawn by chance.  In 384 dimensions no real face comes near one: the best of 15,000 scores
about 0.2, far below any threshold, so a door that runs on this database lets nobody in by mistake.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from attendance.domain.access.rules.schedule import Window
from attendance.domain.faces import Template
from attendance.domain.passage import Direction
from attendance.domain.people.consent import BOTH, Channel, version_of
from attendance.service.access.policy import door_rows, editing
from attendance.service.alarms.kinds import KINDS
from attendance.service.ids import new_event_id
from attendance.service.people import look_alikes
from attendance.store import settings
from attendance.store.access import doors as stored_doors
from attendance.store.alarms import alarms
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import look_alikes as pairs
from attendance.store.people.templates import require_keys_fit
from attendance.store.privacy import person_keys
from attendance.store.tables import people as tables
from attendance.store.tables.cameras import Camera

CONSENT = "Invented person of the demonstration: agreed to be recognised."
_EACH = (3, 4, 5)
# Of so many, one resembles the next.
_ALIKE = 25
# Two templates of one person score about the square of it.
_OWN = 0.9
_ROWS = 500
_OUTER = "outer doors"
# Doors inside: the reader at each, and what it asks for.
_INSIDE: tuple[tuple[str, str, str, list[list[str]]], ...] = (
    ("archive", "archive tablet", "kiosk", [["face"], ["badge", "pin"]]),
    ("server room", "server room reader", "badge", [["badge", "pin"]]),
)
_OFFICE = ("Office", "Design", "Shop")
_EVERYWHERE = ("Security", "Maintenance")
_ALWAYS = ((Window(0, 1440),),) * 7
_OFFICE_HOURS = ((Window(420, 1140),),) * 5 + ((),) * 2


@dataclass(frozen=True, slots=True)
class Model:
    """The site's keys and recogniser: its id, and how many numbers a template has."""

    keys: Keys
    model_id: str
    dim: int


def enrol(session: Session, chance: random.Random, person_ids: Sequence[int], model: Model, *, at: datetime) -> int:
    """Note consent and add templates for nine people of ten; list who looks alike.  Return how many templates."""
    agreed = [person_id for person_id in person_ids if chance.random() < 0.9] or list(person_ids[:1])
    point = operating_points.current(session, model.model_id)
    rng = np.random.default_rng(chance.randrange(2**32))
    centres = _units(rng.normal(size=(len(agreed), model.dim)))
    if point is not None and len(agreed) > 1:
        least = look_alikes.least_score(point)
        for one in range(0, len(agreed) - 1, _ALIKE):
            score = min(0.97 * _OWN**2, chance.uniform(least + 0.03, point.threshold + 0.03))
            centres[one + 1] = _near(rng, centres[one : one + 1], score / _OWN**2)[0]
    require_keys_fit(session, model.keys)
    settings.put(session, settings.MASTER_KEY_FINGERPRINT, model.keys.fingerprint, at)
    count = 0
    for start in range(0, len(agreed), _ROWS):
        chunk = agreed[start : start + _ROWS]
        _agree(session, chunk, at - timedelta(days=70))
        keys, rows = _sealed(chance, rng, chunk, centres[start : start + _ROWS], model, at)
        for person_id, wrapped in keys.items():
            person_keys.add_key(session, person_id, wrapped)
        session.execute(insert(tables.Template), rows)
        count += len(rows)
    session.expire_all()
    settings.bump_gallery_version(session, at)
    look_alikes.refresh_now(session, model.keys, model.model_id, at)
    for pair in pairs.named_pairs(session, model.model_id, limit=2):
        pairs.confirm_two_people(
            session, model.model_id, pair.person_id, pair.other_id, pair.score, at=at, by="demo data"
        )
    return count


def _agree(session: Session, chunk: Sequence[int], at: datetime) -> None:
    agreed = {"access_consent_at": at, "attendance_consent_at": at}
    session.execute(update(tables.Person).where(tables.Person.id.in_(chunk)).values(agreed))
    same = {"act": "given", "at": at, "version": version_of(CONSENT), "words": CONSENT, "language": "en"}
    how = {"channel": Channel.COMMAND.value, "noted_by": "demo data"}
    rows = [{"person_id": one, "purpose": purpose.value, **same, **how} for one in chunk for purpose in sorted(BOTH)]
    session.execute(insert(tables.ConsentRow), rows)


def _sealed(
    chance: random.Random, rng: np.random.Generator, chunk: Sequence[int], centres: NDArray[np.float64], model: Model,
    at: datetime,
) -> tuple[dict[int, bytes], list[dict[str, Any]]]:  # fmt: skip
    keys: dict[int, bytes] = {}
    rows: list[dict[str, Any]] = []
    for person_id, centre in zip(chunk, centres, strict=True):
        wrapped, key = model.keys.make_data_key(person_id)
        keys[person_id] = wrapped
        number = chance.choice(_EACH)
        vectors = _near(rng, np.repeat(centre[None], number, axis=0), _OWN)
        rows += [
            _template(chance, person_id, key.seal(Template(v, model.model_id)), model, at) for v in _narrow(vectors)
        ]
    return keys, rows


def _template(chance: random.Random, person_id: int, sealed: bytes, model: Model, at: datetime) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "model_id": model.model_id,
        "vector": sealed,
        "source": chance.choice(("upload", "browser")),
        "quality": {"size": round(chance.uniform(110, 320), 1), "sharpness": round(chance.gauss(240, 60), 1)},
        "photo_sha256": None,
        "created_at": at - timedelta(days=chance.uniform(1, 60)),
    }


def _narrow(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return vectors.astype(np.float32)


def _near(rng: np.random.Generator, vectors: NDArray[np.float64], cosine: float) -> NDArray[np.float64]:
    """Return a unit vector [N,D] at this cosine from each of the unit vectors [N,D]."""
    other = rng.normal(size=vectors.shape)
    other = _units(other - (other * vectors).sum(axis=1, keepdims=True) * vectors)
    found: NDArray[np.float64] = cosine * vectors + np.sqrt(1 - cosine**2) * other
    return found


def _units(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def add_cameras(session: Session, doors: Sequence[tuple[str, Direction]], *, at: datetime) -> int:
    """Add the cameras of the doors, as their daemons left them; return how many."""
    regions: tuple[list[float] | None, ...] = ([0.2, 0.05, 0.85, 1.0], None, [0.0, 0.1, 0.6, 0.95])
    for (name, direction), roi in zip(doors, regions, strict=False):
        session.add(
            Camera(name=name, source="invented", direction=direction.value, active=True, last_seen_at=at, roi=roi)
        )
    session.flush()
    return len(doors)


def add_doors(session: Session, cameras: Sequence[tuple[str, Direction]], *, at: datetime) -> dict[str, int]:
    """Add a door for each camera and two inside, two schedules, and levels with whom they are for.

    The site's own first door becomes that of the first camera, and its first level opens all outer doors.  Return each
    camera's door.  Everything is named once, so this is for an empty site only.
    """
    first = stored_doors.list_doors(session)
    of_camera: dict[str, int] = {}
    for number, (name, _way) in enumerate(cameras):
        door = first[0].id if first and not number else door_rows.add(session, name, at)
        door_rows.change(session, door, name, {"group": _OUTER}, at)
        door_rows.move_point(session, name, door, at)
        of_camera[name] = door
    inside: dict[str, int] = {}
    for name, point, source, sets in _INSIDE:
        inside[name] = door_rows.add(session, name, at)
        door_rows.move_point(session, point, inside[name], at)
        rules = [{"sets": sets, "schedule": None}]
        door_rows.change_point(session, point, {"source": source, "factors": rules}, at)
    always = editing.schedule_with(session, _ALWAYS)
    if always is None:
        always = editing.save_schedule(session, None, "always", _ALWAYS, at)
    office_hours = editing.save_schedule(session, None, "office hours", _OFFICE_HOURS, at)
    everybody = next(iter(editing.level_names(session).values()), None)
    if everybody is None:
        everybody = editing.save_level(session, None, "everybody", at)
    office = editing.save_level(session, None, "office", at)
    everywhere = editing.save_level(session, None, "all doors", at)
    editing.add_entry(session, everybody, None, _OUTER, always, at)
    editing.add_entry(session, office, inside["archive"], "", office_hours, at)
    for door in (*of_camera.values(), *inside.values()):
        editing.add_entry(session, everywhere, door, "", always, at)
    for level, departments in ((office, _OFFICE), (everywhere, _EVERYWHERE)):
        for department in departments:
            editing.give(session, level, None, department, valid_from=None, valid_to=None, by="demo data", at=at)
    return of_camera


def add_alarms(session: Session, doors: Sequence[tuple[str, Direction]], *, at: datetime) -> int:
    """Add an open alarm and three that are over, without telling anybody; return how many."""
    entrance, leaving, yard = (name for name, _way in doors)
    past: tuple[tuple[str, str, timedelta, timedelta, dict[str, Any]], ...] = (
        ("camera lost", leaving, timedelta(days=6, hours=3), timedelta(minutes=12), {}),
        ("no heartbeat", entrance, timedelta(days=3, hours=9), timedelta(minutes=4), {}),
        ("disk", "", timedelta(days=2), timedelta(hours=5), {"free_mb": 412}),
    )
    for kind, subject, ago, lasted, detail in past:
        raised = _raise(session, kind, subject, at - ago, detail)
        alarms.acknowledge(session, raised.id, by="demo data", at=at - ago + lasted / 2)
        alarms.clear_alarm(session, kind, subject, at - ago + lasted)
    _raise(session, "no heartbeat", yard, at - timedelta(minutes=40), {})
    return len(past) + 1


def _raise(session: Session, kind: str, subject: str, at: datetime, detail: dict[str, Any]) -> alarms.Alarm:
    severity = KINDS[kind].severity
    return alarms.raise_alarm(
        session, alarm_id=new_event_id(at), kind=kind, subject=subject, severity=severity, detail=detail, at=at
    )[0]

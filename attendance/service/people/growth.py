"""Grown templates after their passage: they wait, come into use, and some go.

In: sessions, keys, the settings.  Out: rows in use; `Growth`, what a person's page shows.
Does not know: looks, PINs (`service/enrolment/growing.py`), pages.
Main choice: after the quarantine each one is judged once more, by whoever is enrolled then, and only then counts at
the doors.  The gallery's version rises with it, so that every door has it within seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.people import growth
from attendance.domain.people.consent import Purpose
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.ports import Clock, doubt_about
from attendance.store import settings as values
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import grown, opened_templates, people, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.people.people import Person
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

ACTOR = Actor("system", "growth")
PROOFS_LAST = timedelta(minutes=15)
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class GrowthRules:
    """`quarantine`: how long a grown template waits · `most`: in use of one person · `every`: from one passage that
    adds some to the next · `at_once`: of one passage."""

    quarantine: timedelta = timedelta(days=7)
    most: int = 2
    every: timedelta = timedelta(days=1)
    at_once: int = 1


def rules_of(settings: Settings) -> GrowthRules | None:
    """Return the rules by the settings; None: nothing grows."""
    own = settings.growth
    if not own.enabled:
        return None
    return GrowthRules(
        timedelta(days=own.quarantine_days), own.most, timedelta(hours=own.every_hours), own.looks_at_once
    )


def agrees(person: Person) -> bool:
    """Return whether templates of this person may grow: it was agreed to, beside recognition, and nobody's guest is."""
    return Purpose.GROWTH in person.agreed_to and bool(person.agreed) and not person.visitor


def settle(sessions: Sessions, keys: Keys, model_id: str, rules: GrowthRules | None, clock: Clock) -> int:
    """Put in use what waited long enough and still shows its person alone; return how many came into use.

    Without rules what waits is deleted, and what is in use stays until somebody takes it back.  It judges before it
    writes.
    """
    now = clock.now()
    with sessions.begin() as session:
        grown.forget_proofs(session, now - PROOFS_LAST)
    if rules is None:
        _delete_waiting(sessions, now)
        return 0
    used = 0
    # Nothing is put in use by a clock that may be wrong.
    while not doubt_about(clock) and (step := _settle_some(sessions, keys, model_id, rules, now)) is not None:
        used += step
    return used


def _settle_some(sessions: Sessions, keys: Keys, model_id: str, rules: GrowthRules, now: datetime) -> int | None:
    """Settle the people of some rows; None if nothing is due."""
    with sessions() as session:
        due = grown.waiting(session, model_id, now, _AT_ONCE)
        if not due:
            return None
        version = values.gallery_version(session)
        fits, gone = _judged(session, keys, model_id, due, rules)
    with sessions.begin() as session:
        values.lock_gallery(session, now)
        if values.gallery_version(session) != version:
            return None  # somebody was enrolled meanwhile: the next run judges again
        by_uid = {row.uid: row for row in grown.by_uid(session, fits | gone)}
        grown.delete_rows(session, [row for uid, row in by_uid.items() if uid in gone], now)
        used = [row for uid, row in by_uid.items() if uid in fits]
        for row in used:
            row.used_since = now
        _record(session, Action.TAKE_BACK_GROWN, [row for uid, row in by_uid.items() if uid in gone], now)
        _record(session, Action.USE_GROWN, used, now)
        if used:
            values.bump_gallery_version(session, now)
    return len(used)


def _judged(
    session: Session, keys: Keys, model_id: str, due: Sequence[GrownTemplate], rules: GrowthRules
) -> tuple[set[str], set[str]]:
    """Return the random ids of those that come into use, and of those that go, also of some in use before."""
    point = operating_points.current(session, model_id)
    scoring = operating_points.scoring_in_force(session, keys, model_id)
    confirmed = templates.load_gallery(session, keys, model_id, scoring, grown=False)
    doors = templates.load_gallery(session, keys, model_id, scoring)
    photos = opened_templates.open_everybody(session, keys, model_id)
    fits, gone, waiting = set[str](), set[str](), {row.uid for row in due}
    for person_id in {row.person_id for row in due}:
        person = people.get_person(session, person_id)
        mine = [row for row in grown.of_person(session, person_id) if row.model_id == model_id]
        mine = [row for row in mine if row.used_since is not None or row.uid in waiting]
        opened = opened_templates.open_rows(
            session, keys, model_id, GrownTemplate.person_id == person_id, table=GrownTemplate
        )
        vectors = {one.template_id: one.template for one in opened}  # empty for who is not active
        good = [
            row for row in mine
            if row.id in vectors and agrees(person) and (
                row.used_since is not None
                or (point is not None and growth.confirms(vectors[row.id], person_id, confirmed, doors, point))
            )
        ]  # fmt: skip
        dropped = {row.uid for row in mine if row.uid in waiting} - {row.uid for row in good}
        if good:
            stack = np.stack([vectors[row.id].vector for row in good])
            own = photos.photos[photos.owners == person_id]
            dropped |= {good[place].uid for place in growth.spare(stack, own, rules.most)}
        gone |= dropped
        fits |= {row.uid for row in good if row.uid in waiting} - dropped
    return fits, gone


def _delete_waiting(sessions: Sessions, now: datetime) -> None:
    while True:
        with sessions.begin() as session:
            rows = grown.all_waiting(session, _AT_ONCE)
            if not rows:
                return
            _record(session, Action.TAKE_BACK_GROWN, rows, now)
            grown.delete_rows(session, rows, now)


def _record(session: Session, action: Action, rows: Sequence[GrownTemplate], now: datetime) -> None:
    """Write one entry a person."""
    for person_id in sorted({row.person_id for row in rows}):
        number = sum(row.person_id == person_id for row in rows)
        subject, detail = Subject("person", person_id), {"templates": number}
        audit.record(session, actor=ACTOR, action=action, subject=subject, detail=detail, at=now)

"""Grown templates after their passage: they wait, come into use, and some go.

In: sessions, keys, the settings.  Out: rows in use; `Growth`, what a person's page shows.
Does not know: looks, PINs (`service/enrolment/growing.py`), pages.
Main choice: after the quarantine each one is judged once more, by whoever is enrolled then.  It counts at the doors
only under a threshold that was computed with it, since what grows lets in more strangers: so that threshold comes
first, by itself where it follows a risk (`calibration/auto_tighten`), else by somebody who puts it in force.
The gallery's version rises with it, so that every door has it within seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
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
from attendance.store.people.opened_templates import Opened
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


@dataclass(frozen=True, slots=True)
class Ready:
    """What waited long enough.  Random ids: `fits` show their person alone, `gone` go once those are in use."""

    fits: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


NOTHING = Ready()


def ready(session: Session, keys: Keys, model_id: str, rules: GrowthRules | None, now: datetime) -> Ready:
    """Return what may come into use once a threshold was computed with it."""
    due = grown.due(session, model_id, now) if rules is not None else {}
    if rules is None or not due:
        return NOTHING
    judging = _Judging.of(session, keys, model_id)
    fits, gone = set[str](), set[str]()
    for person_id in sorted(set(due.values())):
        mine = judging.look(session, keys, person_id, due)
        dropped = mine.spare(mine.good.keys(), rules.most) if mine.good.keys() & due.keys() else set[str]()
        gone |= mine.failed | dropped
        fits |= (mine.good.keys() & due.keys()) - dropped
    return Ready(frozenset(fits), frozenset(gone))


def with_ready(session: Session, model_id: str, ready: Ready) -> frozenset[str]:
    """Return the random ids of what counts at the doors once what is ready is in use."""
    return frozenset(grown.in_use(session, model_id) - ready.gone | ready.fits)


def settle(sessions: Sessions, keys: Keys, model_id: str, rules: GrowthRules | None, clock: Clock) -> int:
    """Put in use what waited long enough, still shows its person alone, and was counted in the threshold in force.

    Returns how many came into use.  Without rules what waits is deleted, and what is in use stays until somebody takes
    it back.  It judges before it writes; if the gallery or the threshold changes meanwhile, the next run goes on.
    """
    now = clock.now()
    with sessions.begin() as session:
        grown.forget_proofs(session, now - PROOFS_LAST)
    if rules is None:
        _delete_waiting(sessions, now)
        return 0
    if doubt_about(clock):  # nothing is put in use by a clock that may be wrong
        return 0
    with sessions() as session:
        version, point_id = values.gallery_version(session), _point_id(session, model_id)
        changes = _changes(session, keys, model_id, rules, now)
    used = 0
    for change in changes:
        with sessions.begin() as session:
            values.lock_gallery(session, now)
            if values.gallery_version(session) != version or _point_id(session, model_id) != point_id:
                break
            used += _put(session, change, now)
            version = values.gallery_version(session)
    return used


def _put(session: Session, change: Ready, now: datetime) -> int:
    """Put some in use and delete others; return how many came into use."""
    gone = grown.by_uid(session, change.gone)
    _record(session, Action.TAKE_BACK_GROWN, gone, now)
    grown.delete_rows(session, gone, now)
    used = grown.by_uid(session, change.fits)
    for row in used:
        row.used_since = now
    _record(session, Action.USE_GROWN, used, now)
    if used:
        values.bump_gallery_version(session, now)
    return len(used)


def _changes(session: Session, keys: Keys, model_id: str, rules: GrowthRules, now: datetime) -> list[Ready]:
    """Return what comes into use and what goes, some people at a time."""
    due = grown.due(session, model_id, now)
    if not due:
        return []
    counted = operating_points.counted_grown(session, model_id)
    judging, changes = _Judging.of(session, keys, model_id), [NOTHING]
    for person_id in sorted(set(due.values())):
        mine = judging.look(session, keys, person_id, due)
        new, gone = mine.good.keys() & due.keys() & counted, set(mine.failed)
        after = mine.in_use
        if new:  # then exactly what was counted of this person is in use
            after = mine.good.keys() & counted
            after -= mine.spare(after, rules.most)
            new, gone = new & after, gone | (new | mine.in_use) - after
        # What waits for a threshold, and would not come into use under it either.
        left = (mine.good.keys() & due.keys()) - counted
        gone |= left & mine.spare(after | left, rules.most)
        last = changes[-1]
        changes[-1] = Ready(last.fits | new, last.gone | gone)
        if len(changes[-1].fits) + len(changes[-1].gone) >= _AT_ONCE:
            changes.append(NOTHING)
    return [change for change in changes if change != NOTHING]


@dataclass(frozen=True, slots=True)
class _Mine:
    """One person's templates that grew, by random id: the `good` ones, in use or due, oldest first; the due ones that
    `failed`; which are `in_use`.  `photos` [M,D]: the enrolled ones."""

    good: dict[str, NDArray[np.float32]]
    failed: set[str]
    in_use: set[str]
    photos: NDArray[np.float32] = field(repr=False)

    def spare(self, among: Collection[str], most: int) -> set[str]:
        """Return which of these good ones go so that at most so many are left."""
        uids = [uid for uid in self.good if uid in among]
        if len(uids) <= most:
            return set()
        stack = np.stack([self.good[uid] for uid in uids])
        return {uids[place] for place in growth.spare(stack, self.photos, most)}


@dataclass(frozen=True, slots=True)
class _Judging:
    """What grown templates are judged by: the threshold in force and the people who are enrolled now."""

    model_id: str
    point: OperatingPoint | None
    confirmed: Gallery
    doors: Gallery
    photos: Opened

    @classmethod
    def of(cls, session: Session, keys: Keys, model_id: str) -> _Judging:
        scoring = operating_points.scoring_in_force(session, keys, model_id)
        return cls(
            model_id,
            operating_points.current(session, model_id),
            templates.load_gallery(session, keys, model_id, scoring, grown=False),
            templates.load_gallery(session, keys, model_id, scoring),
            opened_templates.open_everybody(session, keys, model_id),
        )

    def look(self, session: Session, keys: Keys, person_id: int, due: Collection[str]) -> _Mine:
        """Judge what grew of one person: what waits is good if it shows this person alone."""
        person, point = people.get_person(session, person_id), self.point
        mine = [row for row in grown.of_person(session, person_id) if row.model_id == self.model_id]
        mine = [row for row in mine if row.used_since is not None or row.uid in due]
        opened = opened_templates.open_rows(
            session, keys, self.model_id, GrownTemplate.person_id == person_id, table=GrownTemplate
        )
        vectors = {one.template_id: one.template for one in opened}  # empty for who is not active
        good = {
            row.uid: vectors[row.id].vector for row in mine
            if row.id in vectors and agrees(person) and (
                row.used_since is not None
                or (point is not None
                    and growth.confirms(vectors[row.id], person_id, self.confirmed, self.doors, point))
            )
        }  # fmt: skip
        in_use = {row.uid for row in mine if row.used_since is not None}
        failed = {row.uid for row in mine} - in_use - good.keys()
        return _Mine(good, failed, in_use, self.photos.photos[self.photos.owners == person_id])


def _point_id(session: Session, model_id: str) -> int | None:
    rows = operating_points.history(session, model_id, limit=1)
    return rows[0].id if rows else None


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

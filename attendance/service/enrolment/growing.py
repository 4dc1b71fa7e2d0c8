"""Templates that grow: looks of a passage that the person's own PIN confirmed are kept as templates.

In: the faces of each picture, what became of them.  Out: sealed templates that wait in quarantine.
Does not know: cameras, doors, pages; when a template comes into use (`service/people/growth.py`).
Main choice: looks wait in memory only, as numbers, until the log of the door says that a PIN completed their request.
What is not confirmed is forgotten within minutes, and nothing of it is ever stored.  Nothing here runs before a door
has moved.  Trade-off: looks that wait when the program stops are lost.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo

import numpy as np
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.consensus import SAME_FACE, overlap_of
from attendance.domain.access.liveness.challenge import Ended
from attendance.domain.access.liveness.fusion import Verdict
from attendance.domain.access.rules.decide import Mark
from attendance.domain.access.track import SAME_PERSON
from attendance.domain.faces import Frame, Probe
from attendance.domain.passage import Method, Passage
from attendance.domain.people import growth
from attendance.domain.reason import Reason
from attendance.service.access.check_in import Outcome
from attendance.service.access.doors.judging import DoorRules
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from attendance.service.enrolment.confirmed import confirmed_by
from attendance.service.people.growth import GrowthRules, agrees, rules_of
from attendance.service.ports import Analyser, Clock, doubt_about
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import grown, opened_templates, people, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.privacy import person_keys
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

# So long a look waits for its PIN: longer than any door does.
WAITS = timedelta(seconds=330)
# Looks of so long before a check-in belong to it, and so many are remembered.
BEFORE, LOOKS = timedelta(seconds=5), 40
MOST_HELD = 50


class SeenFaces:
    """The analyser of one access point, whose recognised faces may grow.  As a picture comes, so not for threads."""

    def __init__(self, inner: Analyser, growing: Growing) -> None:
        self._inner, self._growing = inner, growing
        self._faces: deque[tuple[datetime, Probe]] = deque(maxlen=LOOKS)

    @property
    def model_id(self) -> str:
        return self._inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        return self._inner.timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        probes = self._inner.analyse(frame, max_faces)
        while self._faces and abs(frame.taken_at - self._faces[0][0]) > BEFORE:
            self._faces.popleft()  # nothing of who walked by is remembered for longer
        # A face that rests has the numbers of an earlier picture.
        self._faces.extend(
            (frame.taken_at, probe) for probe in probes if probe.template is not None and not probe.rested
        )
        return probes

    def hear(self, outcomes: Sequence[Outcome]) -> None:
        """Hear what became of the faces of the newest picture.  Never raises: no door depends on it."""
        try:
            self._growing.hold(outcomes, self._faces)
        except Exception:
            log.exception("looks that may grow were not remembered")


@dataclass(frozen=True, slots=True)
class _Held:
    """The looks of one face that was recognised and waits for its PIN."""

    passage: Passage
    looks: Sequence[Probe]


class Growing:
    """What may grow at the access points of one program.  For several threads at once."""

    def __init__(
        self, sessions: Sessions, keys: Keys, clock: Clock, rules: GrowthRules, zone: tzinfo, program: str
    ) -> None:
        self._sessions, self._keys, self._clock, self._rules = sessions, keys, clock, rules
        self._door_rules, self._actor = DoorRules(zone), Actor("system", program)
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def hold(self, outcomes: Sequence[Outcome], faces: Iterable[tuple[datetime, Probe]]) -> None:
        """Remember the looks of whoever was recognised at a door; nothing else happens until `tick`."""
        seen = list(faces) if outcomes else []
        for outcome in outcomes:
            passage = outcome.passage
            if passage is None or not _may_grow(outcome, passage) or not (looks := _looks_of(outcome, seen)):
                continue
            with self._lock:
                self._held[passage.id] = _Held(passage, looks)
                while len(self._held) > MOST_HELD:
                    self._held.pop(next(iter(self._held)))

    def tick(self) -> int:
        """Keep the looks that were confirmed meanwhile; return how many became templates.  Never raises."""
        with self._lock:
            held = list(self._held.values())
        kept = 0
        for one in held:
            try:
                kept += self._look_after(one)
            except Exception:  # the database is away, or a template is damaged: the door does not depend on it
                log.exception("looks of passage %s were not kept", one.passage.id)
                self._forget(one)
        return kept

    def _look_after(self, held: _Held) -> int:
        if abs(self._clock.now() - held.passage.at) > WAITS:
            self._forget(held)
            return 0
        with self._sessions() as session:
            person = people.active_person(session, held.passage.person_id or 0, self._clock.now())
            if person is None or not agrees(person):
                self._forget(held)
                return 0
            passage_id = confirmed_by(session, self._door_rules.rules(session), held.passage)
            if passage_id is None:
                if held.passage.granted:  # the request is over: no later PIN belongs to it
                    self._forget(held)
                return 0
        self._forget(held)
        return self._keep(held, passage_id)

    def _keep(self, held: _Held, passage_id: str) -> int:
        """Choose, seal and add; everything slow comes before the transaction that writes."""
        person_id, model_id, now = held.passage.person_id, held.passage.model_id, self._clock.now()
        if person_id is None or doubt_about(self._clock):
            return 0
        with self._sessions() as session:
            if self._too_soon(session, person_id, now):
                return 0
            looks = self._chosen(session, held, person_id, model_id)
            key, wrapped = person_keys.key_id(session, person_id), person_keys.wrapped_key(session, person_id)
        if not looks or wrapped is None:
            return 0
        data_key = self._keys.unwrap(wrapped, person_id)
        rows = [
            GrownTemplate(
                person_id=person_id, model_id=model_id, vector=data_key.seal(look.template), camera=held.passage.camera,
                quality={name: round(float(value), 4) for name, value in asdict(look.quality).items()},
                passage_id=passage_id, grown_at=now, usable_at=now + self._rules.quarantine,
            )
            for look in looks if look.template is not None
        ]  # fmt: skip
        with self._sessions.begin() as session:
            person = people.lock_active_person(session, person_id, now)
            # Whoever withdrew, was enrolled anew or grew elsewhere meanwhile gets nothing.
            if person is None or not agrees(person) or person_keys.key_id(session, person_id) != key:
                return 0
            if self._too_soon(session, person_id, now):
                return 0
            session.add_all(rows)
            subject = Subject("person", person_id)
            detail: dict[str, Value] = {"templates": len(rows), "camera": held.passage.camera}
            audit.record(
                session, actor=self._actor, action=Action.GROW_TEMPLATE, subject=subject, detail=detail, at=now
            )
        log.info("%d looks of passage %s wait to become templates of person %d", len(rows), passage_id, person_id)
        return len(rows)

    def _chosen(self, session: Session, held: _Held, person_id: int, model_id: str) -> list[Probe]:
        point = operating_points.current(session, model_id)
        if point is None:
            return []
        scoring = operating_points.scoring_in_force(session, self._keys, model_id)
        confirmed = templates.load_gallery(session, self._keys, model_id, scoring, grown=False)
        doors = templates.load_gallery(session, self._keys, model_id, scoring)
        opened = opened_templates.open_everybody(session, self._keys, model_id)
        waiting = opened_templates.open_rows(
            session, self._keys, model_id, GrownTemplate.person_id == person_id, table=GrownTemplate
        )
        own = [*opened.photos[opened.owners == person_id], *(row.template.vector for row in waiting)]
        if not own:
            return []
        return growth.chosen(held.looks, person_id, np.stack(own), confirmed, doors, point, self._rules.at_once)

    def _too_soon(self, session: Session, person_id: int, now: datetime) -> bool:
        newest = grown.newest_at(session, person_id)
        return newest is not None and abs(now - newest) < self._rules.every

    def _forget(self, held: _Held) -> None:
        with self._lock:
            self._held.pop(held.passage.id, None)


def growing_for(
    settings: Settings, sessions: Sessions, keys: Keys, clock: Clock, zone: tzinfo, program: str
) -> Growing | None:
    """Return what grows at a program's access points; None where the settings let nothing grow."""
    rules = rules_of(settings)
    return None if rules is None else Growing(sessions, keys, clock, rules, zone, program)


def _may_grow(outcome: Outcome, passage: Passage) -> bool:
    """Return whether this face was recognised at a door, with the database, and is not in doubt of being alive."""
    settled, ruling = outcome.settled, outcome.ruling
    if settled is None or settled.decision.person_id is None or passage.person_id != settled.decision.person_id:
        return False
    if passage.method is not Method.FACE or passage.reason not in (Reason.MATCHED, Reason.SECOND_FACTOR):
        return False
    if passage.door_id is None or passage.clock_doubt or Mark.OFFLINE in passage.marks.split("+"):
        return False
    if ruling is None:
        return True
    # A camera that only watches lets a picture pass, too, so what the cues said counts and not what followed.
    verdict = ruling.judgement.verdict
    alive = verdict is Verdict.LIVE or (verdict is Verdict.UNCLEAR and outcome.challenge is Ended.PASSED)
    return alive and ruling.passes and not ruling.asks_more


def _looks_of(outcome: Outcome, seen: Sequence[tuple[datetime, Probe]]) -> list[Probe]:
    """Return the looks of the attempt, newest first: those like the newest one in its place."""
    settled = outcome.settled
    assert settled is not None
    from_then = min(settled.first_at, settled.last_at - BEFORE)
    within = [(at, probe) for at, probe in reversed(seen) if from_then <= at]
    newest = next((probe for _, probe in within if overlap_of(settled.box, probe.box) >= SAME_FACE), None)
    if newest is None or newest.template is None:
        return []
    anchor = newest.template
    return [probe for _, probe in within if probe.template is not None and probe.template.score(anchor) >= SAME_PERSON]

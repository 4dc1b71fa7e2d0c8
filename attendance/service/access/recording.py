"""Recording a check-in: from a judged request to a passage, a moved door and a door event.

In: a judged request (a `Passage` that is not stored yet), at a door or at a tablet.  Out: `Recorded`.
Does not know: how somebody was identified, cameras, pages.
Main choice: a face at the door, a face at a tablet, a PIN and a badge are recorded by the same `record`.  It
commits, flushed to the disk, before the door moves, and then notes what the door did.  A crash in between leaves a
granted passage without a door event, which `close_open` finds at the next start and notes as unknown: the door may
have opened.  Trade-off: one flushed disk write before anybody passes.

The cooldown joins entries of attendance only.  At a door every granted request is a passage of its own and moves
the door; `repeat_of` marks a repeat, so that hours count it once.  A tablet has no door, so a repeat there
writes nothing and returns the earlier passage.

Consent is read in the committing transaction: a face needs the one to access at a door, and the one to attendance at a
tablet and to count as working time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta, tzinfo
from time import perf_counter

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.access.repeated_looks import Suspicion
from attendance.domain.access.rules.decide import Outcome
from attendance.domain.access.rules.proofs import asks_challenge
from attendance.domain.passage import YOUNG, Method, Passage, is_repeat, waited
from attendance.domain.people.consent import Purpose, allows
from attendance.domain.reason import Reason
from attendance.service.access.doors import second_factor
from attendance.service.access.doors.judging import (
    DoorRules,
    Judged,
    in_turn,
    judged_passage,
    request_of,
    take_place,
    with_point,
)
from attendance.service.alarms.alarms import NOBODY, Recipients, clear_and_notify, raise_and_notify
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.ids import new_event_id
from attendance.service.ports import Clock, Door, DoorFault, DoorUnknown, Pulse, PulseOutcome, doubt_about
from attendance.store.access import events
from attendance.store.access.events import DoorOutcome
from attendance.store.people import grown, people
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

# The reason of a refusal when the person was deactivated or erased after the request was judged.
_NOT_ACTIVE = {
    Method.FACE: Reason.UNKNOWN,
    Method.PIN: Reason.WRONG_PIN,
    Method.BADGE: Reason.UNKNOWN_BADGE,
}

_TOO_LATE = "it came too late: the database took too long"

_NO_ATTENDANCE = "consent to working time"
_VISITOR = "a visitor has no working time"

# What the driver said → what the log of door events keeps.
STORED: Mapping[PulseOutcome, DoorOutcome] = {
    PulseOutcome.PULSED: "done",
    PulseOutcome.REFUSED: "failed",
    PulseOutcome.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class Opening:
    """What the door did; "unknown": it was asked, and nobody can say whether it moved."""

    outcome: DoorOutcome
    detail: str = ""

    @property
    def done(self) -> bool:
        return self.outcome == "done"


@dataclass(frozen=True, slots=True)
class Recorded:
    """How a request ended.

    `passage`: what the database holds; a repeat without a door gives the earlier passage.
    `already`: this very event was recorded before, so nothing was written and no door moved.
    `opening`: None if no door was asked.  `release_s`: for how long the rules release it.  `timings`: milliseconds by
    stage.
    """

    passage: Passage
    person_name: str | None = None
    repeat: bool = False
    already: bool = False
    opening: Opening | None = None
    release_s: float = 0.0
    timings: Mapping[str, float] = field(default_factory=dict)


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is known beside a passage: see `Recorder.record`."""

    liveness_asks: bool = False
    duress: bool = False
    challenged: bool = False
    fresh: Callable[[], bool] = _always


@dataclass(frozen=True, slots=True)
class Foreseen:
    """`useful`: who moves as asked would pass, or be asked for one more factor · `asked`: the point's rule asks."""

    useful: bool
    asked: bool


class Recorder:
    """Record the requests of one access point.  `door` is None at a tablet.  For several threads at once."""

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        door: Door | None,
        cooldown: timedelta,
        zone: tzinfo = UTC,
        alarms_to: Recipients = NOBODY,
    ) -> None:
        self._sessions, self._clock, self._door = sessions, clock, door
        self._cooldown, self._alarms_to = cooldown, alarms_to
        self._rules = DoorRules(zone)

    def record(
        self,
        event_id: str,
        judge: Callable[[Session], Passage | None],
        also: Callable[[Session, Passage], None] | None = None,
        *,
        liveness_asks: bool = False,
        duress: bool = False,
        challenged: bool = False,
        fresh: Callable[[], bool] = _always,
    ) -> Recorded | None:
        """Commit the request, then move the door, then note what the door did.

        `judge` runs in the committing transaction and returns the passage to record, or None if the request
        cannot be judged now; then nothing is recorded.  The same `event_id` again is recorded once.
        `also` notes more about a passage that is written, in the same transaction.  `liveness_asks`: in doubt about
        liveness a second factor is needed; without a door's rules this refuses.  `duress`: the PIN was the one for
        duress, which raises an alarm in silence and changes nothing else.  `challenged`: this face moved as asked.
        `fresh`: whether what was judged is still of just now, asked once nobody else writes; a grant that is not is
        not recorded, either.
        """
        begun, asked = perf_counter(), _Beside(liveness_asks, duress, challenged, fresh)
        try:
            with self._sessions.begin() as session:
                recorded = self._known(session, event_id) or self._commit(session, judge(session), also, asked)
        except IntegrityError:  # the same event came twice at once, and the other request was first
            with self._sessions() as session:
                recorded = self._known(session, event_id)
            if recorded is None:
                raise
        committed = perf_counter()
        if recorded is None or recorded.already:
            return recorded
        timings = {"commit": (committed - begun) * 1000}
        if recorded.passage.granted and self._door is not None:
            young = committed - begun <= YOUNG.total_seconds()
            opening = (
                unlock_once(self._door, recorded.release_s, recorded.passage.id)
                if young
                else Opening("failed", _TOO_LATE)
            )
            timings["door"] = (perf_counter() - committed) * 1000
            self._note(self._door, recorded.passage, opening)
            recorded = replace(recorded, opening=opening)
        return replace(recorded, timings=timings)

    def close_open(self, camera: str) -> list[Passage]:
        """Note «unknown» for the passages that a crash left without a door event; return them."""
        if self._door is None:
            return []
        unknown = Opening("unknown", "the program stopped before it noted what the door did")
        with self._sessions.begin() as session:
            left = events.open_passages(session, camera)
            for passage in left:
                self._write_door_event(session, self._door, passage, unknown)
        return left

    def note_suspicion(self, camera: str, suspicion: Suspicion) -> None:
        """Raise an alarm about this camera's pictures, and note it in the audit; log a fault instead of raising it."""
        try:
            now = self._clock.now()
            with self._sessions.begin() as session:
                audit.record(
                    session,
                    actor=Actor("system", "daemon"),
                    action=Action.SUSPECT_PICTURES,
                    at=now,
                    subject=Subject("camera", camera),
                    detail={"suspicion": suspicion.value},
                )
                raise_and_notify(session, suspicion.value, camera, {}, now, self._alarms_to)
        except Exception:  # the door stays shut either way
            log.exception("the suspicion about camera %s cannot be recorded", camera)

    def end_suspicion(self, camera: str) -> None:
        """End the alarms about this camera's pictures, if there are any; log a fault instead of raising it."""
        try:
            with self._sessions.begin() as session:
                for suspicion in Suspicion:
                    clear_and_notify(session, suspicion.value, camera, self._clock.now(), self._alarms_to)
        except Exception:  # the alarm stays open until the next start
            log.exception("the alarm about camera %s cannot be ended", camera)

    def _known(self, session: Session, event_id: str) -> Recorded | None:
        view = events.get_passage(session, event_id)
        return None if view is None else Recorded(view.passage, view.person_name, already=True)

    def _commit(
        self,
        session: Session,
        passage: Passage | None,
        also: Callable[[Session, Passage], None] | None,
        asked: _Beside,
    ) -> Recorded | None:
        """Judge the request by the rules of the door and write the passage; without a door a repeat is not written."""
        if passage is None:
            return None
        name, earlier, release_s, person = None, None, 0.0, None
        if passage.person_id is not None:
            # What judged may be a second old: who was deactivated or erased since does not pass.  The lock
            # also makes two requests of one person wait for each other, so that one of them sees the other.
            person = people.lock_active_person(session, passage.person_id, passage.at)
            if passage.granted and not asked.fresh():
                return None
            if person is None:
                passage = _refused(passage, _NOT_ACTIVE[passage.method])
        if self._has_rules(session, passage):
            passage, release_s = self._by_rules(session, passage, asked)
        elif asked.liveness_asks and passage.granted:
            passage = _refused(passage, Reason.LIVENESS_STEP_UP)
        elif passage.granted and person is not None and person.visitor and not passage.late:
            # A tablet without a door is for working time, and no rule would say when the visit is over.
            passage = replace(passage, granted=False, reason=Reason.NO_RIGHT, rule=_VISITOR)
        elif passage.granted and person is not None and not allows(passage.method, Purpose.ATTENDANCE, person.agreed):
            # A tablet is for working time.  The person was identified, and stays named as at a door.
            passage = replace(passage, granted=False, reason=Reason.NO_CONSENT, rule=_NO_ATTENDANCE)
        if passage.granted and person is not None:
            point = self._rules.point(session, passage.camera)
            agreed = allows(passage.method, Purpose.ATTENDANCE, person.agreed) and not person.visitor
            passage = replace(passage, for_hours=agreed and (point is None or Purpose.ATTENDANCE in point.purposes))
            name, earlier = person.name, None if passage.late else repeated(session, passage, self._cooldown)
        if earlier is not None and events.set_direction(session, earlier.id, passage.direction):
            earlier = replace(earlier, direction=passage.direction)  # the two are one check-in, and this one knows
        if earlier is not None and self._door is None and passage.door_id is None:
            return Recorded(earlier, name, repeat=True)
        passage = replace(
            passage, repeat_of=None if earlier is None else earlier.id, clock_doubt=bool(doubt_about(self._clock))
        )
        events.record_passage(session, passage)
        if passage.granted and passage.door_id is not None:
            take_place(session, self._rules.rules(session), passage)
        if person is not None and person.growth_consent_at is not None and not asked.duress and _by_own_pin(passage):
            grown.note_pin(session, passage.id, person.id, self._clock.now())
        if asked.duress and person is not None:
            raise_and_notify(session, "duress", passage.camera, {}, self._clock.now(), self._alarms_to)
        if also is not None:
            also(session, passage)
        return Recorded(passage, name, repeat=earlier is not None, release_s=release_s)

    def _has_rules(self, session: Session, passage: Passage) -> bool:
        """Return whether the rules of a door judge this request: a tablet without a door is for working time only."""
        if passage.reason in (Reason.FAULT, Reason.STALE_GALLERY, Reason.LATE_EVENT):
            return False  # refused already, and nothing that a rule says about it would be certain
        if passage.late or waited(passage):
            return False  # it waited in a tablet: no door moves for it, and it proves nothing for what comes next
        return self._door is not None or self._rules.point(session, passage.camera) is not None

    def _by_rules(self, session: Session, passage: Passage, asked: _Beside) -> tuple[Passage, float]:
        """Return the passage with the verdict of the rules, and for how long the door is released."""
        in_turn(session, self._rules.rules(session), passage.camera)
        judged, now = self._judge(session, passage, asked), self._clock.now()
        verdict = judged.verdict
        if verdict.reason is Reason.WRONG_FACTOR:
            raise_and_notify(session, "another's factor", passage.camera, {}, now, self._alarms_to)
        return judged_passage(passage, judged), verdict.seconds if verdict.granted else 0.0

    def _judge(self, session: Session, passage: Passage, asked: _Beside) -> Judged:
        now = self._clock.now()
        request = replace(
            request_of(passage, bool(doubt_about(self._clock))),
            liveness_asks=asked.liveness_asks,
            duress=asked.duress,
            challenged=asked.challenged,
        )
        rules = with_point(self._rules.rules(session), passage.camera)
        return self._rules.judge(session, second_factor.joined(session, rules, request, passage, now), now)

    def foresee(self, passage: Passage, liveness_asks: bool = False) -> Foreseen:
        """Return what a challenge would be good for, before anybody is asked to move.  Nothing is written."""
        with self._sessions() as session:
            if not self._has_rules(session, passage):
                return Foreseen(useful=True, asked=False)
            doubt, now = bool(doubt_about(self._clock)), self._clock.now()
            policy = with_point(self._rules.rules(session), passage.camera)
            point = policy.points.get(passage.camera)
            verdict = self._judge(session, passage, _Beside(liveness_asks, challenged=True)).verdict
            useful = verdict.outcome is not Outcome.DENY
            return Foreseen(useful, point is not None and asks_challenge(policy, point, now, doubt))

    def _note(self, door: Door, passage: Passage, opening: Opening) -> None:
        try:
            with self._sessions.begin() as session:
                self._write_door_event(session, door, passage, opening)
        except Exception:  # the door has moved already; the passage stays open and is found at the next start
            log.exception("cannot note what door %s did for passage %s", door.name, passage.id)

    def _write_door_event(self, session: Session, door: Door, passage: Passage, opening: Opening) -> None:
        at = self._clock.now()
        events.record_door_event(
            session,
            event_id=new_event_id(at),
            passage_id=passage.id,
            at=at,
            door=door.name,
            outcome=opening.outcome,
            detail=opening.detail,
        )


def repeated(session: Session, passage: Passage, cooldown: timedelta) -> Passage | None:
    """Return the granted passage that this one of a person repeats, at whatever access point."""
    assert passage.person_id is not None
    since, until = passage.at - cooldown, passage.at + cooldown
    near = events.granted_between(session, passage.person_id, since, until)
    return next((one for one in near if is_repeat(passage, one, cooldown)), None)


def unlock_once(door: Door, seconds: float, passage: str) -> Opening:
    """Ask the door once; whatever it raises is an `Opening`, too."""
    try:
        pulse = door.unlock(seconds, passage)
    except Exception as error:
        # Only a driver that says so knows that the door stayed shut; a fault that it did not expect, or an answer
        # that never came, may be from after the door moved.
        shut = isinstance(error, DoorFault) and not isinstance(error, DoorUnknown)
        pulse = Pulse(PulseOutcome.REFUSED if shut else PulseOutcome.UNKNOWN, str(error) or type(error).__name__)
    if not pulse.done:
        shut = pulse.outcome is PulseOutcome.REFUSED
        log.error("door %s %s: %s", door.name, "did not unlock" if shut else "may not have unlocked", pulse.detail)
    return Opening(STORED[pulse.outcome], pulse.detail)


def _by_own_pin(passage: Passage) -> bool:
    """Return whether the person's PIN was accepted just now, alone or as one of several factors."""
    accepted = passage.granted or passage.reason is Reason.SECOND_FACTOR
    return accepted and passage.method is Method.PIN and not passage.late


def _refused(passage: Passage, reason: Reason) -> Passage:
    """Return the same request as a refusal that names nobody and holds no score."""
    return replace(
        passage,
        granted=False,
        person_id=None,
        reason=reason,
        score=None,
        runner_up=None,
        threshold=None,
        margin=None,
        measured=None,
        late=False,
    )

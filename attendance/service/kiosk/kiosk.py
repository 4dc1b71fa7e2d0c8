"""All tablets of a site: three ways in (face, PIN, badge), and what a person may change afterwards.

In: pictures and sealed events of one tablet.  Out: recorded passages; an `Answer` for the tablet.
Does not know: HTTP, pages, how a tablet proves itself, how a check-in is recorded.
Main choice: a face goes through `CheckIn` as at a door, and all three ways through the same `Recorder`, without a
door: a tablet opens nothing.  Trade-off: all pictures of one tablet wait for each other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.faces import Frame
from attendance.domain.passage import Direction, Passage
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.check_in import CheckIn, Rules, unnoticed
from attendance.service.access.gallery_watch import GalleryWatch
from attendance.service.access.liveness.gate import Gates, LivenessGate, no_gate
from attendance.service.access.looks.sparing import Sparing
from attendance.service.access.reason_texts import kiosk_hint
from attendance.service.access.recording import Recorder
from attendance.service.enrolment.growing import Growing, SeenFaces
from attendance.service.enrolment.pictures import TABLET_PIXELS, decode_image
from attendance.service.hours import corrections
from attendance.service.ids import made_at, new_event_id
from attendance.service.kiosk import answers, late_events, messages, sealed_events
from attendance.service.kiosk.answers import Answer
from attendance.service.kiosk.badge_reader import read_badge
from attendance.service.kiosk.pin_and_badge import judge, proves, said_direction, try_said
from attendance.service.kiosk.terminals import CHOICES, ListeningAnalyser, Seat, Terminal, bounded
from attendance.service.ports import Analyser, Clock
from attendance.store.access import challenges, events
from attendance.store.crypto import Keys
from attendance.store.people.pins import PinTry
from attendance.store.session import Sessions
from attendance.texts import gettext as _

log = logging.getLogger(__name__)


class Kiosk:
    """All tablets of a site.  For several threads at once.  `rules`: each tablet sets its own camera and direction.

    `gates`: makes the liveness gate of a tablet, None where nothing is asked.  `late_after`: what waited longer needs
    approval.  `growing`: whose looks may become templates; None: nobody's.
    """

    def __init__(
        self,
        sessions: Sessions,
        keys: Keys,
        analyser: Analyser,
        clock: Clock,
        zone: ZoneInfo,
        rules: Rules,
        gates: Gates = no_gate,
        late_after: timedelta = timedelta(minutes=15),
        growing: Growing | None = None,
    ) -> None:
        self._sessions, self._keys, self._analyser, self._clock = sessions, keys, analyser, clock
        self._zone, self._rules, self._gates, self._late_after = zone, rules, gates, late_after
        self._growing = growing
        self._recorder = Recorder(sessions, clock, None, rules.cooldown, zone, rules.alarms_to)
        self._watch = GalleryWatch(  # one gallery for all tablets
            sessions, keys, analyser.model_id, clock, rules.poll_every, rules.stale_after
        )
        self._seats: dict[int, Seat] = {}
        self._lock = threading.Lock()

    @property
    def public_key(self) -> bytes:
        return sealed_events.public_key(self._keys)

    # --- face, or a badge held before the camera ---------------------------------------------------

    def look(self, terminal: Terminal, picture: bytes, challenge: str = "") -> Answer:
        """Judge one frame.  EnrolRefused if the bytes are not a picture.  A frame that comes too soon is left out.

        `challenge`: the id of the one that the tablet showed when it took the picture.
        """
        seat = self._seat(terminal)
        if not seat.turn.acquire(blocking=False):
            return Answer("idle")
        try:
            image, now = bounded(decode_image(picture, TABLET_PIXELS)), self._clock.now()
            if (badge := read_badge(image)) is None:
                return self._look_for_face(seat, Frame(image, now, terminal.name), challenge)
            if seat.still_held(badge, now):
                return Answer("idle")
            if not seat.takes_badges(now):
                return Answer("refused", *messages.badges_rest())
            answer = self._record(terminal, new_event_id(now), now, {"badge": badge})
            seat.badge = (badge, now)
            seat.note_badge(answer.state != "refused", now)
            return answer
        finally:
            seat.turn.release()

    def decline(self, camera: str, challenge: str) -> Answer:
        """Note that the person before a tablet, or the camera of a screen, prefers a PIN or badge.

        UserError unless this challenge goes on there.
        """
        with self._sessions.begin() as session:
            if not challenges.decline(session, challenge, camera):
                raise UserError("this challenge is over")
        return answers.refused(Reason.CHALLENGE_FAILED)

    def _look_for_face(self, seat: Seat, frame: Frame, challenge: str) -> Answer:
        before = seat.check_in.challenge
        if before is not None and before.challenge.id != challenge and frame.taken_at < before.challenge.ends_at:
            # Taken before the tablet showed this challenge, or for another one: it answers nothing.
            return answers.ask_to_move(answers.asked_by(before), frame.taken_at)
        outcomes = seat.check_in.process(frame)
        for outcome in sorted(outcomes, key=lambda outcome: not outcome.decision.granted):
            if outcome.decision.granted and outcome.passage is not None:
                return self._greet(seat.terminal, outcome.passage, outcome.repeat)
            if not outcome.repeat:
                return answers.refused(outcome.decision.reason)
        if (progress := seat.check_in.challenge) is not None and progress.ended is None:
            return answers.ask_to_move(answers.asked_by(progress), frame.taken_at)
        if not seat.analyser.probes:
            return Answer("idle")
        flaws = seat.analyser.probes[0].flaws
        return Answer("guide", (kiosk_hint(flaws[0]) if flaws else "") or messages.hold_still())

    # --- PIN and badge -----------------------------------------------------------------------------

    def submit(self, terminal: Terminal, event_id: str, sealed: bytes) -> Answer:
        """Record a PIN or badge event, live or from the tablet's queue; the same id again gives the same answer.

        UserError for an id that is not valid, and for bytes that were not sealed for this server.
        """
        try:
            at = made_at(event_id)
            said = sealed_events.unseal(self._keys, sealed, event_id)
        except (ValueError, sealed_events.Unreadable) as error:
            raise UserError("the tablet sent an event that cannot be read: reload its page") from error
        return self._record(terminal, event_id, at, said)

    def _record(self, terminal: Terminal, event_id: str, at: datetime, said: Mapping[str, Any]) -> Answer:
        now = self._clock.now()
        with self._sessions() as session:
            known = events.get_passage(session, event_id)
        if known is not None and not known.passage.granted:  # sent again: its wrong PIN counts once
            return answers.refused(known.passage.reason, known.passage.method)
        tried = try_said(self._sessions, terminal, said, now)
        recorded = self._recorder.record(
            event_id,
            lambda session: self._judged(session, terminal, event_id, at, said, tried, now),
            duress=tried is not None and tried.duress,
        )
        if recorded is None:
            return answers.later()
        if recorded.already and recorded.passage.granted:
            # Whoever knows an event's id, but not what it was proved by, learns nobody's name from it.
            with self._sessions() as session:
                reason = proves(session, said, tried, recorded.passage.person_id)
            if reason is not Reason.MATCHED:
                return answers.refused(reason)
        passage = self._sent_again(terminal, recorded.passage, said) if recorded.already else recorded.passage
        if not passage.granted:
            return answers.refused(passage.reason, passage.method)
        if passage.late:
            return answers.came_late(passage)
        return self._greet(terminal, passage, recorded.repeat)

    def _judged(
        self,
        session: Session,
        terminal: Terminal,
        event_id: str,
        at: datetime,
        said: Mapping[str, Any],
        tried: PinTry | None,
        now: datetime,
    ) -> Passage | None:
        """Return the passage to record; of one that came too late, ask for a correction in the same transaction."""
        passage = judge(session, terminal, event_id, at, said, tried, now, self._late_after)
        if passage is None or not passage.granted:
            return passage
        passage = late_events.never_into_a_closed_period(session, passage, now, self._zone)
        if passage.late:
            late_events.ask(session, passage, now, self._zone)
        return passage

    def _sent_again(self, terminal: Terminal, passage: Passage, said: Mapping[str, Any]) -> Passage:
        """Return the event's passage, with a direction that was chosen after the first answer was lost."""
        if passage.camera != terminal.name:
            raise UserError("this event is another kiosk's")
        direction = said_direction(said)
        if direction is Direction.UNKNOWN:
            return passage
        with self._sessions.begin() as session:
            changed = events.set_direction(session, passage.id, direction)
        return replace(passage, direction=direction) if changed else passage

    # --- afterwards --------------------------------------------------------------------------------

    def choose_direction(self, terminal: Terminal, event_id: str, choice: str) -> Answer:
        """Record the direction that the person chose; within a minute, and once.  UserError otherwise."""
        direction = CHOICES.get(choice)
        if direction is None:
            raise UserError("choose in, out or break")
        with self._sessions.begin() as session:
            passage = self._recent(session, terminal, event_id)
            if not events.set_direction(session, event_id, direction) and passage.direction is not direction:
                raise UserError("the direction was chosen already")
        answer = self._greet(terminal, replace(passage, direction=direction))
        if choice == "break" and answer.name:
            return replace(answer, words=_("Enjoy your break, %(name)s", name=answer.name))
        return answer

    def undo(self, terminal: Terminal, event_id: str) -> Answer:
        """Take the passage back, within a minute; the original stays on record.  UserError if it is too late."""
        with self._sessions.begin() as session:
            passage = self._recent(session, terminal, event_id)
            assert passage.person_id is not None
            if not events.is_void(session, event_id):
                corrections.undo_passage(
                    session,
                    event_id,
                    passage.person_id,
                    now=self._clock.now(),
                    zone=self._zone,
                    by=f"kiosk {terminal.name}",
                )
        return answers.undone(event_id)

    def _recent(self, session: Session, terminal: Terminal, event_id: str) -> Passage:
        """Return a passage that this tablet recorded a moment ago; UserError, always the same, for any other."""
        view = events.get_passage(session, event_id)
        if (
            view is None
            or not view.passage.granted
            or view.passage.person_id is None
            or view.passage.camera != terminal.name
            or abs(self._clock.now() - view.passage.at) > corrections.UNDO
        ):
            raise UserError("this check-in can no longer be undone or changed here: ask for a correction")
        return view.passage

    def _greet(self, terminal: Terminal, passage: Passage, repeat: bool = False) -> Answer:
        now = self._clock.now()
        fresh = not repeat and passage.camera == terminal.name
        left = int((corrections.UNDO - abs(now - passage.at)).total_seconds()) if fresh else 0
        with self._sessions() as session:
            answer = answers.greet(session, passage, self._zone, now, repeat=repeat, undo=max(0, left))
            if answer is not None:
                return replace(answer, event=passage.id if fresh else None)
            undone = events.is_void(session, passage.id)
        return answers.undone(passage.id) if undone else answers.refused(Reason.UNKNOWN)

    def _check_in(self, analyser: Analyser, rules: Rules, gate: LivenessGate | None) -> CheckIn:
        seen = None if self._growing is None else SeenFaces(analyser, self._growing)
        notice = unnoticed if seen is None else seen.hear
        return CheckIn(
            self._sessions,
            self._keys,
            seen or analyser,
            None,
            self._clock,
            rules,
            gate,
            watch=self._watch,
            notice=notice,
        )

    def _seat(self, terminal: Terminal) -> Seat:
        with self._lock:
            seat = self._seats.get(terminal.id)
            if seat is None or seat.terminal != terminal:
                analyser = ListeningAnalyser(Sparing(self._analyser))
                rules = replace(self._rules, camera=terminal.name, direction=terminal.direction)
                gate = self._gates(terminal.name)
                seat = self._seats[terminal.id] = Seat(terminal, analyser, self._check_in(analyser, rules, gate))
            return seat

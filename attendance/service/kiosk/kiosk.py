"""A tablet's three ways in, face, PIN and badge, and what may be said about a passage afterwards.

In: pictures and sealed events of one tablet.  Out: recorded passages; an `Answer` for the tablet.
Does not know: HTTP, pages, how a tablet proves itself.
Main choice: a face goes through `CheckIn` as at a door; a PIN or badge becomes a passage under the id
that the tablet gave it, so that sending it twice records it once.  The time is the id's own.  The
price: a tablet's clock is believed for events that waited, within a week; the id shows when that was.

An answer holds a first name and today's hours only after that person proved who it is, and never a
score: whoever holds the tablet's token alone learns nothing about anybody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.faces import Frame, Probe
from attendance.domain.hours.day import Sense
from attendance.domain.passage import Direction, Method, Passage, is_repeat
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.check_in import CheckIn, Rules
from attendance.service.access.reason_texts import kiosk_hint, kiosk_refusal
from attendance.service.enrolment.enrol import decode_image
from attendance.service.hours import corrections, days
from attendance.service.ids import made_at, new_event_id
from attendance.service.kiosk import sealed_events
from attendance.service.kiosk.badge_reader import read_badge
from attendance.service.kiosk.messages import HOLD_STILL, first_name, greeting, hours
from attendance.service.ports import Analyser, Clock
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.people import credentials, people
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

AHEAD, WAITED = timedelta(minutes=2), timedelta(days=7)  # how wrong or old an event's time may be
LIVE = timedelta(minutes=1)
HELD = timedelta(seconds=3)  # a badge seen again within this has not been taken away since
CHOICES = {"in": Direction.IN, "out": Direction.OUT, "break": Direction.OUT}
_LONG_SIDE = 1280  # px


@dataclass(frozen=True, slots=True)
class Terminal:
    """A paired tablet; its name stands for a camera's in the log."""

    id: int
    name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tablet shows.  `state`: idle, guide, greet, refused, later (send the event again), done.

    `ask`: offer in, out and break · `sense`: what the passage was taken for · `undo`: seconds left for it.
    """

    state: str
    words: str = ""
    advice: str = ""
    event: str | None = None
    name: str | None = None
    today: str | None = None
    sense: str | None = None
    ask: bool = False
    undo: int = 0
    repeat: bool = False


class NoDoor:
    """A tablet opens nothing; the door's own camera or reader does."""

    name = "kiosk"

    def unlock(self, seconds: float) -> None:
        pass


@dataclass
class _Listening:
    """The analyser of one tablet, which remembers what it saw last: for hints."""

    inner: Analyser
    probes: list[Probe] = field(default_factory=list)

    @property
    def model_id(self) -> str:
        return self.inner.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        return self.inner.timings

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        self.probes = []
        self.probes = self.inner.analyse(frame, max_faces)
        return self.probes


@dataclass
class _Seat:
    """One tablet's follow-up of frames; `turn`: a `CheckIn` is for one thread at a time."""

    terminal: Terminal
    analyser: _Listening
    check_in: CheckIn
    turn: threading.Lock = field(default_factory=threading.Lock)
    badge: tuple[str, datetime] | None = None

    def still_held(self, badge: str, now: datetime) -> bool:
        """Whether this badge was judged already and is still in view: it is one attempt, not one a picture."""
        if self.badge is None or self.badge[0] != badge or abs(now - self.badge[1]) > HELD:
            return False
        self.badge = (badge, now)
        return True


class Kiosk:
    """All tablets of a site.  For several threads at once.  `rules`: camera and direction are each tablet's own."""

    def __init__(
        self, sessions: Sessions, keys: Keys, analyser: Analyser, clock: Clock, zone: ZoneInfo, rules: Rules
    ) -> None:
        self._sessions, self._keys, self._analyser, self._clock = sessions, keys, analyser, clock
        self._zone, self._rules = zone, rules
        self._seats: dict[int, _Seat] = {}
        self._lock = threading.Lock()

    @property
    def public_key(self) -> bytes:
        return sealed_events.public_key(self._keys)

    # --- face, or a badge held before the camera ---------------------------------------------------

    def look(self, terminal: Terminal, picture: bytes) -> Answer:
        """One frame.  EnrolRefused when the bytes are no picture.  A frame that comes too soon is left out."""
        seat = self._seat(terminal)
        if not seat.turn.acquire(blocking=False):
            return Answer("idle")
        try:
            image = _bounded(decode_image(picture))
            now = self._clock.now()
            if (badge := read_badge(image)) is not None:
                if seat.still_held(badge, now):
                    return Answer("idle")
                answer = self._record(terminal, new_event_id(now), now, {"badge": badge})
                seat.badge = (badge, now)
                return answer
            outcomes = seat.check_in.process(Frame(image, now, terminal.name))
            for outcome in sorted(outcomes, key=lambda one: not one.decision.granted):
                if outcome.decision.granted and outcome.passage is not None:
                    return self._greet(terminal, outcome.passage, repeat=outcome.repeat)
                if not outcome.repeat:
                    return _refused(outcome.decision.reason)
            if not seat.analyser.probes:
                return Answer("idle")
            flaws = seat.analyser.probes[0].flaws
            return Answer("guide", (kiosk_hint(flaws[0]) if flaws else "") or HOLD_STILL)
        finally:
            seat.turn.release()

    # --- PIN and badge -----------------------------------------------------------------------------

    def submit(self, terminal: Terminal, event_id: str, sealed: bytes) -> Answer:
        """A PIN or badge event, live or from the tablet's queue; the same id again gives the same answer.

        UserError for an id that is none, and for what was not sealed for this server.
        """
        try:
            at = made_at(event_id)
            said = sealed_events.unseal(self._keys, sealed, event_id)
        except (ValueError, sealed_events.Unreadable) as error:
            raise UserError("the tablet sent what cannot be read: reload its page") from error
        return self._record(terminal, event_id, at, said)

    def _record(self, terminal: Terminal, event_id: str, at: datetime, said: dict[str, Any]) -> Answer:
        try:
            with self._sessions.begin() as session:
                passage, repeat = self._judge(session, terminal, event_id, at, said)
        except IntegrityError:  # the same event came twice at once, and the other one was first
            with self._sessions() as session:
                view = events.get_passage(session, event_id)
            if view is None:
                raise
            passage, repeat = view.passage, False
        if passage is None:
            return Answer("later", "Noted", "It counts as soon as it could be checked.")
        if passage.granted:
            return self._greet(terminal, passage, repeat)
        return _refused(passage.reason)

    def _judge(
        self, session: Session, terminal: Terminal, event_id: str, at: datetime, said: dict[str, Any]
    ) -> tuple[Passage | None, bool]:
        """The passage that stands in the database for this event, and whether it is an earlier one.

        None: to be sent again later, because the number is locked and the event waited for the connection.
        """
        if (known := events.get_passage(session, event_id)) is not None:
            if known.passage.camera != terminal.name:
                raise UserError("this event is another kiosk's")
            way = CHOICES.get(str(said.get("say", "")))  # said after the first answer was lost
            if way is not None and events.set_direction(session, event_id, way):
                return replace(known.passage, direction=way), False
            return known.passage, False
        now = self._clock.now()
        method = Method.BADGE if "badge" in said else Method.PIN
        if not -AHEAD <= now - at <= WAITED:
            # Under an id of now: one from the future would stand above all others for good.
            return self._write(session, terminal, new_event_id(now), now, method, Reason.LATE_EVENT, None), False
        if method is Method.BADGE:
            person = credentials.person_of_badge(session, str(said["badge"]))
            reason = Reason.UNKNOWN_BADGE if person is None else Reason.MATCHED
        else:
            tried = credentials.try_pin(session, str(said.get("number", "")), str(said.get("pin", "")), at=now)
            if tried.outcome is credentials.Tried.LOCKED and now - at > LIVE:
                return None, False
            person = tried.person
            reason = {
                credentials.Tried.FITS: Reason.MATCHED,
                credentials.Tried.WRONG: Reason.WRONG_PIN,
                credentials.Tried.LOCKED: Reason.PIN_LOCKED,
            }[tried.outcome]
        direction = terminal.direction
        if direction is Direction.UNKNOWN:
            direction = CHOICES.get(str(said.get("say", "")), Direction.UNKNOWN)
        if person is not None:
            earlier = events.last_granted(session, person.id, direction)
            if earlier is not None and is_repeat(earlier.at, at, self._rules.cooldown):
                return earlier, True
        person_id = None if person is None else person.id
        return self._write(session, terminal, event_id, at, method, reason, person_id, direction), False

    def _write(
        self,
        session: Session,
        terminal: Terminal,
        event_id: str,
        at: datetime,
        method: Method,
        reason: Reason,
        person_id: int | None,
        direction: Direction = Direction.UNKNOWN,
    ) -> Passage:
        passage = Passage(
            id=event_id,
            at=at,
            camera=terminal.name,
            person_id=person_id,
            granted=reason is Reason.MATCHED,
            reason=reason,
            score=None,
            runner_up=None,
            threshold=None,
            model_id="",
            gallery_version=0,
            frames=0,
            direction=direction,
            method=method,
        )
        events.record_passage(session, passage)
        if passage.granted:
            now = self._clock.now()
            events.record_door_event(
                session, event_id=new_event_id(now), passage_id=event_id, at=now, door=NoDoor.name, outcome="done"
            )
        return passage

    # --- afterwards --------------------------------------------------------------------------------

    def tell(self, terminal: Terminal, event_id: str, choice: str) -> Answer:
        """The person says which way the passage was; within a minute, and once.  UserError otherwise."""
        if choice not in CHOICES:
            raise UserError("choose in, out or break")
        with self._sessions.begin() as session:
            passage = self._own(session, terminal, event_id)
            if not events.set_direction(session, event_id, CHOICES[choice]) and (
                passage.direction is not CHOICES[choice]
            ):
                raise UserError("this was said already")
        told = self._greet(terminal, replace(passage, direction=CHOICES[choice]), repeat=False)
        return replace(told, words=f"Enjoy your break, {told.name}") if choice == "break" and told.name else told

    def undo(self, terminal: Terminal, event_id: str) -> Answer:
        """Take the passage back, within a minute; the original stays on record.  UserError when it is too late."""
        with self._sessions.begin() as session:
            passage = self._own(session, terminal, event_id)
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
        return _undone(event_id)

    def _own(self, session: Session, terminal: Terminal, event_id: str) -> Passage:
        """A passage that this tablet recorded a moment ago; one answer for all that is not."""
        view = events.get_passage(session, event_id)
        if (
            view is None
            or not view.passage.granted
            or view.passage.person_id is None
            or view.passage.camera != terminal.name
            or abs(self._clock.now() - view.passage.at) > corrections.UNDO
        ):
            raise UserError("this is no check-in of the last minute: ask for a correction")
        return view.passage

    def _greet(self, terminal: Terminal, passage: Passage, repeat: bool) -> Answer:
        assert passage.person_id is not None
        now = self._clock.now()
        with self._sessions() as session:
            person = people.active_person(session, passage.person_id)
            if person is None:  # erased since
                return _refused(Reason.UNKNOWN)
            if events.is_void(session, passage.id):
                return _undone(passage.id)
            inference = days.next_inference(session, person.id, passage.at, self._zone, passage.direction)
            worked = seconds_today(session, person.id, self._zone, now)
        local = passage.at.astimezone(self._zone)
        fresh = not repeat and passage.camera == terminal.name
        left = int((corrections.UNDO - abs(now - passage.at)).total_seconds()) if fresh else 0
        ask = fresh and left > 0 and passage.direction is Direction.UNKNOWN and inference.in_doubt
        sense = None if ask else inference.sense
        return Answer(
            "greet",
            greeting(person.name, sense, local.hour, repeat),
            "Which way are you going?" if sense is None else f"{WAYS.get(sense, 'Noted')} at {local:%H:%M}",
            event=passage.id if fresh else None,
            name=first_name(person.name),
            today=hours(worked),
            sense=None if sense is None else sense.value,
            ask=ask,
            undo=max(0, left),
            repeat=repeat,
        )

    def _seat(self, terminal: Terminal) -> _Seat:
        with self._lock:
            seat = self._seats.get(terminal.id)
            if seat is None or seat.terminal != terminal:
                listening = _Listening(self._analyser)
                rules = replace(self._rules, camera=terminal.name, direction=terminal.direction)
                seat = _Seat(
                    terminal,
                    listening,
                    CheckIn(self._sessions, self._keys, listening, NoDoor(), self._clock, rules),
                )
                self._seats[terminal.id] = seat
            return seat


WAYS = {Sense.IN: "In", Sense.OUT: "Out"}


def seconds_today(session: Session, person_id: int, zone: ZoneInfo, now: datetime) -> int:
    """How long the person has been here on the present local day, still running spells included."""
    day = now.astimezone(zone).date()
    return sum(
        spell.seconds(now) for one in days.days_of(session, person_id, day, day, zone, now) for spell in one.spells
    )


def _undone(event_id: str) -> Answer:
    return Answer("done", "Undone", "This check-in does not count.", event=event_id)


def _refused(reason: Reason) -> Answer:
    words, advice = kiosk_refusal(reason)
    return Answer("refused", words, advice)


def _bounded(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """No larger than a tablet needs: a picture is sent by whoever holds the tablet."""
    scale = _LONG_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)

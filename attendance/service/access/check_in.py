"""The story of a frame: who stands there, is it sure, write it down, open the door.

In: frames of one camera.  Out: recorded passages, an unlocked door, `Outcome`s for whoever shows them.
Does not know: where frames come from, how a network or a door works.
Main choice: fail secure, and commit before the door moves.  Any exception is a denial; a crash
between the commit and the unlocking leaves a granted passage without a door event, which `start`
finds and closes.  The price is one disk write before anybody passes.

A repeat (the same person in the same direction within the cooldown, at any camera) is no second
passage: nobody is counted twice for standing in a doorway.  The door is unlocked again all the same,
as a further door event of the first passage.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter

from sqlalchemy.orm import Session

from attendance.domain.access.consensus import Consensus, Settled
from attendance.domain.access.decision import Decision
from attendance.domain.access.static_detections import StaticDetections
from attendance.domain.faces import Frame
from attendance.domain.passage import Direction, Passage, is_repeat
from attendance.domain.reason import Reason
from attendance.service.access.gallery_watch import GalleryWatch, View, denied
from attendance.service.ids import new_event_id
from attendance.service.ports import Analyser, Clock, Door
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.people import people
from attendance.store.session import Sessions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of one camera's check-in.

    `fault_every`: how often one lasting fault is recorded; `static_detection`: how long a false face that
    does not change is no news after its first refusal, zero for never.
    """

    camera: str
    direction: Direction = Direction.UNKNOWN
    frames_needed: int = 3
    window: timedelta = timedelta(seconds=2)
    settle_denial: timedelta = timedelta(seconds=1.5)
    forget: timedelta = timedelta(seconds=2)
    cooldown: timedelta = timedelta(seconds=30)
    unlock_s: float = 3.0
    max_faces: int = 5
    poll_every: timedelta = timedelta(seconds=1)
    stale_after: timedelta = timedelta(seconds=30)
    fault_every: timedelta = timedelta(seconds=60)
    static_detection: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the door did."""

    done: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one look ended.

    `passage`: what stands in the database; for a repeat the earlier passage; None when a fault kept
    it from being written or was recorded a moment ago.  `decision` may be stricter than
    `settled.decision`: the database has the last word.  `settled` is None for a fault.
    `opening` is None unless granted.  `timings`: ms by stage of this frame.
    """

    passage: Passage | None
    decision: Decision
    settled: Settled | None
    repeat: bool
    person_name: str | None = None
    opening: Opening | None = None
    timings: Mapping[str, float] = field(default_factory=dict)


class CheckIn:
    """One camera and its door.  Not for several threads at once."""

    def __init__(
        self, sessions: Sessions, keys: Keys, analyser: Analyser, door: Door, clock: Clock, rules: Rules
    ) -> None:
        self._sessions, self._analyser, self._door, self._clock, self._rules = sessions, analyser, door, clock, rules
        self._watch = GalleryWatch(sessions, keys, analyser.model_id, clock, rules.poll_every, rules.stale_after)
        self._consensus = self._new_consensus()
        self._still = StaticDetections(rules.static_detection)
        self._timings: dict[str, float] = {}
        self._fault_text = ""
        self._fault_at: datetime | None = None

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of each stage of the newest frame."""
        return self._timings

    @property
    def view(self) -> View:
        """The gallery and threshold in use."""
        return self._watch.view

    def set_direction(self, direction: Direction) -> None:
        """From the next frame on people go this way; who has half agreed is looked at anew."""
        self._rules = replace(self._rules, direction=direction)
        self._consensus = self._new_consensus()

    def start(self) -> list[Passage]:
        """Load the gallery and close what a crash left open; returns those passages.

        Raises UserError, such as for a wrong master key, instead of starting a daemon that refuses everybody.
        """
        self._watch.load()
        unknown = Opening(False, "the program stopped before it noted what the door did")
        with self._sessions.begin() as session:
            left = events.open_passages(session, self._rules.camera)
            for passage in left:
                self._record_opening(session, passage, unknown)
        for passage in left:
            log.warning("passage %s was granted at %s, but no door event was noted", passage.id, passage.at)
        return left

    def process(self, frame: Frame) -> list[Outcome]:
        """Look, decide, agree over several frames; then commit, then unlock, then note what the door did.

        Never raises.  Empty while nobody is there and while the frames do not agree yet.
        """
        outcomes: list[Outcome] = []
        self._timings = {}
        try:
            view = self._watch.refresh()
            probes = self._analyser.analyse(frame, self._rules.max_faces)
            self._timings.update(self._analyser.timings)
            decisions = [(probe.box, view.decide(probe)) for probe in probes]
            for settled in self._consensus.add(frame.taken_at, decisions):
                if settled.decision.reason.about_picture and self._still.knows(
                    frame.image, settled.box, frame.taken_at
                ):
                    continue
                outcome = self._commit(frame, settled, view)
                if outcome.decision.granted and outcome.passage is not None:
                    opening = self._unlock()
                    self._note(outcome.passage, opening)
                    outcome = replace(outcome, opening=opening)
                outcomes.append(outcome)
        except Exception as error:  # fail secure: whatever it was, it ends as a denial
            outcomes.append(self._refuse(frame, error))
        return outcomes

    def _commit(self, frame: Frame, settled: Settled, view: View) -> Outcome:
        """Write the passage down, unless it is a repeat; it stands in the database when this returns."""
        begun = perf_counter()
        decision, name = settled.decision, None
        with self._sessions.begin() as session:
            if decision.person_id is not None:
                # The gallery may be a second old: who was deactivated or erased since does not pass.
                person = people.active_person(session, decision.person_id)
                if person is None:
                    decision = denied(Reason.UNKNOWN)
                else:
                    name = person.name
                    earlier = events.last_granted(session, person.id, self._rules.direction)
                    if earlier is not None and is_repeat(earlier.at, frame.taken_at, self._rules.cooldown):
                        return Outcome(earlier, decision, settled, True, name, timings=self._timings)
            passage = self._passage(frame, decision, settled.frames, view)
            events.record_passage(session, passage)
        self._timings["commit"] = (perf_counter() - begun) * 1000
        return Outcome(passage, decision, settled, False, name, timings=self._timings)

    def _unlock(self) -> Opening:
        begun = perf_counter()
        try:
            self._door.unlock(self._rules.unlock_s)
            opening = Opening(True)
        except Exception as error:  # a DoorFault, or a driver's own mistake: either way it stayed shut
            log.error("door %s did not unlock: %s", self._door.name, error)
            opening = Opening(False, str(error) or type(error).__name__)
        self._timings["door"] = (perf_counter() - begun) * 1000
        return opening

    def _note(self, passage: Passage, opening: Opening) -> None:
        try:
            with self._sessions.begin() as session:
                self._record_opening(session, passage, opening)
        except Exception:  # the door has moved already; the passage stays open and is found at the next start
            log.exception("cannot note what door %s did for passage %s", self._door.name, passage.id)

    def _record_opening(self, session: Session, passage: Passage, opening: Opening) -> None:
        at = self._clock.now()
        events.record_door_event(
            session,
            event_id=new_event_id(at),
            passage_id=passage.id,
            at=at,
            door=self._door.name,
            outcome="done" if opening.done else "failed",
            detail=opening.detail,
        )

    def _refuse(self, frame: Frame, error: Exception) -> Outcome:
        """A fault is a denial.  A lasting one is logged and recorded once in `fault_every`, not with every frame."""
        # Frames that agreed before the fault count no more, and whoever was let down by it can settle anew.
        self._consensus = self._new_consensus()
        reason = Reason.STALE_GALLERY if self._watch.view.stale else Reason.FAULT
        text, now = f"{type(error).__name__}: {error}", self._clock.now()
        lasting = self._fault_at is not None and abs(now - self._fault_at) < self._rules.fault_every
        if lasting and text == self._fault_text:
            return Outcome(None, denied(reason), None, True, timings=self._timings)
        log.error("a frame of camera %s ended in a fault", frame.camera, exc_info=error)
        self._fault_text, self._fault_at = text, now
        passage = self._passage(frame, denied(reason), 1, self._watch.view)
        try:
            with self._sessions.begin() as session:
                events.record_passage(session, passage)
        except Exception as second:
            log.error("the fault cannot be recorded: %s", second)
            return Outcome(None, denied(reason), None, False, timings=self._timings)
        return Outcome(passage, denied(reason), None, False, timings=self._timings)

    def _passage(self, frame: Frame, decision: Decision, frames: int, view: View) -> Passage:
        return Passage(
            id=new_event_id(frame.taken_at),
            at=frame.taken_at,
            camera=self._rules.camera,
            person_id=decision.person_id,
            granted=decision.granted,
            reason=decision.reason,
            score=decision.score,
            runner_up=decision.runner_up,
            threshold=decision.threshold,
            model_id=self._analyser.model_id,
            gallery_version=max(view.gallery.version, 0),
            frames=frames,
            direction=self._rules.direction,
            margin=decision.margin,
            measured=decision.measured,
        )

    def _new_consensus(self) -> Consensus:
        rules = self._rules
        return Consensus(rules.frames_needed, rules.window, rules.forget, rules.settle_denial)

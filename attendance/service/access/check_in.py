"""The story of a frame: find who is there, be sure, record it, open the door.

In: frames of one camera.  Out: recorded passages, an unlocked door, `Outcome`s for whoever shows them.
Does not know: where frames come from, how a network or a door works, how a check-in is recorded (`recording`).
Main choice: fail secure.  Any exception is a denial.  Trade-off: a fault of one frame forgets the frames
that agreed before it, and the person has to look again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic, perf_counter

from sqlalchemy.orm import Session

from attendance.domain.access.attempts import RefusedAttempts
from attendance.domain.access.consensus import Settled
from attendance.domain.access.decision import Decision
from attendance.domain.access.liveness.challenge import Ended, Progress
from attendance.domain.access.pace import Pace
from attendance.domain.access.static_detections import StaticDetections
from attendance.domain.faces import Frame, Probe
from attendance.domain.passage import Direction, Passage
from attendance.domain.reason import Reason
from attendance.service.access.edge.deciding import Edge, is_away
from attendance.service.access.gallery_watch import GalleryWatch, View, denied
from attendance.service.access.liveness.asking import Asking
from attendance.service.access.liveness.challenger import Challenger, ChallengeRules
from attendance.service.access.liveness.gate import LivenessGate, Ruling
from attendance.service.access.looks.agreeing import Agreeing
from attendance.service.access.looks.fresh import FreshGrants, Ready
from attendance.service.access.looks.repeats import Repeats
from attendance.service.access.reason_texts import pace_words, suspicion_words
from attendance.service.access.recording import Opening, Recorded, Recorder
from attendance.service.access.rules import Rules as Rules
from attendance.service.ids import new_event_id
from attendance.service.ports import Analyser, Clock, Door
from attendance.store.access import challenges
from attendance.store.access import liveness as liveness_rows
from attendance.store.crypto import Keys
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

Note = Callable[[Session, Passage], None]
Rest = Callable[[bool], None]


def always_looked_at(_decided: bool) -> None:
    """Let no face rest."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one look ended.

    `passage`: what the database holds; for a repeat at a tablet the earlier passage; None if a fault
    could not be recorded, or was recorded a moment ago.  `repeat`: of an earlier passage within the cooldown,
    or of a lasting fault.  `decision` may be stricter than `settled.decision`: the database has the last word.
    `settled` is None for a fault.  `opening` is None unless a door was asked.  `timings`: ms by stage.
    `ruling`: what was found about liveness; None where nothing was asked.  `challenge`: how a challenge ended.
    """

    passage: Passage | None
    decision: Decision
    settled: Settled | None
    repeat: bool
    person_name: str | None = None
    opening: Opening | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    ruling: Ruling | None = None
    challenge: Ended | None = None


Notice = Callable[[Sequence[Outcome]], None]  # never raises


def unnoticed(_outcomes: Sequence[Outcome]) -> None:
    """Do nothing with the outcomes of a picture."""


class CheckIn:
    """One camera and its door, or one tablet without a door.  Not for several threads at once."""

    def __init__(
        self,
        sessions: Sessions,
        keys: Keys,
        analyser: Analyser,
        door: Door | None,
        clock: Clock,
        rules: Rules,
        gate: LivenessGate | None = None,
        edge: Edge | None = None,
        watch: GalleryWatch | None = None,
        since: Callable[[], float] = monotonic,
        rest: Rest = always_looked_at,
        notice: Notice = unnoticed,
    ) -> None:
        """`watch`: shared with other cameras; None: of its own.  `since`: the clock of `Frame.came`.

        `rest`: told whether everybody in the newest picture is decided about.  `notice`: the outcomes of each picture.
        """
        self._analyser, self._clock, self._rules, self._gate = analyser, clock, rules, gate
        self._recorder = Recorder(sessions, clock, door, rules.cooldown, rules.zone, rules.alarms_to)
        self._edge = edge
        self._watch = watch or GalleryWatch(
            sessions, keys, analyser.model_id, clock, rules.poll_every, rules.stale_after
        )
        self._view = self._watch.view
        order = ChallengeRules(rules.camera, rules.challenge_steps, rules.challenge_limit)
        self._asking = Asking(Challenger(sessions, order), self._recorder, edge)
        self._static = StaticDetections(rules.static_detection)
        self._repeats, self._rest, self._notice = Repeats(self._recorder), rest, notice
        refused = RefusedAttempts(rules.refused_attempts, rules.refused_within)
        self._agreeing = Agreeing(
            rules.frames_needed, rules.window, rules.forget, rules.settle_denial, refused, self._repeats
        )
        self._pace, self._fresh = Pace(), FreshGrants(since)
        self._timings: dict[str, float] = {}
        self._fault_text = ""
        self._fault_at: datetime | None = None

    @property
    def timings(self) -> Mapping[str, float]:
        """Return the milliseconds of each stage of the newest frame."""
        return self._timings

    @property
    def trouble(self) -> str:
        """Return what is wrong with the pictures, "" if nothing."""
        suspicion = self._repeats.suspicion
        return suspicion_words(suspicion) if suspicion is not None else pace_words(self._pace)

    @property
    def challenge(self) -> Progress | None:
        """Return what somebody before the camera is asked to do now."""
        return self._asking.progress

    @property
    def view(self) -> View:
        """Return the gallery and the threshold in use."""
        return self._view

    def set_direction(self, direction: Direction) -> None:
        """Record this direction from the next frame on; frames that agreed before no longer count."""
        self._rules = replace(self._rules, direction=direction)
        self._begin_anew()

    def start(self) -> list[Passage]:
        """Load the gallery and close what a crash left open; return those passages.

        Raises UserError, such as for a wrong master key, instead of starting a daemon that refuses everybody.
        """
        self._view = self._watch.load()
        self._repeats.start(self._rules.camera)
        left = self._recorder.close_open(self._rules.camera)
        for passage in left:
            log.warning("passage %s was granted at %s, but no door event was noted", passage.id, passage.at)
        return left

    def process(self, frame: Frame) -> list[Outcome]:
        """Look, decide, agree over several frames, then record each person who settled.

        Never raises.  Empty while nobody is there and while the frames do not agree yet.
        """
        outcomes: list[Outcome] = []
        self._timings = {}
        try:
            view = self._view = self._watch.refresh(timedelta(0) if self._edge is None else self._edge.lasts)
            self._repeats.let_lapse(frame)
            self._keep_pace(frame)
            probes = self._analyser.analyse(frame, self._rules.max_faces)
            self._timings.update(self._analyser.timings)
            looks = self._looks(frame, probes, view)
            self._fresh.looked(frame, looks)
            waited = self._waited(frame, looks, view)
            agreed = self._agreeing.add(frame, looks, view)
            for ready in (*waited, *self._asked(frame, looks, agreed, view)):
                if self._is_static(frame, ready.settled):
                    continue
                outcome = self._record(frame, ready, view)
                if isinstance(outcome, Ready):
                    self._fresh.hold(frame, looks, outcome)
                else:
                    outcomes.append(outcome)  # at once: a fault of the next person leaves it standing
            self._let_rest(frame, probes, view)
        except Exception as error:  # fail secure: whatever it was, it ends as a denial
            outcomes.append(self._refuse(frame, error))
        self._notice(outcomes)
        return outcomes

    def _keep_pace(self, frame: Frame) -> None:
        """Stretch the durations of an attempt while pictures come slowly, and say so once."""
        before = self._pace.slow
        self._pace.add(frame.taken_at)
        self._agreeing.set_stretch(self._pace.stretch)
        self._fresh.stretch = self._pace.stretch
        if self._gate is not None:
            self._gate.stretch = self._pace.stretch
        if self._pace.slow is not before:
            words = pace_words(self._pace) or "enough pictures come again"
            log.warning("camera %s: %s", frame.camera, words)

    def _looks(self, frame: Frame, probes: list[Probe], view: View) -> list[Probe]:
        """Return the faces that were looked at in this picture; those that rest are kept where they are."""
        if resting := [probe for probe in probes if probe.rested]:
            self._agreeing.keep(frame, resting, view)
        return [probe for probe in probes if not probe.rested]

    def _let_rest(self, frame: Frame, probes: list[Probe], view: View) -> None:
        """Let the faces rest once everybody is decided about; a picture that was not searched changes nothing."""
        if probes:
            waits = self._fresh.waiting or self._asking.waiting or (self._gate is not None and self._gate.waiting)
            self._rest(not waits and self._agreeing.decided(frame, len(probes), view))

    def _waited(self, frame: Frame, probes: list[Probe], view: View) -> list[Ready]:
        """Return the grants that waited for this picture; whoever it does not confirm can settle anew."""
        if not self._fresh.waiting:
            return []
        waited, failed = self._fresh.again(frame, probes, view.decide, self._repeats.is_repeat)
        if failed:
            self._begin_anew()
        return waited

    def _is_static(self, frame: Frame, settled: Settled) -> bool:
        """Return whether this poor picture was refused before and has not changed since."""
        about_picture = settled.decision.reason.about_picture
        return about_picture and self._static.knows(frame.image, settled.box, frame.taken_at)

    def _judged(self, frame: Frame, probes: list[Probe], agreed: list[Settled]) -> list[tuple[Settled, Ruling | None]]:
        """Ask for liveness before a grant, where this camera does; a grant may then come some frames later."""
        if self._gate is None:
            return [(settled, None) for settled in agreed]
        begun = perf_counter()
        ready = self._gate.add(frame, probes, agreed)
        self._timings["liveness"] = (perf_counter() - begun) * 1000
        return ready

    def _asked(self, frame: Frame, probes: list[Probe], agreed: list[Settled], view: View) -> list[Ready]:
        """Ask who needs it to move before the camera; a grant then comes when that has ended."""
        sorted_out = self._asking.sort(
            frame,
            probes,
            self._judged(frame, probes, agreed),
            lambda settled: self._passage(frame, settled.decision, settled.frames, view),
            view.decide,
            self._repeats.is_repeat,
        )
        return [Ready(settled, ruling, answered) for settled, ruling, answered in sorted_out]

    def _record(self, frame: Frame, ready: Ready, view: View) -> Outcome | Ready:
        """Record what is ready; a grant whose picture has grown too old to open a door stays ready for the next."""
        settled, ruling, answered = ready.settled, ready.ruling, ready.answered
        if answered is not None and ruling is not None and answered.passed and not ruling.unsure:
            ruling = replace(ruling, passes=True, reason=None)
        # In doubt the rules ask for a second factor unless a movement settled it; a clear picture proves nothing.
        asks = ruling is not None and (ruling.unsure if answered is not None else ruling.asks_more)
        asks = asks and (answered is None or answered.passed)
        decision = settled.decision if asks or ruling is None or ruling.reason is None else denied(ruling.reason)
        if answered is not None and not answered.passed:
            decision = denied(Reason.CHALLENGE_FAILED)
        passage = self._passage(frame, decision, settled.frames, view)
        progress, noted = None if answered is None else answered.progress, list[str]()

        def note(session: Session, written: Passage) -> None:
            if ruling is not None:
                liveness_rows.add_ruling(
                    session, written.id, ruling.policy, ruling.judgement, ruling.model_id, ruling.source
                )
            if progress is not None:
                challenges.end(session, progress, written.id)
                noted.append(written.id)

        alone = self._passage(frame, denied(Reason.LIVENESS_STEP_UP), settled.frames, view) if asks else passage
        recorded = self._committed(frame, passage, note, alone, asks, ready)
        if isinstance(recorded, Ready):
            return recorded
        if progress is not None and not noted:  # a repeat at a tablet writes no passage
            self._asking.close(progress, recorded.passage.id)
        self._timings.update(recorded.timings)
        overruled = decision.granted and not recorded.passage.granted
        return Outcome(
            recorded.passage,
            denied(recorded.passage.reason) if overruled else decision,
            settled,
            recorded.repeat,
            recorded.person_name,
            recorded.opening,
            self._timings,
            ruling,
            None if answered is None else answered.ended,
        )

    def _committed(
        self, frame: Frame, passage: Passage, note: Note, alone: Passage, asks: bool, ready: Ready
    ) -> Recorded | Ready:
        """Commit the request; while the database is away the door's copy of the rules decides on `alone`, if any.

        Returns what waits for the next picture if this one has grown too old to open a door: before, while a lock was
        waited for, or until the database turned out to be away.  Then the copy decides about the next one at once.
        """

        def fresh() -> bool:
            return self._fresh.allows(frame)

        if passage.granted and not fresh():
            return ready
        try:
            if ready.error is not None:
                raise ready.error
            if self._edge is not None:
                self._edge.bring_in_first()
            recorded = self._recorder.record(
                passage.id, lambda _session: passage, note, liveness_asks=asks, challenged=_moved(ready), fresh=fresh
            )
            return recorded or ready
        except Exception as error:
            if passage.granted and self._edge is not None and self._edge.lasts and is_away(error) and not fresh():
                return replace(ready, error=error)
            recorded = None if self._edge is None else self._edge.record(alone, error)
            if recorded is None:
                raise
            return recorded

    def _begin_anew(self) -> None:
        """Forget the looks so far: nobody passes on them."""
        self._agreeing.forget()
        self._rest(False)
        self._asking.forget()
        self._fresh.forget()
        if self._gate is not None:
            self._gate.forget()

    def _refuse(self, frame: Frame, error: Exception) -> Outcome:
        """Deny because of a fault; log and record a lasting one once in `fault_every`, not with every frame."""
        # Frames that agreed before the fault no longer count, and the person can settle anew.
        self._begin_anew()
        reason = Reason.STALE_GALLERY if self._view.stale else Reason.FAULT
        text, now = f"{type(error).__name__}: {error}", self._clock.now()
        lasting = self._fault_at is not None and abs(now - self._fault_at) < self._rules.fault_every
        if lasting and text == self._fault_text:
            return Outcome(None, denied(reason), None, True, timings=self._timings)
        log.error("a frame of camera %s ended in a fault", frame.camera, exc_info=error)
        self._fault_text, self._fault_at = text, now
        passage = self._passage(frame, denied(reason), 1, self._view)
        try:
            self._recorder.record(passage.id, lambda _session: passage)
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


def _moved(ready: Ready) -> bool:
    """Return whether this face moved as it was asked to."""
    return ready.answered is not None and ready.answered.passed

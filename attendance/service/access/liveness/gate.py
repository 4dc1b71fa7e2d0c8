"""Before a grant is recorded: is the face of this track a living person's?

In: frames with their faces; the decisions that the looks agreed on.  Out: those decisions with a `Ruling` each.
Does not know: networks (a port), the database, doors.
Main choice: the network looks only at a track that is about to be granted, and from then on at every third look at
most.  Trade-off: the person waits for more looks while the answer is unclear, or lies just beyond a limit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from attendance.domain.access.consensus import Settled
from attendance.domain.access.liveness.fusion import (
    MOST_LOOKS,
    Judgement,
    LivenessPoint,
    Policy,
    Verdict,
    is_sure,
    judge,
)
from attendance.domain.access.liveness.still_pictures import Sight, plane, ring, sight_of
from attendance.domain.access.track import SAME_PERSON
from attendance.domain.faces import Box, Frame, Probe, Template
from attendance.domain.reason import Reason
from attendance.service.ports import LivenessLook

SAME_FACE = 0.1  # overlap of a face with the same person's face one look earlier
MOST_SIGHTS = 8


@dataclass(frozen=True, slots=True)
class LivenessRules:
    """The settings of one camera.  `every`: looks from one answer of the network to the next · `most_looks`: answers
    until the verdict · `wait`: the longest time from the first answer to the verdict · `refused_most`: faces of one
    person that did not look alive within `refused_within`, after which that face waits; 0: it never does."""

    policy: Policy = Policy.OFF
    every: int = 3
    most_looks: int = MOST_LOOKS
    wait: timedelta = timedelta(seconds=2)
    forget: timedelta = timedelta(seconds=2)
    refused_most: int = 5
    refused_within: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate made of a grant.  `passes`: whether the person is let in · `reason`: of a refusal, else None.

    CHALLENGE_FAILED says that the person passes by moving as asked, and not without; TOO_MANY_ATTEMPTS that this face
    was refused before, whatever the cues say now.
    """

    policy: Policy
    judgement: Judgement
    passes: bool
    reason: Reason | None
    model_id: str
    source: str

    @property
    def asks_more(self) -> bool:
        """Return whether the cues are unclear and another proof is asked for."""
        unclear = self.judgement.verdict is Verdict.UNCLEAR
        return unclear and self.reason in (Reason.LIVENESS_STEP_UP, Reason.CHALLENGE_FAILED)

    @property
    def unsure(self) -> bool:
        """Return whether a second factor is asked for, which no movement replaces."""
        return self.asks_more and self.reason is Reason.LIVENESS_STEP_UP


@dataclass(slots=True, eq=False)
class _Track:
    """One face by its place; `first` is the template that every later one must resemble."""

    box: Box
    at: datetime
    first: Template
    sights: deque[Sight] = field(default_factory=lambda: deque(maxlen=MOST_SIGHTS))
    logits: list[float] = field(default_factory=list)
    since_look: int = 0
    waiting: Settled | None = None
    waiting_since: datetime | None = None


class LivenessGate:
    """The gate of one camera.  Not for several threads at once."""

    def __init__(self, network: LivenessLook, point: LivenessPoint, rules: LivenessRules) -> None:
        self._network, self._point, self._rules = network, point, rules
        self._tracks: list[_Track] = []
        self._refused: dict[int, list[datetime]] = {}  # outlives `forget`: a fault gives no further tries
        self.stretch = 1.0  # of the durations, while pictures come slowly (`domain/access/pace`)

    @property
    def policy(self) -> Policy:
        """Return what follows here."""
        return self._rules.policy

    @property
    def point(self) -> LivenessPoint:
        """Return the operating point in force here."""
        return self._point

    @property
    def waiting(self) -> bool:
        """Return whether a grant waits for its ruling."""
        return any(track.waiting is not None for track in self._tracks)

    def forget(self) -> None:
        """Forget all tracks, such as after a fault: nobody passes on looks from before it."""
        self._tracks.clear()

    def add(
        self, frame: Frame, probes: Sequence[Probe], settled: Sequence[Settled]
    ) -> list[tuple[Settled, Ruling | None]]:
        """Add one frame; return what can be recorded now, refusals as they came and grants with their ruling.

        `probes`: the faces of this frame; those without a template say nothing.
        """
        ready: list[tuple[Settled, Ruling | None]] = list(self._lapsed(frame.taken_at))
        for probe in probes:
            if probe.template is not None:
                self._see(frame, probe, probe.template)
        for one in settled:
            if not one.decision.granted:
                ready.append((one, None))
                continue
            track = self._at(one.box, frame.taken_at)
            if track is None:
                raise ValueError("a face was granted that is not in this frame")
            track.waiting, track.waiting_since = one, frame.taken_at
            track.since_look = self._rules.every
        for track in list(self._tracks):
            if track.waiting is not None and track.at == frame.taken_at:
                ruling = self._ruling(frame, track)
                if ruling is not None:
                    ruling = self._in_its_turn(track.waiting, ruling, frame.taken_at)
                    ready.append((replace(track.waiting, box=track.box), ruling))
                    # What was seen is not used again: somebody else may be granted in the same place later.
                    self._tracks.remove(track)
        return ready

    def _lapsed(self, now: datetime) -> list[tuple[Settled, Ruling]]:
        """Judge who went away before the answer was clear; forget who was not seen for a while."""
        here: list[_Track] = []
        gone: list[_Track] = []
        for track in self._tracks:
            (here if timedelta(0) <= now - track.at <= self._rules.forget * self.stretch else gone).append(track)
        self._tracks = here
        left = [(track.waiting, self._left(track)) for track in gone if track.waiting is not None]
        return [(settled, self._in_its_turn(settled, ruling, now)) for settled, ruling in left]

    def _in_its_turn(self, settled: Settled, ruling: Ruling, now: datetime) -> Ruling:
        """Count a face that did not look alive; after several of one person refuse the next, whatever the cues say.

        A picture that is shown again and again would pass in the end.  Whoever is asked to move is counted there.
        """
        rules, person = self._rules, settled.decision.person_id
        if person is None or not rules.refused_most or rules.policy is Policy.WATCH:
            return ruling
        recent = [at for at in self._refused.get(person, ()) if abs(now - at) < rules.refused_within]
        self._refused[person] = recent
        if len(recent) >= rules.refused_most:
            return replace(ruling, passes=False, reason=Reason.TOO_MANY_ATTEMPTS)
        if ruling.judgement.verdict is not Verdict.LIVE and ruling.reason is not Reason.CHALLENGE_FAILED:
            recent.append(now)
        return ruling

    def _left(self, track: _Track) -> Ruling:
        """Return the ruling on somebody who is no longer there: nobody passes then, whatever the cues said."""
        ruling = self._rule(self._judged(track))
        return replace(ruling, passes=False, reason=ruling.reason or Reason.NOT_LIVE)

    def _see(self, frame: Frame, probe: Probe, template: Template) -> None:
        """Follow a face; another identity in its place begins anew, and a grant that waits there never comes."""
        track = self._at(probe.box, frame.taken_at, seen_now=False)
        if track is not None and not template_alike(track.first, template):
            self._tracks.remove(track)
            track = None
        if track is None:
            track = _Track(probe.box, frame.taken_at, template)
            self._tracks.append(track)
        track.box, track.at = probe.box, frame.taken_at
        track.sights.append(sight_of(frame.image, probe.box, probe.landmarks))
        track.since_look += 1

    def _at(self, box: Box, at: datetime, seen_now: bool = True) -> _Track | None:
        """Return the track at this place, the largest overlap first, that was seen in this frame, or before it."""
        near = [(_grown(t.box).iou(_grown(box)), t) for t in self._tracks if (t.at == at) == seen_now]
        overlap, track = max(near, key=lambda pair: pair[0], default=(0.0, None))
        return track if overlap >= SAME_FACE else None

    def _ruling(self, frame: Frame, track: _Track) -> Ruling | None:
        """Return the ruling on a waiting track, None while more looks are needed."""
        rules = self._rules
        if track.since_look >= rules.every / self.stretch:
            track.logits.append(self._network.look(frame.image, track.box))
            track.since_look = 0
        judgement = self._judged(track)
        assert track.waiting_since is not None
        waited = frame.taken_at - track.waiting_since
        enough = len(track.logits) >= rules.most_looks or waited >= rules.wait * self.stretch
        if not (enough or rules.policy is Policy.WATCH or is_sure(judgement, self._point)):
            return None
        return self._rule(judgement)

    def _judged(self, track: _Track) -> Judgement:
        sights = list(track.sights)
        return judge(track.logits, ring(sights), plane(sights), self._point)

    def _rule(self, judgement: Judgement) -> Ruling:
        policy = self._rules.policy
        live = judgement.verdict is Verdict.LIVE
        reason = None
        if judgement.verdict is Verdict.UNCLEAR and policy is Policy.CHALLENGE:
            reason = Reason.CHALLENGE_FAILED  # unless the person then moves as asked
        elif not live and policy in (Policy.STEP_UP, Policy.CHALLENGE):
            reason = Reason.LIVENESS_STEP_UP
        elif not live and policy is Policy.REFUSE:
            reason = Reason.NOT_LIVE
        return Ruling(policy, judgement, reason is None, reason, self._network.model_id, self._point.source)


Gates = Callable[[str], LivenessGate | None]


def template_alike(one: Template, other: Template) -> bool:
    """Return whether two looks show one identity; False for numbers that cannot be compared."""
    return one.model_id == other.model_id and one.score(other) >= SAME_PERSON


def no_gate(_camera: str) -> LivenessGate | None:
    """Return no gate, for any camera."""
    return None


def _grown(box: Box) -> Box:
    """Return the box a half larger, so that a walker seen a few times a second is followed."""
    across, down = box.width / 4, box.height / 4
    return Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)

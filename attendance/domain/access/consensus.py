"""Several looks at one face: when do they agree on one decision?

In: boxes with decisions, frame by frame, with their times.  Out: `Settled` decisions, on which a door may act.
Does not know: networks, cameras, databases, doors.
Main choice: a person passes only when the newest `frames_needed` looks at one face all name that person and
nobody else was named within the window.  Trade-off: a fraction of a second, and two seconds more for a person
whose face was taken for another's.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from attendance.domain.access.decision import Decision
from attendance.domain.faces import Box, Probe
from attendance.domain.reason import Reason

# An approaching face is too small or blurred at first, and one wrong name is forgotten after the window: such
# looks alone are refused this much later.
PATIENCE = 1.5


# Whoever was refused may still turn to the camera and be recognised; after so long a look a second does for that.
DENIED_LONG = timedelta(seconds=5)

# A face counts as the same in the next frame when the two boxes, each widened by GROWTH of its
# size on every side, overlap by SAME_FACE (IoU).  Widened so that a walker seen five times a second is
# followed; two people side by side stand two face widths apart and stay apart.
GROWTH = 0.25


SAME_FACE = 0.2


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of several looks at one face.

    `decision` and `box` are those of the newest look that counted; `frames`: how many looks counted,
    from `first_at` to `last_at`.
    """

    decision: Decision
    box: Box
    frames: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class _Look:
    at: datetime
    box: Box
    decision: Decision
    repeat: bool = False


@dataclass(slots=True)
class _Refusals:
    """Refused looks of one kind since the track began."""

    first_at: datetime | None = None
    reasons: Counter[Reason] = field(default_factory=Counter)
    newest: dict[Reason, _Look] = field(default_factory=dict)

    def add(self, look: _Look) -> None:
        self.first_at = self.first_at or look.at
        self.reasons[look.decision.reason] += 1
        self.newest[look.decision.reason] = look

    def settle(self, at: datetime, frames_needed: int, long_enough: timedelta) -> Settled | None:
        """Return the most frequent reason; of equally frequent ones the first."""
        if self.first_at is None or self.reasons.total() < frames_needed or at - self.first_at < long_enough:
            return None
        ((reason, frames),) = self.reasons.most_common(1)
        newest = self.newest[reason]
        return Settled(newest.decision, newest.box, frames, self.first_at, newest.at)


@dataclass(slots=True)
class _Track:
    """One face, followed from frame to frame."""

    box: Box
    seen_at: datetime
    judged: deque[_Look] = field(default_factory=deque)  # the newest `frames_needed` looks at a good picture
    named: deque[tuple[datetime, int]] = field(default_factory=deque)  # who was named within the window
    refused: _Refusals = field(default_factory=_Refusals)
    refused_or_passing: _Refusals = field(default_factory=_Refusals)
    granted_to: int | None = None
    denied: bool = False
    denied_at: datetime | None = None

    def decided(self, at: datetime) -> bool:
        """Return whether looks like the newest one change nothing.

        Of the person who was granted, too poor all along, or of nobody and refused for DENIED_LONG.
        """
        if not self.judged:
            return self.denied
        named = self.judged[-1].decision.person_id
        if self.granted_to is not None:
            return named == self.granted_to
        return named is None and self.denied_at is not None and at - self.denied_at >= DENIED_LONG


class Consensus:
    """Follows the faces of one camera; gives each at most one grant and at most one denial.

    Followed by place only and never by who was recognised: looks that were collected because they
    agree could not be counted as agreeing.  When people cross and their tracks swap, the names
    disagree and nobody passes until the window is over.

    - Granted: the newest `frames_needed` looks at good pictures, all within `window`, name the same
      person, and no look within `window` names another.  An unknown or ambiguous look in between
      starts the count anew (else a long stay would be many attempts at a lucky few); a poor picture
      neither counts nor interrupts.
    - A repeat of an earlier picture (`repeated_looks`) that names somebody is no further look: it never counts
      towards a grant.  It still says that somebody was named, and so keeps another person from passing.
    - Of two faces in one frame that are taken for the same person, only the better one counts, and
      none when they are equal.
    - Denied, by the most frequent reason: at least `frames_needed` refused looks that span
      `settle_denial`, no grant yet.  A look that names another person than an earlier one within the
      window counts as ambiguous.  Poor pictures and such ambiguous looks mend themselves; without
      other refusals they must span half as long again.
    - A denial may turn into a grant.  After a grant only another person is granted in the same
      place: a person who steps in front of the first one.
    - A track not seen for longer than `forget` is forgotten.  When time runs backwards, everything is:
      ages could no longer be known.

    Raises ValueError for frames_needed < 1 or a negative duration.  Not for several threads at once.
    """

    def __init__(
        self,
        frames_needed: int,
        window: timedelta,
        forget: timedelta,
        settle_denial: timedelta = timedelta(seconds=1.5),
    ) -> None:
        if frames_needed < 1:
            raise ValueError("at least one frame is needed")
        if min(window, forget, settle_denial) < timedelta(0):
            raise ValueError("durations are not negative")
        self._frames_needed, self._window = frames_needed, window
        self._forget, self._settle_denial = forget, settle_denial
        self.stretch = 1.0  # of window and forget, while pictures come slowly (`pace`)
        self._tracks: list[_Track] = []
        self._now: datetime | None = None

    def add(
        self, at: datetime, faces: Sequence[tuple[Box, Decision]], repeats: Sequence[bool] | None = None
    ) -> list[Settled]:
        """Add one frame, taken at `at`, with all its faces; also call it for a frame without faces.

        `repeats`: for each face whether it is the same picture as an earlier look; None: none is.
        """
        self._lapse(at)
        decisions = _one_place_each([decision for _, decision in faces])
        known = [False] * len(faces) if repeats is None else repeats
        looks = [
            _Look(at, box, decision, repeat) for (box, _), decision, repeat in zip(faces, decisions, known, strict=True)
        ]
        settled = []
        for track, look in self._follow(looks):
            track.box, track.seen_at = look.box, at
            result = self._look(track, look)
            if result is not None:
                settled.append(result)
        return settled

    def keep(self, at: datetime, boxes: Sequence[Box]) -> list[Box]:
        """Note where faces are that rest: they stay, unlearned.  Return who of them was granted."""
        self._lapse(at)
        granted = []
        for number, index in nearest([track.box for track in self._tracks], boxes).items():
            track = self._tracks[index]
            track.box, track.seen_at = boxes[number], at
            if track.granted_to is not None:
                # As with a repeated picture: no look, but whoever takes the place has to wait as long as ever.
                track.named.append((at, track.granted_to))
                granted.append(boxes[number])
        return granted

    def _lapse(self, at: datetime) -> None:
        """Forget whose place was empty for long; all, if time runs backwards."""
        if self._now is not None and at < self._now:
            self._tracks.clear()
        self._now = at
        self._tracks = [track for track in self._tracks if at - track.seen_at <= self._forget * self.stretch]

    def decided(self, at: datetime, faces: int) -> bool:
        """Return whether so many faces were seen at `at`, and further looks like the newest would change nothing."""
        here = [track for track in self._tracks if track.seen_at == at]
        return len(here) == faces and all(track.decided(at) for track in here)

    def _follow(self, looks: list[_Look]) -> list[tuple[_Track, _Look]]:
        """Return each look with its track, in the order given: the largest overlap first, else a new track."""
        track_of = nearest([track.box for track in self._tracks], [look.box for look in looks])
        followed = []
        for number, look in enumerate(looks):
            if number in track_of:
                track = self._tracks[track_of[number]]
            else:
                track = _Track(look.box, look.at)
                self._tracks.append(track)
            followed.append((track, look))
        return followed

    def _look(self, track: _Track, look: _Look) -> Settled | None:
        while track.named and look.at - track.named[0][0] > self._window * self.stretch:
            track.named.popleft()
        if look.decision.reason.about_picture:
            return self._refuse(track, look, passing=True)
        if look.repeat and look.decision.person_id is not None:
            track.named.append((look.at, look.decision.person_id))
            return None
        track.judged.append(look)
        if len(track.judged) > self._frames_needed:
            track.judged.popleft()
        person_id = look.decision.person_id
        if person_id is None:
            return self._refuse(track, look, passing=False)
        track.named.append((look.at, person_id))
        if any(other != person_id for _, other in track.named):
            return self._refuse(track, replace(look, decision=_as_ambiguous(look.decision)), passing=True)
        return self._grant(track, person_id)

    def _grant(self, track: _Track, person_id: int) -> Settled | None:
        looks = list(track.judged)
        first, last = looks[0], looks[-1]
        agree = len(looks) == self._frames_needed and all(look.decision.person_id == person_id for look in looks)
        if not agree or last.at - first.at > self._window * self.stretch or track.granted_to == person_id:
            return None
        track.granted_to = person_id
        return Settled(last.decision, last.box, len(looks), first.at, last.at)

    def _refuse(self, track: _Track, look: _Look, passing: bool) -> Settled | None:
        track.refused_or_passing.add(look)
        if not passing:
            track.refused.add(look)
        if track.denied or track.granted_to is not None:
            return None
        settled = track.refused.settle(look.at, self._frames_needed, self._settle_denial)
        settled = settled or track.refused_or_passing.settle(
            look.at, self._frames_needed, self._settle_denial * PATIENCE
        )
        track.denied, track.denied_at = settled is not None, None if settled is None else look.at
        return settled


def _one_place_each(decisions: Iterable[Decision]) -> list[Decision]:
    """Make all but the best of several faces taken for one person ambiguous: nobody is in two places."""
    decisions = list(decisions)
    scores: dict[int, list[float]] = {}
    for decision in decisions:
        if decision.person_id is not None:
            scores.setdefault(decision.person_id, []).append(_score(decision))
    result = []
    for decision in decisions:
        rivals = [] if decision.person_id is None else scores[decision.person_id]
        beaten = len(rivals) > 1 and (_score(decision) < max(rivals) or rivals.count(max(rivals)) > 1)
        result.append(_as_ambiguous(decision) if beaten else decision)
    return result


def _score(decision: Decision) -> float:
    return -math.inf if decision.score is None else decision.score


def _as_ambiguous(decision: Decision) -> Decision:
    return replace(decision, reason=Reason.AMBIGUOUS, person_id=None)


def nearest(places: Sequence[Box], boxes: Sequence[Box]) -> dict[int, int]:
    """Return for each box, by its number, the number of the place that it is in: the largest overlap first."""
    overlaps = [
        (overlap_of(place, box), index, number)
        for index, place in enumerate(places)
        for number, box in enumerate(boxes)
    ]
    place_of: dict[int, int] = {}
    for overlap, index, number in sorted(overlaps, key=lambda overlap: -overlap[0]):
        if overlap >= SAME_FACE and number not in place_of and index not in place_of.values():
            place_of[number] = index
    return place_of


def face_at(place: Box, faces: Sequence[Probe]) -> Probe | None:
    """Return the face that is in this place; None if there is none."""
    return next((faces[number] for number in nearest([place], [face.box for face in faces])), None)


def overlap_of(first: Box, second: Box) -> float:
    """Return the overlap (IoU) of two boxes that are widened by GROWTH."""
    return _grown(first).iou(_grown(second))


def _grown(box: Box) -> Box:
    across, down = box.width * GROWTH, box.height * GROWTH
    return Box(box.x1 - across, box.y1 - down, box.x2 + across, box.y2 + down)

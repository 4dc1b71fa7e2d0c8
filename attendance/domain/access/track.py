"""One statement about all that was seen of a face: several different looks, pooled into one template.

In: the faces of each picture with their times; a rule that decides about a template.  Out: `Settled` attempts, on which
a door may act.
Does not know: networks, cameras, galleries, thresholds, doors.
Main choice: an attempt is one try.  Its looks are pooled, and the pool is decided about, so that no single lucky look
lets a stranger in.  Trade-off: an attempt has at most LOOKS_MOST looks; who is refused has to leave the place for a
moment before the next one.

Measured on CelebA's kept people whose number is divisible by 10 (`docs/LOG.md`, «An attempt of pooled looks»).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.attempts import RefusedAttempts
from attendance.domain.access.consensus import PATIENCE, Settled, nearest
from attendance.domain.access.decision import Decision
from attendance.domain.access.scoring import ATTEMPT_MEAN, Scoring, unit
from attendance.domain.faces import Box, Probe, Template
from attendance.domain.reason import Reason

# The best pooled score of up to so many looks counts.  Further looks refused 0.4 % fewer own people.
LOOKS_MOST = 8
# So many times more strangers reach a threshold by the best of an attempt than by its first three looks: 2.2 and 2.3
# measured for looks of different days; looks of one video differ less, and so gain less.
TRIES = 2.5
# A look whose cosine with the pool is lower shows somebody else.  Measured on the webcam pictures of `nuaa` 0001-0008:
# looks of one visit reach 0.69 in all but 0.05 %, those of two people 0.49 in 1 % (0.29 among celebrities).
SAME_PERSON = 0.5
# A look differs from the one before by time alone after so long; the first few, on which a decision waits, sooner.
SOON, LATER = timedelta(seconds=0.3), timedelta(seconds=1)
# Or when something changed, but never sooner than this: neighbours in a video are one look.
AT_LEAST = timedelta(seconds=0.1)
MOVED = 0.15  # of the box's width, by its middle or by its size
TURNED = 0.08  # of the eyes' distance (`Quality.yaw`), or of the distance from eyes to mouth (`Quality.pitch`)
TILTED = 5.0  # degrees
RELIT = 10.0  # grey levels

Decide = Callable[[Probe], Decision]
# Whether this picture of a face was seen before; the second argument: whether the look names somebody.
IsRepeat = Callable[[Probe, bool], bool]


def differs(one: Probe, other: Probe) -> bool:
    """Return whether two looks differ by place, pose or light."""
    width = max(one.box.width, 1e-6)
    across = abs(one.box.x1 + one.box.x2 - other.box.x1 - other.box.x2) / 2
    down = abs(one.box.y1 + one.box.y2 - other.box.y1 - other.box.y2) / 2
    a, b = one.quality, other.quality
    return (
        max(across, down, abs(one.box.width - other.box.width)) >= MOVED * width
        or abs(a.yaw - b.yaw) >= TURNED
        or abs(a.pitch - b.pitch) >= TURNED
        or abs(a.roll - b.roll) >= TILTED
        or abs(a.brightness - b.brightness) >= RELIT
    )


@dataclass(slots=True, eq=False)
class _Track:
    """One face, followed from picture to picture.

    `pool` [D]: the sum of its looks · `decision`: about the pool · `poor`: looks without a score, by their reason.
    """

    number: int
    box: Box
    seen_at: datetime
    looks: int = 0
    pool: NDArray[np.float32] | None = None
    newest: Probe | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    decision: Decision | None = None
    poor: Counter[Reason] = field(default_factory=Counter)
    poor_looks: dict[Reason, tuple[Decision, Box, datetime]] = field(default_factory=dict)
    poor_since: datetime | None = None
    repeats: int = 0
    granted_to: int | None = None
    denied: bool = False

    @property
    def over(self) -> bool:
        return self.looks >= LOOKS_MOST or self.granted_to is not None

    @property
    def decided(self) -> bool:
        """Whether no further look could change anything: granted, or refused and over, or too poor all along."""
        return self.granted_to is not None or (self.denied and (self.over or not self.looks))


class Tracks:
    """Follows the faces of one camera; gives each attempt at most one grant and at most one denial.

    An attempt begins with the first look at a face and ends when nobody was seen in its place for `forget`, when the
    face jumps, or when the place shows another identity.  It takes no further looks after LOOKS_MOST.

    - A look counts if it differs from the one before: by time, place, pose or light.  The same pixels again are not a
      further look.
    - Granted: at least `looks_needed` looks, and the rule names somebody for their pool.  The newest of them is of the
      picture in hand, so that an unlock uses an embedding of this picture.
    - Each picture's embedding is compared with the pool: another identity ends the track at once, and its looks are
      never pooled with those of the one before.
    - Of two faces in one picture that are taken for the same person, only the better one counts, and none when equal.
    - Denied: at least `looks_needed` looks over `settle_denial`, without a name; or poor pictures half as long again.
      A denial may turn into a grant while the attempt lasts.
    - Refused, too, is an attempt that ends before its denial settled, if it had the looks for a grant: else whoever
      moves on every second would have any number of tries.
    - After a face was refused often (`RefusedAttempts`), its next attempts are refused whatever they score.

    Raises ValueError for looks_needed outside 1..LOOKS_MOST or a negative duration.  Not for several threads at once.
    """

    def __init__(
        self,
        looks_needed: int,
        forget: timedelta,
        settle_denial: timedelta = timedelta(seconds=1.5),
        refused: RefusedAttempts | None = None,
    ) -> None:
        if not 1 <= looks_needed <= LOOKS_MOST:
            raise ValueError(f"an attempt takes 1 to {LOOKS_MOST} looks, not {looks_needed}")
        if min(forget, settle_denial) < timedelta(0):
            raise ValueError("durations are not negative")
        self._looks_needed, self._forget, self._settle_denial = looks_needed, forget, settle_denial
        self._refused = RefusedAttempts() if refused is None else refused
        self.stretch = 1.0  # of forget, while pictures come slowly (`pace`)
        self._tracks: list[_Track] = []
        self._scoring = ATTEMPT_MEAN
        self._now: datetime | None = None

    def add(
        self,
        at: datetime,
        faces: Sequence[Probe],
        decide: Decide,
        is_repeat: IsRepeat,
        scoring: Scoring = ATTEMPT_MEAN,
    ) -> list[Settled]:
        """Add one picture, taken at `at`, with all its faces; also call it for a picture without faces.

        `scoring`: the way of comparing of `decide`.
        """
        self._scoring = scoring
        self._lapse(at)
        followed = self._follow(at, faces)
        for track, probe in followed:
            track.box, track.seen_at = probe.box, at
            self._look(track, probe, at, decide, is_repeat)
        here = [track for track, _ in followed]
        _refuse_beaten(here)
        settled = [self._settle(track, at) for track in here]
        return [one for one in settled if one is not None]

    def keep(self, at: datetime, boxes: Sequence[Box]) -> None:
        """Note where faces are that rest: they stay, and nothing is learned of them (`Probe.rested`)."""
        self._lapse(at)
        for track, box in zip(self._nearest(boxes), boxes, strict=True):
            if track is not None:
                track.box, track.seen_at = box, at

    def _lapse(self, at: datetime) -> None:
        """Forget whose place was empty for long; all, if time runs backwards."""
        if self._now is not None and at < self._now:
            self._tracks.clear()
        self._now = at
        for track in [one for one in self._tracks if at - one.seen_at > self._forget * self.stretch]:
            self._leave(track, at)

    def _leave(self, track: _Track, at: datetime) -> None:
        """End a track; a try that was refused and never settled counts as a refused attempt."""
        self._tracks.remove(track)
        if track.granted_to is None and not track.denied and track.looks >= self._looks_needed:
            self._note(track, at)

    def _note(self, track: _Track, at: datetime) -> None:
        refused = track.decision is not None and track.decision.reason in (Reason.UNKNOWN, Reason.AMBIGUOUS)
        if refused and track.pool is not None:
            self._refused.note(track.number, unit(track.pool), at)

    def decided(self, at: datetime, faces: int) -> bool:
        """Return whether so many faces were seen at `at`, and no further look at any of them could change a thing."""
        here = [track for track in self._tracks if track.seen_at == at]
        return len(here) == faces and all(track.decided for track in here)

    def _follow(self, at: datetime, faces: Sequence[Probe]) -> list[tuple[_Track, Probe]]:
        """Return each face with its track, in the order given: the largest overlap first, else a new track."""
        followed = []
        nearest = self._nearest([probe.box for probe in faces])
        for track, probe in zip(nearest, faces, strict=True):
            if track is not None and _is_another(track, probe):
                self._leave(track, at)
                track = None
            if track is None:
                track = _Track(self._refused.number(), probe.box, at)
                self._tracks.append(track)
            followed.append((track, probe))
        return followed

    def _nearest(self, boxes: Sequence[Box]) -> list[_Track | None]:
        """Return the track in each box's place, None where there is none."""
        known = list(self._tracks)
        track_of = nearest([track.box for track in known], boxes)
        return [known[track_of[number]] if number in track_of else None for number in range(len(boxes))]

    def _look(self, track: _Track, probe: Probe, at: datetime, decide: Decide, is_repeat: IsRepeat) -> None:
        """Take the look into the track if it counts, and decide about the pool."""
        if track.over or (probe.template is not None and not self._counts(track, probe, at)):
            return
        decision, pool = _decide(track, probe, decide)
        if decision.score is None or pool is None:
            track.poor_since = track.poor_since or at
            track.poor[decision.reason] += 1
            track.poor_looks[decision.reason] = decision, probe.box, at
            return
        if is_repeat(probe, decision.granted):
            track.repeats += 1
            return
        track.looks, track.pool, track.newest = track.looks + 1, pool, probe
        track.first_at, track.last_at = track.first_at or at, at
        if decision.granted and self._too_many(track.number, pool, decision, at):
            decision = replace(decision, reason=Reason.TOO_MANY_ATTEMPTS, person_id=None)
        track.decision = decision

    def _counts(self, track: _Track, probe: Probe, at: datetime) -> bool:
        if track.newest is None or track.last_at is None:
            return True
        after = at - track.last_at
        if after >= (SOON if track.looks < self._looks_needed else LATER):
            return True
        return after >= AT_LEAST and differs(track.newest, probe)

    def _too_many(self, number: int, pool: NDArray[np.float32], decision: Decision, at: datetime) -> bool:
        if decision.threshold is None:
            return False
        return self._refused.too_many(unit(pool), decision.threshold, at, number, self._scoring)

    def _settle(self, track: _Track, at: datetime) -> Settled | None:
        if track.granted_to is not None or track.decision is None:
            return self._settle_poor(track, at)
        decision = track.decision
        assert track.first_at is not None and track.last_at is not None
        if decision.person_id is not None:
            if track.looks < self._looks_needed or track.last_at != at:
                return None
            track.granted_to = decision.person_id
            self._refused.forget(track.number)
            return Settled(decision, track.box, track.looks, track.first_at, track.last_at)
        if track.denied:
            return None
        waited = at - track.first_at >= self._settle_denial or track.over
        if track.looks + track.repeats < self._looks_needed or not waited:
            return self._settle_poor(track, at)
        track.denied = True
        self._note(track, at)
        return Settled(decision, track.box, track.looks, track.first_at, track.last_at)

    def _settle_poor(self, track: _Track, at: datetime) -> Settled | None:
        """Return the most frequent flaw once poor pictures alone have lasted long enough."""
        number = track.poor.total() + track.looks
        if track.denied or track.granted_to is not None or track.poor_since is None or number < self._looks_needed:
            return None
        if at - track.poor_since < self._settle_denial * PATIENCE:
            return None
        ((reason, frames),) = track.poor.most_common(1)
        decision, box, last_at = track.poor_looks[reason]
        track.denied = True
        return Settled(decision, box, frames, track.poor_since, last_at)


def _is_another(track: _Track, probe: Probe) -> bool:
    """Return whether the place of this track shows another identity now."""
    if track.pool is None or probe.template is None:
        return False
    vector = probe.template.vector
    return vector.shape != track.pool.shape or not float(unit(track.pool) @ vector) >= SAME_PERSON  # NaN ends it too


def _decide(track: _Track, probe: Probe, decide: Decide) -> tuple[Decision, NDArray[np.float32] | None]:
    """Return what the rule says of the pool with this look, and the pool."""
    if probe.template is None:
        return decide(probe), track.pool
    vector = probe.template.vector
    pool: NDArray[np.float32] = vector.copy() if track.pool is None else track.pool + vector
    return decide(replace(probe, template=Template(unit(pool), probe.template.model_id))), pool


def _refuse_beaten(here: Sequence[_Track]) -> None:
    """Make all but the best of several faces of one picture that are taken for one person ambiguous.

    Nobody is in two places; who was granted already stays so, and keeps the others out.
    """
    beaten = []
    for track in here:
        mine = track.decision
        if mine is None or mine.person_id is None or track.granted_to is not None:
            continue
        rivals = [
            o for o in here if o is not track and o.decision is not None and o.decision.person_id == mine.person_id
        ]
        if any(
            o.granted_to is not None or _score(o.decision) >= _score(mine) for o in rivals if o.decision is not None
        ):
            beaten.append((track, replace(mine, reason=Reason.AMBIGUOUS, person_id=None)))
    for track, decision in beaten:
        track.decision = decision


def _score(decision: Decision) -> float:
    return -math.inf if decision.score is None else decision.score

"""A person is asked to turn the head or to come nearer, in an order that nobody knows before: is it done as asked?

In: a `Challenge`; looks at the face that it was put to.  Out: `Progress`: the step that is asked, and how it ended.
Does not know: pixels, the clock, chance (who draws an order takes it from `orders`), galleries, doors.
Main choice: one fixed order, one use.  A step counts when it is seen in several looks after the words could be read,
each of the same person at the threshold, on a way without leaps.  Another movement than the one asked for ends it, so
that a recording made for another order fails.  Trade-off: whoever mixes up left and right has to use a PIN or badge.

A picture that is brought nearer is nearer: so no order consists of that step alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from attendance.domain.access.consensus import SAME_FACE, overlap_of
from attendance.domain.access.liveness.turning import Floats, Turn, size_of, turn_between
from attendance.domain.faces import Box

# Of the eyes' distance.  Faces of two portraits turned by 30 degrees have 0.19 to 0.22, as the shipped detector sees
# them; prints and screens tilted up to 40 degrees at most 0.05, and sheets bent to a radius of 10 cm at most 0.15.
TURNED = 0.17
HELD = 0.9 * TURNED  # and in the looks after the first one that counts: landmarks waver by that
MIDDLE = 0.09  # the head looks ahead again
# Between two looks in a row; a head on its way takes more looks than that.  It is less than TURNED, or else a picture
# that is put in the place of another one would not leap.
LEAP = 0.13
NEARER = 1.2  # times the size
LOOKS = 2  # so many looks make a step, or a wrong one
REACTION = timedelta(seconds=0.3)  # nobody reads and moves sooner
WAITED = timedelta(seconds=2)  # until somebody who does too little is told so
GAP = timedelta(seconds=1.2)  # longer out of sight, and somebody else may have taken the place
# A head that is turned too far is as unlike its first look as another face.  It counts for nothing, and so long it has
# to read so and to turn back.
TOO_FAR = timedelta(seconds=2.5)
# A picture that is turned away: its eyes come together, and its nose stays between them.
NARROW, NO_DEPTH, FLAT_LOOKS = 0.85, 0.06, 3


class Step(StrEnum):
    """What is asked for; left and right are the person's own.  Stored by value: never rename one."""

    LEFT = "left"
    RIGHT = "right"
    NEARER = "nearer"


class Ended(StrEnum):
    """How a challenge ended.  Stored by value: never rename one."""

    PASSED = "passed"
    TOO_LATE = "too_late"
    OTHER_MOVE = "other_move"  # another movement than the one that was asked for
    FLAT = "flat"  # the face moved as a flat picture does
    OTHER_FACE = "other_face"
    JUMPED = "jumped"
    GONE = "gone"
    DECLINED = "declined"  # the person prefers a PIN or badge
    NOT_SHOWN = "not_shown"  # what was asked could not be shown


class Hint(StrEnum):
    """What would help.  Stored by value: never rename one."""

    SLOWLY = "slowly"  # the head moved too fast to be followed: look ahead, and turn again
    FURTHER = "further"  # it is begun, and not enough
    NOT_SO_FAR = "not_so_far"  # too little of the face is seen to recognise it


class Who(StrEnum):
    """Whom a look shows: the person at the threshold, nobody for certain, nobody who is like the first look, or
    somebody else for certain."""

    SAME = "same"
    UNSURE = "unsure"
    UNLIKE = "unlike"
    OTHER = "other"


def orders(steps: int, nearer: bool = True) -> tuple[tuple[Step, ...], ...]:
    """Return every order of so many steps, none twice in a row; `nearer`: whether there is room to come nearer.

    ValueError for fewer than two: one step could be guessed, and coming nearer alone proves nothing.
    """
    if steps < 2:
        raise ValueError("a challenge takes two steps at least")
    kinds = tuple(Step) if nearer else (Step.LEFT, Step.RIGHT)
    return tuple(
        order
        for order in itertools.product(kinds, repeat=steps)
        if all(one is not other for one, other in itertools.pairwise(order))
    )


@dataclass(frozen=True, slots=True)
class Challenge:
    """`id`: of one use · `camera`: where it holds.  ValueError for an order that is not one of `orders`."""

    id: str
    camera: str
    steps: tuple[Step, ...]
    asked_at: datetime
    limit: timedelta

    def __post_init__(self) -> None:
        if self.steps not in orders(len(self.steps)):
            raise ValueError(f"not an order of steps: {self.steps}")

    @property
    def ends_at(self) -> datetime:
        return self.asked_at + self.limit


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One look at the face.  `points`: [5,2] px · `fresh`: these pixels were not seen before."""

    at: datetime
    box: Box
    points: Floats
    who: Who
    fresh: bool = True

    def growth(self, base: Look) -> float:
        """Return how many times larger the face is than in another look; its box and its points must both grow."""
        boxes = float(np.sqrt(self.box.area / base.box.area))
        return min(boxes, size_of(self.points) / max(size_of(base.points), 1e-6))


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was done.  `seconds`: since it was asked · `amount`: how far the head turned, or came nearer."""

    step: Step
    seconds: float
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far a challenge is.  `first`: the look at which it was put; every turn is measured from there.

    `base`: the look from which this step's size is measured · `armed`: this step can be done wrongly by now, since the
    head has come back from the step before · `straight`: there was no leap since the head looked ahead ·
    `unlike_since`: of the looks in a row that are unlike the first; None if the newest is not.
    """

    challenge: Challenge
    first: Look
    newest: Look
    base: Look
    since: datetime
    done: tuple[Done, ...] = ()
    depth: float = 0.0
    armed: bool = False
    straight: bool = True
    right_looks: int = 0
    wrong_looks: int = 0
    flat_looks: int = 0
    unlike_since: datetime | None = None
    ended: Ended | None = None

    @property
    def asked(self) -> Step | None:
        """Return the step that is asked for now; None once it has ended."""
        return None if self.ended is not None else self.challenge.steps[len(self.done)]

    @property
    def hint(self) -> Hint | None:
        """Return what keeps this step from counting, though the person is doing it."""
        if not self.straight:
            return Hint.SLOWLY
        step = self.asked
        turned = {Step.LEFT: self.depth, Step.RIGHT: -self.depth}.get(step, 0.0) if step is not None else 0.0
        if turned >= TURNED:
            return None if self.newest.who is Who.SAME else Hint.NOT_SO_FAR
        begun = turned >= TURNED / 4 or (step is Step.NEARER and self.newest.growth(self.base) >= 1.03)
        return Hint.FURTHER if begun and self.newest.at - self.since >= WAITED else None


def begin(challenge: Challenge, first: Look) -> Progress:
    """Put a challenge to the person of a look; ValueError unless that look shows the person."""
    if first.who is not Who.SAME or not first.fresh:
        raise ValueError("a challenge is put to a person who is recognised in this picture")
    return Progress(challenge, first, first, first, challenge.asked_at)


def at_time(progress: Progress, now: datetime) -> Progress:
    """Return the progress without a further look: too late, or gone for too long."""
    if progress.ended is not None:
        return progress
    if now >= progress.challenge.ends_at or now < progress.newest.at:
        return replace(progress, ended=Ended.TOO_LATE)
    return replace(progress, ended=Ended.GONE) if now - progress.newest.at > GAP else progress


def after(progress: Progress, look: Look) -> Progress:
    """Return the progress after a further look.  ValueError for a challenge that has ended: it has one use."""
    if progress.ended is not None:
        raise ValueError(f"challenge {progress.challenge.id} has ended already")
    progress = at_time(progress, look.at)
    if progress.ended is not None:
        return progress
    turn = turn_between(progress.first.points, look.points)
    unlike_since = (progress.unlike_since or look.at) if look.who is Who.UNLIKE else None
    progress = replace(progress, unlike_since=unlike_since)
    if look.who is Who.OTHER or (look.who is Who.UNLIKE and not _is_too_far(progress, look, turn)):
        return replace(progress, ended=Ended.OTHER_FACE)
    if overlap_of(progress.newest.box, look.box) < SAME_FACE:
        return replace(progress, ended=Ended.JUMPED)
    if not look.fresh:
        return progress
    progress = _moved(progress, look, turn)
    flat = progress.flat_looks + 1 if _is_flat(progress, look, turn) else 0
    progress = replace(progress, flat_looks=flat)
    if flat >= FLAT_LOOKS:
        return replace(progress, ended=Ended.FLAT)
    return progress if look.at - progress.since < REACTION else _judged(progress, look, turn.depth)


def _is_too_far(progress: Progress, look: Look, turn: Turn) -> bool:
    """Return whether a face that is unlike the first look is a head that turned too far, and no longer than it may.

    No such look counts.  Who takes the place has to be turned, too, from the first look on, and gains nothing by it:
    what counts is like the first look.
    """
    since = progress.unlike_since or look.at
    return abs(turn.depth) >= TURNED and look.at - since <= TOO_FAR


def _moved(progress: Progress, look: Look, turn: Turn) -> Progress:
    """Follow the head: whether it leapt, where this step's size is measured from, whether a wrong move counts yet."""
    ahead = abs(turn.depth) <= MIDDLE
    further = turn.depth * progress.depth > 0 and min(abs(turn.depth), abs(progress.depth)) >= TURNED
    # Who has turned far enough may turn on as fast as they like, and who looks ahead begins anew.
    straight = ahead or (progress.straight and (further or abs(turn.depth - progress.depth) <= LEAP))
    base = look if look.at - progress.since < REACTION else progress.base
    step = progress.challenge.steps[len(progress.done)]
    on_its_side = {Step.LEFT: turn.depth > 0, Step.RIGHT: turn.depth < 0, Step.NEARER: False}[step]
    armed = progress.armed or ahead or on_its_side
    return replace(progress, newest=look, depth=turn.depth, straight=straight, base=base, armed=armed)


def _judged(progress: Progress, look: Look, depth: float) -> Progress:
    wrong = progress.armed and _is_wrong(progress, look, depth)
    wrongs = progress.wrong_looks + 1 if wrong else 0
    if wrongs >= LOOKS:
        return replace(progress, ended=Ended.OTHER_MOVE)
    amount = _amount(progress, look, depth)
    rights = progress.right_looks
    if amount is None:
        rights = 0
    elif look.who is Who.SAME:
        rights += 1
    if amount is None or rights < LOOKS:
        return replace(progress, wrong_looks=wrongs, right_looks=rights)
    step = progress.challenge.steps[len(progress.done)]
    done = (*progress.done, Done(step, (look.at - progress.since).total_seconds(), amount))
    ended = Ended.PASSED if len(done) == len(progress.challenge.steps) else None
    return replace(
        progress, done=done, since=look.at, base=look, armed=False, right_looks=0, wrong_looks=0, ended=ended
    )  # fmt: skip


def _amount(progress: Progress, look: Look, depth: float) -> float | None:
    """Return how far the asked step was done in this look; None where it was not."""
    step = progress.challenge.steps[len(progress.done)]
    if step is Step.NEARER:
        growth = look.growth(progress.base)
        return growth if growth >= NEARER and abs(depth) < TURNED else None
    turned = depth if step is Step.LEFT else -depth
    least = HELD if progress.right_looks else TURNED
    return turned if turned >= least and progress.straight else None


def _is_wrong(progress: Progress, look: Look, depth: float) -> bool:
    """Return whether this look shows another step than the one that is asked for."""
    step = progress.challenge.steps[len(progress.done)]
    if step is Step.NEARER:
        return abs(depth) >= TURNED
    if (-depth if step is Step.LEFT else depth) >= TURNED:
        return True
    return abs(depth) <= MIDDLE and look.growth(progress.base) >= NEARER


def _is_flat(progress: Progress, look: Look, turn: Turn) -> bool:
    """Return whether the face changed its shape as a picture does that is turned away or tilted."""
    if abs(turn.seems) >= TURNED and abs(turn.depth) <= abs(turn.seems) / 3:
        return True
    return _narrow(progress.first.points, look.points) <= NARROW and abs(turn.depth) <= NO_DEPTH


def _narrow(first: Floats, now: Floats) -> float:
    """Return how much nearer together the eyes are than before, for the face's height."""
    before, after_ = (
        float(np.hypot(*(points[1] - points[0]))) / max(size_of(points), 1e-6) for points in (first, now)
    )  # fmt: skip
    return after_ / max(before, 1e-6)


def room_for_nearer(box: Box, height: int, width: int) -> bool:
    """Return whether a face that comes nearer is still whole in a picture of this size, px."""
    return 1.5 * NEARER * max(box.width / width, box.height / height) <= 1


def summary(done: Sequence[Done]) -> list[dict[str, str | float]]:
    """Return what was done as plain values, to be stored."""
    return [{"step": one.step.value, "seconds": round(one.seconds, 2), "amount": round(one.amount, 3)} for one in done]

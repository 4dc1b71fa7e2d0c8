"""A grant that waits until the person has moved as asked: the order is drawn, shown, watched and judged.

In: grants that need it; frames with their faces.  Out: those grants again, each with how its challenge ended.
Does not know: why a challenge is needed, doors, pages.
Main choice: one challenge at a time before a camera, since there is one screen.  The order is drawn when it is put,
from the system's cryptographic source, and is kept here and in its row only.  Trade-off: a second person waits.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from sqlalchemy.orm import Session

from attendance.domain.access.consensus import Settled, face_at
from attendance.domain.access.decision import Decision
from attendance.domain.access.liveness.challenge import (
    Challenge,
    Ended,
    Look,
    Progress,
    Step,
    Who,
    after,
    at_time,
    begin,
    orders,
    room_for_nearer,
)
from attendance.domain.access.scoring import unit
from attendance.domain.faces import Box, Frame, Probe, Template
from attendance.service.access.liveness.gate import Ruling
from attendance.service.ids import new_event_id
from attendance.store.access import challenges
from attendance.store.session import Sessions

log = logging.getLogger(__name__)

# The first look compared with one of a head that turned as asked; below this it is somebody else, or turned too far.
ANOTHER = 0.3
# A look counts only if it is so like the first.  A bent print has to be turned away so far, until its nose leaves the
# plane, that its face resembles the first look less than a head's does: on the people for choosing, 0.65 refuses two
# in a hundred heads more, and four in five of the bent prints that passed (docs/LOG.md).
LIKE_FIRST = 0.65
TRIES, WITHIN = 3, timedelta(minutes=5)  # so many orders that were not answered, and this face waits
PATIENCE = timedelta(seconds=3)  # until a person who was recognised is recognised in one look, too
# A person who comes to the door comes nearer by that: the challenge waits until the face has had one size for a moment.
STANDS, STANDS_FOR = 0.08, timedelta(seconds=0.5)
KEPT_FOR = timedelta(days=1)

Decide = Callable[[Probe], Decision]
IsRepeat = Callable[[Frame, Box, bool], bool]
Draw = Callable[[Sequence[tuple[Step, ...]]], tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class ChallengeRules:
    """Of one camera or tablet.  `steps`: how many movements · `limit`: the time for all of them."""

    camera: str
    steps: int = 2
    limit: timedelta = timedelta(seconds=12)


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A grant whose challenge has ended.  `progress`: None if it never began."""

    settled: Settled
    ruling: Ruling | None
    progress: Progress | None
    ended: Ended

    @property
    def passed(self) -> bool:
        return self.ended is Ended.PASSED


@dataclass(slots=True, eq=False)
class _Waiting:
    """A grant that waits.  `box`, `seen_at`: where and when the face was last; `first`: its template when the order was
    put, before that the newest one.

    `asked_at`: since when it could begin · `stood`: since when the face has had this size, px.
    """

    settled: Settled
    ruling: Ruling | None
    why: str
    person: int
    box: Box
    asked_at: datetime
    seen_at: datetime
    first: Template | None = None
    progress: Progress | None = None
    stood: tuple[datetime, float] | None = None

    def stands(self, at: datetime) -> bool:
        """Return whether the face has kept its size for a moment, or never does."""
        size = self.box.width
        if self.stood is None or abs(size / self.stood[1] - 1) > STANDS:
            self.stood = at, size
        return at - self.stood[0] >= STANDS_FOR or at - self.asked_at >= PATIENCE


class Challenger:
    """The challenges of one camera or tablet.  Not for several threads at once.

    `draw` chooses an order; it must be as unpredictable as the system can make it.
    """

    def __init__(self, sessions: Sessions, rules: ChallengeRules, draw: Draw = secrets.choice) -> None:
        self._sessions, self._rules, self._draw = sessions, rules, draw
        self._queue: list[_Waiting] = []
        self._failed: dict[int, list[datetime]] = {}

    @property
    def progress(self) -> Progress | None:
        """Return the challenge that goes on now."""
        return self._queue[0].progress if self._queue else None

    @property
    def waiting(self) -> bool:
        """Return whether a grant waits, for its turn or for what somebody is asked to do."""
        return bool(self._queue)

    def rests(self, person: int, now: datetime) -> bool:
        """Return whether this face may try no further order for a while."""
        recent = [at for at in self._failed.get(person, ()) if abs(now - at) < WITHIN]
        self._failed[person] = recent
        return len(recent) >= TRIES

    def ask(self, at: datetime, settled: Settled, ruling: Ruling | None, why: str) -> None:
        """Let this grant wait for a challenge.  `why`: "rule" of the door or "doubt" about liveness."""
        person = settled.decision.person_id
        if person is None:
            raise ValueError("only a person who was recognised is asked to move")
        if all(one.person != person for one in self._queue):
            self._queue.append(_Waiting(settled, ruling, why, person, settled.box, at, at))

    def add(self, frame: Frame, probes: Sequence[Probe], decide: Decide, is_repeat: IsRepeat) -> list[Answered]:
        """Add one frame; return the grants whose challenge has ended."""
        ended: list[Answered] = []
        for waiting in list(self._queue):
            probe = face_at(waiting.box, probes)
            if probe is not None:
                waiting.box, waiting.seen_at = probe.box, frame.taken_at
            how = self._turn_of(waiting, frame, probe, decide, is_repeat)
            if how is not None:
                self._queue.remove(waiting)
                if waiting.progress is not None:  # who only walked by was asked nothing, and saw no order
                    self._count(waiting.person, how, frame.taken_at)
                settled = replace(waiting.settled, box=waiting.box)
                ended.append(Answered(settled, waiting.ruling, waiting.progress, how))
        return ended

    def forget(self) -> None:
        """Forget all, such as after a fault: nobody passes on looks from before it, and no screen asks any more."""
        left, self._queue = self._queue, []
        for waiting in left:
            if waiting.progress is not None:
                self._write(partial(challenges.end, progress=_gone(waiting.progress), passage_id=None))

    def close(self, progress: Progress, passage_id: str) -> None:
        """Write the end of a challenge that no passage of its own follows; a fault is logged."""
        self._write(partial(challenges.end, progress=progress, passage_id=passage_id))

    def _turn_of(
        self, waiting: _Waiting, frame: Frame, probe: Probe | None, decide: Decide, is_repeat: IsRepeat
    ) -> Ended | None:
        """Return how the challenge of this grant has ended, None while it goes on or waits for its turn."""
        now = frame.taken_at
        if waiting.progress is None:
            if now - waiting.seen_at > PATIENCE or now < waiting.seen_at:
                return Ended.GONE
            if waiting is not self._queue[0]:
                waiting.asked_at = now  # its patience begins with its turn
                return None
            if probe is None or not waiting.stands(now):
                return None
            return self._begin(waiting, frame, probe, decide)
        progress = waiting.progress
        if self._declined(progress):
            waiting.progress = replace(progress, ended=Ended.DECLINED)
        elif probe is None:
            waiting.progress = at_time(progress, now)
        else:
            named = _who(waiting, probe, decide)
            fresh = not is_repeat(frame, probe.box, True)
            waiting.progress = after(progress, Look(now, probe.box, _points(probe), named, fresh))
        self._show(progress, waiting.progress)
        return waiting.progress.ended

    def _begin(self, waiting: _Waiting, frame: Frame, probe: Probe, decide: Decide) -> Ended | None:
        """Draw the order and put it, once a look shows the person; "not shown" if no screen could show it."""
        waiting.first = waiting.first or probe.template
        who = _who(waiting, probe, decide)
        if who in (Who.OTHER, Who.UNLIKE):
            return Ended.OTHER_FACE
        if who is Who.UNSURE:
            waiting.first = probe.template or waiting.first  # one poor look must not be what all later ones resemble
            return Ended.TOO_LATE if frame.taken_at - waiting.asked_at > 2 * PATIENCE else None
        height, width = frame.image.shape[:2]
        steps = self._draw(orders(self._rules.steps, room_for_nearer(probe.box, height, width)))
        challenge = Challenge(
            new_event_id(frame.taken_at), self._rules.camera, steps, frame.taken_at, self._rules.limit
        )  # fmt: skip
        waiting.progress = begin(challenge, Look(frame.taken_at, probe.box, _points(probe), who))
        waiting.first = probe.template
        progress, why = waiting.progress, waiting.why

        def put(session: Session) -> None:
            challenges.put(session, progress, why)
            challenges.forget_before(session, frame.taken_at - KEPT_FOR)

        if not self._write(put):
            waiting.progress = replace(progress, ended=Ended.NOT_SHOWN)
            return Ended.NOT_SHOWN
        return None

    def _declined(self, progress: Progress) -> bool:
        try:
            with self._sessions() as session:
                return challenges.is_declined(session, progress.challenge.id)
        except Exception:  # the database is away, and the decision will say so
            return False

    def _show(self, before: Progress, now: Progress) -> None:
        """Write what the screen shows, where it changed; the end is written with its passage."""
        changed = (now.hint, len(now.done)) != (before.hint, len(before.done))
        if now.ended is None and changed:
            self._write(partial(challenges.note, progress=now))

    def _write(self, change: Callable[[Session], None]) -> bool:
        try:
            with self._sessions.begin() as session:
                change(session)
        except Exception:  # whoever is not shown what to do cannot do it, and is refused when the time is over
            log.exception("camera %s: a challenge cannot be shown", self._rules.camera)
            return False
        return True

    def _count(self, person: int, how: Ended, now: datetime) -> None:
        if how is Ended.PASSED:
            self._failed.pop(person, None)
        elif how is not Ended.NOT_SHOWN:
            # Declined, too: else one could wait for the order that a recording fits.
            self._failed.setdefault(person, []).append(now)


def _gone(progress: Progress) -> Progress:
    return progress if progress.ended is not None else replace(progress, ended=Ended.GONE)


def _points(probe: Probe) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return probe.landmarks.points.astype(np.float64)


def _who(waiting: _Waiting, probe: Probe, decide: Decide) -> Who:
    """Return whom a look shows: the person at the threshold, somebody else, or nobody for certain.

    A head that is turned scores less by itself.  As in every attempt its look is pooled, here with the first one, and
    the pool has to reach the threshold; but only if the two are so alike that the look can count.
    """
    new, first = probe.template, waiting.first
    if new is None:
        return Who.UNSURE
    named = decide(probe).person_id
    if named is not None and named != waiting.person:
        return Who.OTHER
    if first is None:
        return Who.UNSURE if named is None else Who.SAME
    alike = first.score(new) if first.model_id == new.model_id else -1.0
    if not alike >= ANOTHER:
        return Who.UNLIKE if named is None else Who.UNSURE
    if alike < LIKE_FIRST:
        return Who.UNSURE
    if named is not None:
        return Who.SAME
    pooled = replace(probe, template=Template(unit(first.vector + new.vector), new.model_id))
    named = decide(pooled).person_id
    if named is not None and named != waiting.person:
        return Who.OTHER
    return Who.UNSURE if named is None else Who.SAME

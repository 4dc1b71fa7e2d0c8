"""Whom the looks settle on: pooled into an attempt, or one by one, as the threshold in force says.

In: the looks of one camera, picture by picture; where faces rest; the view that decides.  Out: what is settled; whether
everybody is decided about.
Does not know: networks, liveness, what is recorded.
Main choice: both ways stay ready, since the threshold may change while the program runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from attendance.domain.access.attempts import RefusedAttempts
from attendance.domain.access.consensus import Consensus, Settled
from attendance.domain.access.track import LOOKS_MOST, Tracks
from attendance.domain.faces import Frame, Probe
from attendance.service.access.gallery_watch import View
from attendance.service.access.looks.repeats import Repeats


class Agreeing:
    """Of one camera or tablet.  Not for several threads at once.  The arguments: see `check_in.Rules`."""

    def __init__(
        self,
        frames_needed: int,
        window: timedelta,
        forget: timedelta,
        settle_denial: timedelta,
        refused: RefusedAttempts,
        repeats: Repeats,
    ) -> None:
        self._needed, self._window, self._forget, self._settle = frames_needed, window, forget, settle_denial
        self._refused, self._repeats = refused, repeats
        self.forget()

    def forget(self) -> None:
        """Forget the looks so far: nobody passes on them."""
        self._consensus = Consensus(self._needed, self._window, self._forget, self._settle)
        self._tracks = Tracks(min(self._needed, LOOKS_MOST), self._forget, self._settle, self._refused)

    def set_stretch(self, stretch: float) -> None:
        """Stretch the durations, while pictures come slowly (`domain/access/pace`)."""
        self._consensus.stretch = self._tracks.stretch = stretch

    def keep(self, frame: Frame, resting: Sequence[Probe], view: View) -> None:
        """Note where faces rest: they stay where they are, and nothing is learned of them but their pixels."""
        boxes = [probe.box for probe in resting]
        if view.gallery.scoring.attempt:
            self._tracks.keep(frame.taken_at, boxes)
            return
        for box in self._consensus.keep(frame.taken_at, boxes):
            self._repeats.remember(frame, box)  # each would be a look that names somebody here, and known again

    def decided(self, frame: Frame, faces: int, view: View) -> bool:
        """Return whether all these faces of this picture are decided about."""
        tracker = self._tracks if view.gallery.scoring.attempt else self._consensus
        return tracker.decided(frame.taken_at, faces)

    def add(self, frame: Frame, looks: Sequence[Probe], view: View) -> list[Settled]:
        """Return whom the looks settle on."""
        at = frame.taken_at
        if view.gallery.scoring.attempt:
            return self._tracks.add(
                at,
                looks,
                view.decide,
                lambda probe, named: self._repeats.is_repeat(frame, probe.box, named),
                view.gallery.scoring,
            )
        decisions = [(probe.box, view.decide(probe)) for probe in looks]
        repeats = [decision.granted and self._repeats.is_repeat(frame, box, True) for box, decision in decisions]
        return self._consensus.add(at, decisions, repeats)

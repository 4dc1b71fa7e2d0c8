"""A door opens on a picture of just now: a grant whose picture has grown too old waits for the next one.

In: grants with the picture that decided; the faces of later pictures.  Out: whether a picture may decide; grants that
waited, once a new embedding shows the same person in the same place.
Does not know: how a grant came about, what is recorded, doors.
Main choice: a picture's age is counted by the monotonic clock, from its coming to the commit.  Trade-off: after a
delay, such as of a locked database, a person waits for one more picture.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from attendance.domain.access.consensus import Settled, face_at
from attendance.domain.access.decision import Decision
from attendance.domain.access.pace import Ages
from attendance.domain.access.scoring import unit
from attendance.domain.access.track import SAME_PERSON
from attendance.domain.faces import Box, Frame, Probe, Template
from attendance.service.access.liveness.challenger import Answered
from attendance.service.access.liveness.gate import Ruling

log = logging.getLogger(__name__)

WAITS_S = 2.0

Decide = Callable[[Probe], Decision]
IsRepeat = Callable[[Frame, Box, bool], bool]


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """What can be recorded.  `error`: of the database, which did not answer about this very grant a moment ago."""

    settled: Settled
    ruling: Ruling | None
    answered: Answered | None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    ready: Ready
    template: Template | None
    since_s: float


class FreshGrants:
    """Of one camera or tablet.  `since`: seconds of the monotonic clock.  Not for several threads at once."""

    def __init__(self, since: Callable[[], float]) -> None:
        self._since, self._ages = since, Ages()
        self._held: list[_Held] = []
        self.stretch = 1.0  # of the wait, while pictures come slowly (`domain/access/pace`)

    @property
    def waiting(self) -> bool:
        """Return whether a grant waits for a newer picture."""
        return bool(self._held)

    def age_s(self, frame: Frame) -> float | None:
        """Return how long ago the picture came; None for one that was not taken just now."""
        return None if frame.came is None else self._since() - frame.came

    def looked(self, frame: Frame, probes: Sequence[Probe]) -> None:
        """Note how long this look took; call it once the faces are embedded."""
        age = self.age_s(frame)
        if age is not None and any(probe.template is not None for probe in probes):
            self._ages.add(age)

    def allows(self, frame: Frame) -> bool:
        """Return whether a door may open on this picture now."""
        age = self.age_s(frame)
        return age is None or age <= self._ages.limit_s

    def hold(self, frame: Frame, probes: Sequence[Probe], ready: Ready) -> None:
        """Let a grant wait for the next picture."""
        probe = face_at(ready.settled.box, probes)
        log.info("camera %s: the picture is too old to open a door, so the next one decides", frame.camera)
        self._held.append(_Held(ready, None if probe is None else probe.template, self._since()))

    def again(
        self, frame: Frame, probes: Sequence[Probe], decide: Decide, is_repeat: IsRepeat
    ) -> tuple[list[Ready], bool]:
        """Return the grants that this picture confirms, and whether one came to nothing.

        A picture confirms a grant if its own embedding of the face in this place names the same person, alone or
        pooled with the one that was granted.
        """
        held, self._held = self._held, []
        confirmed, failed = list[Ready](), False
        for one in held:
            probe = face_at(one.ready.settled.box, probes)
            if self._since() - one.since_s > WAITS_S * self.stretch or _is_another(one, probe):
                log.warning("camera %s: somebody was recognised, but not in a newer picture", frame.camera)
                failed = True
            elif probe is None:
                self._held.append(one)
            else:
                ready = replace(one.ready, settled=replace(one.ready.settled, box=probe.box))
                if _confirms(one, probe, decide) and not is_repeat(frame, probe.box, True):
                    confirmed.append(ready)
                else:
                    self._held.append(replace(one, ready=ready))
        return confirmed, failed

    def forget(self) -> None:
        """Forget what waits: nobody passes on it."""
        self._held.clear()


def _is_another(held: _Held, probe: Probe | None) -> bool:
    """Return whether the place shows another identity now, or what was granted cannot be compared."""
    if held.template is None:
        return True
    if probe is None or probe.template is None:
        return False
    return probe.template.model_id != held.template.model_id or not held.template.score(probe.template) >= SAME_PERSON


def _confirms(held: _Held, probe: Probe, decide: Decide) -> bool:
    new, first, person = probe.template, held.template, held.ready.settled.decision.person_id
    if new is None or first is None or probe.rested:
        return False
    if decide(probe).person_id == person:
        return True
    pooled = Template(unit(first.vector + new.vector), new.model_id)
    return decide(replace(probe, template=pooled)).person_id == person

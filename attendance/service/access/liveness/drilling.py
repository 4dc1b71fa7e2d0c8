"""One trial of a liveness drill: watch the camera until the gate has judged the face before it.

In: a camera, an analyser, a gate.  Out: a `Judgement`, or None if no face settled.
Does not know: who stands there, the database, doors; nobody is compared with anybody.
Main choice: the door's own gate judges, with the point in force, so that the drill measures what the door does.  A face
counts as about to be granted once it was seen as often as a door asks for; whose it is does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from attendance.domain.access.consensus import Settled
from attendance.domain.access.decision import Decision
from attendance.domain.access.liveness.fusion import Judgement
from attendance.domain.faces import Frame, Probe
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.liveness.gate import LivenessGate, template_alike
from attendance.service.ports import Analyser, Camera

WAIT_S = 0.25
NO_PICTURE_S = 15.0
_AWAY = timedelta(minutes=1)  # longer than any track is remembered


@dataclass(frozen=True, slots=True)
class Watch:
    """How long a trial lasts, by the pictures' times, and how many looks at a face a door asks for."""

    seconds: float = 8.0
    frames_needed: int = 3


def watch(
    camera: Camera, analyser: Analyser, gate: LivenessGate, rules: Watch, ended: Callable[[], bool]
) -> Judgement | None:
    """Watch until the gate has judged, or the time is over; UserError if no picture comes.

    `ended`: whether the camera has no further pictures.  The caller closes the camera.
    """
    gate.forget()
    end, last, before = None, None, None
    looks, blank = 0, 0
    while end is None or last is None or last.taken_at < end:
        frame = camera.read(WAIT_S)
        if frame is None:
            blank += 1
            if ended():
                break
            if blank * WAIT_S >= NO_PICTURE_S:
                raise UserError("no picture came from the camera: check its power, cable and address")
            continue
        blank, last = 0, frame
        end = end or frame.taken_at + timedelta(seconds=rules.seconds)
        probes = [probe for probe in analyser.analyse(frame, 1) if probe.template is not None]
        face = probes[0].template if probes else None
        same = face is not None and before is not None and template_alike(before, face)
        looks, before = (looks + 1 if same else int(face is not None)), face
        settled = [] if looks < rules.frames_needed or gate.waiting else [_about_to_be_granted(frame, probes[0])]
        judged = _ruling(gate, frame, probes, settled)
        if judged is not None:
            return judged
    if last is None:
        raise UserError("the camera gave no picture at all")
    # Whoever is waited for goes away undecided, as at the door.
    nobody = replace(last, image=np.zeros_like(last.image), taken_at=last.taken_at + _AWAY)
    return _ruling(gate, nobody, [], [])


def _ruling(gate: LivenessGate, frame: Frame, probes: Sequence[Probe], settled: Sequence[Settled]) -> Judgement | None:
    rulings = [ruling for _, ruling in gate.add(frame, probes, settled) if ruling is not None]
    return rulings[0].judgement if rulings else None


def _about_to_be_granted(frame: Frame, probe: Probe) -> Settled:
    """Return a grant of somebody whom nobody compared: it only makes the gate judge."""
    decision = Decision(Reason.MATCHED, 0, None, None, None)
    return Settled(decision, probe.box, 1, frame.taken_at, frame.taken_at)

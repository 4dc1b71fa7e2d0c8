"""One look at one face: who is it, or nobody and why.

In: a probe, a gallery, an operating point.  Out: a `Decision`.
Does not know: networks, cameras, databases, doors, other looks (`consensus`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint, look_alike_margin, stands_out
from attendance.domain.faces import Probe, Quality
from attendance.domain.reason import Reason

# Reasons about the picture: such a look says nothing about who stands there.
POOR_PICTURE = frozenset(
    {Reason.TOO_SMALL, Reason.CUT_OFF, Reason.BLURRED, Reason.TOO_DARK, Reason.TOO_BRIGHT, Reason.TURNED_AWAY}
    | {Reason.LOW_CONTRAST, Reason.TILTED, Reason.LOOKING_UP_OR_DOWN, Reason.COVERED, Reason.NO_TEMPLATE}
)
_MEASURES = {
    Reason.TOO_SMALL: "size",
    Reason.CUT_OFF: "visible",
    Reason.BLURRED: "sharpness",
    Reason.TOO_DARK: "brightness",
    Reason.TOO_BRIGHT: "brightness",
    Reason.TURNED_AWAY: "yaw",
    Reason.LOW_CONTRAST: "contrast",
    Reason.TILTED: "roll",
    Reason.LOOKING_UP_OR_DOWN: "pitch",
    Reason.COVERED: "uncovered",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and on which numbers; scores are raw cosines, None where none was computed.

    `margin`: how far ahead of the runner-up the best had to be; None where that was not asked.
    `measured`: of a poor picture, the value that was too low or too high, in the unit of `Quality`.
    Invariant: a person is named exactly when the reason is MATCHED.
    """

    reason: Reason
    person_id: int | None
    score: float | None
    runner_up: float | None
    threshold: float | None
    margin: float | None = None
    measured: float | None = None

    def __post_init__(self) -> None:
        if (self.reason is Reason.MATCHED) != (self.person_id is not None):
            raise ValueError(f"a person is named exactly when matched: {self}")

    @property
    def granted(self) -> bool:
        return self.reason is Reason.MATCHED


def decide(probe: Probe, gallery: Gallery, point: OperatingPoint | None) -> Decision:
    """One face in one frame.

    Ambiguity: with the best person at or above the threshold, it is nobody when the second best is
    nearer than the margin.  No further condition is needed: such a second stands above threshold -
    margin by itself.  It need not reach the threshold: of two people who both look like the probe,
    being just below the line is no reason to trust the one just above.  An exact tie is nobody even
    with a margin of 0.  The price: look-alikes and twins need another way in.
    """
    if probe.flaws:
        return replace(_nobody(probe.flaws[0]), measured=_measured(probe.flaws[0], probe.quality))
    if point is None:
        return _nobody(Reason.NO_OPERATING_POINT)
    if probe.template is None:  # no flaw and no template: whoever made this probe is broken
        return _nobody(Reason.FAULT, threshold=point.threshold)
    if not probe.template.model_id == gallery.model_id == point.model_id:
        return _nobody(Reason.FOREIGN_MODEL, threshold=point.threshold)
    candidates = gallery.search(probe.template, limit=2)
    if not candidates:
        return _nobody(Reason.EMPTY_GALLERY, threshold=point.threshold)
    best, second = candidates[0], candidates[1] if len(candidates) > 1 else None
    runner_up = None if second is None else second.score
    if not best.score >= point.threshold:
        return Decision(Reason.UNKNOWN, None, best.score, runner_up, point.threshold, point.margin)
    if not stands_out(best.score, runner_up, point.margin):
        return Decision(Reason.AMBIGUOUS, None, best.score, runner_up, point.threshold, point.margin)
    # The best person's standing look-alikes need more room, wherever they rank (the second may be somebody else).
    like = gallery.look_alike_of(best.person_id, probe.template)
    wider = look_alike_margin(point.margin)
    if like is not None and best.score - like.score < wider:
        return Decision(Reason.AMBIGUOUS, None, best.score, like.score, point.threshold, wider)
    return Decision(Reason.MATCHED, best.person_id, best.score, runner_up, point.threshold, point.margin)


def _measured(flaw: Reason, quality: Quality) -> float | None:
    """None for a flaw of another kind, and for what is no number."""
    value = float(getattr(quality, _MEASURES[flaw])) if flaw in _MEASURES else math.nan
    return abs(value) if math.isfinite(value) else None


def _nobody(reason: Reason, threshold: float | None = None) -> Decision:
    return Decision(reason, None, None, None, threshold)

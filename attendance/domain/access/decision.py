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
    """Decide about one face in one frame.

    Ambiguity: even with the best person at or above the threshold, nobody is identified if the second
    best is nearer than the margin.  No further condition is needed: such a second is above threshold -
    margin by itself.  It need not reach the threshold: of two people who both look like the probe,
    being just below the threshold does not make the one just above more credible.  An exact tie identifies nobody,
    even with a margin of 0.  Trade-off: look-alikes and twins need another way in.
    """
    if probe.flaws:
        return replace(_nobody(probe.flaws[0]), measured=_measured(probe.flaws[0], probe.quality))
    if point is None:
        return _nobody(Reason.NO_OPERATING_POINT)
    if probe.template is None:  # no flaw and no template: whoever made this probe is broken
        return _nobody(Reason.FAULT, threshold=point.threshold)
    if not probe.template.model_id == gallery.model_id == point.model_id:
        return _nobody(Reason.FOREIGN_MODEL, threshold=point.threshold)
    if gallery.size and gallery.scoring.version != point.scoring:  # scores of another kind than the threshold's
        return _nobody(Reason.FAULT, threshold=point.threshold)
    candidates = gallery.search(probe.template, limit=2)
    if not candidates:
        return _nobody(Reason.EMPTY_GALLERY, threshold=point.threshold)
    best, second = candidates[0], candidates[1] if len(candidates) > 1 else None
    runner_up = None if second is None else second.score
    if not best.score >= point.threshold:
        return Decision(Reason.UNKNOWN, None, best.score, runner_up, point.threshold, point.margin)
    if not stands_out(best.score, runner_up, point.margin):
        return Decision(Reason.AMBIGUOUS, None, best.score, runner_up, point.threshold, point.margin)
    # The best person's standing look-alikes need more room, wherever they rank (the second may be another person).
    like = gallery.look_alike_of(best.person_id, probe.template)
    wider = look_alike_margin(point.margin)
    if like is not None and best.score - like.score < wider:
        return Decision(Reason.AMBIGUOUS, None, best.score, like.score, point.threshold, wider)
    return Decision(Reason.MATCHED, best.person_id, best.score, runner_up, point.threshold, point.margin)


def _measured(flaw: Reason, quality: Quality) -> float | None:
    """Return what was measured of this flaw, without its sign; None if that is not a finite number."""
    field = flaw.measured_field
    value = float(getattr(quality, field)) if field else math.nan
    return abs(value) if math.isfinite(value) else None


def _nobody(reason: Reason, threshold: float | None = None) -> Decision:
    return Decision(reason, None, None, None, threshold)

"""How the past days would have been decided with another threshold.

In: past decisions by their stored scores; a threshold and a margin.  Out: which would change, and why.
Does not know: pictures, people, the time.
Main choice: the recorded score, which is that of the newest look, stands for the whole visit.  Trade-off:
it is an estimate both ways, since a visit has several looks, which need not have agreed on one
person, and somebody who is refused usually tries again.  The larger margin between look-alikes
does not apply, because a decision does not say whether its runner-up was one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attendance.domain.access.operating_point import stands_out
from attendance.domain.reason import Reason
from attendance.store.access.events import Decided
from attendance.texts import gettext as _

# The refusals that a threshold or a margin made; all others (no face, too dark, …) stay as they are.
_BY_SCORE = (Reason.UNKNOWN, Reason.AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class Changed:
    """A past decision that would have come out otherwise, and by which number."""

    decided: Decided
    words: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """`decisions` = `granted` + `refused`.  `compared`: those that a score decided, the only ones that can change.

    `changed`: newest first.
    """

    decisions: int
    granted: int
    refused: int
    compared: int
    would_be_refused: int
    would_be_let_in: int
    changed: tuple[Changed, ...] = ()

    @property
    def changes(self) -> int:
        return self.would_be_refused + self.would_be_let_in


def replay(decisions: Sequence[Decided], threshold: float, margin: float) -> Replayed:
    """Decide again by this threshold and margin, as `domain.access.decision.decide` does."""
    granted = compared = lost = gained = 0
    changed = []
    for one in decisions:
        granted += one.granted
        if one.score is None or not (one.granted or one.reason in _BY_SCORE):
            continue
        compared += 1
        passes = one.score >= threshold and stands_out(one.score, one.runner_up, margin)
        if passes is one.granted:
            continue
        lost += one.granted
        gained += passes
        changed.append(Changed(one, _why(one, one.score, threshold, margin)))
    refused = len(decisions) - granted
    return Replayed(len(decisions), granted, refused, compared, lost, gained, tuple(reversed(changed)))


def _why(one: Decided, score: float, threshold: float, margin: float) -> str:
    numbers = {"score": f"{score:.3f}", "threshold": f"{threshold:.3f}"}
    if score < threshold:
        return _("would be refused: the score %(score)s is below %(threshold)s", **numbers)
    if one.granted and one.runner_up is not None:
        return _(
            "would be refused: only %(ahead)s ahead of the second person, %(margin)s is needed",
            ahead=f"{score - one.runner_up:.3f}",
            margin=f"{margin:.3f}",
        )
    return _(
        "would be let in: the score %(score)s reaches %(threshold)s, clearly ahead of the second person", **numbers
    )

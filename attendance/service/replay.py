"""How the past days would have been decided with another threshold.

In: past decisions by their stored scores; a threshold and a margin.  Out: how many would change.
Does not know: pictures, people, the time.
Main choice: the recorded score, which is that of the newest look, stands for the whole visit.  The
price: it is an estimate both ways, since a visit has several looks, which need not have agreed on one
person, and somebody who is refused usually tries again; and the larger margin between look-alikes
is not asked for, because a decision does not tell whether its runner-up was one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attendance.domain.decision import stands_out
from attendance.domain.reason import Reason
from attendance.store.events import Decided

# The refusals that a threshold or a margin made; all others (no face, too dark, …) stay as they are.
_BY_SCORE = (Reason.UNKNOWN, Reason.AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class Replayed:
    """`decisions` = `granted` + `refused`.  `compared`: those that a score decided, the only ones that can change."""

    decisions: int
    granted: int
    refused: int
    compared: int
    would_be_refused: int
    would_be_let_in: int

    @property
    def changes(self) -> int:
        return self.would_be_refused + self.would_be_let_in


def replay(decisions: Sequence[Decided], threshold: float, margin: float) -> Replayed:
    """Decide again, by the threshold and margin of `domain.decision.decide`."""
    granted = compared = lost = gained = 0
    for one in decisions:
        granted += one.granted
        if one.score is None or not (one.granted or one.reason in _BY_SCORE):
            continue
        compared += 1
        passes = one.score >= threshold and stands_out(one.score, one.runner_up, margin)
        lost += one.granted and not passes
        gained += passes and not one.granted
    return Replayed(len(decisions), granted, len(decisions) - granted, compared, lost, gained)

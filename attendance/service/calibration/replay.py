"""How the past days would have been decided with another threshold.

In: past decisions by their stored scores; a threshold and a margin.  Out: which would change, and why.
Does not know: pictures, people, the time.
Main choice: the recorded score, which is that of the newest look, stands for the whole visit.  The
price: it is an estimate both ways, since a visit has several looks, which need not have agreed on one
person, and somebody who is refused usually tries again; and the larger margin between look-alikes
is not asked for, because a decision does not tell whether its runner-up was one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attendance.domain.access.operating_point import stands_out
from attendance.domain.reason import Reason
from attendance.store.access.events import Decided

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
    """Decide again, by the threshold and margin of `domain.decision.decide`."""
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
    if score < threshold:
        return f"would be refused: the score {score:.3f} is below {threshold:.3f}"
    if one.granted and one.runner_up is not None:
        ahead = score - one.runner_up
        return f"would be refused: only {ahead:.3f} ahead of the second person, {margin:.3f} is asked for"
    return f"would be let in: the score {score:.3f} reaches {threshold:.3f}, clearly ahead of the second person"

"""How the past days would have been decided with another threshold.

In: past decisions by their stored scores; a threshold and a margin.  Out: which would change, and why.
Does not know: pictures, people, the time.
Main choice: the recorded score stands for the whole visit: that of the pooled attempt, or of the newest look where
single looks are compared.  Trade-off: it is an estimate both ways, since a refused attempt may have gone on, looks
need not have agreed on one person, and somebody who is refused usually tries again.  The larger margin between
look-alikes does not apply, because a decision does not say whether its runner-up was one.
A face that was recognised counts as let in where the door only asked for a second proof after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import format_decimal

from attendance.domain.access.operating_point import stands_out
from attendance.domain.reason import Reason
from attendance.service.hours.day_words import LOCALE
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


def replay(decisions: Sequence[Decided], threshold: float, margin: float, locale: str = LOCALE) -> Replayed:
    """Decide again by this threshold and margin, as `domain.access.decision.decide` does.

    `locale`: how the reasons write numbers.
    """
    granted = compared = lost = gained = 0
    changed = []
    for decided in decisions:
        passed = _passed(decided)
        granted += passed
        if decided.score is None or not (passed or decided.reason in _BY_SCORE):
            continue
        compared += 1
        passes = decided.score >= threshold and stands_out(decided.score, decided.runner_up, margin)
        if passes is passed:
            continue
        lost += passed
        gained += passes
        changed.append(Changed(decided, _why(decided, decided.score, threshold, margin, locale)))
    refused = len(decisions) - granted
    return Replayed(len(decisions), granted, refused, compared, lost, gained, tuple(reversed(changed)))


def _passed(decided: Decided) -> bool:
    return decided.granted or decided.reason is Reason.SECOND_FACTOR


def _why(decided: Decided, score: float, threshold: float, margin: float, locale: str) -> str:
    def number(value: float) -> str:
        text: str = format_decimal(value, "0.000", locale=locale)
        return text

    numbers = {"score": number(score), "threshold": number(threshold)}
    if score < threshold:
        return _("would be refused: the score %(score)s is below %(threshold)s", **numbers)
    if _passed(decided) and decided.runner_up is not None:
        return _(
            "would be refused: only %(ahead)s ahead of the second person, %(margin)s is needed",
            ahead=number(score - decided.runner_up),
            margin=number(margin),
        )
    return _(
        "would be let in: the score %(score)s reaches %(threshold)s, clearly ahead of the second person", **numbers
    )

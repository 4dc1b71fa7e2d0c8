"""How the past days would have been decided with another threshold.

In: past decisions by their stored scores; a threshold and a margin.  Out: which would change, and why.
Does not know: pictures, people, the time.
Main choice: the recorded score stands for the whole visit: that of the pooled attempt, or of the newest look where
single looks are compared.  Trade-off: it is an estimate both ways, since a refused attempt may have gone on, looks
need not have agreed on one person, and somebody who is refused usually tries again.  The larger margin between
look-alikes does not apply, because a decision does not say whether its runner-up was one.
A face that was recognised counts as let in where the door only asked for a second proof after it.
Another way of comparing gives other scores, and no embedding of a passage is kept: it is tried on the enrolled photos
instead, each of which has a score of either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from babel.numbers import format_decimal
from numpy.typing import NDArray

from attendance.domain.access.operating_point import stands_out
from attendance.domain.reason import Reason
from attendance.service.calibration.site_scores import SiteScores
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


@dataclass(frozen=True, slots=True)
class Photos:
    """What another way would change among the enrolled photos, each held against the person's others.

    `photos`: so many have a score · `would_be_refused`: they match now and would not · `would_match`: the reverse ·
    `people`: each stands in as a stranger to the others, of whom `taken_now` and `taken_then` reach the threshold.
    """

    photos: int
    would_be_refused: int
    would_match: int
    people: int
    taken_now: int
    taken_then: int


def replay_photos(now: SiteScores, threshold_now: float, then: SiteScores, threshold_then: float) -> Photos | None:
    """Compare the same photos by two ways; None where they are not of the same photos.  Margins are left out."""
    photos, others = len(now.genuine) - now.passages, len(then.genuine) - then.passages
    if now.person_ids != then.person_ids or photos != others:
        return None
    matches = now.genuine[:photos] >= np.float64(threshold_now)
    would = then.genuine[:photos] >= np.float64(threshold_then)
    return Photos(
        photos,
        int((matches & ~would).sum()),
        int((would & ~matches).sum()),
        now.people,
        _taken(now.strangers.own.scores, threshold_now),
        _taken(then.strangers.own.scores, threshold_then),
    )


def _taken(among: NDArray[np.float32], threshold: float) -> int:
    """Count who of [N,N] would be taken for somebody else."""
    others = np.where(np.eye(len(among), dtype=bool), -np.inf, among)
    return int((others >= np.float64(threshold)).any(axis=1).sum())


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

"""The result of an acceptance test at a door: attempts of people, and the rates with their bounds.

In: attempts with their outcomes; a source of chance from the caller.  Out: FNIR, FPIR, FTA with counts and 95 % bounds.
Does not know: doors, databases, paper.
Main choice: five attempts of one person count as one person, so bounds come from drawing people again, together
with Wilson's over people.  Trade-off: few people give wide bounds, however often they try; a test needs many.

FNIR: attempts of enrolled people, with a usable face, that were refused or mistaken for somebody else.
FPIR: strangers' attempts, with a usable face, that were let in.
FTA: attempts of anybody from which no usable face was taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from attendance.domain.calibration.error_rates import wilson_interval


class Kind(StrEnum):
    """Whose attempt it is.  Stored by value."""

    ENROLLED = "enrolled"
    STRANGER = "stranger"


class Outcome(StrEnum):
    """How the attempt ended.  Stored by value."""

    LET_IN = "let in"
    TAKEN_FOR_ANOTHER = "taken for another"
    REFUSED = "refused"
    NO_FACE = "no usable face"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at the door.

    `person`: who, the same text for the same person · `told_by`: "passage" or "operator" · `passage`: its id.
    Raises ValueError for a stranger who was taken for another: a stranger who is taken for anybody was let in.
    """

    kind: Kind
    person: str
    at: datetime
    outcome: Outcome
    told_by: str
    passage: str | None = None
    reason: str = ""
    score: float | None = None

    def __post_init__(self) -> None:
        if self.kind is Kind.STRANGER and self.outcome is Outcome.TAKEN_FOR_ANOTHER:
            raise ValueError("a stranger who is taken for somebody was let in")


@dataclass(frozen=True, slots=True)
class Bound:
    """`errors` of `attempts` of `people` people, with the 95 % bounds; without attempts 0..1."""

    errors: int
    attempts: int
    people: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        return self.errors / self.attempts if self.attempts else None


@dataclass(frozen=True, slots=True)
class Rates:
    fnir: Bound
    fpir: Bound
    fta: Bound


def rates(attempts: Sequence[Attempt], random: np.random.Generator) -> Rates:
    seen = [attempt for attempt in attempts if attempt.outcome is not Outcome.NO_FACE]
    own = [attempt for attempt in seen if attempt.kind is Kind.ENROLLED]
    strangers = [attempt for attempt in seen if attempt.kind is Kind.STRANGER]
    return Rates(
        _bound(own, lambda attempt: attempt.outcome is not Outcome.LET_IN, random),
        _bound(strangers, lambda attempt: attempt.outcome is Outcome.LET_IN, random),
        _bound(attempts, lambda attempt: attempt.outcome is Outcome.NO_FACE, random),
    )


def _bound(
    attempts: Sequence[Attempt], wrong: Callable[[Attempt], bool], random: np.random.Generator, draws: int = 2000
) -> Bound:
    if not attempts:
        return Bound(0, 0, 0, 0.0, 1.0)
    names = sorted({(attempt.kind, attempt.person) for attempt in attempts})
    place = {name: number for number, name in enumerate(names)}
    errors, tries = np.zeros(len(names)), np.zeros(len(names))
    for attempt in attempts:
        errors[place[attempt.kind, attempt.person]] += wrong(attempt)
        tries[place[attempt.kind, attempt.person]] += 1
    rate, number = float(errors.sum() / tries.sum()), len(names)
    drawn = random.integers(0, number, (draws, number))
    again = errors[drawn].sum(axis=1) / tries[drawn].sum(axis=1)
    low, high = (float(each) for each in np.quantile(again, [0.025, 0.975]))
    # Rounded before it is cut: 0.3 of 10 people are 3.
    fewest, most = math.floor(round(rate * number, 9)), math.ceil(round(rate * number, 9))
    low, high = min(low, wilson_interval(fewest, number)[0]), max(high, wilson_interval(most, number)[1])
    return Bound(int(errors.sum()), len(attempts), number, low, high)

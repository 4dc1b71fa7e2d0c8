"""What an acceptance test comes to: counts that a reader can check, bounds over people."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from attendance.domain.calibration.acceptance import Attempt, Kind, Outcome, Rates, rates
from attendance.domain.calibration.error_rates import wilson_interval
from tests.factories import NOON


def attempt(kind: Kind, person: str, outcome: Outcome) -> Attempt:
    return Attempt(kind, person, NOON, outcome, "operator")


def own(person: str, outcome: Outcome) -> Attempt:
    return attempt(Kind.ENROLLED, person, outcome)


def stranger(person: str, outcome: Outcome) -> Attempt:
    return attempt(Kind.STRANGER, person, outcome)


def of(*attempts: Attempt) -> Rates:
    return rates(attempts, np.random.default_rng(0))


def test_each_outcome_counts_where_it_belongs() -> None:
    found = of(
        own("1", Outcome.LET_IN),
        own("1", Outcome.REFUSED),
        own("2", Outcome.TAKEN_FOR_ANOTHER),
        own("2", Outcome.NO_FACE),
        stranger("S1", Outcome.LET_IN),
        stranger("S2", Outcome.REFUSED),
        stranger("S2", Outcome.NO_FACE),
    )
    assert (found.fnir.errors, found.fnir.attempts, found.fnir.people) == (2, 3, 2)
    assert (found.fpir.errors, found.fpir.attempts, found.fpir.people) == (1, 2, 2)
    assert (found.fta.errors, found.fta.attempts, found.fta.people) == (2, 7, 4)
    assert found.fpir.rate == 0.5


def test_one_attempt_a_person_has_wilsons_bounds() -> None:
    found = of(*(stranger(f"S{number}", Outcome.REFUSED) for number in range(20)))
    assert (found.fpir.low, found.fpir.high) == pytest.approx(wilson_interval(0, 20))


def test_the_same_stranger_again_and_again_is_one_stranger() -> None:
    one = of(*(stranger("S1", Outcome.REFUSED) for _ in range(20)))
    assert (one.fpir.attempts, one.fpir.people) == (20, 1)
    assert one.fpir.high > 0.75


def test_bounds_hold_their_rate() -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        attempts = [
            own(str(random.integers(0, 9)), Outcome.REFUSED if random.random() < 0.3 else Outcome.LET_IN)
            for _ in range(random.integers(1, 40))
        ]
        bound = of(*attempts).fnir
        assert bound.rate is not None
        assert 0 <= bound.low <= bound.rate <= bound.high <= 1


def test_nobody_tried_is_not_never() -> None:
    found = of(own("1", Outcome.LET_IN))
    assert (found.fpir.rate, found.fpir.low, found.fpir.high) == (None, 0.0, 1.0)


def test_the_same_number_enrolled_and_as_a_strangers_label_are_two() -> None:
    assert of(own("1", Outcome.NO_FACE), stranger("1", Outcome.LET_IN)).fta.people == 2


def test_a_stranger_cannot_be_taken_for_another() -> None:
    with pytest.raises(ValueError, match="let in"):
        stranger("S1", Outcome.TAKEN_FOR_ANOTHER)


def test_the_order_of_attempts_does_not_matter() -> None:
    attempts = [own(str(n % 4), Outcome.REFUSED if n % 3 else Outcome.LET_IN) for n in range(12)]
    later = [Attempt(a.kind, a.person, a.at + timedelta(hours=1), a.outcome, a.told_by) for a in attempts[::-1]]
    assert of(*attempts) == of(*later)

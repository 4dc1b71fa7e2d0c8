"""What a drill's trials say: rates with exact bounds, what is missing, where the operating point is put."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from attendance.domain.access.liveness.drill import (
    LEAST_ATTACKS,
    Species,
    Trial,
    judged_again,
    missing,
    point_from,
    rates_of,
)
from attendance.domain.access.liveness.fusion import LivenessPoint, judge
from attendance.domain.calibration.error_rates import clopper_pearson
from tests.factories import NOON

POINT = LivenessPoint(1.0, 0.0, 0.0, -1.0)


def trial(species: Species, logit: float | None, who: str = "", ring: float | None = None) -> Trial:
    judgement = None if logit is None else judge([logit], ring, None, POINT)
    return Trial(species, who or species.value, NOON, judgement)


def a_drill(live: float = 3.0, attack: float = -3.0, people: int = 5) -> list[Trial]:
    """20 walk-ups and 10 attacks of each species, all a little different."""
    spread = np.random.default_rng(7).normal(0, 0.5, 60)
    trials = [trial(Species.LIVE, live + spread[n], f"L{n % people}") for n in range(20)]
    for place, species in enumerate(list(Species)[1:]):
        trials += [trial(species, attack + spread[20 + 10 * place + n], f"{species}{n % 2}") for n in range(10)]
    return trials


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [  # from the tables of Clopper and Pearson's interval, 95 %
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (3, 100, 0.0062, 0.0852),
        (0, 300, 0.0, 0.0122),
    ],
)
def test_the_exact_interval_is_that_of_the_tables(errors: int, trials: int, low: float, high: float) -> None:
    assert clopper_pearson(errors, trials) == pytest.approx((low, high), abs=6e-5)


def test_the_exact_interval_of_thousands_of_trials_is_finite_and_of_none_says_nothing() -> None:
    low, high = clopper_pearson(1500, 3000)
    assert 0.48 < low < 0.5 < high < 0.52
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 errors of 2"):
        clopper_pearson(3, 2)


def test_an_attack_that_looks_alive_and_a_person_that_does_not_are_the_errors() -> None:
    trials = [
        trial(Species.LIVE, 2.0, "L1"),
        trial(Species.LIVE, -0.5, "L2"),  # unclear: asked for a second factor, so an error
        trial(Species.PHONE, 2.0, "P1"),
        trial(Species.PHONE, -2.0, "P1"),
        trial(Species.PHONE, None, "P2"),
    ]
    found = {rate.species: rate for rate in rates_of(trials)}
    live, phone, tablet = (found[one] for one in (Species.LIVE, Species.PHONE, Species.TABLET))
    assert (live.errors, live.trials, live.things, live.enough) == (1, 2, 2, False)
    assert (phone.errors, phone.trials, phone.things, phone.unseen) == (1, 2, 1, 1)
    assert (tablet.rate, tablet.low, tablet.high) == (None, 0.0, 1.0)


def test_many_tries_with_one_instrument_bound_no_more_than_one() -> None:
    one = rates_of([trial(Species.PRINT, -3.0, "A") for _ in range(50)])[1]
    many = rates_of([trial(Species.PRINT, -3.0, f"A{n}") for n in range(50)])[1]
    assert one.rate == many.rate == 0.0
    assert one.high == pytest.approx(0.975)  # as if tried once
    assert many.high == pytest.approx(clopper_pearson(0, 50)[1])


def test_what_is_missing_counts_people_as_well_as_walk_ups() -> None:
    assert missing([])[Species.LIVE] == 20
    assert missing(a_drill(people=2))[Species.LIVE] == 3
    assert missing(a_drill()[:-1])[Species.REPLAY] == 1
    assert not any(missing(a_drill()).values())


def test_the_point_lets_the_living_pass_and_keeps_the_attacks_out_whatever_the_networks_scale() -> None:
    for shift, scale in ((0.0, 1.0), (5.0, 1.0), (-4.0, 3.0)):
        trials = a_drill(3.0 * scale + shift, -3.0 * scale + shift)
        point = point_from(trials, "drill")
        assert point is not None
        again = {rate.species: rate for rate in rates_of(judged_again(trials, point))}
        assert again[Species.LIVE].errors <= 1
        assert sum(again[one].errors for one in list(Species)[1:]) == 0
        assert point.live_from >= 0
        assert point.attack_below < point.live_from


def test_too_few_trials_or_a_network_that_tells_nothing_give_no_point() -> None:
    assert point_from(a_drill(people=4), "drill") is None
    assert point_from([one for one in a_drill() if one.species is not Species.PRINT], "drill") is None
    prints_only = [one for one in a_drill() if one.species in (Species.LIVE, Species.PRINT)]
    assert len(prints_only) == 20 + LEAST_ATTACKS
    assert point_from(prints_only, "drill") is None
    assert point_from(a_drill(live=-1.0, attack=1.0), "drill") is None


def test_a_veto_of_motion_counts_again_under_another_point() -> None:
    held = trial(Species.PRINT, 2.0, ring=0.9)
    assert not held.alive
    assert not judged_again([held], LivenessPoint(1.0, 0.0, 0.0, -1.0))[0].alive
    assert judged_again([held], LivenessPoint(4.0, 0.0, 0.0, -1.0))[0].alive  # min(6, 8) - 4 > 0


def test_trials_keep_their_times() -> None:
    late = Trial(Species.LIVE, "L1", NOON + timedelta(hours=1), None)
    assert judged_again([late], POINT) == (late,)

"""A site's own people first, packaged strangers moved to resemble them where those do not suffice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.calibration.risk import Calibration, Strangers, Verdict, calibrate
from attendance.domain.calibration.site_calibration import StrangerScores, calibrate_site, curve_site
from tests.domain.calibration.simulated_sites import coverage, faces, passing, site_scores

Vectors = NDArray[np.float32]


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def site(people: int, seed: int = 1, strangers: int = 1500, likeness: float = 0.0) -> tuple[Vectors, StrangerScores]:
    return site_scores(chance(seed), people, strangers, likeness)


def found(scores: StrangerScores, risk: float) -> Calibration:
    return calibrate_site(scores, "m", scores.own.people, 1 / risk, chance(), draws=100)


def assert_no_number(calibration: Calibration) -> None:
    assert not calibration.verdict.usable
    assert calibration.fpir is calibration.threshold is calibration.low is calibration.high is None


def test_enough_people_speak_for_themselves() -> None:
    _, scores = site(200)
    expected = calibrate(scores.own, "m", 200, 0.1, chance(), draws=100)
    assert expected.verdict is Verdict.MEASURED
    assert found(scores, 10) == expected
    assert found(replace(scores, outside=None), 10) == expected


@pytest.mark.parametrize("people", [12, 20, 40])
@pytest.mark.parametrize("likeness", [0.0, 0.3, 0.6])
def test_few_people_in_their_own_light_are_not_undercut(people: int, likeness: float) -> None:
    """Strangers come through the same light; the packaged ones, as they are, would say far too little."""
    within = 0
    for seed in range(8):
        gallery, scores = site(people, seed, likeness=likeness)
        calibration = found(scores, 50)
        assert calibration.verdict is Verdict.ESTIMATED
        assert calibration.threshold is not None
        assert calibration.high is not None
        passed = passing(chance(5), gallery, calibration.threshold, 20_000, likeness)
        within += passed <= calibration.high
        if likeness == 0.6:
            assert scores.outside is not None
            as_they_are = calibrate(scores.outside, "m", people, 0.02, chance(), draws=20)
            assert passing(chance(5), gallery, as_they_are.threshold or 0, 20_000, likeness) > 0.06
    assert within >= 7


def test_the_truth_lies_inside_what_was_said() -> None:
    """A small part of what `simulated_sites` measures; docs/LOG.md has it for 1,000 sites."""
    few, many = (
        coverage(20, people, 800, target, seed=4, truth=10_000, likeness=0.4)
        for people, target in ((20, 0.01), (120, 0.03))
    )
    for one in (few, many):
        assert one.sites >= 19
        assert one.truth_inside >= 17
        assert one.trial_inside >= 16


def test_packaged_strangers_are_never_moved_down() -> None:
    """A site whose people resemble each other less than they resemble strangers is no reason to be careless."""
    gallery, scores = site(30, likeness=0.0)
    assert scores.outside is not None
    near = replace(scores.outside, scores=scores.outside.scores + np.float32(0.1))
    raw = calibrate(near, "m", 30, 0.02, chance(), draws=20).threshold
    moved = found(replace(scores, outside=near), 50).threshold
    assert raw is not None
    assert moved is not None
    assert moved >= raw
    assert passing(chance(), gallery, moved, 5000) <= 0.02


@pytest.mark.parametrize("people", [20, 60, 150])
def test_a_smaller_risk_never_gives_a_lower_threshold(people: int) -> None:
    for seed in range(3):
        _, scores = site(people, seed, likeness=0.3)
        thresholds = [found(scores, risk).threshold for risk in (5, 10, 20, 50, 100, 300, 1000, 3000)]
        numbers = [one for one in thresholds if one is not None]
        assert len(numbers) >= 6
        assert numbers == sorted(numbers)


def test_the_curve_says_at_a_threshold_what_the_offer_said() -> None:
    _, scores = site(30, likeness=0.3)
    offer = found(scores, 100)
    assert offer.threshold is not None
    (again,) = curve_site(scores, "m", 30, [offer.threshold], 0.01, chance(), draws=100)
    assert again.verdict is Verdict.ESTIMATED
    assert again.fpir == pytest.approx(0.01, rel=0.05)
    assert again.fpir == pytest.approx(offer.fpir)


def test_an_estimate_claims_nothing_from_below() -> None:
    calibration = found(site(20)[1], 100)
    assert calibration.verdict is Verdict.ESTIMATED
    assert calibration.low == 0
    assert calibration.trial is not None
    assert calibration.high is not None
    assert calibration.fpir is not None
    assert calibration.trial[0] == 0
    assert calibration.fpir <= calibration.high <= calibration.trial[1]


@pytest.mark.parametrize("people", [0, 1, 4])
def test_hardly_anybody_enrolled_is_not_enough_whatever_is_packaged(people: int) -> None:
    scores = site(max(people, 1))[1]
    own = Strangers(scores.own.scores[:people, :people], np.arange(people), "m")
    assert scores.outside is not None
    outside = replace(scores.outside, scores=scores.outside.scores[:, :people])
    calibration = calibrate_site(StrangerScores(own, outside), "m", people, 0.01, chance())
    assert calibration.verdict is Verdict.NOT_ENOUGH
    assert_no_number(calibration)


@pytest.mark.parametrize("people", [20, 60])
def test_people_who_are_all_one_face_are_not_told_apart(people: int) -> None:
    gallery = np.repeat(faces(chance(), 1), people, axis=0)
    outside = faces(chance(1), 500) @ gallery.T
    scores = StrangerScores(
        Strangers(gallery @ gallery.T, np.arange(people), "m"), Strangers(outside, np.full(500, -1, np.int64), "m")
    )
    calibration = found(scores, 100)
    assert calibration.verdict is Verdict.ALIKE
    assert_no_number(calibration)


@pytest.mark.parametrize("which", ["own", "outside"])
@pytest.mark.parametrize("people", [20, 60])
def test_broken_scores_on_either_side_give_no_number(which: str, people: int) -> None:
    _, scores = site(people)
    part = getattr(scores, which)
    broken = part.scores.copy()
    broken[3, 5] = np.nan
    calibration = found(replace(scores, **{which: replace(part, scores=broken)}), 1000)
    assert calibration.verdict is Verdict.BROKEN
    assert_no_number(calibration)
    points = curve_site(
        replace(scores, **{which: replace(part, scores=broken)}), "m", people, [0.3, 0.9], 0.01, chance(), draws=20
    )
    if which == "own":
        assert [one.verdict for one in points] == [Verdict.BROKEN] * 2


@pytest.mark.parametrize("people", [20, 60])
def test_another_models_scores_on_either_side_give_no_number(people: int) -> None:
    _, scores = site(people)
    assert scores.outside is not None
    for foreign in (
        replace(scores, outside=replace(scores.outside, model_id="x")),
        replace(scores, own=replace(scores.own, model_id="x"), outside=replace(scores.outside, model_id="x")),
    ):
        calibration = found(foreign, 1000)
        assert calibration.verdict is Verdict.FOREIGN
        assert_no_number(calibration)

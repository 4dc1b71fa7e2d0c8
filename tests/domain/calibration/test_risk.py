"""From a risk to a threshold: what must hold, checked against plain counting; and where no number may be given."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.access.gallery import Gallery
from attendance.domain.calibration.error_rates import direct_fpir
from attendance.domain.calibration.risk import (
    ALIKE,
    MIN_PEOPLE,
    MIN_STRANGERS,
    Calibration,
    Strangers,
    Verdict,
    calibrate,
    curve,
    least_people,
)
from tests.domain.calibration.simulated_sites import coverage, faces, site

NUMBERS = ("threshold", "fmr", "formula", "direct", "low", "high", "trial", "fpir")


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def research_set(people: int = 400, seed: int = 1) -> Strangers:
    """One picture each of people who stand for others of their kind."""
    rows = faces(chance(seed), people)
    return Strangers(rows @ rows.T, np.arange(people), "m", sampled=True)


def a_site(people: int = 40, strangers: int = 1000, seed: int = 2) -> Strangers:
    return site(chance(seed), people, strangers)[1]


def without_own(strangers: Strangers) -> NDArray[np.float64]:
    scores = strangers.scores.astype(np.float64)
    rows = np.flatnonzero(strangers.own >= 0)
    scores[rows, strangers.own[rows]] = -9
    return scores


def found(strangers: Strangers, people: int, risk: float) -> Calibration:
    return calibrate(strangers, strangers.model_id, people, 1 / risk, chance(), draws=100)


def assert_no_number(calibration: Calibration) -> None:
    assert not calibration.verdict.usable
    assert [getattr(calibration, name) for name in NUMBERS] == [None] * len(NUMBERS)


# What must hold.


@pytest.mark.parametrize("make", [research_set, a_site])
def test_a_smaller_risk_never_gives_a_lower_threshold(make: type[Strangers]) -> None:
    strangers = make()
    thresholds = [found(strangers, 40, risk).threshold for risk in (3, 10, 30, 100, 300, 1000, 3000)]
    numbers = [one for one in thresholds if one is not None]
    assert len(numbers) >= 6
    assert numbers == sorted(numbers)
    assert numbers[-1] > numbers[0]


@pytest.mark.parametrize("risk", [10, 100, 1000])
def test_more_people_never_give_a_lower_threshold(risk: float) -> None:
    strangers = research_set()
    thresholds = [found(strangers, people, risk).threshold for people in (1, 2, 5, 20, 100, 300)]
    numbers = [one for one in thresholds if one is not None]
    assert len(numbers) >= 5
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("make", [research_set, a_site])
def test_a_higher_threshold_never_lets_more_strangers_in(make: type[Strangers]) -> None:
    strangers = make()
    points = curve(strangers, "m", 40, np.linspace(0.2, 0.9, 60).tolist(), 0.01, chance(), draws=50)
    measured = [one for one in points if one.verdict is Verdict.MEASURED]
    tail = [one for one in points if one.verdict is Verdict.EXTRAPOLATED]
    assert measured
    assert tail
    for part in (measured, tail):
        rates = [one.fpir or 0 for one in part]
        assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("risk", [10, 1000])
def test_the_order_of_people_and_strangers_does_not_matter(seed: int, risk: float) -> None:
    strangers = a_site()
    random = chance(seed)
    rows, columns = random.permutation(len(strangers.scores)), random.permutation(strangers.people)
    place = np.argsort(columns)
    own = np.where(strangers.own >= 0, place[strangers.own], -1)[rows]
    shuffled = replace(strangers, scores=strangers.scores[rows][:, columns], own=own)
    one, other = found(strangers, 40, risk), found(shuffled, 40, risk)
    for name in ("verdict", "threshold", "fmr", "direct", "seen"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-12) or name == "verdict"
    assert one.verdict is other.verdict


def test_the_threshold_is_the_lowest_that_keeps_the_risk() -> None:
    strangers = a_site()
    best = np.sort(without_own(strangers).max(axis=1))
    calibration = found(strangers, 40, 25)
    assert calibration.threshold is not None
    assert calibration.verdict is Verdict.MEASURED
    assert (best >= calibration.threshold).mean() <= 1 / 25
    cells = without_own(strangers)[without_own(strangers) > -9]
    just_below = np.sort(cells[cells < calibration.threshold])[-1]
    formula = 1 - (1 - (cells >= just_below).mean()) ** 40
    assert max(formula, (best >= just_below).mean()) > 1 / 25


def test_the_rates_are_those_of_plain_counting() -> None:
    strangers = a_site()
    calibration = found(strangers, 40, 25)
    passed = without_own(strangers) >= (calibration.threshold or 0)
    assert calibration.fmr == pytest.approx(passed.sum() / strangers.comparisons)
    assert calibration.formula == pytest.approx(1 - (1 - passed.sum() / strangers.comparisons) ** 40)
    assert calibration.direct == pytest.approx(passed.any(axis=1).mean())
    assert calibration.seen == passed.any(axis=1).sum()


def test_the_exact_mean_over_galleries_is_that_of_all_of_them() -> None:
    """Every gallery that can be drawn, one after the other."""
    random = chance(3)
    reached = random.random((5, 7)) < 0.3
    for people in range(1, 8):
        galleries = list(itertools.combinations(range(7), people))
        expected = [np.mean([row[list(one)].any() for one in galleries]) for row in reached]
        assert np.allclose(direct_fpir(reached.sum(axis=1), 7, people), expected)


def test_a_simulated_open_set_gives_the_stated_rate() -> None:
    """Galleries are drawn and people left out of them try to pass."""
    strangers = research_set()
    calibration = found(strangers, 50, 20)
    assert calibration.threshold is not None
    assert calibration.direct is not None
    random, passed = chance(4), []
    for _ in range(300):
        order = random.permutation(400)
        scores = strangers.scores[order[50:]][:, order[:50]]
        passed.append((scores.max(axis=1) >= np.float64(calibration.threshold)).mean())
    assert np.mean(passed) == pytest.approx(calibration.direct, rel=0.1)


@pytest.mark.parametrize("risk", [5, 50, 500, 2000])
@pytest.mark.parametrize("make", [research_set, a_site])
def test_an_interval_holds_its_estimate(make: type[Strangers], risk: float) -> None:
    calibration = found(make(), 40, risk)
    assert calibration.low is not None
    assert calibration.high is not None
    assert calibration.fpir is not None
    assert 0 <= calibration.low <= calibration.fpir <= calibration.high <= 1
    assert calibration.trial is not None
    assert 0 <= calibration.trial[0] <= calibration.trial[1] <= 1


def test_more_strangers_make_a_narrower_interval() -> None:
    few, many = (found(a_site(strangers=number), 40, 20) for number in (300, 6000))
    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert few.high - few.low > 2 * (many.high - many.low)


def test_what_is_drawn_on_says_so_and_far_beyond_the_data_nothing_is_said() -> None:
    strangers = a_site()
    verdicts = [found(strangers, 40, risk).verdict for risk in (10, 1000, 1_000_000)]
    assert verdicts == [Verdict.MEASURED, Verdict.EXTRAPOLATED, Verdict.NOT_ENOUGH]
    assert_no_number(found(strangers, 40, 1_000_000))


def test_the_truth_lies_inside_the_interval() -> None:
    """A small part of what `simulated_sites` measures; docs/LOG.md has it for 1,000 sites."""
    measured = coverage(25, people=30, strangers=600, target=0.03, seed=5, truth=10_000)
    drawn_on = coverage(25, people=30, strangers=600, target=0.003, seed=6, truth=10_000)
    for one in (measured, drawn_on):
        assert one.sites == 25
        assert one.truth_inside >= 21
        assert one.trial_inside >= 21


def test_a_column_of_ones_own_is_left_out() -> None:
    strangers = a_site()
    rows = np.flatnonzero(strangers.own >= 0)
    scores = strangers.scores.copy()
    scores[rows, strangers.own[rows]] = 0.0
    assert found(strangers, 40, 50).threshold == found(replace(strangers, scores=scores), 40, 50).threshold


# Where no number may be given.


@pytest.mark.parametrize("people", [0, 1, MIN_PEOPLE - 1])
def test_hardly_anybody_enrolled_is_not_enough(people: int) -> None:
    scores = np.zeros((200, people), np.float32)
    calibration = found(Strangers(scores, np.full(200, -1, np.int64), "m"), people, 100)
    assert calibration.verdict is Verdict.NOT_ENOUGH
    assert_no_number(calibration)


def test_few_strangers_are_not_enough() -> None:
    strangers = a_site(people=20, strangers=MIN_STRANGERS - 21)
    calibration = found(strangers, 20, 100)
    assert calibration.verdict is Verdict.NOT_ENOUGH
    assert_no_number(calibration)


def test_nobody_at_all_is_not_enough() -> None:
    calibration = found(Strangers(np.empty((0, 0), np.float32), np.empty(0, np.int64), "m"), 0, 100)
    assert calibration.verdict is Verdict.NOT_ENOUGH
    assert_no_number(calibration)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.5, -7.0])
def test_a_single_broken_score_spoils_everything(value: float) -> None:
    strangers = a_site()
    scores = strangers.scores.copy()
    scores[17, 3] = value
    calibration = found(replace(strangers, scores=scores), 40, 100)
    assert calibration.verdict is Verdict.BROKEN
    assert_no_number(calibration)


def test_another_models_scores_are_refused() -> None:
    calibration = calibrate(a_site(), "another", 40, 0.01, chance())
    assert calibration.verdict is Verdict.FOREIGN
    assert_no_number(calibration)


def test_people_who_are_all_the_same_are_not_told_apart() -> None:
    """All duplicates: with strangers who are somebody else, and without."""
    face = faces(chance(), 1)
    gallery = np.repeat(face, 60, axis=0)
    alone = Strangers(gallery @ gallery.T, np.arange(60), "m")
    outside = faces(chance(1), 500)
    both = Strangers(
        np.concatenate([outside, gallery]) @ gallery.T,
        np.concatenate([np.full(500, -1, np.int64), np.arange(60)]),
        "m",
    )
    for strangers in (alone, both):
        calibration = found(strangers, 60, 100)
        assert calibration.verdict is Verdict.ALIKE
        assert_no_number(calibration)


@pytest.mark.parametrize("score", [0.0, 0.3, 1.0])
def test_scores_that_are_all_equal_say_nothing(score: float) -> None:
    scores = np.full((100, 20), score, np.float32)
    calibration = found(Strangers(scores, np.full(100, -1, np.int64), "m"), 20, 100)
    assert calibration.verdict is Verdict.ALIKE
    assert_no_number(calibration)


def test_a_verdict_without_a_number_gives_none_on_the_whole_curve() -> None:
    points = curve(a_site(), "another", 40, [0.3, 0.5], 0.01, chance())
    assert len(points) == 2
    for point in points:
        assert_no_number(point)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, float("nan")])
def test_a_risk_that_is_none_is_an_error(target: float) -> None:
    with pytest.raises(ValueError, match="no risk"):
        calibrate(a_site(), "m", 40, target, chance())


def test_scores_and_owners_that_do_not_fit_are_an_error() -> None:
    scores = np.zeros((5, 3), np.float32)
    with pytest.raises(ValueError, match="own"):
        Strangers(scores, np.zeros(4, np.int64), "m")
    with pytest.raises(ValueError, match="column"):
        Strangers(scores, np.full(5, 3, np.int64), "m")


def test_no_threshold_is_ever_where_pictures_are_as_good_as_one() -> None:
    for seed in range(4):
        for risk in (10, 100, 1000, 10_000):
            threshold = found(a_site(seed=seed), 40, risk).threshold
            assert threshold is None or 0 < threshold < ALIKE


def test_a_calibration_holds_every_number_of_these_tests() -> None:
    assert {field.name for field in fields(Calibration)} >= set(NUMBERS) - {"fpir"}


def test_the_gallery_scores_strangers_as_it_scores_faces_at_the_door() -> None:
    from attendance.domain.faces import Template

    rows = faces(chance(8), 60)
    owners = np.repeat(np.arange(20), 3)
    gallery = Gallery(owners.tolist(), rows, "m", 0)
    looks = faces(chance(9), 700)
    scores = gallery.person_scores(looks)
    assert gallery.person_ids == tuple(range(20))
    for row in (0, 511, 512, 699):
        ranked = gallery.search(Template(looks[row], "m"), limit=20)
        assert {one.person_id: pytest.approx(one.score, abs=1e-6) for one in ranked} == dict(enumerate(scores[row]))
    assert Gallery([], [], "m", 0).person_scores(looks).shape == (700, 0)
    with pytest.raises(ValueError, match="rows"):
        gallery.person_scores(looks[:, :5])


@pytest.mark.parametrize(("risk", "people"), [(2, 50), (100, 50), (200, 63), (1000, 311), (1_000_000, 310_001)])
def test_the_fewest_people_that_can_say_anything_at_a_risk(risk: float, people: int) -> None:
    """1 + 31 / (100 * -log(1 - 1/risk)), at least fifty."""
    assert least_people(1 / risk) == people

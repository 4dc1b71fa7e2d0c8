"""From the enrolled people of a site to a threshold in force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.calibration.risk import Verdict
from attendance.domain.faces import Template
from attendance.errors import UserError
from attendance.service.calibration import offers
from attendance.service.calibration.impostors import Reference, Source
from attendance.service.calibration.verdict_texts import why_no_number
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from tests.domain.calibration.simulated_sites import faces
from tests.factories import MODEL, NOON
from tests.service.calibration.conftest import default, enrol, in_force, known, put, reference

Vectors = NDArray[np.float32]


def test_the_words_say_what_the_numbers_rest_on(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12, photos=3)
    words = known(sessions, keys, reference(60)).words
    assert "12 people with 36 photos" in words
    assert "60 invented faces" in words
    assert "36 comparisons of photos of one person" in words


@pytest.mark.parametrize(("number", "risk", "verdict"), [(40, 50, Verdict.ESTIMATED), (150, 10, Verdict.MEASURED)])
def test_a_calibrated_threshold_keeps_the_risk_against_new_strangers(
    sessions: Sessions, keys: Keys, number: int, risk: float, verdict: Verdict
) -> None:
    enrol(sessions, keys, number)
    site_scores = known(sessions, keys, reference())
    offer = offers.calibrate_site(site_scores, risk)
    assert offer.verdict is verdict
    assert offer.threshold is not None
    fresh = gather_scores(sessions, keys, reference(20_000, seed=71).vectors)
    passed = float((fresh.max(axis=1) >= offer.threshold).mean())
    assert offer.calibration.low is not None
    assert offer.calibration.high is not None
    assert offer.calibration.low <= passed <= offer.calibration.high


def gather_scores(sessions: Sessions, keys: Keys, vectors: Vectors) -> NDArray[np.float32]:
    with sessions() as session:
        return templates.load_gallery(session, keys, MODEL).person_scores(vectors)


def test_ones_own_people_are_refused_more_often_by_a_smaller_risk(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 25, photos=3, cosine=0.9)
    site_scores = known(sessions, keys, reference())
    shares = [offers.calibrate_site(site_scores, risk).refused.value for risk in (10, 100, 1000)]
    assert None not in shares
    assert shares == sorted(shares, key=lambda one: one or 0)


def test_the_curve_never_says_that_a_lower_threshold_risks_less(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 20, photos=2, cosine=0.9)
    points = offers.curve(known(sessions, keys, reference()))
    assert [point.threshold for point in points] == list(offers.CURVE)
    for name in ("fpir", "low", "high"):
        values = [getattr(point, name) for point in points if point.fpir is not None]
        assert len(values) > 50
        assert values == sorted(values, reverse=True)
    refused = [point.refused or 0 for point in points]
    assert refused == sorted(refused)
    assert refused[-1] == 1


def test_the_same_people_give_the_same_numbers(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 25)
    first, second = (offers.calibrate_site(known(sessions, keys, reference()), 300) for _ in range(2))
    assert first == second


def test_the_outlook_puts_first_who_should_be_enrolled_again(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 11, photos=3, cosine=0.97)
    enrol(sessions, keys, 1, seed=2, photos=3, cosine=0.6)
    enrol(sessions, keys, 1, seed=3, photos=1)
    outlook = offers.outlook(known(sessions, keys, reference()), 0.8)
    assert {one.name for one in outlook[:2]} == {"Person 2-0", "Person 3-0"}
    poor, single = sorted(outlook[:2], key=lambda one: one.name)
    assert (poor.tries, poor.refused, single.tries, single.lowest) == (3, 3, 0, None)
    assert "enrol again" in poor.advice.lower()
    assert "photo" in single.advice
    assert not any(one.enrol_again for one in outlook[2:])


def test_where_a_threshold_refuses_everybody_nobody_stands_out(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12, photos=2, cosine=0.8)
    outlook = offers.outlook(known(sessions, keys, reference()), 0.98)
    assert all(one.refused == one.tries for one in outlook)
    assert not any(one.enrol_again for one in outlook)


def test_without_a_reference_the_sites_people_alone_are_the_strangers(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 60, photos=1)
    site_scores = known(sessions, keys)
    assert site_scores.trouble
    assert site_scores.strangers.outside is None
    assert offers.calibrate_site(site_scores, 10).verdict.usable
    assert offers.calibrate_site(site_scores, 1000).verdict in (Verdict.EXTRAPOLATED, Verdict.NOT_ENOUGH)


@pytest.mark.parametrize("number", [0, 1, 4])
def test_hardly_anybody_enrolled_gets_the_conservative_default(sessions: Sessions, keys: Keys, number: int) -> None:
    enrol(sessions, keys, number)
    default(sessions, 0.77)
    offer = offers.calibrate_site(known(sessions, keys, reference()), 100)
    assert (offer.verdict, offer.fallback, offer.threshold) == (Verdict.NOT_ENOUGH, True, 0.77)
    assert offer.calibration.fpir is None
    assert all(point.fpir is None for point in offers.curve(known(sessions, keys, reference())))


def test_people_who_are_all_one_face_get_a_verdict(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        vector = faces(np.random.default_rng(0), 1)[0]
        for index in range(60):
            person = people.create_person(session, name=f"Person {index}", at=NOON)
            templates.add_template(session, keys, person.id, Template(vector, MODEL), "upload", {}, None, at=NOON)
    site_scores = known(sessions, keys, reference())
    offer = offers.calibrate_site(site_scores, 1000)
    assert (offer.verdict, offer.threshold) == (Verdict.ALIKE, None)
    assert site_scores.nearest[0].score == pytest.approx(1, abs=1e-5)
    with pytest.raises(UserError, match="no threshold can be given"):
        put(sessions, site_scores)


def test_another_models_strangers_get_a_verdict(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 20)
    offer = offers.calibrate_site(known(sessions, keys, reference(model_id="another")), 100)
    assert (offer.verdict, offer.threshold, offer.calibration.fpir) == (Verdict.FOREIGN, None, None)


def test_strangers_of_another_length_are_refused_with_what_to_do(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 20)
    short = Reference(MODEL, np.eye(4, dtype=np.float32), (Source("x", "x", 4),))
    with pytest.raises(UserError, match="weights impostors"):
        known(sessions, keys, short)


@pytest.mark.parametrize("risk", [0, 1, -5, float("nan"), float("inf"), 1e9])
def test_a_risk_that_is_none_is_refused(sessions: Sessions, keys: Keys, risk: float) -> None:
    with pytest.raises(UserError, match="one stranger in 2"):
        offers.calibrate_site(known(sessions, keys), risk)


@pytest.mark.parametrize("threshold", [0, 1, -0.2, float("nan")])
def test_a_threshold_that_is_none_is_refused(sessions: Sessions, keys: Keys, threshold: float) -> None:
    with pytest.raises(UserError, match="between 0 and 1"):
        offers.at(known(sessions, keys), threshold)


def test_what_is_put_in_force_says_what_it_rests_on(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 30)
    default(sessions, 0.3)
    site_scores = known(sessions, keys, reference())
    put(sessions, site_scores, risk=100, reason="  The   works council agreed. ")
    row = in_force(sessions)
    offer = offers.calibrate_site(site_scores, 100)
    assert (row.source, row.model_id, row.created_by) == ("calibration", MODEL, "Ada")
    assert (row.target, row.gallery_size, row.covers) == (0.01, 30, 30)
    assert (row.fpir, row.fpir_low, row.fpir_high) == (
        offer.calibration.fpir,
        offer.calibration.low,
        offer.calibration.high,
    )
    assert (row.verdict, row.data, row.reason) == (offer.verdict.value, site_scores.words, "The works council agreed.")
    assert row.details["before"] == 0.3


def test_loosening_asks_for_a_reason_and_tightening_does_not(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 30)
    site_scores = known(sessions, keys, reference())
    default(sessions, 0.99)
    with pytest.raises(UserError, match="say why"):
        put(sessions, site_scores, reason="  ")
    assert in_force(sessions).threshold == 0.99
    put(sessions, site_scores, reason="measured")
    put(sessions, site_scores, risk=1000, reason="")
    assert in_force(sessions).threshold > offers.calibrate_site(site_scores, 100).threshold  # type: ignore[operator]


def test_a_default_that_is_lower_than_what_is_in_force_is_not_taken(sessions: Sessions, keys: Keys) -> None:
    default(sessions, 0.5)
    default(sessions, 0.7, source="administrator")
    with pytest.raises(UserError, match="is higher and stays"):
        put(sessions, known(sessions, keys, reference()), reason="please")
    assert in_force(sessions).threshold == 0.7


def test_eight_people_get_an_estimate_that_holds_and_never_loosens_the_weights_own(
    sessions: Sessions, keys: Keys
) -> None:
    enrol(sessions, keys, 8)
    offer = offers.calibrate_site(known(sessions, keys, reference()), 50)
    assert offer.verdict is Verdict.ESTIMATED and offer.threshold is not None and not offer.fallback
    fresh = gather_scores(sessions, keys, reference(20_000, seed=71).vectors)
    assert offer.calibration.high is not None
    assert float((fresh.max(axis=1) >= offer.threshold).mean()) <= min(1 / 50, offer.calibration.high)
    default(sessions, 0.9)
    floored = offers.calibrate_site(known(sessions, keys, reference()), 50)
    assert (floored.threshold, floored.verdict, floored.fallback) == (0.9, Verdict.ESTIMATED, False)


@pytest.mark.parametrize(
    ("number", "outside", "risk", "missing"),
    [
        (1, True, 200, 4),
        (2, True, 200, 3),
        (3, True, 200, 2),
        (4, True, 200, 1),
        (8, False, 20, 42),
        (8, False, 200, 55),
    ],
)
def test_fewer_people_are_told_how_many_are_missing(
    sessions: Sessions, keys: Keys, number: int, outside: bool, risk: float, missing: int
) -> None:
    """Fifty give a number for 1 in 20 by themselves, and none for 1 in 200."""
    enrol(sessions, keys, number)
    offer = offers.calibrate_site(known(sessions, keys, reference() if outside else None), risk)
    assert (offer.verdict, offer.threshold, offer.calibration.missing) == (Verdict.NOT_ENOUGH, None, missing)
    assert f"Enrol at least {missing} more" in why_no_number(offer.calibration)


def test_what_is_said_to_be_missing_gives_the_number(sessions: Sessions, keys: Keys) -> None:
    """Without packaged strangers sixty people get none for 1 in 200, are told how many more, and these are enough."""
    enrol(sessions, keys, 60)
    offer = offers.calibrate_site(known(sessions, keys), 200)
    assert offer.verdict is Verdict.NOT_ENOUGH and 3 <= offer.calibration.missing <= 100
    assert offers.calibrate_site(known(sessions, keys), 20).verdict.usable
    enrol(sessions, keys, offer.calibration.missing + 20, seed=2)
    assert offers.calibrate_site(known(sessions, keys), 200).verdict.usable


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("number", [1, 2, 5, 8])
def test_a_small_site_never_says_that_its_threshold_comes_from_a_risk_without_a_number(
    sessions: Sessions, keys: Keys, number: int, outside: bool
) -> None:
    enrol(sessions, keys, number, photos=2)
    default(sessions, 0.55)
    put(sessions, known(sessions, keys, reference() if outside else None), risk=200)
    row = in_force(sessions)
    has_number = row.fpir is not None
    assert (row.source == "calibration") is has_number
    assert row.threshold >= 0.55 and (has_number or row.threshold == 0.55)

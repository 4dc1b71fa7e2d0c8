"""From the enrolled people of a site to a threshold in force, and how it keeps to its risk."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance import jobs
from attendance.config import Calibration, Settings
from attendance.domain.calibration.risk import Verdict
from attendance.domain.faces import Template
from attendance.errors import UserError
from attendance.service.calibration import impostors
from attendance.service.calibration import risk as calibration
from attendance.service.calibration.auto_tighten import after_enrolment, outgrown, tighten
from attendance.service.calibration.impostors import Reference, Source
from attendance.service.calibration.site_scores import Evidence, gather, since
from attendance.store import tables
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from tests.domain.calibration.simulated_sites import faces
from tests.factories import MODEL, NOON, make_passage, near
from tests.fakes import FakeClock

Vectors = NDArray[np.float32]


def reference(number: int = 1500, seed: int = 70, model_id: str = MODEL) -> Reference:
    return Reference(model_id, faces(np.random.default_rng(seed), number), (Source("made", "invented faces", number),))


def enrol(sessions: Sessions, keys: Keys, number: int, seed: int = 1, photos: int = 1, cosine: float = 0.95) -> None:
    with sessions.begin() as session:
        for index, centre in enumerate(faces(np.random.default_rng(seed), number)):
            person = people.create_person(session, name=f"Person {seed}-{index}", at=NOON)
            for photo in range(photos):
                vector = near(centre, cosine, seed=1000 * seed + 10 * index + photo)
                templates.add_template(session, keys, person.id, Template(vector, MODEL), "upload", {}, None, at=NOON)


def default(sessions: Sessions, threshold: float, source: str = "card default") -> None:
    with sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=threshold, margin=0.05, source=source, gallery_size=0, at=NOON
        )


def known(sessions: Sessions, keys: Keys, strangers: Reference | None = None, days: int = 0) -> Evidence:
    with sessions() as session:
        return gather(session, keys, MODEL, strangers, passages_since=since(NOON, days))


def put(sessions: Sessions, evidence: Evidence, risk: float = 100, reason: str = "first") -> None:
    with sessions.begin() as session:
        offer = calibration.calibrate_site(evidence, risk)
        calibration.apply(session, evidence, offer, margin=0.05, by="Ada", reason=reason, at=NOON)


def in_force(sessions: Sessions) -> tables.calibration.OperatingPoint:
    with sessions() as session:
        return operating_points.history(session, MODEL, limit=1)[0]


@pytest.fixture
def settings(tmp_path) -> Settings:
    impostors.save(reference(), tmp_path)
    plain = Settings()
    return plain.model_copy(update={"models": plain.models.model_copy(update={"weights_dir": str(tmp_path)})})


def test_the_evidence_is_that_of_plain_loops(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12, photos=3)
    strangers = reference(60)
    evidence = known(sessions, keys, strangers)
    with sessions() as session:
        enrolled = templates.enrolled_templates(session, keys, MODEL)
    of = {one.person_id: [t.template.vector for t in enrolled if t.person_id == one.person_id] for one in enrolled}
    assert (evidence.people, evidence.person_ids) == (12, tuple(of))
    outside, own = evidence.scores.outside, evidence.scores.own
    assert outside is not None
    for looks, found in ((strangers.vectors, outside), ([vectors[0] for vectors in of.values()], own)):
        expected = [[max(float(look @ vector) for vector in vectors) for vectors in of.values()] for look in looks]
        assert np.allclose(found.scores, expected, atol=1e-5)
    assert outside.own.tolist() == [-1] * 60
    assert own.own.tolist() == list(range(12))
    genuine = [max(float(a @ b) for b in vectors if b is not a) for vectors in of.values() for a in vectors]
    assert np.allclose(evidence.genuine, genuine, atol=1e-5)
    assert evidence.owners.tolist() == [person for person in of for _ in range(3)]


def test_the_words_say_what_the_numbers_rest_on(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12, photos=3)
    words = known(sessions, keys, reference(60)).words
    assert "12 people with 36 photos" in words
    assert "60 invented faces" in words
    assert "36 comparisons of own photos" in words


@pytest.mark.parametrize(("number", "risk", "verdict"), [(40, 50, Verdict.ESTIMATED), (150, 10, Verdict.MEASURED)])
def test_a_calibrated_threshold_keeps_the_risk_against_new_strangers(
    sessions: Sessions, keys: Keys, number: int, risk: float, verdict: Verdict
) -> None:
    enrol(sessions, keys, number)
    evidence = known(sessions, keys, reference())
    offer = calibration.calibrate_site(evidence, risk)
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
    evidence = known(sessions, keys, reference())
    shares = [calibration.calibrate_site(evidence, risk).refused.value for risk in (10, 100, 1000)]
    assert None not in shares
    assert shares == sorted(shares, key=lambda one: one or 0)


def test_the_curve_never_says_that_a_lower_threshold_risks_less(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 20, photos=2, cosine=0.9)
    points = calibration.curve(known(sessions, keys, reference()))
    assert [point.threshold for point in points] == list(calibration.CURVE)
    for name in ("fpir", "low", "high"):
        values = [getattr(point, name) for point in points if point.fpir is not None]
        assert len(values) > 50
        assert values == sorted(values, reverse=True)
    refused = [point.refused or 0 for point in points]
    assert refused == sorted(refused)
    assert refused[-1] == 1


def test_the_same_people_give_the_same_numbers(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 25)
    offers = [calibration.calibrate_site(known(sessions, keys, reference()), 300) for _ in range(2)]
    assert offers[0] == offers[1]


def test_the_outlook_puts_first_who_should_be_enrolled_again(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 11, photos=3, cosine=0.97)
    enrol(sessions, keys, 1, seed=2, photos=3, cosine=0.6)
    enrol(sessions, keys, 1, seed=3, photos=1)
    outlook = calibration.outlook(known(sessions, keys, reference()), 0.8)
    assert {one.name for one in outlook[:2]} == {"Person 2-0", "Person 3-0"}
    poor, single = sorted(outlook[:2], key=lambda one: one.name)
    assert (poor.tries, poor.refused, single.tries, single.lowest) == (3, 3, 0, None)
    assert "enrol again" in poor.advice.lower()
    assert "photo" in single.advice
    assert not any(one.enrol_again for one in outlook[2:])


def test_where_a_threshold_refuses_everybody_nobody_stands_out(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12, photos=2, cosine=0.8)
    outlook = calibration.outlook(known(sessions, keys, reference()), 0.98)
    assert all(one.refused == one.tries for one in outlook)
    assert not any(one.enrol_again for one in outlook)


def test_without_a_reference_the_sites_people_alone_are_the_strangers(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 60, photos=1)
    evidence = known(sessions, keys)
    assert evidence.trouble
    assert evidence.scores.outside is None
    assert calibration.calibrate_site(evidence, 10).verdict.usable
    assert calibration.calibrate_site(evidence, 1000).verdict in (Verdict.EXTRAPOLATED, Verdict.NOT_ENOUGH)


# No number that looks like an answer.


@pytest.mark.parametrize("number", [0, 1, 5])
def test_hardly_anybody_enrolled_gets_the_conservative_default(sessions: Sessions, keys: Keys, number: int) -> None:
    enrol(sessions, keys, number)
    default(sessions, 0.77)
    offer = calibration.calibrate_site(known(sessions, keys, reference()), 100)
    assert (offer.verdict, offer.fallback, offer.threshold) == (Verdict.NOT_ENOUGH, True, 0.77)
    assert offer.calibration.fpir is None
    assert all(point.fpir is None for point in calibration.curve(known(sessions, keys, reference())))


def test_people_who_are_all_one_face_get_a_verdict(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        vector = faces(np.random.default_rng(0), 1)[0]
        for index in range(60):
            person = people.create_person(session, name=f"Person {index}", at=NOON)
            templates.add_template(session, keys, person.id, Template(vector, MODEL), "upload", {}, None, at=NOON)
    evidence = known(sessions, keys, reference())
    offer = calibration.calibrate_site(evidence, 1000)
    assert (offer.verdict, offer.threshold) == (Verdict.ALIKE, None)
    assert evidence.nearest[0].score == pytest.approx(1, abs=1e-5)
    with pytest.raises(UserError, match="no threshold can be given"):
        put(sessions, evidence)


def test_another_models_strangers_get_a_verdict(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 20)
    offer = calibration.calibrate_site(known(sessions, keys, reference(model_id="another")), 100)
    assert (offer.verdict, offer.threshold, offer.calibration.fpir) == (Verdict.FOREIGN, None, None)


def test_strangers_of_another_length_are_refused_with_what_to_do(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 20)
    short = Reference(MODEL, np.eye(4, dtype=np.float32), (Source("x", "x", 4),))
    with pytest.raises(UserError, match="weights impostors"):
        known(sessions, keys, short)


@pytest.mark.parametrize("risk", [0, 1, -5, float("nan"), float("inf"), 1e9])
def test_a_risk_that_is_none_is_refused(sessions: Sessions, keys: Keys, risk: float) -> None:
    with pytest.raises(UserError, match="one stranger in 2"):
        calibration.calibrate_site(known(sessions, keys), risk)


@pytest.mark.parametrize("threshold", [0, 1, -0.2, float("nan")])
def test_a_threshold_that_is_none_is_refused(sessions: Sessions, keys: Keys, threshold: float) -> None:
    with pytest.raises(UserError, match="between 0 and 1"):
        calibration.at(known(sessions, keys), threshold)


# In force.


def test_what_is_put_in_force_says_what_it_rests_on(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 30)
    default(sessions, 0.3)
    evidence = known(sessions, keys, reference())
    put(sessions, evidence, risk=100, reason="  The   works council agreed. ")
    row = in_force(sessions)
    offer = calibration.calibrate_site(evidence, 100)
    assert (row.source, row.model_id, row.created_by) == ("calibration", MODEL, "Ada")
    assert (row.target, row.gallery_size, row.covers) == (0.01, 30, 30)
    assert (row.fpir, row.fpir_low, row.fpir_high) == (
        offer.calibration.fpir,
        offer.calibration.low,
        offer.calibration.high,
    )
    assert (row.verdict, row.data, row.reason) == (offer.verdict.value, evidence.words, "The works council agreed.")
    assert row.details["before"] == 0.3


def test_loosening_asks_for_a_reason_and_tightening_does_not(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 30)
    evidence = known(sessions, keys, reference())
    default(sessions, 0.99)
    with pytest.raises(UserError, match="say why"):
        put(sessions, evidence, reason="  ")
    assert in_force(sessions).threshold == 0.99
    put(sessions, evidence, reason="measured")
    put(sessions, evidence, risk=1000, reason="")
    assert in_force(sessions).threshold > calibration.calibrate_site(evidence, 100).threshold  # type: ignore[operator]


def test_a_default_that_is_lower_than_what_is_in_force_is_not_taken(sessions: Sessions, keys: Keys) -> None:
    default(sessions, 0.5)
    default(sessions, 0.7, source="administrator")
    with pytest.raises(UserError, match="is higher and stays"):
        put(sessions, known(sessions, keys, reference()), reason="please")
    assert in_force(sessions).threshold == 0.7


# As the gallery grows.


def keep(sessions: Sessions, keys: Keys, settings: Settings) -> bool:
    return tighten(sessions, keys, settings, MODEL, FakeClock()) is not None


def test_a_growing_gallery_raises_the_threshold_and_never_lowers_it(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    enrol(sessions, keys, 20)
    put(sessions, known(sessions, keys, reference()))
    first = in_force(sessions)
    assert not keep(sessions, keys, settings)
    enrol(sessions, keys, 40, seed=2)
    assert keep(sessions, keys, settings)
    second = in_force(sessions)
    assert second.threshold > first.threshold
    assert (second.target, second.gallery_size, second.covers, second.created_by) == (0.01, 60, 66, None)
    assert "60 people" in (second.reason or "")
    assert not keep(sessions, keys, settings)
    with sessions.begin() as session:  # most people leave
        for person in people.search_people(session, active=True, limit=100)[:45]:
            people.set_active(session, person.id, False, at=NOON)
    assert not keep(sessions, keys, settings)
    assert in_force(sessions).id == second.id


def test_a_few_more_people_within_the_room_change_nothing(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    enrol(sessions, keys, 20)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 1, seed=2)
    assert keep(sessions, keys, settings)
    assert in_force(sessions).covers == 24
    enrol(sessions, keys, 3, seed=3)
    assert not keep(sessions, keys, settings)


@pytest.mark.parametrize("source", ["administrator", "card default"])
def test_a_threshold_that_somebody_chose_is_left_alone(
    sessions: Sessions, keys: Keys, settings: Settings, source: str
) -> None:
    default(sessions, 0.2, source=source)
    enrol(sessions, keys, 30)
    with sessions() as session:
        assert not outgrown(session, MODEL)
    assert not keep(sessions, keys, settings)


def test_it_can_be_switched_off_and_the_page_still_knows(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    enrol(sessions, keys, 20)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 10, seed=2)
    off = settings.model_copy(update={"calibration": Calibration(tighten=False)})
    assert not keep(sessions, keys, off)
    with sessions() as session:
        assert outgrown(session, MODEL)


def test_where_nothing_can_be_said_any_more_it_is_kept_or_raised_to_the_default(
    sessions: Sessions, keys: Keys, settings: Settings
) -> None:
    enrol(sessions, keys, 20)
    default(sessions, 0.98)
    put(sessions, known(sessions, keys, reference()))
    low = in_force(sessions).threshold
    assert low < 0.98
    impostors.file_of(settings.models.weights, MODEL).unlink()
    enrol(sessions, keys, 10, seed=2)
    assert keep(sessions, keys, settings)
    assert (in_force(sessions).threshold, in_force(sessions).fpir) == (0.98, None)
    assert not keep(sessions, keys, settings)


# Passages, where somebody wants them.


def test_confirmed_passages_count_only_when_asked_for(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12)
    with sessions.begin() as session:
        for minute, (granted, score) in enumerate([(True, 0.61), (True, 0.72), (False, 0.2)]):
            at = NOON - timedelta(minutes=minute + 1)
            changes = {} if granted else {"granted": False, "reason": make_refusal(), "person_id": None}
            events.record_passage(session, make_passage(at, **{"person_id": 1, "score": score} | changes))
        events.record_passage(session, make_passage(NOON - timedelta(days=40), person_id=1, score=0.5))
    without, having = known(sessions, keys), known(sessions, keys, days=30)
    assert (without.passages, having.passages) == (0, 2)
    added = having.genuine[len(without.genuine) :]
    assert np.allclose(sorted(added.tolist()), [0.61, 0.72])
    assert having.owners[-2:].tolist() == [1, 1]
    assert "only of people who were let in" in having.words


def make_refusal() -> object:
    from attendance.domain.reason import Reason

    return Reason.UNKNOWN


# The file of strangers.


def test_a_reference_comes_back_as_it_was(tmp_path) -> None:
    made = reference(300)
    path = impostors.save(made, tmp_path)
    back = impostors.load(tmp_path, MODEL)
    assert back is not None
    assert path == tmp_path / f"{MODEL}.impostors.npz"
    assert np.allclose(back.vectors, made.vectors, atol=1e-3)
    assert np.allclose(np.linalg.norm(back.vectors, axis=1), 1, atol=1e-6)
    assert (back.sources, back.flip, back.words) == (made.sources, True, "300 invented faces")
    assert list(tmp_path.iterdir()) == [path]


def test_no_reference_is_no_fault(tmp_path) -> None:
    assert impostors.load(tmp_path, MODEL) is None


def test_another_models_reference_is_refused(tmp_path) -> None:
    impostors.save(reference(model_id="another"), tmp_path).rename(impostors.file_of(tmp_path, MODEL))
    with pytest.raises(UserError, match="reference of another, not of"):
        impostors.load(tmp_path, MODEL)


@pytest.mark.parametrize(
    "change",
    [
        {"vectors": np.full((3, 8), np.nan, np.float16)},
        {"vectors": np.ones((3, 8), np.float16)},
        {"vectors": np.zeros((3,), np.float16)},
        {"vectors": np.zeros((0, 8), np.float16)},
        {"vectors": np.array([["a"]])},
        {"vectors": np.array([object()], dtype=object)},
        {"counts": np.array([2])},
        {"counts": np.array([-3])},
        {"counts": np.array([1, 2])},
        {"vectors": np.zeros((30_000, 384), np.float16)},
        {"model_id": np.array("")},
    ],
)
def test_what_is_no_reference_is_refused_in_one_line(tmp_path, change: dict[str, NDArray[np.generic]]) -> None:
    eye = np.eye(3, 8, dtype=np.float16)
    good = {
        "model_id": np.array(MODEL),
        "vectors": eye,
        "flip": np.array(False),
        "names": np.array(["a"]),
        "words": np.array(["a"]),
        "counts": np.array([3]),
    }
    path = impostors.file_of(tmp_path, MODEL)
    np.savez_compressed(path, **good)
    assert impostors.load(tmp_path, MODEL) is not None
    np.savez_compressed(path, **good | change)
    with pytest.raises(UserError, match="is no reference of strangers") as caught:
        impostors.load(tmp_path, MODEL)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"hello", bytes(2_000_001)])
def test_a_damaged_file_is_refused(tmp_path, data: bytes) -> None:
    impostors.file_of(tmp_path, MODEL).write_bytes(data)
    with pytest.raises(UserError, match="is no reference of strangers"):
        impostors.load(tmp_path, MODEL)


def test_too_many_strangers_are_not_written(tmp_path) -> None:
    rows = np.zeros((2700, 384), np.float32)
    rows[:, 0] = 1
    with pytest.raises(UserError, match="take fewer"):
        impostors.save(Reference(MODEL, rows, (Source("x", "x", 2700),)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_reference_made_otherwise_is_not_used(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    from attendance.service.calibration.site_scores import evidence_of

    impostors.save(replace(reference(), flip=False), settings.models.weights)
    enrol(sessions, keys, 12)
    with sessions() as session:
        evidence = evidence_of(session, keys, settings, MODEL, NOON)
    assert evidence.reference is None
    assert "models.flip" in evidence.trouble


# Whoever enrols.


def test_the_job_keeps_to_the_risk_without_anybody_asking(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    clock = FakeClock(datetime.now(UTC))
    enrol(sessions, keys, 15)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 15, seed=2)
    settings = settings.model_copy(
        update={"models": settings.models.model_copy(update={"recogniser": MODEL})},
    )
    table = [job for job in jobs.jobs_of(sessions, keys, settings, clock) if job.name == "risk"]
    scheduler = jobs.start(table, clock)
    try:
        deadline = time.monotonic() + 20
        while in_force(sessions).covers == 15:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        scheduler.shutdown()
    assert in_force(sessions).gallery_size == 30


def test_an_enrolment_stands_whatever_comes_of_the_threshold(
    sessions: Sessions, keys: Keys, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    enrol(sessions, keys, 15)
    put(sessions, known(sessions, keys, reference()))
    enrol(sessions, keys, 15, seed=2)
    after_enrolment(sessions, Keys(bytes(32)), settings, MODEL, FakeClock())  # another master key: nothing can be read
    assert "was not checked after an enrolment" in caplog.text
    assert in_force(sessions).covers == 15
    after_enrolment(sessions, keys, settings, MODEL, FakeClock())
    assert in_force(sessions).covers == 33

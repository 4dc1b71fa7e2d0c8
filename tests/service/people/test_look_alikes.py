"""Who is listed as alike: agrees with comparing one by one, and follows gallery and threshold."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import MEAN_PHOTO
from attendance.domain.faces import Template
from attendance.domain.reason import Reason
from attendance.service.people import look_alikes
from attendance.store import settings
from attendance.store.people import templates
from attendance.store.people.look_alikes import listed_pairs
from attendance.store.people.templates import Enrolled
from tests.factories import ANNA, MODEL, NOON, make_frame, near, vector_of
from tests.service.conftest import Site

POINT = OperatingPoint(0.5, 0.1, MODEL, "administrator", NOON)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), max_size=12), st.floats(-0.5, 0.9))
def test_the_pairs_agree_with_comparing_one_by_one(rows: list[tuple[int, int]], least: float) -> None:
    enrolled = [
        Enrolled(number, owner, f"p{owner}", Template(vector_of((seed,), dim=6), MODEL))
        for number, (owner, seed) in enumerate(sorted(rows))
    ]
    expected: dict[tuple[int, int], float] = {}
    for one, other in combinations(enrolled, 2):
        score = one.template.score(other.template)
        if one.person_id != other.person_id and score >= least:
            pair = (one.person_id, other.person_id)
            expected[pair] = max(score, expected.get(pair, -1.0))
    close = [abs(one.template.score(other.template) - least) < 1e-5 for one, other in combinations(enrolled, 2)]
    if any(close):  # the two ways round differently
        return
    found = look_alikes.Comparison.of(enrolled).pairs_above(least)
    assert found.keys() == expected.keys()
    assert np.allclose([found[pair] for pair in expected], list(expected.values()), atol=1e-5)
    for person_id in range(1, 6):
        own = {pair for pair in expected if person_id in pair}
        assert look_alikes.Comparison.of(enrolled).pairs_above(least, person_id).keys() == own


def test_with_pooled_photos_both_ways_round_are_looked_at() -> None:
    """A photo of one with the mean of the other is not the reverse; the door compares with the mean."""
    random = np.random.default_rng(8)
    photos = random.normal(size=(12, 3, 6)).astype(np.float32)
    photos /= np.linalg.norm(photos, axis=2, keepdims=True)
    enrolled = [
        Enrolled(10 * person + number, person, f"p{person}", Template(row, MODEL))
        for person, rows in enumerate(photos)
        for number, row in enumerate(rows)
    ]
    means = photos.mean(axis=1) / np.linalg.norm(photos.mean(axis=1), axis=1, keepdims=True)
    best = np.einsum("pnd,qd->pqn", photos, means).max(axis=2)
    comparison = look_alikes.Comparison.of(enrolled, MEAN_PHOTO)

    found = comparison.pairs_above(0.6)
    expected = {
        (one, other) for one, other in combinations(range(12), 2) if max(best[one, other], best[other, one]) >= 0.6
    }
    assert set(found) == expected and len({(a, b) for a, b in found if best[a, b] < 0.6}) > 0
    for person in range(12):
        assert comparison.pairs_above(0.6, person) == pytest.approx(
            {pair: score for pair, score in found.items() if person in pair}, abs=1e-5
        )


def test_the_list_never_reaches_below_half_the_threshold() -> None:
    assert look_alikes.least_score(POINT) == 0.4
    wide = OperatingPoint(0.5, 0.9, MODEL, "administrator", NOON)
    assert look_alikes.least_score(wide) == 0.25


def test_a_photo_is_judged_against_everybody() -> None:
    anna = vector_of((1,))
    enrolled = [
        Enrolled(1, 1, "Anna", Template(anna, MODEL)),
        Enrolled(2, 2, "Bert", Template(near(anna, 0.7), MODEL)),
        Enrolled(3, 3, "Cleo", Template(near(anna, 0.9), MODEL)),
    ]
    first = look_alikes.Comparison.of(enrolled).judge(Template(anna, MODEL), [9], POINT)
    assert [person_id for person_id, _ in first.duplicates] == [1, 3, 2]
    assert (first.own_score, first.unlike_own) == (None, False)
    later = look_alikes.Comparison.of(enrolled).judge(Template(near(anna, 0.2, seed=5), MODEL), [1], POINT)
    assert (later.duplicates, later.unlike_own) == ((), True)
    assert look_alikes.Comparison.of(enrolled).judge(Template(anna, MODEL), [9], None).duplicates == ()
    assert look_alikes.Comparison.of([]).judge(Template(anna, MODEL), [9], POINT).own_score is None


def place(site: Site, name: str, vector: NDArray[np.float32]) -> int:
    with site.sessions.begin() as session:
        person = site.add(session, name)
        templates.add_template(session, site.keys, person.id, Template(vector, MODEL), "upload", {}, None, at=NOON)
    return person.id


def face_of(site: Site) -> NDArray[np.float32]:
    (probe,) = site.analyser.analyse(make_frame(ANNA))
    assert probe.template is not None
    return probe.template.vector


def test_the_job_follows_the_gallery_and_the_threshold_and_else_rests(site: Site) -> None:
    def refresh() -> bool:
        return look_alikes.refresh_all(site.sessions, site.keys, MODEL, site.clock)

    anna = vector_of((1,))
    place(site, "Anna", anna)
    place(site, "Bert", near(anna, 0.6))
    assert refresh()
    with site.sessions() as session:
        assert listed_pairs(session, MODEL) == [(1, 2)]
        version = settings.gallery_version(session)
    assert not refresh()
    with site.sessions() as session:
        assert settings.gallery_version(session) == version
    site.set_threshold(0.8)
    assert refresh()
    with site.sessions.begin() as session:
        assert listed_pairs(session, MODEL) == []
        assert look_alikes.refresh_person(session, site.keys, MODEL, 1, NOON) is False


def test_at_the_door_a_look_alike_must_be_beaten_by_a_larger_margin(site: Site) -> None:
    """The same two scores, 0.07 apart, before and after the two are on the list."""
    face = face_of(site)
    place(site, "Anna", near(face, 0.80, seed=1))
    place(site, "Bert", near(face, 0.73, seed=2))
    check_in = site.check_in()
    assert site.watch(check_in, ANNA)[-1].decision.granted
    site.watch(check_in, (0, 0, 0), seconds=5)
    site.clock.advance(60)
    look_alikes.refresh_all(site.sessions, site.keys, MODEL, site.clock)
    with site.sessions() as session:
        assert listed_pairs(session, MODEL) == [(1, 2)]
    assert [one.decision.reason for one in site.watch(check_in, ANNA, seconds=5)] == [Reason.AMBIGUOUS]


def test_how_alike_a_persons_photos_are_is_told_for_each(site: Site) -> None:
    anna = vector_of((1,))
    person = place(site, "Anna", anna)
    with site.sessions.begin() as session:
        assert look_alikes.consistency(session, site.keys, MODEL, person) == {}
        for number, vector in enumerate((near(anna, 0.8), near(anna, 0.1, seed=4)), start=2):
            at = NOON + timedelta(seconds=number)
            templates.add_template(
                session, site.keys, person, Template(vector, MODEL), "upload", {}, str(number), at=at
            )
        found = look_alikes.consistency(session, site.keys, MODEL, person)
    assert found[1] > 0.79
    assert found[2] > 0.79
    assert found[3] < 0.3

"""What is gathered from the enrolled people and from confirmed passages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from attendance.config import Settings
from attendance.service.calibration import impostors
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON, make_passage
from tests.service.calibration.conftest import enrol, known, reference


def test_the_evidence_is_that_of_plain_loops(sessions: Sessions, keys: Keys) -> None:
    enrol(sessions, keys, 12, photos=3)
    strangers = reference(60)
    site_scores = known(sessions, keys, strangers)
    with sessions() as session:
        enrolled = templates.enrolled_templates(session, keys, MODEL)
    of = {one.person_id: [t.template.vector for t in enrolled if t.person_id == one.person_id] for one in enrolled}
    assert (site_scores.people, site_scores.person_ids) == (12, tuple(of))
    outside, own = site_scores.strangers.outside, site_scores.strangers.own
    assert outside is not None
    for looks, found in ((strangers.vectors, outside), ([vectors[0] for vectors in of.values()], own)):
        expected = [[max(float(look @ vector) for vector in vectors) for vectors in of.values()] for look in looks]
        assert np.allclose(found.scores, expected, atol=1e-5)
    assert outside.own.tolist() == [-1] * 60
    assert own.own.tolist() == list(range(12))
    genuine = [max(float(a @ b) for b in vectors if b is not a) for vectors in of.values() for a in vectors]
    assert np.allclose(site_scores.genuine, genuine, atol=1e-5)
    assert site_scores.owners.tolist() == [person for person in of for _ in range(3)]


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


def test_a_reference_made_otherwise_is_not_used(sessions: Sessions, keys: Keys, settings: Settings) -> None:
    from attendance.service.calibration.site_scores import site_scores_of

    impostors.save(replace(reference(), flip=False), settings.models.weights)
    enrol(sessions, keys, 12)
    with sessions() as session:
        site_scores = site_scores_of(session, keys, settings, MODEL, NOON)
    assert site_scores.reference is None
    assert "models.flip" in site_scores.trouble

"""How the past would have been decided with another threshold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from attendance.domain.access.scoring import MEAN_PHOTO
from attendance.domain.reason import Reason
from attendance.service.calibration.replay import Photos, replay, replay_photos
from attendance.service.calibration.site_scores import score_site
from attendance.store.access.events import Decided
from attendance.store.crypto import Keys
from attendance.store.people import templates
from attendance.store.session import Sessions
from tests.factories import MODEL
from tests.service.calibration.conftest import enrol, known

LET_IN = Decided(True, Reason.MATCHED, 0.6, 0.3)
STRANGER = Decided(False, Reason.UNKNOWN, 0.4, 0.1)
TWINS = Decided(False, Reason.AMBIGUOUS, 0.7, 0.68)
IN_THE_DARK = Decided(False, Reason.TOO_DARK, None, None)
ALL = (LET_IN, STRANGER, TWINS, IN_THE_DARK)


@pytest.mark.parametrize(
    ("threshold", "margin", "refused", "let_in"),
    [
        (0.5, 0.05, 0, 0),
        (0.6, 0.05, 0, 0),  # at the threshold is a match
        (0.61, 0.05, 1, 0),
        (0.4, 0.05, 0, 1),
        (0.5, 0.01, 0, 1),
        (0.5, 0.31, 1, 0),
        (0.65, 0.0, 1, 1),
    ],
)
def test_a_score_passes_above_the_threshold_and_ahead_of_the_second(
    threshold: float, margin: float, refused: int, let_in: int
) -> None:
    found = replay(ALL, threshold, margin)

    assert (found.would_be_refused, found.would_be_let_in) == (refused, let_in)
    assert found.changes == refused + let_in
    assert (found.decisions, found.granted, found.refused, found.compared) == (4, 1, 3, 3)


def test_an_exact_tie_is_nobody_even_without_a_margin() -> None:
    assert replay([Decided(False, Reason.AMBIGUOUS, 0.7, 0.7)], 0.5, 0.0).changes == 0


def test_a_face_that_was_too_poor_stays_refused_whatever_its_score() -> None:
    assert replay([Decided(False, Reason.BLURRED, 0.9, None)], 0.1, 0.0).changes == 0


def test_a_face_that_a_second_proof_followed_had_passed() -> None:
    asked = Decided(False, Reason.SECOND_FACTOR, 0.6, 0.3)
    forbidden = Decided(False, Reason.NO_RIGHT, 0.6, 0.3)
    same, higher, wider = (replay([asked, forbidden], *values) for values in ((0.5, 0.05), (0.61, 0.05), (0.5, 0.31)))

    assert (same.changes, same.granted, same.refused, same.compared) == (0, 1, 1, 1)
    assert [one.words for one in higher.changed] == ["would be refused: the score 0.600 is below 0.610"]
    assert (higher.would_be_refused, higher.would_be_let_in, wider.would_be_refused) == (1, 0, 1)
    assert "only 0.300 ahead" in wider.changed[0].words


def test_no_past_changes_nothing() -> None:
    assert replay([], 0.5, 0.05).decisions == 0


def test_each_change_is_told_with_the_number_that_made_it() -> None:
    up = replay(ALL, 0.61, 0.05)
    wide = replay(ALL, 0.5, 0.31)
    down = replay(ALL, 0.4, 0.01)

    assert [(one.decided, one.words) for one in up.changed] == [
        (LET_IN, "would be refused: the score 0.600 is below 0.610")
    ]
    assert [one.decided for one in wide.changed] == [LET_IN]
    assert "only 0.300 ahead of the second person" in wide.changed[0].words
    assert [one.decided for one in down.changed] == [TWINS, STRANGER]  # newest first
    assert all("would be let in" in one.words for one in down.changed)


def test_another_way_is_tried_on_the_photos_and_not_on_recorded_scores(sessions: Sessions, keys: Keys) -> None:
    """Against plain loops; passages have scores of the way in force alone, so they are left out."""
    enrol(sessions, keys, 6, photos=3, cosine=0.7)
    now = known(sessions, keys)
    with_passages = replace(
        now, genuine=np.append(now.genuine, np.float32(0.1)), owners=np.append(now.owners, 1), passages=1
    )
    with sessions() as session:
        then = score_site(session, keys, MODEL, None, scoring=MEAN_PHOTO)
        photos = [(one.person_id, one.template.vector) for one in templates.enrolled_templates(session, keys, MODEL)]
    old, new = 0.55, 0.62

    def others(person: int, row: np.ndarray) -> list[np.ndarray]:
        return [vector for owner, vector in photos if owner == person and vector is not row]

    def unit(rows: list[np.ndarray]) -> np.ndarray:
        return np.sum(rows, axis=0) / np.linalg.norm(np.sum(rows, axis=0))

    best = [max(float(row @ other) for other in others(person, row)) >= old for person, row in photos]
    mean = [float(row @ unit(others(person, row))) >= new for person, row in photos]
    lost, won = (
        sum(a and not b for a, b in zip(best, mean, strict=True)),
        sum(b and not a for a, b in zip(best, mean, strict=True)),
    )
    firsts = {person: next(row for owner, row in photos if owner == person) for person, _ in photos}
    apart = {person: [row for owner, row in photos if owner == person] for person in firsts}
    taken_now = sum(
        any(max(float(look @ r) for r in rows) >= 0.1 for q, rows in apart.items() if q != p)
        for p, look in firsts.items()
    )
    taken_then = sum(
        any(float(look @ unit(rows)) >= 0.1 for q, rows in apart.items() if q != p) for p, look in firsts.items()
    )

    found = replay_photos(with_passages, old, then, new)
    assert found == Photos(18, lost, won, 6, 0, 0) and lost + won > 0
    low = replay_photos(now, 0.1, then, 0.1)
    assert low is not None and (low.taken_now, low.taken_then) == (taken_now, taken_then)
    assert replay_photos(now, old, replace(then, person_ids=(1, 2)), new) is None

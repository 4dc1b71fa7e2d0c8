"""Thresholds: the newest of a model is in force, and every older one stays on record."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from attendance.errors import UserError
from attendance.store.calibration import operating_points
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON


def test_without_a_point_there_is_none(sessions: Sessions) -> None:
    with sessions() as session:
        assert operating_points.current(session, MODEL) is None


def test_the_newest_point_of_the_model_is_in_force_even_after_the_clock_was_set_back(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for hours, threshold in ((0, 0.3), (-5, 0.5)):
            operating_points.set_point(
                session,
                model_id=MODEL,
                threshold=threshold,
                margin=0.05,
                source="administrator",
                gallery_size=4,
                at=NOON + timedelta(hours=hours),
                details={"why": "test"},
                created_by="admin",
            )
        operating_points.set_point(
            session, model_id="other", threshold=0.9, margin=0.0, source="calibration", gallery_size=1, at=NOON
        )
    with sessions() as session:
        point = operating_points.current(session, MODEL)
        assert point is not None
        assert (point.threshold, point.margin, point.model_id, point.source) == (0.5, 0.05, MODEL, "administrator")
        assert point.created_at == NOON - timedelta(hours=5)
        assert [row.threshold for row in operating_points.history(session, MODEL)] == [0.5, 0.3]


@pytest.mark.parametrize(
    ("threshold", "margin"),
    [
        (0.0, 0.05),
        (1.0, 0.05),
        (-0.2, 0.05),
        (math.nan, 0.05),
        (math.inf, 0.0),
        (0.4, -0.1),
        (0.4, math.nan),
        (0.4, 2.0),
    ],
)
def test_a_threshold_that_lets_everybody_or_nobody_pass_is_refused(
    sessions: Sessions, threshold: float, margin: float
) -> None:
    with sessions() as session, pytest.raises(UserError):
        operating_points.set_point(
            session,
            model_id=MODEL,
            threshold=threshold,
            margin=margin,
            source="administrator",
            gallery_size=1,
            at=NOON,
        )


def test_what_a_threshold_rests_on_is_kept_and_may_be_missing(sessions: Sessions) -> None:
    basis = operating_points.Basis(0.001, 120, "measured", "120 people", 0.0009, 0.0004, 0.002)
    given = {"model_id": MODEL, "margin": 0.05, "gallery_size": 110, "at": NOON}
    with sessions.begin() as session:
        operating_points.set_point(session, threshold=0.4, source="card default", **given)
        operating_points.set_point(session, threshold=0.5, source="calibration", reason="why", basis=basis, **given)
    with sessions() as session:
        new, old = operating_points.history(session, MODEL)
        assert (new.target, new.covers, new.verdict, new.data) == (0.001, 120, "measured", "120 people")
        assert (new.fpir, new.fpir_low, new.fpir_high, new.reason) == (0.0009, 0.0004, 0.002, "why")
        assert (old.target, old.covers, old.fpir, old.reason) == (None, None, None, None)
        assert operating_points.card_default(session, MODEL) == 0.4
        assert operating_points.card_default(session, "another") is None

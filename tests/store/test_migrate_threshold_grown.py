"""The revision after which a threshold says which grown templates it was computed with: of older ones nobody knows."""

from __future__ import annotations

from sqlalchemy import Engine

from attendance.store.calibration import operating_points
from attendance.store.session import sessions
from tests.factories import NOON
from tests.store.revisions import do, rows, to

BEFORE = "0046"  # the fixture `before` is taken there
POINT = (
    "INSERT INTO operating_points (model_id, threshold, margin, source, gallery_size, details, created_at, target, "
    "covers) VALUES ('m', 0.5, 0.05, 'calibration', 20, '{}', '2024-05-06 12:00:00', 0.01, 22)"
)


def test_an_older_threshold_stays_in_force_and_was_computed_with_nothing_that_grew(before: Engine) -> None:
    engine = before
    do(engine, POINT)
    to(engine, "head")
    with sessions(engine).begin() as session:
        point = operating_points.current(session, "m")
        assert point is not None and point.threshold == 0.5
        assert operating_points.counted_grown(session, "m") == frozenset()
        operating_points.set_point(
            session, model_id="m", threshold=0.6, margin=0.05, source="calibration", gallery_size=20, at=NOON,
            grown=["b", "a"],
        )  # fmt: skip
        assert operating_points.counted_grown(session, "m") == {"a", "b"}
    to(engine, "0046", back=True)
    assert rows(engine, "SELECT threshold, covers FROM operating_points ORDER BY id") == [(0.5, 22), (0.6, None)]

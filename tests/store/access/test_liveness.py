"""Rulings come and go with their passages; the newest drill with a point is in force."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from attendance.domain.access.liveness.fusion import Judgement, LivenessPoint, Policy, Verdict
from attendance.store.access import events, liveness
from attendance.store.session import Sessions
from attendance.store.tables.access import LivenessRuling, Passage
from tests.factories import NOON, make_passage

JUDGED = Judgement(Verdict.ATTACK, -3.2, 1, -2.5, 0.7, None)
POINT = LivenessPoint(1.5, -0.2, 0.4, -0.6)


def test_a_ruling_comes_back_as_it_was_and_goes_with_its_passage(sessions: Sessions) -> None:
    passage = make_passage()
    with sessions.begin() as session:
        events.record_passage(session, passage)
        liveness.add_ruling(session, passage.id, Policy.WATCH, JUDGED, "m", "card")
    with sessions() as session:
        found = liveness.rulings_of(session, [passage.id, "another"])
        counts = liveness.counts_since(session, NOON - timedelta(days=1))
    assert found == {passage.id: liveness.Found(Policy.WATCH, JUDGED, "m", "card")}
    assert counts == {(passage.granted, Verdict.ATTACK): 1}
    with sessions.begin() as session:
        session.execute(delete(Passage))
    with sessions() as session:
        assert session.query(LivenessRuling).count() == 0


def test_the_newest_drill_of_a_camera_that_gave_a_point_is_in_force(sessions: Sessions) -> None:
    def drill(point: LivenessPoint | None, camera: str = "front", model_id: str = "m") -> int:
        with sessions.begin() as session:
            return liveness.add_drill(
                session, camera=camera, model_id=model_id, at=NOON, by="ada", result={}, point=point
            )

    with sessions() as session:
        assert liveness.point_at(session, "front", "m") is None
    number = drill(POINT)
    drill(None)  # not enough data: the older one stays
    drill(LivenessPoint(9.0, 0.0, 1.0, 0.0), camera="back")
    drill(LivenessPoint(9.0, 0.0, 1.0, 0.0), model_id="other")
    with sessions() as session:
        point = liveness.point_at(session, "front", "m")
        assert len(liveness.drills(session)) == 4
    assert point == LivenessPoint(1.5, -0.2, 0.4, -0.6, f"drill {number}")

"""Alarms: one open row for each kind and subject."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from attendance.service.ids import new_event_id
from attendance.store.alarms import alarms
from attendance.store.session import Sessions
from tests.factories import NOON


def raised(session: Session, subject: str = "front", minutes: int = 0) -> tuple[alarms.Alarm, bool]:
    at = NOON + timedelta(minutes=minutes)
    return alarms.raise_alarm(
        session, alarm_id=new_event_id(at), kind="camera lost", subject=subject, severity="fault", detail={}, at=at
    )


def test_a_fault_that_lasts_is_one_alarm_that_is_counted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        first, new = raised(session)
        again, second = raised(session, minutes=1)
        _, other = raised(session, "back")

        assert (new, second, other) == (True, False, True)
        assert (again.id, again.count, again.raised_at) == (first.id, 2, NOON)
        assert alarms.count_open(session) == 2


def test_an_alarm_that_is_over_may_come_again(sessions: Sessions) -> None:
    with sessions.begin() as session:
        first, _ = raised(session)
        over = alarms.clear_alarm(session, "camera lost", "front", NOON)
        assert over is not None
        assert alarms.clear_alarm(session, "camera lost", "front", NOON) is None
        second, new = raised(session, minutes=5)

        assert new
        assert first.id != second.id
        assert [alarm.id for alarm in alarms.past_alarms(session)] == [first.id]
        assert alarms.forget_alarms_before(session, NOON + timedelta(seconds=1)) == 1
        assert [alarm.id for alarm in alarms.open_alarms(session)] == [second.id]


def test_only_the_first_who_acknowledges_is_noted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        alarm, _ = raised(session)

        noted = alarms.acknowledge(session, alarm.id, by="ada", at=NOON)
        assert noted is not None
        assert noted.acknowledged_by == "ada"
        assert alarms.acknowledge(session, alarm.id, by="eve", at=NOON) is None

"""What a fire mutes."""

from __future__ import annotations

from attendance.domain.access.door_state import MUTED_BY_FIRE, DoorAlarm
from attendance.service.access.doors.live import ALARM_KINDS
from attendance.service.alarms import kinds


def test_a_fire_mutes_in_open_pages_what_it_mutes_at_the_door() -> None:
    assert {ALARM_KINDS[alarm] for alarm in MUTED_BY_FIRE if alarm in ALARM_KINDS} == kinds.MUTED_BY_FIRE
    assert ALARM_KINDS[DoorAlarm.FIRE] == kinds.FIRE
    assert not kinds.MUTED_BY_FIRE & {"duress", "door tamper", kinds.FIRE}

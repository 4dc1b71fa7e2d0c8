"""Doors and tablets decide by the same rules; a tablet only has more time."""

from __future__ import annotations

from dataclasses import replace

from attendance.config import Settings
from attendance.service.access.rules import kiosk_rules_for, rules_for


def test_a_tablet_decides_as_the_door_does_with_more_time_for_its_frames() -> None:
    settings = Settings.model_validate({"decision": {"frames_needed": 5, "cooldown_s": 77, "settle_denial_s": 1}})
    door, tablet = rules_for(settings), kiosk_rules_for(settings)

    assert replace(tablet, window=door.window, forget=door.forget) == door
    assert (tablet.window.total_seconds(), tablet.forget.total_seconds()) == (4, 3)


def test_a_tablet_never_has_less_time_than_the_door() -> None:
    settings = Settings.model_validate({"decision": {"window_s": 9, "forget_s": 8}})

    assert kiosk_rules_for(settings) == rules_for(settings)

"""/doors: what holds a door, the buttons, the lockdown."""

from __future__ import annotations

from datetime import timedelta

from attendance.domain.access.door_state import Contact, DoorAlarm, DoorState
from attendance.domain.access.rules.doors import Mode
from attendance.store.access import door_states
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import rules

HOLD = {"mode": "unlock", "span": "60", "reason": "delivery", "sure": "y"}


def actions(web: Web) -> list[str]:
    """Of one instant, so by name; the audit's ids of one millisecond have no order."""
    with web.sessions() as session:
        return sorted(row[0] for row in session.connection().exec_driver_sql("SELECT action FROM audit_entries"))


def test_the_list_shows_what_the_rules_hold_beside_what_the_device_says(web: Web, front: int, viewer: Browser) -> None:
    assert "never watched so far" in viewer.text("/doors")
    name, now = rules(web).doors[front].name, web.clock.now()
    state = DoorState(online=True, contact=Contact.OPEN, unlocked=False, alarms=frozenset({DoorAlarm.HELD}))
    with web.sessions.begin() as session:
        door_states.put_state(session, name, state, at=now, since=now, pulse_in_device=False)

    page = viewer.text("/doors")
    assert all(words in page for words in ("asks each person", "open, lock shut", "open for too long", "entrance"))
    assert "Lock down" not in page  # a viewer has no buttons
    assert "the device does not: after a power cut" in viewer.text(f"/doors/{front}")
    web.clock.advance(60)
    assert "not watched now" in viewer.text("/doors")


def test_a_door_is_unlocked_until_a_time_and_released(web: Web, front: int, admin: Browser) -> None:
    page = admin.submit(f"/doors/{front}/hold", HOLD, follow_redirects=True).get_data(as_text=True)
    assert "ada: delivery" in page
    [act] = rules(web).overrides
    assert (act.mode, act.until) == (Mode.UNLOCK, web.clock.now() + timedelta(hours=1))

    refused = admin.submit(f"/doors/held/{act.id}/release", {"door": front}, follow_redirects=True)
    assert "say why" in refused.get_data(as_text=True).lower()
    assert rules(web).overrides
    admin.submit(f"/doors/held/{act.id}/release", {"door": front, "reason": "done"})
    assert rules(web).overrides == ()
    again = admin.submit(f"/doors/held/{act.id}/release", {"reason": "done"}, follow_redirects=True)
    assert "before you" in again.get_data(as_text=True)
    assert actions(web) == ["hold_door", "release_door"]


def test_what_cannot_be_held_is_said_and_nothing_is_written(web: Web, front: int, admin: Browser) -> None:
    for change, words in (
        ({"reason": " "}, "say why"),
        ({"sure": ""}, "tick the box"),
        ({"span": ""}, "needs an end"),
        ({"span": "until", "day": "2020-01-01", "time": "10:00"}, "later than now"),
        ({"span": "7000000"}, "offered times"),
        ({"mode": "lockdown"}, "unlock, lock or block"),
        ({"mode": "open"}, "unlock, lock or block"),
    ):
        page = admin.submit(f"/doors/{front}/hold", HOLD | change, follow_redirects=True).get_data(as_text=True)
        assert words in page.lower(), change
    admin.submit("/doors/77/hold", HOLD)
    assert rules(web).overrides == ()


def test_a_lockdown_starts_with_one_tap_and_ends_with_a_reason(web: Web, front: int, admin: Browser) -> None:
    page = admin.submit("/doors/lockdown", follow_redirects=True).get_data(as_text=True)
    assert "All doors are locked down." in page
    admin.submit("/doors/lockdown")  # tapped twice: one lockdown
    [act] = rules(web).overrides
    assert (act.mode, act.door, act.until) == (Mode.LOCKDOWN, None, None)

    admin.submit(f"/doors/held/{act.id}/release", {"reason": ""})
    assert rules(web).overrides
    over = admin.submit(f"/doors/held/{act.id}/release", {"reason": "drill over"}, follow_redirects=True)
    assert "The lockdown is over." in over.get_data(as_text=True)
    assert rules(web).overrides == ()
    assert actions(web) == ["end_lockdown", "start_lockdown"]

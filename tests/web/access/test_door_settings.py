"""/doors/…/settings: rules and times, the driver's secrets, which cameras lead to the door."""

from __future__ import annotations

from attendance.service.access.doors import stored_settings
from attendance.service.access.policy.overview import get_door
from tests.site_fixtures import Browser, Web
from tests.web.access.conftest import TIMES, rules
from tests.web.kiosk.conftest import add_tablet

SHELLY = {"driver": "shelly", "set-address": "192.168.1.40", "set-password": "open sesame", "set-relay": "1"}


def stored(web: Web, door: int) -> dict[str, object]:
    with web.sessions() as session:
        row = get_door(session, door)
        assert row is not None
        return stored_settings.opened(web.keys, door, row.driver_settings)


def test_a_secret_is_stored_kept_when_left_empty_and_never_shown(web: Web, front: int, admin: Browser) -> None:
    path = f"/doors/{front}/driver"
    admin.submit(path, SHELLY)
    page = admin.text(f"/doors/{front}/settings")
    assert "192.168.1.40" in page
    assert "leave empty to keep it" in page
    assert "open sesame" not in page

    admin.submit(path, SHELLY | {"set-password": "", "set-relay": "2"})
    assert stored(web, front) | {"password": "open sesame", "relay": 2} == stored(web, front)

    elsewhere = SHELLY | {"set-password": "", "set-address": "10.0.0.66"}
    page = admin.submit(path, elsewhere, follow_redirects=True).get_data(as_text=True)
    assert "enter password again" in page
    assert stored(web, front)["address"] == "192.168.1.40"


def test_impossible_settings_are_named_and_not_stored(web: Web, front: int, admin: Browser) -> None:
    for change, words in (
        ({"set-relay": "99"}, "relay is 99"),
        ({"set-address": ""}, "address"),
        ({"driver": "x"}, "choose what moves"),
    ):
        page = admin.submit(f"/doors/{front}/driver", SHELLY | change, follow_redirects=True).get_data(as_text=True)
        assert words in page.lower(), change
    assert stored(web, front) == {}


def test_rules_and_times_are_saved(web: Web, front: int, admin: Browser) -> None:
    [always] = rules(web).schedules
    add_tablet(web)
    admin.submit(f"/doors/{front}/settings", {"what": "point", "point": "canteen"})
    changes = {"name": "Mill gate", "enabled": "y", "usual_schedule_id": str(always), "group": "outside"}
    admin.submit(f"/doors/{front}/settings", TIMES | changes)
    door = rules(web).doors[front]
    assert (door.name, door.release_s, door.usual_schedule, door.group) == ("Mill gate", 4.5, always, "outside")
    assert door.unlock_after_first is False  # no tick

    for change, words in (
        ({"release_s": "900"}, "between"),
        ({"release_s": "soon"}, "not a valid number"),
        ({"name": ""}, "enter a name"),
    ):
        page = admin.submit(f"/doors/{front}/settings", TIMES | changes | change, follow_redirects=True)
        assert words in page.get_data(as_text=True).lower(), change
    assert rules(web).doors[front] == door


def test_a_second_door_is_added_takes_a_camera_and_is_deleted_without_one(web: Web, front: int, admin: Browser) -> None:
    admin.submit("/doors/add", {"name": "Back"})
    [back] = set(rules(web).doors) - {front}
    admin.submit(f"/doors/{back}/settings", {"what": "point", "point": "entrance"})
    assert rules(web).points["entrance"].door == back
    page = admin.submit(f"/doors/{back}/settings", {"what": "delete"}, follow_redirects=True).get_data(as_text=True)
    assert "still lead to this door" in page
    admin.submit(f"/doors/{front}/settings", {"what": "point", "point": "entrance"})
    admin.submit(f"/doors/{back}/settings", {"what": "delete"})
    assert set(rules(web).doors) == {front}

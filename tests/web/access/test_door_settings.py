"""/doors/…/settings: rules and times, the driver's secrets, which cameras lead to the door."""

from __future__ import annotations

from babel.support import NullTranslations

from attendance import texts
from attendance.domain.access.rules.factors import Doubt
from attendance.domain.calibration.bars import Bar, Missed
from attendance.service.access.doors import stored_settings, unproven
from attendance.service.access.doors.driver_settings import DRIVERS
from attendance.service.access.policy.overview import get_door
from attendance.store.audit import entries
from attendance.web.access import driver_form
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


def test_a_new_doors_driver_makes_it_ask_while_the_weights_are_unproven_and_unticking_is_audited(
    web: Web, front: int, admin: Browser
) -> None:
    admin.submit(f"/doors/{front}/settings", {"what": "point", "point": "entrance"})
    add_tablet(web)
    admin.submit(f"/doors/{front}/settings", {"what": "point", "point": "canteen"})
    unproven.note_cards(web.sessions, web.clock, "m", [Missed(Bar.OWN_PEOPLE, 0.311, 0.05)])
    assert "networks miss their bars" not in admin.text(f"/doors/{front}/settings")  # nothing moves it yet

    admin.submit(f"/doors/{front}/driver", SHELLY)
    assert rules(web).doors[front].step_up == {Doubt.UNPROVEN_WEIGHTS}
    page = admin.text(f"/doors/{front}/settings")
    assert "a face alone does not open this door" in page
    assert "own people refused (FNIR): 31 %, at most 5.0 % are asked for" in " ".join(page.split())

    admin.submit(f"/doors/{front}/settings", {"what": "doubts"})  # nothing is ticked any more
    assert rules(web).doors[front].step_up == frozenset()
    assert "a face alone opens this door, although" in admin.text(f"/doors/{front}/settings")
    with web.sessions() as session:
        newest = entries.list_entries(session, limit=1)[0]
    assert (newest.action, newest.detail["asks_while_unproven"]) == ("change_door_rules", False)
    admin.submit(f"/doors/{front}/driver", SHELLY | {"set-relay": "2"})
    assert rules(web).doors[front].step_up == frozenset()  # another setting does not undo the choice


class German(NullTranslations):
    def ugettext(self, message: str) -> str:
        return {"Any device by HTTP": "Beliebiges Gerät über HTTP", "None (logs only)": "Keins"}.get(message, message)


def test_devices_are_named_in_the_language_of_the_page(web: Web, front: int, admin: Browser) -> None:
    web.app.before_request_funcs.setdefault(None, []).append(lambda: texts.use(German()))
    assert "Beliebiges Gerät über HTTP" in admin.text(f"/doors/{front}/settings")
    assert "Keins" in admin.text(f"/doors/{front}")


def test_every_setting_of_a_device_is_in_words_beside_its_name(web: Web, front: int, admin: Browser) -> None:
    for driver, kind in DRIVERS.items():
        page = admin.text(f"/doors/{front}/settings?driver={driver}")
        assert set(kind.model_fields) <= set(driver_form.LABELS)
        for name in kind.model_fields:
            assert f">{name}</code>" in page and driver_form.LABELS[name] in page, (driver, name)

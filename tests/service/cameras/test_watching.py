"""Cameras as rows: `[camera]` is taken once, addresses are sealed, and each computer serves what is its own."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from attendance.config import CameraSettings
from attendance.domain.faces import Region
from attendance.domain.passage import Direction
from attendance.errors import UserError, WrongFields
from attendance.service.access.policy import door_rows
from attendance.service.alarms.alarms import NOBODY, raise_and_notify
from attendance.service.audit.audit import Action, Actor
from attendance.service.cameras import watching
from attendance.store.access import doors
from attendance.store.alarms import alarms
from attendance.store.audit import entries
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.kiosk import devices
from attendance.store.session import Sessions
from tests.factories import NOON

SECRET = "rtsp://viewer:hush@10.0.0.7/1"
WHO = Actor("command line", "test")


def imported(sessions: Sessions, keys: Keys, computer: str = "here", **values: object) -> bool:
    with sessions.begin() as session:
        return watching.import_file(session, keys, CameraSettings(**values), computer, NOON)  # type: ignore[arg-type]


def served(sessions: Sessions, keys: Keys, computer: str = "here") -> dict[str, CameraSettings]:
    with sessions() as session:
        return {name: plan.settings for name, plan in watching.plans(session, keys, computer).items()}


def add(sessions: Sessions, keys: Keys, name: str, source: str, **more: object) -> int:
    with sessions.begin() as session:
        settings = watching.checked(name, source, "in", more)
        return watching.add(session, keys, settings, door_id=None, here="here", actor=WHO, at=NOON)


def test_the_settings_camera_is_taken_once_and_then_ignored_with_a_warning(
    sessions: Sessions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    assert imported(sessions, keys, name="front", source=SECRET, direction="out", max_fps=5, rotate=90)
    assert not imported(sessions, keys, name="front", source=SECRET, direction="out", max_fps=5, rotate=90)
    assert not caplog.records, "the same once more is no news"
    assert not imported(sessions, keys, name="front", source="1")
    assert "[camera] of the settings is ignored" in caplog.text

    with sessions() as session:
        (row,) = cameras.list_cameras(session)
        assert "hush" not in row.source
        assert row.address is not None
        assert b"hush" not in row.address
    assert served(sessions, keys) == {
        "front": CameraSettings(name="front", source=SECRET, direction="out", max_fps=5, rotate=90)
    }


def test_a_camera_of_an_older_version_keeps_its_row_and_gets_its_address(sessions: Sessions, keys: Keys) -> None:
    """Each daemon of a site with several settings files takes its own over, and serves only that."""
    with sessions.begin() as session:
        for name in ("entrance", "exit"):
            cameras.claim(session, name, source="0", direction=Direction.IN, owner="me", at=NOON)
            cameras.release(session, name, owner="me")
    assert imported(sessions, keys, "one", name="entrance", source="0")
    assert imported(sessions, keys, "two", name="exit", source=SECRET, direction="out")

    assert served(sessions, keys, "one").keys() == {"entrance"}
    assert served(sessions, keys, "two").keys() == {"exit"}
    assert served(sessions, keys, "three") == {}


def test_a_computer_with_another_name_takes_its_camera_back_once_nobody_watches_it(
    sessions: Sessions, keys: Keys
) -> None:
    """A container has another name at each start."""
    imported(sessions, keys, "first", name="entrance", source="0")
    with sessions.begin() as session:
        cameras.claim(session, "entrance", source="0", direction=Direction.IN, owner="me", at=NOON)
    imported(sessions, keys, "second", name="entrance", source="0")
    assert served(sessions, keys, "second") == {}
    with sessions.begin() as session:
        cameras.release(session, "entrance", owner="me")
    imported(sessions, keys, "second", name="entrance", source="0")

    assert served(sessions, keys, "second").keys() == {"entrance"}


def test_a_second_name_for_the_same_camera_and_the_untouched_default_are_ignored(
    sessions: Sessions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    imported(sessions, keys, name="front", source=SECRET)
    assert not imported(sessions, keys)
    assert not caplog.records
    assert not imported(sessions, keys, name="renamed", source=SECRET)
    assert "under another name" in caplog.text
    assert served(sessions, keys).keys() == {"front"}


def test_an_address_of_another_key_stops_neither_the_import_nor_the_other_cameras(
    sessions: Sessions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    add(sessions, Keys(bytes(32)), "foreign", SECRET)

    assert not imported(sessions, keys, name="foreign", source="3"), "the damaged address is not replaced silently"
    assert "the camera foreign has its address on the site" in caplog.text
    assert not imported(sessions, keys, name="renamed", source=SECRET), "what pages show says that it is the same"
    assert imported(sessions, keys, name="front", source="rtsp://viewer:hush@10.0.0.8/1")
    assert served(sessions, keys).keys() == {"front"}


def test_a_webcam_belongs_to_its_computer_and_a_network_camera_to_any(sessions: Sessions, keys: Keys) -> None:
    add(sessions, keys, "webcam", "0")
    add(sessions, keys, "net", SECRET)

    assert served(sessions, keys, "here").keys() == {"webcam", "net"}
    assert served(sessions, keys, "there").keys() == {"net"}


def test_a_camera_is_changed_and_its_address_stays_when_none_is_given(sessions: Sessions, keys: Keys) -> None:
    number = add(sessions, keys, "net", SECRET, max_fps=4.0)
    with sessions.begin() as session:
        watching.change(
            session, keys, number, source="", options={"read_timeout_s": 9.0}, here="here", actor=WHO, at=NOON
        )
    assert served(sessions, keys)["net"] == CameraSettings(name="net", source=SECRET, read_timeout_s=9.0)
    with sessions.begin() as session, pytest.raises(UserError, match="max_fps: enter a number"):
        watching.change(session, keys, number, source="", options={"max_fps": 0}, here="", actor=WHO, at=NOON)


def test_one_that_is_switched_off_or_of_another_key_is_not_served_and_the_others_are(
    sessions: Sessions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    off = add(sessions, keys, "off", "0")
    add(sessions, Keys(bytes(32)), "foreign", "1")
    add(sessions, keys, "fine", "2")
    with sessions.begin() as session:
        cameras.edit(session, off, title="", direction=Direction.IN, active=False)

    with caplog.at_level(logging.ERROR):
        assert served(sessions, keys).keys() == {"fine"}
    assert "cannot be decrypted" in caplog.text


def test_who_asks_again_and_again_logs_an_address_that_cannot_be_opened_once(
    sessions: Sessions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    add(sessions, Keys(bytes(32)), "foreign", "1")
    said: set[str] = set()
    with caplog.at_level(logging.ERROR), sessions() as session:
        for _ in range(3):
            assert watching.plans(session, keys, "here", said) == {}
    assert len(caplog.records) == 1


def test_a_new_camera_stands_at_the_only_door_and_another_door_begins_it_anew(sessions: Sessions, keys: Keys) -> None:
    add(sessions, keys, "front", "0")
    with sessions.begin() as session:
        first = watching.plans(session, keys, "here")["front"]
        assert doors.door_at(session, "front") is not None
        yard = door_rows.add(session, "yard", NOON)
    with pytest.raises(UserError, match="choose the door: there is"):
        add(sessions, keys, "back", "1")
    with sessions.begin() as session:
        door_rows.move_point(session, "front", yard, NOON + timedelta(seconds=1))
    with sessions() as session:
        assert watching.plans(session, keys, "here")["front"] != first
    with pytest.raises(WrongFields) as wrong:
        add(sessions, keys, "front", "1")
    assert wrong.value.fields.keys() == {"name", "door"}, "every wrong field is named, not the first alone"


@pytest.mark.parametrize(
    ("source", "computer", "field"),
    [
        ("192.168.1.9", None, "source"),
        ("htp://10.0.0.7/1", None, "source"),
        ("rtsp://me:hush@/1", None, "source"),
        ("clips/door.mp4", None, "source"),
        ("rtsp://h/1\x00", None, "source"),
        ("r" * 3000, None, "source"),
        ("0", "", "computer"),
        ("/films", "", "computer"),
        (SECRET, "x" * 201, "computer"),
    ],
)
def test_an_address_that_cannot_be_watched_from_there_is_refused_without_its_password(
    sessions: Sessions, keys: Keys, source: str, computer: str | None, field: str
) -> None:
    with pytest.raises(WrongFields) as wrong, sessions.begin() as session:
        settings = watching.checked("front", source, "in", {})
        watching.add(session, keys, settings, door_id=None, here="here", computer=computer, actor=WHO, at=NOON)
    assert wrong.value.fields.keys() == {field}
    assert "hush" not in str(wrong.value)
    assert served(sessions, keys) == {}


def test_whoever_is_chosen_watches_a_camera_and_the_audit_says_so(sessions: Sessions, keys: Keys) -> None:
    number = add(sessions, keys, "webcam", "0")
    with sessions.begin() as session:
        values: dict[str, Any] = {"options": {}, "here": "here", "actor": WHO, "at": NOON}
        watching.change(session, keys, number, source="1", computer="gatehouse", active=False, **values)
        row = cameras.camera_by_id(session, number)
        assert row is not None
        assert (row.computer, row.active) == ("gatehouse", False)
        watching.change(session, keys, number, source="", active=True, **values)
        assert (row.computer, row.active) == ("gatehouse", True), "what is not given stays"
        watching.change(session, keys, number, source=SECRET, **values)
        assert row.computer == "", "a network camera is watched by any"
    with sessions() as session:
        details = [entry.detail for entry in entries.entries_after(session, 0, 10)]
    assert details[0] == {"source": "0", "added": True, "computer": "here", "door": 1}
    assert details[1] == {"source": "1", "added": False, "computer": "gatehouse", "in_use": False}
    assert details[2] == {"source": "1", "added": False, "in_use": True}
    assert details[3] == {"source": "rtsp://…@10.0.0.7/1", "added": False, "computer": "any"}


def test_a_removed_camera_does_not_come_back_by_any_settings_file(
    sessions: Sessions, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    imported(sessions, keys, name="front", source=SECRET)
    with sessions.begin() as session:
        row = cameras.get_camera(session, "front")
        assert row is not None
        cameras.edit(session, row.id, title="Main entrance", direction=Direction.OUT, active=True)
        door_rows.move_point(session, "front", doors.list_doors(session)[0].id, NOON)
        raise_and_notify(session, "frozen face", "front", {}, NOON, NOBODY)
        assert watching.remove(session, row.id, WHO, NOON) == "front"
        assert alarms.open_alarms(session) == [], "nobody else would end it"

    assert served(sessions, keys) == {}
    assert not imported(sessions, keys, name="front", source=SECRET)
    assert "was removed" in caplog.text
    assert not imported(sessions, keys, name="renamed", source=SECRET), "the same camera under another name"
    with sessions() as session:
        assert cameras.list_cameras(session) == []
        assert doors.door_at(session, "front") is None
        assert cameras.titles(session) == {"front": "Main entrance"}, "the log goes on to show it"
        (mark,) = cameras.list_cameras(session, removed=True)
        assert mark.address is None
        assert cameras.camera_by_id(session, mark.id) is None
    with sessions.begin() as session, pytest.raises(UserError, match="was removed from the site"):
        cameras.claim(session, "front", source="0", direction=Direction.IN, owner="me", at=NOON)


def test_a_removed_camera_is_added_again_as_new(sessions: Sessions, keys: Keys) -> None:
    number = add(sessions, keys, "front", SECRET)
    with sessions.begin() as session:
        cameras.edit(session, number, title="Main entrance", direction=Direction.OUT, active=False)
        cameras.set_region(session, "front", Region(0, 0, 0.5, 0.5))
        watching.remove(session, number, WHO, NOON)
    assert add(sessions, keys, "front", "rtsp://10.0.0.8/1") == number

    assert served(sessions, keys) == {"front": CameraSettings(name="front", source="rtsp://10.0.0.8/1")}
    with sessions() as session:
        row = cameras.get_camera(session, "front")
        assert row is not None
        assert (row.title, row.direction, row.active, row.roi) == (None, "in", True, None)
        assert doors.door_at(session, "front") is not None


def test_the_screens_of_a_removed_camera_are_revoked_and_no_others(sessions: Sessions, keys: Keys) -> None:
    number = add(sessions, keys, "front", SECRET)
    with sessions.begin() as session:
        for name, camera in (("lobby", "front"), ("yard screen", "yard"), ("tablet", None)):
            devices.add_device(session, name, at=NOON, by="ada", direction=Direction.UNKNOWN, screen_of=camera)
        watching.remove(session, number, WHO, NOON)
        revoked = [device.name for device in devices.list_devices(session) if device.revoked_at is not None]
        assert revoked == ["lobby"]
        acts = [entry.action for entry in entries.entries_after(session, 0, 100)]
    assert acts.count(Action.REVOKE_DEVICE.value) == 1


def test_a_daemon_whose_camera_is_removed_is_told_to_stop(sessions: Sessions, keys: Keys) -> None:
    number = add(sessions, keys, "front", SECRET)
    with sessions.begin() as session:
        cameras.claim(session, "front", source=SECRET, direction=Direction.IN, owner="me", at=NOON)
        assert cameras.heartbeat(session, "front", owner="me", at=NOON)
        watching.remove(session, number, WHO, NOON)
        assert not cameras.heartbeat(session, "front", owner="me", at=NOON)
        cameras.release(session, "front", owner="me")


def test_the_same_webcam_number_on_another_computer_is_another_camera(sessions: Sessions, keys: Keys) -> None:
    assert imported(sessions, keys, "one", name="front", source="1")
    assert imported(sessions, keys, "two", name="back", source="1")
    assert served(sessions, keys, "two").keys() == {"back"}

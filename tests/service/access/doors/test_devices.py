"""A door's device: taken from the settings file once, and from the door's row afterwards."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import text

from attendance.config import DoorSettings
from attendance.errors import UserError
from attendance.service.access.doors import devices
from attendance.service.access.doors.devices import device_for, device_named
from attendance.store.access import doors
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from attendance.store.tables.access import AccessPoint
from tests.fakes import FakeClock

KEYS = Keys(bytes(range(32)))
SHELLY = {"address": "10.0.0.1", "password": "s3cret", "contact": "closed", "exit_input": 1}
FILE = DoorSettings(driver="shelly", name="front", unlock_s=4, settings=SHELLY)


@pytest.fixture
def site(sessions: Sessions) -> Sessions:
    """The door of a new site, at which a camera stands."""
    with sessions.begin() as session:
        (door,) = doors.list_doors(session)
        session.add(AccessPoint(name="entrance", door_id=door.id, factors=[]))
    return sessions


def found(site: Sessions, file: DoorSettings, camera: str = "entrance") -> devices.DoorDevice:
    return device_for(site, KEYS, FakeClock(), camera, file)


def test_the_file_is_taken_over_once_and_ignored_afterwards(site: Sessions, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    device = found(site, FILE)
    assert (device.name, device.driver, device.unlock_s, device.settings) == ("front", "shelly", 4, SHELLY)
    assert device.timings.watch_forced
    other = FILE.model_copy(update={"settings": {"address": "10.6.6.6"}})
    assert found(site, other).settings == SHELLY
    assert found(site, FILE) == device

    assert [line for line in caplog.messages if "[door]" in line] == [
        "[door] of the settings file was taken over for the door front; from now on the site has it",
        "[door] of the settings file is ignored: the door front has its driver on the site",
    ]
    with site() as session:
        (row,) = doors.list_doors(session)
        acts = session.execute(text("SELECT count(*) FROM audit_entries WHERE action = 'change_driver'")).scalar()
    assert (row.imported_from, row.contact, acts) == ("entrance", True, 1)
    assert b"s3cret" not in (row.driver_settings or b"")
    assert "s3cret" not in repr(device)


def test_without_a_driver_nothing_is_taken_over_and_the_name_is_the_files(site: Sessions) -> None:
    device = found(site, DoorSettings(name="canteen"))
    assert (device.name, device.driver) == ("canteen", "null")
    with site() as session:
        assert doors.list_doors(session)[0].imported_from is None


def test_a_camera_at_no_door_has_the_files_device(site: Sessions) -> None:
    device = found(site, FILE, camera="elsewhere")

    assert (device.door_id, device.driver, device.name) == (None, "shelly", "front")


def test_settings_that_cannot_be_are_refused_and_nothing_is_kept(site: Sessions) -> None:
    with pytest.raises(UserError, match="address is missing"):
        found(site, FILE.model_copy(update={"settings": {}}))
    with site() as session:
        assert doors.list_doors(session)[0].driver == "null"


def test_a_door_that_is_switched_off_moves_nothing(site: Sessions) -> None:
    found(site, FILE)
    with site.begin() as session:
        doors.list_doors(session)[0].enabled = False

    assert found(site, FILE).driver == "null"


def test_a_door_is_found_by_its_name_or_the_names_are_told(site: Sessions) -> None:
    with site() as session:
        assert device_named(session, KEYS, "front", FILE).driver == "shelly", "not imported yet"
    found(site, FILE)
    with site() as session:
        assert device_named(session, KEYS, "front", DoorSettings()).settings == SHELLY
        with pytest.raises(UserError, match="there is no door back; there is front"):
            device_named(session, KEYS, "back", FILE)

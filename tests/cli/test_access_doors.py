"""`door test`, against a device on this computer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Here
from tests.daemon.doors.loopback import ShellyLoopback


@pytest.fixture
def shelly() -> Iterator[ShellyLoopback]:
    device = ShellyLoopback(password="s3cret")
    yield device
    device.close()


def door(shelly: ShellyLoopback) -> tuple[str, ...]:
    settings = {"address": shelly.address, "password": "s3cret", "contact": "closed"}
    given = ("door.driver=shelly", "door.name=front", f"door.settings={json.dumps(settings)}")
    return tuple(part for one in given for part in ("--set", one))


def test_a_door_is_walked_through_noted_and_moved_once(here: Here, shelly: ShellyLoopback) -> None:
    here.good("init")
    assert here(*door(shelly), "door", "test", "front", "--no-unlock").exit_code == 1
    assert (shelly.asked, here.count("audit_entries WHERE action = 'test_door'")) == (0, 0)
    assert here(*door(shelly), "door", "test", "front", typed="n\n").exit_code in (0, 1)
    assert shelly.asked == 0, "nobody said yes"
    result = here(*door(shelly), "door", "test", "front", "--seconds", "0.2", "--watch", "0", "--yes")

    assert "the device ends each pulse by itself" in result.output
    assert "unlocked for 0.2 s; the device confirmed it" in result.output
    assert "s3cret" not in result.output
    assert (shelly.pulses, result.exit_code) == ([0.2], 1), "the contact never showed it open"
    assert here.count("audit_entries WHERE action = 'test_door' AND subject_id = 'front'") == 1
    assert "there is no door back; there is door, front" in here.refused(*door(shelly), "door", "test", "back")
    assert "s3cret" not in here.good(*door(shelly), "config", "check")

"""Shelly relays: what is set on the device, and what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attendance.daemon.doors.drivers import door_of
from tests.daemon.doors.loopback import ShellyGen1Loopback, ShellyLoopback


@pytest.fixture
def shelly() -> Iterator[ShellyLoopback]:
    device = ShellyLoopback()
    yield device
    device.close()


def test_the_relay_stays_off_after_a_power_cut_and_the_contact_cannot_move_it(shelly: ShellyLoopback) -> None:
    door = door_of("front", "shelly", {"address": shelly.address, "contact": "closed"})
    (note,) = door.prepare()

    assert "initial_state = off" in note
    wanted = {"initial_state": "off", "auto_off": True, "auto_off_delay": 60, "in_mode": "detached"}
    assert shelly.config == {"id": 0, **wanted}
    assert list(door.prepare()) == [], "set once"


def test_an_input_without_a_contact_keeps_its_mode(shelly: ShellyLoopback) -> None:
    door_of("front", "shelly", {"address": shelly.address}).prepare()

    assert shelly.config["in_mode"] == "follow", "an exit button may be wired there"


def test_the_exit_button_and_the_fire_contact_are_read(shelly: ShellyLoopback) -> None:
    door = door_of("front", "shelly", {"address": shelly.address, "exit_input": 0, "fire_input": 1})
    shelly.inputs[1] = True
    seen = door.inputs()

    assert (seen.exit_button, seen.fire, seen.tamper, seen.unlocked) == (False, True, None, False)


def test_generation_one_takes_whole_seconds_and_at_least_one() -> None:
    device = ShellyGen1Loopback(password="s3cret")
    door = door_of("front", "shelly_gen1", {"address": device.address, "password": "s3cret"})
    try:
        assert [door.unlock(seconds).done for seconds in (0.3, 2.6)] == [True, True]
        assert device.pulses == [1.0, 3.0]
        assert list(door.prepare()) == []
        assert device.default_state == "off"
    finally:
        device.close()

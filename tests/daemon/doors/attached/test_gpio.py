"""Pins, with gpiozero's own stand-in for a Raspberry Pi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from attendance.daemon.doors.attached.gpio import GpioSwitch
from attendance.daemon.doors.drivers import switch_of
from attendance.domain.access.door_state import Contact
from tests import needs

mock = needs.package("gpiozero.pins.mock", "test")


@pytest.fixture
def pins() -> Iterator[Any]:
    from gpiozero import Device

    before, Device.pin_factory = Device.pin_factory, mock.MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


def made(**values: object) -> GpioSwitch:
    switch = switch_of("gpio", {"pin": 17, **values})
    assert isinstance(switch, GpioSwitch)
    return switch


@pytest.mark.parametrize("active_high", [True, False])
def test_the_relay_is_off_from_the_first_moment_on(pins: Any, active_high: bool) -> None:
    switch = made(active_high=active_high)
    pin = pins.pin(17)
    assert bool(pin.state) is not active_high
    switch.switch(True)
    assert bool(pin.state) is active_high
    assert switch.inputs().unlocked is True
    switch.switch(False)
    assert [bool(state) for _, state in pin.states][-1] is not active_high
    switch.close()


def test_a_press_between_two_looks_is_not_missed(pins: Any) -> None:
    switch = made(contact="closed", contact_pin=22, exit_pin=23, fire_pin=24)
    assert switch.inputs().contact is Contact.OPEN
    pins.pin(22).drive_low()
    pins.pin(23).drive_low()
    pins.pin(23).drive_high()
    seen = switch.inputs()
    assert (seen.contact, seen.exit_button, seen.fire, seen.tamper) == (Contact.CLOSED, True, False, None)
    assert switch.inputs().exit_button is False
    switch.close()

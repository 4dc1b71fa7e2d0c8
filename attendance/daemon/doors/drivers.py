"""The table of door drivers, and opening the one that the settings name.

In: a door's name, driver and settings.  Out: a `service.ports.Door`; UserError for what cannot be.
Does not know: how any driver moves its door.

To add a door driver: its settings in `service/access/doors/driver_settings.py`; a class of `Lock` (the device ends the
pulse) or `Switch` (this computer does) in a module of `network` or `attached`; its row in `_make`; a page section in
docs/doors.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attendance.config import DoorSettings
from attendance.daemon.doors.bounded import BoundedDoor
from attendance.daemon.doors.driver import Device, Lock, Switch
from attendance.daemon.doors.kept import Kept
from attendance.daemon.doors.null import NullDoor
from attendance.errors import UserError
from attendance.service.access.doors import driver_settings as known
from attendance.service.ports import Door

DRIVERS = known.DRIVERS


def open_door(settings: DoorSettings) -> Door:
    """Return the settings' door; UserError for a driver that does not exist, or settings that it cannot have."""
    try:
        return door_of(settings.name, settings.driver, settings.settings)
    except UserError as error:
        raise UserError(f"[door] {error}") from error


def door_of(name: str, driver: str, values: Mapping[str, Any]) -> Door:
    """Return a door.  A driver whose device ends no pulse gets a child process, which starts at the first use."""
    settings = known.checked(driver, values)
    if settings.host_ends_pulse:
        return BoundedDoor(name, Kept(driver, values, readable=True))
    device = _make(name, settings)
    if not isinstance(device, Lock):
        raise TypeError(f"{driver} ends no pulse")
    return BoundedDoor(name, device)


def switch_of(driver: str, values: Mapping[str, Any]) -> Switch:
    """Return the device of a driver whose pulses this computer ends: for the child process that holds it."""
    device = _make(driver, known.checked(driver, values))
    if not isinstance(device, Switch):
        raise TypeError(f"{driver} ends its pulses itself")
    return device


def _make(name: str, settings: known.DriverSettings) -> Device:
    """Import what drives this one only: most need a package or a system that others lack."""
    match settings:
        case known.Shelly():
            from attendance.daemon.doors.network.shelly import ShellyLock

            return ShellyLock(settings)
        case known.ShellyGen1():
            from attendance.daemon.doors.network.shelly import ShellyGen1Lock

            return ShellyGen1Lock(settings)
        case known.Http():
            from attendance.daemon.doors.network.web_call import HttpLock, HttpSwitch

            return HttpSwitch(settings) if settings.host_ends_pulse else HttpLock(settings)
        case known.Tasmota():
            from attendance.daemon.doors.network.tasmota import TasmotaLock

            return TasmotaLock(settings)
        case known.Esphome():
            from attendance.daemon.doors.network.esphome import EsphomeLock, EsphomeSwitch

            return EsphomeSwitch(settings) if settings.host_ends_pulse else EsphomeLock(settings)
        case known.Mqtt():
            from attendance.daemon.doors.network.mqtt import MqttLock, MqttSwitch

            return MqttSwitch(settings) if settings.host_ends_pulse else MqttLock(settings)
        case known.Modbus():
            from attendance.daemon.doors.network.modbus import ModbusLock, ModbusSwitch

            return ModbusSwitch(settings) if settings.host_ends_pulse else ModbusLock(settings)
        case known.Gpio():
            from attendance.daemon.doors.attached.gpio import GpioSwitch

            return GpioSwitch(settings)
        case known.UsbHid():
            from attendance.daemon.doors.attached.usb_relays import UsbHidSwitch

            return UsbHidSwitch(settings)
        case known.Ch340():
            from attendance.daemon.doors.attached.usb_relays import Ch340Switch

            return Ch340Switch(settings)
    return NullDoor(name)

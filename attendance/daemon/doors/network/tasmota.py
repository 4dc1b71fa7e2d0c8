"""Tasmota relays by their web commands: the device ends the pulse.

In: the driver's settings.  Out: pulses, the contact and buttons that are wired as switches.
Does not know: doors, people.
Source: tasmota.github.io/docs/Commands (TimedPower, PulseTime, PowerOnState, Status 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from attendance.daemon.doors.driver import Lock, inputs_of
from attendance.daemon.doors.network.http_call import HttpDevice
from attendance.daemon.doors.network.replies import json_of, require_status
from attendance.domain.access.door_state import Inputs
from attendance.service.access.doors.driver_settings import Tasmota
from attendance.service.ports import DoorFault, DoorUnknown

_LONGEST_TENTHS = 111


class TasmotaLock(Lock):
    """One relay.  Inputs are numbered as Tasmota's switches, from 1; 0 and below: not wired."""

    readable = True

    def __init__(self, settings: Tasmota) -> None:
        self._settings = settings
        self._device = HttpDevice(settings.address)
        self._pulse_time: int | None = None

    def pulse(self, seconds: float) -> str:
        relay = self._settings.relay
        if self._settings.pulse == "timed_power":
            answer = self._command(f"TimedPower{relay} {round(seconds * 1000)}")
            # Firmware differs in what it answers here; the relay itself is asked, which moves nothing.
            if self._power(answer) is None:
                answer = self._command(f"Power{relay}")
        else:
            self._set_pulse_time(pulse_time(seconds))
            answer = self._command(f"Power{relay} ON")
        if self._power(answer) is not True:
            raise DoorUnknown(f"{self._device.shown} does not say that it is on")
        return ""

    def prepare(self) -> Sequence[str]:
        answer = self._command("PowerOnState 0")
        if str(answer.get("PowerOnState")) != "0":
            return ("the device does not confirm that it stays off after a power cut: set PowerOnState 0",)
        return ()

    def inputs(self) -> Inputs:
        settings = self._settings
        sensors = self._command("Status 10").get("StatusSNS")
        output = self._power(self._command(f"Power{settings.relay}"))

        def read(number: int) -> bool | None:
            said = sensors.get(f"Switch{number}") if isinstance(sensors, dict) else None
            return {"ON": True, "OFF": False}.get(str(said))

        return inputs_of(settings, read, output, first=1)

    def _set_pulse_time(self, value: int) -> None:
        if value == self._pulse_time:
            return
        relay = self._settings.relay
        answer = self._command(f"PulseTime{relay} {value}")
        if f"PulseTime{relay}" not in answer:
            raise DoorFault(f"{self._device.shown} does not confirm the length of the pulse, so it stays shut")
        self._pulse_time = value

    def _power(self, answer: dict[str, Any]) -> bool | None:
        said = answer.get(f"POWER{self._settings.relay}", answer.get("POWER") if self._settings.relay == 1 else None)
        return {"ON": True, "OFF": False}.get(str(said))

    def _command(self, command: str) -> dict[str, Any]:
        settings = self._settings
        signed = ""
        if settings.password:
            signed = f"user={quote(settings.user, safe='')}&password={quote(settings.password, safe='')}&"
        reply = self._device.call("GET", f"/cm?{signed}cmnd={quote(command, safe='')}")
        require_status(self._device, reply)
        answer = json_of(self._device, reply)
        if "WARNING" in answer:
            raise DoorFault(f"{self._device.shown} refuses the user name or password")
        if answer.get("Command") in ("Unknown", "Error"):
            old = ' (older firmware: set pulse = "pulse_time")' if command.startswith("TimedPower") else ""
            raise DoorFault(f"{self._device.shown} does not know {command.split()[0]}{old}")
        return answer


def pulse_time(seconds: float) -> int:
    """Return Tasmota's number for a pulse: tenths up to 11.1 s, above that whole seconds plus 100, never longer."""
    if seconds * 10 < _LONGEST_TENTHS + 1:
        return max(1, int(seconds * 10 + 1e-6))
    return _LONGEST_TENTHS if seconds < 12 else int(seconds) + 100

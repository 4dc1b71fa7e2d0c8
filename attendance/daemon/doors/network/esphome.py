"""ESPHome devices by the web server in their firmware.

In: the driver's settings.  Out: a lock for `button` and `lock`, whose firmware ends the pulse; a switch for `switch`.
Does not know: doors, people.
Source: esphome.io/web-api.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from attendance.daemon.doors.driver import Device, Lock, Switch, contact_of
from attendance.daemon.doors.network.http_call import HttpDevice
from attendance.daemon.doors.network.replies import json_of, require_status
from attendance.daemon.sign_in import SignIn
from attendance.domain.access.door_state import Inputs
from attendance.service.access.doors.driver_settings import Esphome
from attendance.service.ports import DoorUnknown

_PRESS = {"button": "press", "lock": "unlock"}


class _Esphome(Device):
    readable = True

    def __init__(self, settings: Esphome) -> None:
        self._settings = settings
        sign_in = SignIn("asked", settings.user, settings.password) if settings.password else SignIn()
        self._device = HttpDevice(settings.address, sign_in)
        self._kind, _, self._name = settings.entity.partition("/")

    def inputs(self) -> Inputs:
        settings = self._settings
        contact = self._binary(settings.contact_sensor) if settings.contact_sensor else None
        pressed = self._binary(settings.exit_sensor) if settings.exit_sensor else None
        unlocked = None
        if self._kind != "button":
            unlocked = {"ON": True, "UNLOCKED": True, "OFF": False, "LOCKED": False}.get(self._state())
        elif not settings.contact_sensor and not settings.exit_sensor:
            self._require_answer()
        return Inputs(contact_of(contact, settings.contact), pressed, unlocked)

    def _act(self, action: str) -> None:
        reply = self._device.call("POST", f"/{self._kind}/{quote(self._name)}/{action}")
        require_status(self._device, reply)

    def _state(self) -> str:
        reply = self._device.call("GET", f"/{self._kind}/{quote(self._name)}")
        require_status(self._device, reply)
        return str(json_of(self._device, reply).get("state"))

    def _require_answer(self) -> None:
        """See whether the device answers at all."""
        require_status(self._device, self._device.call("GET", "/"))

    def _binary(self, name: str) -> bool | None:
        reply = self._device.call("GET", f"/binary_sensor/{quote(name)}")
        require_status(self._device, reply)
        value = json_of(self._device, reply).get("value")
        return value if isinstance(value, bool) else None


class EsphomeLock(_Esphome, Lock):
    """A button or lock whose firmware ends the pulse."""

    def pulse(self, seconds: float) -> str:  # noqa: ARG002  the firmware has its own
        self._act(_PRESS[self._kind])
        return ""

    def prepare(self) -> Sequence[str]:
        self._require_answer()
        return ("the firmware decides how long the pulse is, and what is on after a power cut: see docs/doors.md",)


class EsphomeSwitch(_Esphome, Switch):
    """A switch of the firmware, which this computer switches off again."""

    def switch(self, on: bool) -> None:
        self._act("turn_on" if on else "turn_off")
        state = self._state()
        if state != ("ON" if on else "OFF"):
            raise DoorUnknown(f"{self._device.shown} says that {self._name} is {state[:20]}")

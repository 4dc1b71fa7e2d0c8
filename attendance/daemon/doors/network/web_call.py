"""Any device that opens at an HTTP call: KMTronic, Denkovi, 2N, DoorBird, UniFi Access, Hikvision, Home Assistant.

In: the driver's settings.  Out: a lock whose device ends the pulse, or a switch if there is an `off_url`.
Does not know: the device; recipes are in docs/doors.md.
"""

from __future__ import annotations

import threading
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from attendance.daemon.doors.driver import Device, Lock, Switch
from attendance.daemon.doors.network.http_call import HttpDevice, Reply
from attendance.daemon.doors.network.replies import as_text, at_path, json_of, require_status
from attendance.daemon.sign_in import SignIn
from attendance.domain.access.door_state import Contact, Inputs
from attendance.service.access.doors.driver_settings import Http
from attendance.service.ports import DoorFault, DoorUnknown

# KMTronic boards hang if they are asked more often than about twice a second.
APART_S = 0.5


class _Http(Device):
    def __init__(self, settings: Http) -> None:
        self._settings = settings
        self.readable = bool(settings.status_url)
        self._sign_in = SignIn(settings.auth, settings.user, settings.token or settings.password)
        self._devices: dict[str, HttpDevice] = {}
        self._turn, self._looked_at = threading.Lock(), -APART_S

    def open(self, seconds: float) -> str:
        settings = self._settings
        body = _filled(settings.body, seconds)
        reply, device = self._ask(settings.method, _filled(settings.url, seconds), body.encode())
        require_status(device, reply, settings.expect_status)
        if settings.expect_path:
            found = at_path(json_of(device, reply), settings.expect_path)
            if found is None:
                raise DoorUnknown(f"{device.shown}: there is no {settings.expect_path} in the answer")
            if as_text(found) != settings.expect_value:
                raise DoorFault(f"{device.shown} says {settings.expect_path} = {as_text(found)[:60]}")
        elif settings.expect_value and settings.expect_value not in reply.body.decode("utf-8", "replace"):
            raise DoorUnknown(f"{device.shown}: {settings.expect_value} does not occur in the answer")
        return ""

    def inputs(self) -> Inputs:
        settings = self._settings
        if not settings.status_url:
            return Inputs()
        with self._turn:
            sleep(max(0.0, self._looked_at + APART_S - monotonic()))
            reply, device = self._ask("GET", settings.status_url, b"")
            self._looked_at = monotonic()
        require_status(device, reply)
        found = as_text(at_path(json_of(device, reply), settings.contact_path))
        said = {settings.open_value: Contact.OPEN, settings.closed_value: Contact.CLOSED}
        return Inputs(said.get(found, Contact.FAULT))

    def _ask(self, method: str, url: str, body: bytes) -> tuple[Reply, HttpDevice]:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        device = self._devices.setdefault(base, HttpDevice(base, self._sign_in, self._settings.fingerprint))
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return device.call(method, target, body, self._settings.headers), device


class HttpLock(_Http, Lock):
    """A device that ends each pulse itself."""

    def pulse(self, seconds: float) -> str:
        return self.open(seconds)


class HttpSwitch(_Http, Switch):
    """A device that stays on until `off_url` is called."""

    def switch(self, on: bool) -> None:
        if on:
            self.open(0.0)
            return
        reply, device = self._ask(self._settings.method, self._settings.off_url, b"")
        require_status(device, reply, self._settings.expect_status)


def _filled(text: str, seconds: float) -> str:
    """Write the pulse's length where the settings have a place for it."""
    places: dict[str, Any] = {
        "{seconds}": f"{seconds:g}",
        "{ms}": round(seconds * 1000),
        "{tenths}": round(seconds * 10),
    }
    for place, value in places.items():
        text = text.replace(place, str(value))
    return text

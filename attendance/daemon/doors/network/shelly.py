"""Shelly relays: generation 2 and newer by RPC, generation 1 by its HTTP API.

In: the driver's settings.  Out: pulses that the device ends, the contact, buttons.
Does not know: doors, people.
Source: shelly-api-docs.shelly.cloud, gen2 (RPCChannels, Authentication, Switch, Input) and gen1 (Relay).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

from attendance.daemon.doors.driver import Lock, inputs_of
from attendance.daemon.doors.network.http_call import HttpDevice
from attendance.daemon.doors.network.replies import json_of, require_status
from attendance.daemon.sign_in import SignIn
from attendance.domain.access.door_state import Inputs
from attendance.service.access.doors.driver_settings import Shelly, ShellyGen1
from attendance.service.ports import DoorFault, DoorUnknown

AUTO_OFF_S = 60  # the device's own end for whatever else switches it on


class ShellyLock(Lock):
    """One relay of a Shelly of generation 2 or newer.  Its user is always `admin`."""

    readable = True

    def __init__(self, settings: Shelly) -> None:
        self._settings = settings
        sign_in = SignIn("digest", "admin", settings.password) if settings.password else SignIn()
        self._device = HttpDevice(settings.address, sign_in, settings.fingerprint)
        self._numbers = itertools.count(1)

    def pulse(self, seconds: float) -> str:
        result = self._call("Switch.Set", {"id": self._settings.relay, "on": True, "toggle_after": round(seconds, 2)})
        if not isinstance(result.get("was_on"), bool):
            raise DoorUnknown(f"{self._device.shown} does not say that it switched")
        return "it was on already" if result["was_on"] else ""

    def prepare(self) -> Sequence[str]:
        """Set the relay to stay off after a power cut, and an input with a contact to move nothing."""
        relay = self._settings.relay
        config = self._call("Switch.GetConfig", {"id": relay})
        wanted: dict[str, Any] = {"initial_state": "off", "auto_off": True, "auto_off_delay": AUTO_OFF_S}
        contact = self._settings.contact != "none" and self._settings.contact_input == relay
        if contact:
            wanted["in_mode"] = "detached"  # otherwise the door's own contact would switch the lock
        wrong = {name: value for name, value in wanted.items() if config.get(name) != value}
        if not wrong:
            return ()
        self._call("Switch.SetConfig", {"id": relay, "config": wrong})
        return (f"set on the device: {', '.join(f'{name} = {value}' for name, value in wrong.items())}",)

    def inputs(self) -> Inputs:
        settings = self._settings
        status = self._call("Switch.GetStatus", {"id": settings.relay})
        output = status.get("output")

        def read(number: int) -> bool | None:
            state = self._call("Input.GetStatus", {"id": number}).get("state")
            return state if isinstance(state, bool) else None

        return inputs_of(settings, read, output if isinstance(output, bool) else None)

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        body = json.dumps({"id": number, "method": method, "params": params}).encode()
        reply = self._device.call("POST", "/rpc", body, {"Content-Type": "application/json"})
        require_status(self._device, reply)
        answer = json_of(self._device, reply)
        error = answer.get("error")
        if isinstance(error, dict):
            raise DoorFault(f"{self._device.shown} refuses {method}: {error.get('message') or error.get('code')}")
        result = answer.get("result")
        if answer.get("id") != number or not isinstance(result, dict):
            raise DoorUnknown(f"{self._device.shown} answers something else than what was asked")
        return result


class ShellyGen1Lock(Lock):
    """One relay of a Shelly of generation 1."""

    readable = True

    def __init__(self, settings: ShellyGen1) -> None:
        self._settings = settings
        sign_in = SignIn("basic", settings.user, settings.password) if settings.password else SignIn()
        self._device = HttpDevice(settings.address, sign_in)

    def pulse(self, seconds: float) -> str:
        # Whole seconds: less would be cut to nothing, and the relay would stay on.
        answer = self._get(f"/relay/{self._settings.relay}?turn=on&timer={max(1, round(seconds))}")
        if answer.get("ison") is not True:
            raise DoorUnknown(f"{self._device.shown} does not say that it switched")
        if answer.get("has_timer") is not True:
            raise DoorUnknown(f"{self._device.shown} switched on, but names no timer that ends it")
        return ""

    def prepare(self) -> Sequence[str]:
        answer = self._get(f"/settings/relay/{self._settings.relay}?default_state=off&auto_off={AUTO_OFF_S}")
        if answer.get("default_state") != "off":
            return ("the device does not confirm that it stays off after a power cut: set it in its own page",)
        return ()

    def inputs(self) -> Inputs:
        status = self._get("/status")
        listed, relays = status.get("inputs"), status.get("relays")

        def read(number: int) -> bool | None:
            if not isinstance(listed, list) or number >= len(listed) or not isinstance(listed[number], dict):
                return None
            return {0: False, 1: True}.get(listed[number].get("input"))

        output = None
        if isinstance(relays, list) and self._settings.relay < len(relays):
            output = relays[self._settings.relay].get("ison")
        return inputs_of(self._settings, read, output if isinstance(output, bool) else None)

    def _get(self, target: str) -> dict[str, Any]:
        reply = self._device.call("GET", target)
        require_status(self._device, reply)
        return json_of(self._device, reply)

"""The form of a driver's settings: its fields from the driver's table, and what was typed as values.

In: a driver's name, stored values, a form.  Out: fields to show, without any secret; values to check.
Does not know: tables, devices, whether the values are right (`service/access/doors/driver_settings.py`).
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined

from attendance.service.access.doors import driver_settings
from attendance.texts import N_

# A setting is called the same at every driver; documents and errors name it as it is stored.
LABELS = {
    "active_high": N_("The relay is on while the pin is high"),
    "address": N_("Address, with its port if it has another than usual"),
    "answer": N_("What the device answers when it is on"),
    "answer_off": N_("What the device answers when it is off"),
    "answer_topic": N_("Topic on which the device answers"),
    "auth": N_("How to sign in"),
    "body": N_("Body of the request"),
    "broker": N_("Name or address of the MQTT broker"),
    "closed_value": N_("Value while the door is closed"),
    "contact": N_("The door's contact: what the door is while its input is on"),
    "contact_input": N_("Input of the door's contact"),
    "contact_path": N_("Where the contact stands in the answer"),
    "contact_pin": N_("Pin of the door's contact (-1: none)"),
    "contact_sensor": N_("Sensor of the door's contact"),
    "contact_topic": N_("Topic of the door's contact"),
    "device": N_("Serial device"),
    "entity": N_("What opens: button/…, lock/… or switch/… with its name"),
    "exit_input": N_("Input of the exit button (-1: none)"),
    "exit_pin": N_("Pin of the exit button (-1: none)"),
    "exit_sensor": N_("Sensor of the exit button"),
    "expect_path": N_("Where in the answer to look for success"),
    "expect_status": N_("Status of the answer that means success"),
    "expect_value": N_("Value that means success"),
    "fingerprint": N_("Fingerprint of the device's certificate (SHA-256)"),
    "fire_input": N_("Input of the fire contact (-1: none)"),
    "fire_pin": N_("Pin of the fire contact (-1: none)"),
    "flash": N_("The board ends each pulse by itself"),
    "framing": N_("Frames"),
    "headers": N_("Headers, one a line: name: text"),
    "method": N_("Method of the request"),
    "off_url": N_("Address that ends the pulse; empty if the device ends it"),
    "offline": N_("What the device says when it is gone"),
    "open_value": N_("Value while the door is open"),
    "password": N_("Password"),
    "payload": N_("Message that opens"),
    "payload_off": N_("Message that ends the pulse; empty if the device ends it"),
    "pin": N_("Pin of the relay, by its BCM number"),
    "port": N_("Port"),
    "pulse": N_("How the device ends a pulse"),
    "relay": N_("Number of the relay"),
    "serial": N_("Serial number, if several are plugged in"),
    "status_topic": N_("Topic on which the device says that it is there"),
    "status_url": N_("Address that says how the door stands"),
    "tamper_input": N_("Input of the tamper contact (-1: none)"),
    "tamper_pin": N_("Pin of the tamper contact (-1: none)"),
    "tls": N_("Encrypted (TLS)"),
    "token": N_("Token"),
    "topic": N_("Topic to which the message goes"),
    "unit": N_("Address of the unit"),
    "url": N_("Address that opens"),
    "user": N_("User"),
}
CHOICES = {"none": N_("none"), "open": N_("open"), "closed": N_("closed"), "basic": N_("basic: user and password")}
CHOICES |= {"digest": N_("digest: user and password"), "bearer": N_("bearer: token")}
CHOICES |= {"timed_power": N_("with the command (firmware from 14 on)"), "pulse_time": N_("by its setting PulseTime")}
CHOICES |= {"rtu": N_("RTU over TCP"), "tcp": N_("Modbus TCP")}

_WIRED = ("contact", "exit_", "tamper_", "fire_")


@dataclass(frozen=True, slots=True)
class DriverField:
    """One field.  `kind`: text, secret, number, tick, choice or lines; `is_set`: a secret that is stored."""

    name: str
    kind: str
    value: str
    choices: tuple[str, ...] = ()
    is_set: bool = False
    needed: bool = False


def fields(driver: str, stored: Mapping[str, Any]) -> list[DriverField]:
    """Return the fields of a driver, filled from what is stored; a secret is never filled."""
    secrets = driver_settings.secrets_of(driver)
    found = []
    # How the device is reached and what opens come first, what is wired to its inputs last.
    ordered = sorted(driver_settings.DRIVERS[driver].model_fields.items(), key=lambda one: one[0].startswith(_WIRED))
    for name, field in ordered:
        kind, choices = _kind(field.annotation)
        missing = field.default is PydanticUndefined
        value = stored.get(name, "" if missing else field.default)
        if name in secrets:
            kind, value = "secret", ""
        if kind == "lines":
            value = "\n".join(f"{key}: {text}" for key, text in dict(value).items())
        if kind == "tick":
            value = "y" if value else ""
        found.append(DriverField(name, kind, str(value), choices, name in secrets and bool(stored.get(name)), missing))
    return found


def values(driver: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Return what was typed, as values of the driver's kinds; an empty number or choice is left out."""
    found: dict[str, Any] = {}
    for name, field in driver_settings.DRIVERS[driver].model_fields.items():
        kind, _choices = _kind(field.annotation)
        typed = form.get(f"set-{name}", "").strip()
        if kind == "tick":
            found[name] = bool(typed)
        elif kind == "lines":
            found[name] = _lines(typed)
        elif kind == "number":
            if typed:
                found[name] = int(typed) if typed.lstrip("-").isdecimal() and len(typed) < 12 else typed
        elif typed or (kind != "choice" and f"set-{name}" in form):
            found[name] = typed
    return found


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    if typing.get_origin(annotation) is typing.Literal:
        return "choice", typing.get_args(annotation)
    if typing.get_origin(annotation) is dict:
        return "lines", ()
    return {bool: "tick", int: "number"}.get(annotation, "text"), ()


def _lines(typed: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in typed.splitlines() if line.strip())
    return {name.strip(): text.strip() for name, _colon, text in pairs}

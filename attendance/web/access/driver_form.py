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
    for name, field in driver_settings.DRIVERS[driver].model_fields.items():
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

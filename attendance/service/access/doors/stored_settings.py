"""A driver's settings as they are stored with a door: encrypted whole, and shown without their secrets.

In: the site's keys, a door's row number, values.  Out: sealed bytes and back; what a page may show.
Does not know: tables, forms.
Main choice: all of them are sealed together, since an address is a way to a door, too.  A secret that a form leaves
empty stays as it was, so that nobody has to see it to change something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attendance.errors import UserError
from attendance.service.access.doors import driver_settings
from attendance.store.crypto import Damaged, Keys

# What leads a secret somewhere.
_PLACES = ("address", "broker", "url", "off_url", "status_url")


def sealed(keys: Keys, door_id: int, driver: str, values: Mapping[str, Any]) -> bytes:
    """Return checked settings for the door's row; UserError for what cannot be."""
    driver_settings.checked(driver, values)
    return keys.seal_door(values, door_id)


def opened(keys: Keys, door_id: int, stored: bytes | None) -> dict[str, Any]:
    """Return a door's settings, empty if it has none; UserError if they were sealed by another key."""
    if stored is None:
        return {}
    try:
        return keys.open_door(stored, door_id)
    except Damaged as error:
        raise UserError(
            "the settings of this door's driver cannot be decrypted: put back the master key, or enter them again"
        ) from error


def shown(driver: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return what a page may show, and the names of the secrets that are set."""
    plain, hidden = driver_settings.parted(driver, values)
    return plain, frozenset(hidden)


def changed(driver: str, before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings after a form: a secret that was left empty stays, as long as nothing else leads elsewhere.

    Raises UserError if a secret would be sent to another address than the one that it was entered for.
    """
    secrets = driver_settings.secrets_of(driver)
    result = {name: value for name, value in given.items() if name not in secrets or value not in ("", None)}
    kept = {name: before[name] for name in secrets - result.keys() if before.get(name)}
    moved = [name for name in _PLACES if name in result and result[name] != before.get(name)]
    if kept and moved and before:
        raise UserError(
            "%(name)s is another one: enter %(secrets)s again", name=moved[0], secrets=", ".join(sorted(kept))
        )
    return {**result, **kept}

"""Settings with a door's row: sealed for that door, shown without secrets, changed without seeing them."""

from __future__ import annotations

import pytest

from attendance.errors import UserError
from attendance.service.access.doors import stored_settings
from attendance.store.crypto import Keys

KEYS = Keys(bytes(range(32)))
VALUES = {"address": "10.0.0.1", "password": "s3cret"}


def test_what_is_stored_holds_no_plain_secret_and_opens_for_its_door_only() -> None:
    stored = stored_settings.sealed(KEYS, 1, "shelly", VALUES)

    assert b"s3cret" not in stored
    assert b"10.0.0.1" not in stored
    assert stored_settings.opened(KEYS, 1, stored) == VALUES
    assert stored_settings.opened(KEYS, 1, None) == {}
    with pytest.raises(UserError, match="cannot be decrypted"):
        stored_settings.opened(KEYS, 2, stored)
    with pytest.raises(UserError, match="cannot be decrypted"):
        stored_settings.opened(Keys(bytes(32)), 1, stored)


def test_settings_that_cannot_be_are_not_stored() -> None:
    with pytest.raises(UserError, match="address is missing"):
        stored_settings.sealed(KEYS, 1, "shelly", {})


def test_a_page_gets_no_secret_but_the_names_of_those_that_are_set() -> None:
    assert stored_settings.shown("shelly", VALUES) == ({"address": "10.0.0.1"}, frozenset({"password"}))


def test_an_empty_secret_stays_and_a_new_one_replaces_it() -> None:
    kept = stored_settings.changed("shelly", VALUES, {"address": "10.0.0.1", "password": "", "relay": 1})
    assert kept == {"address": "10.0.0.1", "password": "s3cret", "relay": 1}
    new = stored_settings.changed("shelly", VALUES, {"address": "10.0.0.9", "password": "other"})
    assert new["password"] == "other"


def test_a_secret_is_not_sent_to_another_address_by_a_form() -> None:
    with pytest.raises(UserError, match="address is another one: enter password again"):
        stored_settings.changed("shelly", VALUES, {"address": "10.6.6.6", "password": ""})

"""Settings of drivers: refused with words that say what to do, and parted into what may be shown and what not."""

from __future__ import annotations

from typing import Any

import pytest

from attendance.errors import UserError
from attendance.service.access.doors.driver_settings import DRIVERS, checked, parted, secrets_of

URL = {"url": "http://192.168.1.40/open"}
MQTT = {"broker": "localhost", "topic": "cmnd/door/TimedPower1", "answer_topic": "stat/door/RESULT"}


@pytest.mark.parametrize(
    ("driver", "values", "words"),
    [
        ("magic", {}, "driver: there is no magic; there is ch340, esphome, gpio, http, modbus"),
        ("shelly", {}, "driver shelly: address is missing"),
        ("shelly", {"address": "http://user:pw@host"}, "address is .*, but must be an address such as"),
        ("shelly", {"address": "10.0.0.1", "adress": ""}, "there is no setting adress; there is contact,"),
        ("shelly", {"address": "10.0.0.1", "relay": True}, "relay is true, but must be a number"),
        ("shelly", {"address": "10.0.0.1", "relay": 99}, "relay is 99, but must be right: .*less than or equal to 15"),
        ("shelly", {"address": "10.0.0.1", "fingerprint": "ab"}, "must be the SHA-256 of the certificate"),
        ("http", {"url": "http://admin:hunter2@10.0.0.1/"}, "url is a value, but must be a URL"),
        ("http", {**URL, "auth": "bearer"}, 'auth = "bearer" needs a token'),
        ("http", {**URL, "auth": "digest"}, 'auth = "digest" needs a user'),
        ("http", {**URL, "headers": {"X-A": "a\r\nHost: b"}}, "headers is .*must be header names"),
        ("http", {**URL, "headers": {"Authorization": "x"}}, "must leave out Authorization"),
        ("http", {**URL, "status_url": "http://10.0.0.1/s"}, "status_url and contact_path go together"),
        ("mqtt", {**MQTT, "payload": "{hours}"}, "must hold {seconds}, {ms} or {tenths} only, not {hours}"),
        ("mqtt", {**MQTT, "topic": "door/#"}, "must be a topic without # and +"),
        ("gpio", {"pin": 17, "exit_pin": 17}, "each pin has one use only"),
        ("gpio", {"pin": 17, "contact": "closed"}, "contact and contact_pin go together"),
        ("esphome", {"address": "10.0.0.1", "entity": "light/lamp"}, "entity is"),
    ],
)
def test_a_mistake_is_named_in_one_line(driver: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as raised:
        checked(driver, values)
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_secret_is_parted_from_what_may_be_shown() -> None:
    values = {"address": "10.0.0.1", "password": "s3cret", "relay": 1}

    assert parted("shelly", values) == ({"address": "10.0.0.1", "relay": 1}, {"password": "s3cret"})
    assert "s3cret" not in repr(checked("shelly", values))


def test_everything_that_opens_a_door_is_secret() -> None:
    for driver, kind in DRIVERS.items():
        named = {name for name in kind.model_fields if name in ("password", "token", "url", "off_url", "status_url")}
        assert named == secrets_of(driver), driver

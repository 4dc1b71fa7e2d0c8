"""A tablet over HTTP, somebody to check in there, and what the log then holds."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
from argon2 import PasswordHasher
from werkzeug.test import TestResponse

from attendance.domain.passage import Direction
from attendance.service.ids import new_event_id
from attendance.service.kiosk import sealed_events
from attendance.store.access import events
from attendance.store.access.events import PassageView
from attendance.store.kiosk import devices
from attendance.store.tables.people import PersonSecret
from attendance.web.kiosk.tablet import HEADER
from tests.factories import ANNA
from tests.site_fixtures import Web

JSON = {"Accept": "application/json"}


class Tablet:
    """A browser with the kiosk's own header, paired unless `code` is None."""

    def __init__(self, web: Web, code: str | None) -> None:
        self.web, self.client = web, web.app.test_client()
        if code is not None:
            assert self.post("pair", {"code": code}).status_code == 200

    def post(self, path: str, value: Any = None, **options: Any) -> TestResponse:
        return self.client.post(f"/kiosk/{path}", json=value, headers={HEADER: "1", **JSON}, **options)

    def look(self, picture: bytes) -> TestResponse:
        headers = {HEADER: "1", **JSON}
        return self.client.post("/kiosk/look", data=picture, content_type="image/jpeg", headers=headers)

    def enter(self, event_id: str | None = None, **said: str) -> Any:
        """A sealed event, as the page sends it."""
        event_id = event_id or new_event_id(self.web.clock.now())
        public = base64.b64decode(self.client.get("/kiosk/state", headers=JSON).json["key"])
        sealed = sealed_events.seal(public, said, event_id, os.urandom(12))
        return self.post("event", {"event": event_id, "sealed": base64.b64encode(sealed).decode()}).json


def add_tablet(web: Web, name: str = "canteen", screen_of: str | None = None) -> str:
    """A device that waits to be paired → its code."""
    with web.sessions.begin() as session:
        now = web.clock.now()
        return devices.add_device(session, name, at=now, by="ada", direction=Direction.UNKNOWN, screen_of=screen_of)[1]


def add_anna(web: Web) -> int:
    """Number 17, PIN 2580, and her face."""
    web.set_threshold()
    anna = web.add("Anna Berg", staff_number="17")
    web.enrol(anna, ANNA)
    give_pin(web, anna, "2580")
    return anna


def give_pin(web: Web, person_id: int, pin: str) -> None:
    """As the store keeps it, but hashed in a millisecond: how slow that has to be is its own test's business."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with web.sessions.begin() as session:
        session.add(PersonSecret(person_id=person_id, pin_hash=quick.hash(pin), pin_set_at=web.clock.now()))


def log_of(web: Web) -> list[PassageView]:
    with web.sessions() as session:
        return events.list_passages(session)


@pytest.fixture
def anna(web: Web) -> int:
    return add_anna(web)


@pytest.fixture
def tablet(web: Web) -> Tablet:
    return Tablet(web, add_tablet(web))

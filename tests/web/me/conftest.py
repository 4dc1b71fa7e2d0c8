"""Anna and Zelda with their hours, and Anna signed in by number and PIN."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction, Method
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import planning
from attendance.service.hours.leave import requests
from attendance.service.people import own_requests
from attendance.store.hours import corrections
from attendance.store.people import credentials
from attendance.store.tables.people import PersonSecret
from tests.factories import NOON
from tests.site_fixtures import Browser, Web

DAY = NOON.date()  # a Monday; NOON is 14:00 here


FRIDAY = DAY - timedelta(days=3)


PIN, OTHER = "2580", "7391"


PAGES = ("/me", f"/me/day/{FRIDAY}", "/me/corrections", "/me/leave", "/me/data", "/me/pin")


FILES = ("/me/days.csv", "/me/check-ins.csv", "/me/data.json")


@pytest.fixture(scope="session")
def pin_hashes() -> tuple[str, str]:
    """Of the same kind as the site's, but quick to check."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return quick.hash(PIN), quick.hash(OTHER)


@pytest.fixture
def anna(web: Web, pin_hashes: tuple[str, str]) -> int:
    """In on Friday at 09:40 and never out, in today at 08:58; a PIN and a badge.  Zelda is there, too."""
    ids = [
        web.add(name, department="Lab", staff_number=number) for name, number in (("Anna Berg", "7"), ("Zelda", "8"))
    ]
    zone = web.app.extensions["attendance"].zone
    with web.sessions.begin() as session:
        shift = planning.save_shift(session, Shift("Office", (Span(540, 1020),)), now=NOON)
        planning.assign(session, ids, date(2024, 4, 1), None, [shift.id] * 5 + [None] * 2, now=NOON, by="ada")
        for person_id in ids:
            session.add(PersonSecret(person_id=person_id, pin_hash=pin_hashes[person_id != ids[0]], pin_set_at=NOON))
            requests.add_leave(
                session, person_id=person_id, kind="vacation", note="" if person_id == ids[0] else "secret", by="ada",
                now=NOON, first=DAY + timedelta(days=2), last=DAY + timedelta(days=3), approved=True,
            )  # fmt: skip
    for person_id in ids:
        web.passage(at(9, 40, FRIDAY), person_id, direction=Direction.IN)
    web.passage(at(8, 58), ids[0], direction=Direction.IN, method=Method.BADGE)
    with web.sessions.begin() as session:
        stored_corrections.request_correction(
            session, person_id=ids[1], action="add", at=at(17, 0, FRIDAY), direction=Direction.OUT,
            reason="Zelda forgot.", by=own_requests.BY, now=NOON, zone=zone,
        )  # fmt: skip
    return ids[0]


@pytest.fixture
def me(web: Web, anna: int) -> Browser:
    return signed_in(web)


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """The site is two hours ahead of UTC in May."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=2)


def signed_in(web: Web, number: str = "7", pin: str = PIN) -> Browser:
    browser = web.browser()
    assert browser.submit("/me/sign-in", {"number": number, "pin": pin}).location == "/me"
    return browser


def link_for(web: Web, person_id: int) -> str:
    with web.sessions.begin() as session:
        return credentials.make_link(session, person_id, at=web.clock.now(), by="ada")


def my_corrections(web: Web, person_id: int) -> list[Any]:
    with web.sessions() as session:
        return list(corrections.corrections(session, person_id=person_id))


ASK = {"action": "add", "day": FRIDAY.isoformat(), "at": "17:10", "direction": "out", "reason": "Forgot to check out."}

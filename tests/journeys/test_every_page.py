"""Every page that links lead to, with 200 people: nothing sticks out, shuts anybody out, or is too long for a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from attendance.domain.passage import Direction
from attendance.service.operations import demo_data
from attendance.store.cameras import cameras
from tests import needs
from tests.factories import NOON
from tests.journeys.pages import NARROW, Open, faults_of
from tests.site_fixtures import Web

needs.package("playwright.sync_api", extra="test")
pytestmark = pytest.mark.long

WIDE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
# A phone's screen shows 844; who has to scroll further than this searches or turns pages instead.
TALLEST = 4000
# What is no page, or ends the walk.
LEFT_OUT = re.compile(
    r"/logout|\.(csv|xlsx|pdf|ics|json|jsonl|pem|png|jpg)$|^/(livez|readyz|healthz)|/(record|schedule|dpia)\.html$"
)
AT_LEAST = 45


@pytest.fixture
def crowded(web: Web) -> Web:
    web.clock.time = NOON + timedelta(days=3)
    web.set_threshold()
    with web.sessions.begin() as session:
        cameras.claim(session, "door", source="0", direction=Direction.IN, owner="one", at=web.clock.now())
        demo_data.make(session, count=200, days=35, now=web.clock.now(), zone=web.app.extensions["attendance"].zone)
    return web


def kind_of(address: str) -> str:
    """Return the address without what only says which one of many is shown, and in which order."""
    parts = urlsplit(address)
    path = re.sub(r"\d{4}-\d\d-\d\d", "DAY", parts.path)
    path = re.sub(r"/[0-9a-f-]{32,36}(?=/|$)", "/ID", path)
    names = {pair.split("=")[0] for pair in parts.query.split("&")} & {"person", "show", "state", "before"}
    return re.sub(r"/\d+(?=/|$)", "/N", path) + "".join(sorted(names))


def pages_from(page: Any, start: str) -> Iterator[str]:
    """Go to one page of each kind, and say where."""
    waiting, known = [start], {kind_of(start)}
    while waiting:
        address = waiting.pop(0)
        answer = page.goto(address)
        assert answer.status == 200, f"{address}: {answer.status}"
        yield address
        here = urlsplit(page.url)
        for href in page.eval_on_selector_all("a[href]", "links => links.map((link) => link.href)"):
            link = urlsplit(href)
            other = f"{link.path}?{link.query}" if link.query else link.path
            if link.netloc == here.netloc and not LEFT_OUT.search(link.path) and kind_of(other) not in known:
                known.add(kind_of(other))
                waiting.append(other)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["phone", "desktop"])
def test_every_page_fits_its_screen_and_shuts_nobody_out(crowded: Web, open_page: Open, size: dict[str, Any]) -> None:
    page = open_page("/", **size)
    found, walked = [], []
    for address in pages_from(page, "/"):
        walked.append(address)
        found += faults_of(page, address)
        height = page.evaluate("document.documentElement.scrollHeight")
        if size is NARROW and height > TALLEST:
            found.append(f"{address}: {height} px long")

    assert found == []
    assert len(walked) >= AT_LEAST, walked

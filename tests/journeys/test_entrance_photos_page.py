"""Photos at an entrance in a real browser, with the daemon's own part behind it and a camera that a test holds."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from attendance.domain.faces import Frame
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.enrolment.at_camera import PHOTOS, EnrolAtCamera
from attendance.store.cameras import cameras
from attendance.store.people import templates
from attendance.store.tables.people import CameraEnrolment, CameraEnrolmentPhoto, Template
from tests import needs
from tests.factories import ANNA, make_image
from tests.journeys.pages import PATIENCE_MS, SIZES, Open, faults_of
from tests.site_fixtures import Web

expect = needs.package("playwright.sync_api", extra="test").expect


class Nobody:
    """A check-in that is asked nothing while photos are taken."""

    trouble = ""
    timings: Mapping[str, float] = {}

    def process(self, frame: Frame) -> list[Outcome]:
        return []


class Entrance:
    """The daemon's part at one camera; pictures come when a test says so."""

    def __init__(self, web: Web) -> None:
        self.web, self._seconds, self._places = web, count(), count()
        self.daemon = EnrolAtCamera(
            cast(CheckIn, Nobody()),
            web.analyser,
            web.sessions,
            web.keys,
            web.clock,
            "door",
            lambda: next(self._seconds),
        )
        at = web.clock.now()
        with web.sessions.begin() as session:
            cameras.claim(session, "door", source="0", direction=Direction.IN, owner="daemon", at=at)
        self.live()

    def live(self) -> None:
        at = self.web.clock.now()
        with self.web.sessions.begin() as session:
            cameras.heartbeat(session, "door", owner="daemon", at=at, seen_at=at, error=None)

    def show(self, pictures: int) -> None:
        for _ in range(pictures):
            self.web.clock.advance(0.5)
            width = round(60 * 1.3 ** (next(self._places) % 12))
            self.daemon.process(Frame(make_image(ANNA, width, width), self.web.clock.now(), "door"))
        self.live()

    def rows(self) -> list[int]:
        """Count enrolments, photos that wait and templates."""
        with self.web.sessions() as session:
            tables = (CameraEnrolment, CameraEnrolmentPhoto, Template)
            return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def wait_for_news(page: Any, times: int) -> None:
    """Wait until the part has been asked for so often; all but the last answer are shown then."""
    for _ in range(times):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/at-camera"), timeout=PATIENCE_MS)


@pytest.fixture
def anna(web: Web) -> int:
    return web.add("Anna Berg")


@SIZES
def test_photos_are_asked_for_guided_chosen_and_enrolled(
    web: Web, anna: int, open_page: Open, size: dict[str, Any]
) -> None:
    entrance = Entrance(web)
    page = open_page(f"/people/{anna}", **size)
    page.click("text=Take photos there")
    part = page.locator("#at-camera")
    expect(part).to_contain_text("please look at the camera")
    web.analyser.flaws = (Reason.TOO_SMALL,)
    entrance.show(1)
    expect(part).to_contain_text("Come closer")
    web.analyser.flaws = ()
    entrance.show(2)
    expect(part).to_contain_text(f"2 of {PHOTOS} photos taken")
    expect(part).to_contain_text("Turn your head a little")
    assert faults_of(page) == []
    entrance.show(PHOTOS)
    expect(part.locator("img")).to_have_count(PHOTOS)
    assert faults_of(page) == []

    # What was chosen stays chosen, though the part is kept fresh and the eye is elsewhere.
    part.locator("input[type=checkbox]").nth(1).uncheck()
    part.locator("input[type=checkbox]").nth(4).uncheck()
    page.evaluate("document.activeElement.blur()")
    web.clock.advance(3)
    wait_for_news(page, 3)
    assert [box.is_checked() for box in part.locator("input[type=checkbox]").all()] == [
        number not in (1, 4) for number in range(PHOTOS)
    ]
    part.locator("text=Enrol the chosen").click()
    expect(page.locator(".notice-success")).to_contain_text(f"{PHOTOS - 2} photos are enrolled")

    assert entrance.rows() == [0, 0, PHOTOS - 2]
    with web.sessions() as session:
        assert {row.source for row in templates.list_templates(session, anna)} == {"camera"}


def test_a_camera_whose_daemon_ends_is_said_on_the_open_page(web: Web, anna: int, open_page: Open) -> None:
    entrance = Entrance(web)
    page = open_page(f"/people/{anna}")
    page.click("text=Take photos there")
    part = page.locator("#at-camera")
    entrance.show(2)
    expect(part).to_contain_text(f"of {PHOTOS} photos taken")
    part.locator("text=Stop").focus()  # the keyboard's place must not hide the news for ever
    web.clock.advance(120)
    wait_for_news(page, 2)
    page.evaluate("document.activeElement.blur()")

    expect(part).to_contain_text("The camera door sends no pictures")
    part.locator("text=Try again").click()
    expect(part).to_contain_text("No camera is watched at the moment")
    assert entrance.rows() == [0, 0, 0]

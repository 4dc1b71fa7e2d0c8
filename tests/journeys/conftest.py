"""One browser a worker, a context of its own for each test, and pages that are signed in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests import needs
from tests.factories import ANNA
from tests.journeys.pages import DESKTOP, PATIENCE_MS, Open, served
from tests.journeys.tablets import PATIENT, TABLET, Pair
from tests.site_fixtures import PASSWORD, Web
from tests.web.kiosk.conftest import add_anna, add_tablet
from tests.web.wire import Wire

FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def start_chromium(browser_type: Any, film: Path) -> Any:
    """A browser whose camera shows this film, which is chosen when it starts."""
    chromium = needs.program("chromium", "chromium-browser", "google-chrome", install="apt-get install chromium")
    flags = [*FLAGS, f"--use-file-for-fake-video-capture={film}"]
    return browser_type.launch(executable_path=str(chromium), args=flags, timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def camera_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's camera sees: Anna, that is, one colour all over, as a Y4M film of one frame."""
    width, height = 640, 480
    planes = cv2.cvtColor(np.full((height, width, 3), ANNA, np.uint8), cv2.COLOR_BGR2YUV_I420)
    path = tmp_path_factory.mktemp("camera") / "anna.y4m"
    header = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420\n".encode()
    path.write_bytes(header + (b"FRAME\n" + planes.tobytes()) * 10)
    return path


@pytest.fixture(scope="session")
def chromium(camera_picture: Path) -> Iterator[Any]:
    """Started once a worker; each test opens contexts of its own, which share nothing."""
    sync_api = needs.package("playwright.sync_api", extra="test")
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        browser = start_chromium(playwright.chromium, camera_picture)
        yield browser
        browser.close()


@pytest.fixture
def address(web: Web) -> Iterator[str]:
    with served(web.app) as here:
        yield here


def is_fault(message: Any) -> bool:
    """Whether the browser complains about more than an answer that a test provoked (400, 401)."""
    return message.type == "error" and not re.search(r"status of 40[01]", message.text)


@pytest.fixture
def open_page(chromium: Any, address: str) -> Iterator[Open]:
    """A new page, signed in unless `username` is None; a script's error or a blocked script fails the test."""
    contexts, errors = [], []

    def opened(path: str = "/", username: str | None = "ada", **options: Any) -> Any:
        context = chromium.new_context(**({"base_url": address} | DESKTOP | options))
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if is_fault(message) else None)
        if username is not None:
            page.goto("/login")
            page.fill("#username", username)
            page.fill("#password", PASSWORD)
            page.click("main button")
            page.wait_for_url("**/")
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def wire(address: str) -> Iterator[Wire]:
    wire = Wire(int(address.rsplit(":", 1)[1]))
    yield wire
    wire.close()


@pytest.fixture
def pair(web: Web, chromium: Any, wire: Wire) -> Iterator[Pair]:
    """A browser that was paired by typing the code; a script's error fails the test."""
    contexts, errors = [], []

    def paired(screen_of: str | None = None, name: str = "canteen", **options: Any) -> Any:
        context = chromium.new_context(base_url=wire.address, **(TABLET | options))
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(path=PATIENT)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Security Policy" in said.text else None)
        page.goto("/kiosk/")
        page.fill("#code", add_tablet(web, name, screen_of).lower())
        page.click("text=Pair this tablet >> nth=-1")
        page.wait_for_url(re.compile("/kiosk/(screen)?$"))
        return page

    yield paired
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def blind(web: Web) -> Web:
    """Anna is enrolled, and nobody stands before the camera."""
    add_anna(web)
    web.analyser.analyse = lambda frame, max_faces=5: []  # type: ignore[method-assign]
    return web

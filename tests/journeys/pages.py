"""What the journeys share: sizes of screens, a browser's patience, what is looked for on every page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import pytest
import waitress
from flask import Flask

from tests.factories import make_photo

# Ends only what would never come: a condition that comes true is noticed at once, on a busy computer too.
PATIENCE_MS = 60_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
_DESKTOP_IS_LONG = pytest.param(DESKTOP, marks=pytest.mark.long)
# On a phone in `make test`, where less fits; on a desktop in `make test-long`.
SIZES = pytest.mark.parametrize("size", [PHONE, _DESKTOP_IS_LONG], ids=["phone", "desktop"])
# A narrow window of a computer: its width is that of a phone, which would zoom out where something sticks out.
NARROW: dict[str, Any] = {"viewport": {"width": 390, "height": 844}}
WIDTHS_OF_A_LONG_WALK = pytest.mark.parametrize("size", [NARROW, _DESKTOP_IS_LONG], ids=["phone", "desktop"])
Open = Callable[..., Any]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application behind the server that serves it for users, too."""
    server = waitress.create_server(app, host="127.0.0.1", port=0)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            server.asyncore.loop(timeout=0.1, map=server._map, count=1)  # run() itself ends by an exception only

    serving = threading.Thread(target=serve)
    serving.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    stop.set()
    serving.join()
    server.task_dispatcher.shutdown()
    server.asyncore.close_all(server._map)


def sticks_out(page: Any) -> int:
    """By how many pixels the page is wider than the screen."""
    page.wait_for_load_state()
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(0, wide)


def faults_of(page: Any, where: str | None = None, accessible: bool = True) -> list[str]:
    """What sticks out of the screen, and what axe calls serious, since it shuts somebody out."""
    wide = sticks_out(page)
    where = where or page.evaluate("location.pathname")
    found = [f"{where}: {wide} px too wide"] if wide else []
    if not accessible:
        return found
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    violations = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return found + [
        f"{where}: {one['id']} at {one['nodes'][0]['html'][:160]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
    ]


def film(*colours: tuple[int, int, int]) -> list[Any]:
    """Files for an upload."""
    return [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": make_photo(colour)}
        for number, colour in enumerate(colours)
    ]

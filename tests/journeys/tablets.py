"""What tests of a tablet's pages share: how it is paired, what is typed, what is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TABLET: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}, "has_touch": True}
Pair = Callable[..., Any]
PATIENT = Path(__file__).with_name("patient.js")


def type_pin(page: Any, number: str = "17", pin: str = "2580") -> None:
    """By the keys alone."""
    page.locator("#number").focus()
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    page.keyboard.type(pin)
    page.keyboard.press("Enter")


def wait_up(page: Any) -> None:
    page.wait_for_selector("[data-link].link-up")


def until(true: Callable[[], bool]) -> None:
    """A minute at most."""
    for _ in range(1200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")

"""An operator with an authenticator app, for the tests of signing in."""

from __future__ import annotations

import re

from attendance.store.operators import second_factors
from tests.site_fixtures import Browser, Web

STEP_S = 30


def set_up(web: Web, browser: Browser) -> tuple[str, list[str]]:
    """Set the app up by the pages; return its secret and the recovery codes."""
    browser.submit("/second-factor/begin")
    found = re.search(r"data-secret>([A-Z2-7 ]+)<", browser.text("/second-factor"))
    assert found
    secret = found[1].replace(" ", "")
    shown = browser.submit("/second-factor/confirm", {"code": code(web, secret)})
    assert shown.status_code == 200, shown.get_data(as_text=True)
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", shown.get_data(as_text=True))


def code(web: Web, secret: str) -> str:
    """What the app shows now."""
    return second_factors.code_at(secret, web.clock.now())

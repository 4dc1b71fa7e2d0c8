"""What attacks on a site share."""

from __future__ import annotations

from tests.site_fixtures import Browser, Web

COOKIE = "attendance_session"


def copy_of(web: Web, browser: Browser, name: str = COOKIE, path: str = "/") -> Browser:
    """Another browser with the same cookie, as a thief has it."""
    cookie = browser.client.get_cookie(name, path=path)
    assert cookie is not None
    thief = web.browser()
    thief.client.set_cookie(name, cookie.value, path=path)
    return thief

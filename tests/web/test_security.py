"""The headers that protect every page, and that nothing is loaded from elsewhere."""

from __future__ import annotations

import re

import pytest

from tests.site_fixtures import Browser, Web


@pytest.mark.parametrize("path", ["/", "/people", "/log", "/threshold", "/nowhere", "/people/1"])
def test_every_answer_bears_the_headers_that_protect_it(web: Web, admin: Browser, path: str) -> None:
    web.add("Anna Berg")
    answer = admin.get(path)
    policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_every_script_of_a_page_is_allowed_by_its_policy_and_no_style_stands_in_the_text(
    web: Web, admin: Browser
) -> None:
    person = web.add("Anna Berg")
    for path in ("/", "/people", f"/people/{person}", "/log", "/threshold", "/operators"):
        answer = admin.get(path)
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        page = answer.get_data(as_text=True)
        assert nonce
        scripts = re.findall(r"<script[^>]*>", page)
        assert scripts
        assert all(f'nonce="{nonce[1]}"' in script for script in scripts)
        assert not re.search(r"\sstyle=|\son\w+=", page)


def test_nothing_is_loaded_from_elsewhere(web: Web, admin: Browser) -> None:
    person = web.add("Anna Berg")
    for path in ("/", f"/people/{person}", "/log", "/threshold"):
        page = admin.text(path)
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
        for address in re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page):
            with admin.get(address) as answer:
                assert answer.status_code == 200, address

"""PIN, badge and link on a person's page: shown once, replaced, revoked."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from attendance.service.kiosk.badge_reader import read_badge
from attendance.store.people import credentials, pins
from attendance.store.people.pins import Place, Tried
from tests.site_fixtures import Browser, Web


@pytest.fixture
def anna(web: Web) -> int:
    return web.add("Anna Berg", staff_number="7", department="Lab")


def secret_in(page: str) -> str:
    found = re.search(r"data-secret>([^<]+)<", page)
    assert found
    return found[1]


def tried(web: Web, pin: str) -> Tried:
    return pins.try_pin(web.sessions, "7", pin, at=web.clock.now(), place=Place("tablet", "1")).outcome


def picture_in(page: str) -> NDArray[np.uint8]:
    """The QR code of the page, drawn from its SVG by hand, eight pixels a module."""
    found = re.search(r'src="data:image/svg\+xml;charset=utf-8,([^"]+)"', page)
    assert found
    ground, modules = re.findall(r" d='([^']+)'", unquote(found[1]))
    side = int(ground.removeprefix("M0 0h").split("v")[0])
    image = np.full((side, side), 255, np.uint8)
    x = y = 0.0
    for step, numbers in re.findall(r"([Mmh])([-\d. ]+)", modules):
        first, *rest = (float(one) for one in numbers.split())
        if step == "h":
            image[int(y), int(x) : int(x + first)] = 0
        x = first if step == "M" else x + first
        y = rest[0] if step == "M" else y + (rest[0] if rest else 0)
    return np.ascontiguousarray(np.kron(image, np.ones((8, 8), np.uint8))[:, :, None].repeat(3, axis=2))


def test_a_pin_is_random_shown_once_and_replaces_the_old_one(web: Web, anna: int, admin: Browser) -> None:
    first = secret_in(admin.submit(f"/people/{anna}/pin").get_data(as_text=True))
    assert re.fullmatch(r"\d{6}", first)
    assert first not in admin.text(f"/people/{anna}")
    assert "Reset" in admin.text(f"/people/{anna}")
    second = secret_in(admin.submit(f"/people/{anna}/pin").get_data(as_text=True))

    assert first != second
    assert (tried(web, first), tried(web, second)) == (Tried.WRONG, Tried.FITS)
    admin.submit(f"/people/{anna}/pin", {"what": "take"})
    assert tried(web, second) is Tried.WRONG


def test_a_reset_pin_works_though_others_were_tried_too_often(web: Web, anna: int, admin: Browser) -> None:
    for _ in range(6):
        tried(web, "0000")
    assert tried(web, "0000") is Tried.LOCKED

    pin = secret_in(admin.submit(f"/people/{anna}/pin").get_data(as_text=True))

    assert tried(web, pin) is Tried.FITS


def test_without_a_staff_number_there_is_no_pin_and_the_page_says_so(web: Web, admin: Browser) -> None:
    bert = web.add("Bert")
    assert "A PIN needs a staff number" in admin.text(f"/people/{bert}")

    answer = admin.submit(f"/people/{bert}/pin", follow_redirects=True)

    assert "A PIN goes with a staff number" in answer.get_data(as_text=True)


def test_a_badge_is_drawn_as_a_kiosk_reads_it_and_replaces_the_old_one(web: Web, anna: int, admin: Browser) -> None:
    page = admin.submit(f"/people/{anna}/badge").get_data(as_text=True)
    text = secret_in(page)
    assert credentials.is_badge(text)
    assert read_badge(picture_in(page)) == text
    with web.sessions() as session:
        found = credentials.person_of_badge(session, text)
        assert found is not None and found.id == anna
    assert text not in admin.text(f"/people/{anna}")

    admin.submit(f"/people/{anna}/badge")
    with web.sessions() as session:
        assert credentials.person_of_badge(session, text) is None
    admin.submit(f"/people/{anna}/badge", {"what": "take"})
    with web.sessions() as session:
        row = credentials.secret_of(session, anna)
        assert row is not None and row.badge_hash is None


def token_in(answer: str) -> str:
    """Behind # in the link, where no server sees it."""
    link = urlsplit(secret_in(answer))
    assert (link.path, link.query) == ("/me/link", "")
    return link.fragment


def test_a_link_opens_the_persons_own_pages_and_only_the_newest(web: Web, anna: int, admin: Browser) -> None:
    old, new = (token_in(admin.submit(f"/people/{anna}/link").get_data(as_text=True)) for _ in range(2))
    page = admin.text(f"/people/{anna}")
    assert "valid until" in page and new not in page

    assert web.browser().submit("/me/link", {"token": old}).status_code == 410
    browser = web.browser()
    assert browser.submit("/me/link", {"token": new}).location == "/me/pin"
    assert "Anna Berg" in browser.text("/me")
    assert "no open link" in admin.text(f"/people/{anna}")


def test_a_link_is_revoked(web: Web, anna: int, admin: Browser) -> None:
    token = token_in(admin.submit(f"/people/{anna}/link").get_data(as_text=True))
    admin.submit(f"/people/{anna}/link", {"what": "take"})

    assert web.browser().submit("/me/link", {"token": token}).status_code == 410


def test_secrets_are_in_no_log(web: Web, anna: int, admin: Browser, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        secrets = [
            secret_in(admin.submit(f"/people/{anna}/{what}").get_data(as_text=True))
            for what in ("pin", "badge", "link")
        ]

    assert "ada set the PIN of person 1" in caplog.text
    assert "ada made a badge for person 1" in caplog.text
    assert not [one for one in secrets if one.rsplit("#", 1)[-1] in caplog.text]


def test_a_viewer_sees_how_it_stands_and_gives_nothing(web: Web, anna: int, viewer: Browser) -> None:
    page = viewer.text(f"/people/{anna}")
    assert "PIN, badge and link" in page and "Make a badge" not in page
    for what in ("pin", "badge", "link"):
        assert viewer.submit(f"/people/{anna}/{what}").status_code == 403


def test_nobody_is_not_found(admin: Browser) -> None:
    for what in ("pin", "badge", "link"):
        assert admin.submit(f"/people/99/{what}").status_code == 404


def test_a_pin_for_duress_is_shown_once_works_beside_the_pin_and_is_revoked(
    web: Web, anna: int, admin: Browser
) -> None:
    usual = secret_in(admin.submit(f"/people/{anna}/pin").get_data(as_text=True))
    forced = secret_in(admin.submit(f"/people/{anna}/pin", {"what": "duress"}).get_data(as_text=True))

    assert usual != forced
    assert forced not in admin.text(f"/people/{anna}")
    assert (tried(web, usual), tried(web, forced)) == (Tried.FITS, Tried.FITS)
    admin.submit(f"/people/{anna}/pin", {"what": "take duress"})
    assert (tried(web, usual), tried(web, forced)) == (Tried.FITS, Tried.WRONG)


def test_what_is_given_and_revoked_is_in_the_audit_without_the_secret(web: Web, anna: int, admin: Browser) -> None:
    for kind in ("pin", "badge", "link"):
        for what in ("", "take"):
            admin.submit(f"/people/{anna}/{kind}", {"what": what})

    with web.sessions() as session:
        query = text("SELECT action, detail FROM audit_entries WHERE action LIKE '%credential' ORDER BY rowid")
        noted = [(action, json.loads(detail)) for action, detail in session.execute(query)]
    assert noted == [
        (action, {"credential": kind})
        for kind in ("PIN", "badge", "link")
        for action in ("issue_credential", "revoke_credential")
    ]
    assert "which: badge" in admin.text("/audit")


def test_a_used_link_and_a_chosen_pin_are_in_the_audit(web: Web, anna: int) -> None:
    with web.sessions.begin() as session:
        token = credentials.make_link(session, anna, at=web.clock.now(), by="ada")
    browser = web.browser()
    browser.submit("/me/link", {"token": token})
    browser.submit("/me/pin", {"pin": "583026", "repeat": "583026"})

    with web.sessions() as session:
        acts = session.execute(text("SELECT action FROM audit_entries ORDER BY rowid")).scalars().all()
    assert acts[-2:] == ["use_link", "issue_credential"]

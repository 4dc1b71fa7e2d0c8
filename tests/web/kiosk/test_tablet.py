"""A tablet over HTTP: what it answers to faces, PINs and badges."""

from __future__ import annotations

import base64
import re

import pytest

from attendance.domain.passage import Method
from attendance.service.ids import new_event_id
from attendance.store.people import credentials
from attendance.web.kiosk.tablet import EXTENSION
from tests.factories import ANNA, NOON, STRANGER, make_photo
from tests.site_fixtures import Browser, Web
from tests.web.kiosk.conftest import JSON, Tablet, log_of


def test_a_revoked_tablet_may_be_used_for_something_else(web: Web, tablet: Tablet) -> None:
    web.browser("ada").submit("/kiosks/1/revoke")
    assert "out of service" in tablet.client.get("/kiosk/pair").get_data(as_text=True)
    assert tablet.post("leave").status_code == 200

    assert tablet.client.get("/people").location.startswith("/login")


def test_last_seen_is_noted(web: Web, admin: Browser, tablet: Tablet) -> None:
    web.clock.advance(600)
    assert "not seen lately" in admin.text("/kiosks")
    tablet.client.get("/kiosk/state", headers=JSON)

    assert "not seen lately" not in admin.text("/kiosks")


def test_a_face_is_greeted_by_first_name_with_todays_hours(web: Web, anna: int, tablet: Tablet) -> None:
    told = []
    for _ in range(3):
        web.clock.advance(1)  # slower than a door's camera: a tablet's window is wider
        told.append(tablet.look(make_photo(ANNA, "JPEG")).json)

    assert [one["state"] for one in told] == ["guide", "guide", "greet"]
    assert (told[2]["name"], told[2]["today"]) == ("Anna", "0 min")
    assert "Berg" not in str(told)
    (view,) = log_of(web)
    assert (view.passage.camera, view.passage.method) == ("canteen", Method.FACE)


def test_a_stranger_is_refused_with_the_other_ways_in_named(web: Web, anna: int, tablet: Tablet) -> None:
    web.app.extensions[EXTENSION].pace.rate = 1000
    told = {"state": ""}
    for _ in range(12):
        web.clock.advance(0.5)
        told = tablet.look(make_photo(STRANGER, "JPEG")).json
        if told["state"] == "refused":
            break

    assert told["advice"] == "Use your PIN or badge instead."


def test_a_pin_is_recorded_once_however_often_it_is_sent(web: Web, anna: int, tablet: Tablet) -> None:
    event_id = new_event_id(web.clock.now())
    first = tablet.enter(event_id, number="17", pin="2580")
    again = tablet.enter(event_id, number="17", pin="2580")

    assert (first["state"], first["name"], first["event"]) == ("greet", "Anna", event_id)
    assert again == first
    (view,) = log_of(web)
    assert view.passage.method is Method.PIN


def test_a_wrong_pin_and_an_unknown_number_are_answered_alike(web: Web, anna: int, tablet: Tablet) -> None:
    assert tablet.enter(number="17", pin="1111") == tablet.enter(number="99", pin="1111")


def test_a_badge_in_doubt_is_asked_about_and_may_be_undone(web: Web, anna: int, tablet: Tablet) -> None:
    with web.sessions.begin() as session:
        text = credentials.new_badge(session, anna, at=web.clock.now())
    told = tablet.enter(badge=text)
    if told["ask"]:
        told = tablet.post("direction", {"event": told["event"], "choice": "in"}).json
    assert told["sense"] == "in"
    assert tablet.post("direction", {"event": told["event"], "choice": "sideways"}).status_code == 409

    assert tablet.post("undo", {"event": told["event"]}).json["state"] == "done"
    web.clock.advance(61)
    assert tablet.post("undo", {"event": told["event"]}).status_code == 409


def test_a_page_of_an_older_release_asks_by_the_old_name(
    web: Web, anna: int, tablet: Tablet, caplog: pytest.LogCaptureFixture
) -> None:
    event = tablet.enter(number="17", pin="2580")["event"]

    old = tablet.post("tell", {"event": event, "choice": "out"})

    assert (old.status_code, old.json["sense"]) == (200, "out")
    assert "/kiosk/tell is called /kiosk/direction now" in caplog.text


def test_a_page_without_https_may_send_in_clear_what_it_cannot_seal(web: Web, anna: int, tablet: Tablet) -> None:
    value = {"event": new_event_id(web.clock.now()), "said": {"number": "17", "pin": "2580", "colour": "red"}}

    assert tablet.post("event", value).json["name"] == "Anna"


def test_an_event_that_cannot_be_read_says_what_to_do(web: Web, anna: int, tablet: Tablet) -> None:
    sealed = base64.b64encode(b"x" * 200).decode()
    answer = tablet.post("event", {"event": new_event_id(NOON), "sealed": sealed})

    assert (answer.status_code, answer.json["advice"]) == (409, "Reload its page.")


def test_the_page_that_is_kept_for_later_names_nobody_and_is_kept_by_the_worker(web: Web, tablet: Tablet) -> None:
    web.add("Anna Berg")
    answer = tablet.client.get("/kiosk/")
    page, worker = answer.get_data(as_text=True), tablet.client.get("/kiosk/worker.js").get_data(as_text=True)
    assert "Anna" not in page
    assert "csrf" not in page
    needed = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(needed) >= 5
    assert [path for path in needed if path not in worker] == []
    assert not re.search(r"\sstyle=|\son\w+=|<script>", page)
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    assert tablet.client.get("/kiosk/app.webmanifest").json["start_url"] == "/kiosk/"

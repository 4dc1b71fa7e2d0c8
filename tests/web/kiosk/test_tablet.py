"""A tablet over HTTP: how it is paired, what it may do, and that it gets nowhere else."""

from __future__ import annotations

import base64
import html
import os
import re
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from werkzeug.test import TestResponse

from attendance.domain.passage import Direction, Method
from attendance.service.ids import new_event_id
from attendance.service.kiosk import sealed_events
from attendance.service.kiosk.screen import Screen
from attendance.store.access import events
from attendance.store.access.events import PassageView
from attendance.store.kiosk import devices
from attendance.store.people import credentials, people
from attendance.store.tables.people import PersonSecret
from attendance.web.kiosk.screen import end_streams
from attendance.web.kiosk.tablet import EXTENSION, HEADER, MAX_PICTURE, UNPAIRED, Pace
from attendance.web.security import KIOSK_COOKIE
from tests.factories import ANNA, NOBODY, NOON, STRANGER, make_photo
from tests.site_fixtures import PASSWORD, Browser, Web

JSON = {"Accept": "application/json"}


class Tablet:
    """A browser with the kiosk's own header, paired unless `code` is None."""

    def __init__(self, web: Web, code: str | None) -> None:
        self.web, self.client = web, web.app.test_client()
        if code is not None:
            assert self.post("pair", {"code": code}).status_code == 200

    def post(self, path: str, value: Any = None, **options: Any) -> TestResponse:
        return self.client.post(f"/kiosk/{path}", json=value, headers={HEADER: "1", **JSON}, **options)

    def look(self, picture: bytes) -> TestResponse:
        headers = {HEADER: "1", **JSON}
        return self.client.post("/kiosk/look", data=picture, content_type="image/jpeg", headers=headers)

    def enter(self, event_id: str | None = None, **said: str) -> Any:
        """A sealed event, as the page sends it."""
        event_id = event_id or new_event_id(self.web.clock.now())
        public = base64.b64decode(self.client.get("/kiosk/state", headers=JSON).json["key"])
        sealed = sealed_events.seal(public, said, event_id, os.urandom(12))
        return self.post("event", {"event": event_id, "sealed": base64.b64encode(sealed).decode()}).json


def add_tablet(web: Web, name: str = "canteen", screen_of: str | None = None) -> str:
    """A device that waits to be paired → its code."""
    with web.sessions.begin() as session:
        now = web.clock.now()
        return devices.add_device(session, name, at=now, by="ada", direction=Direction.UNKNOWN, screen_of=screen_of)[1]


def add_anna(web: Web) -> int:
    """Number 17, PIN 2580, and her face."""
    web.set_threshold()
    anna = web.add("Anna Berg", staff_number="17")
    web.enrol(anna, ANNA)
    give_pin(web, anna, "2580")
    return anna


def give_pin(web: Web, person_id: int, pin: str) -> None:
    """As the store keeps it, but hashed in a millisecond: how slow that has to be is its own test's business."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with web.sessions.begin() as session:
        session.add(PersonSecret(person_id=person_id, pin_hash=quick.hash(pin), pin_set_at=web.clock.now()))


def log_of(web: Web) -> list[PassageView]:
    with web.sessions() as session:
        return events.list_passages(session)


@pytest.fixture
def anna(web: Web) -> int:
    return add_anna(web)


@pytest.fixture
def tablet(web: Web) -> Tablet:
    return Tablet(web, add_tablet(web))


# --- pairing ---------------------------------------------------------------------------------------


def test_an_administrator_pairs_a_tablet_by_a_code_shown_once(web: Web, admin: Browser) -> None:
    page = admin.submit("/kiosks", {"name": "canteen", "shows": "", "direction": "in"}).get_data(as_text=True)
    found = re.search(r"data-code>([0-9A-Z ]+)<", page)
    assert found
    assert "data:image/svg+xml" in page
    tablet = Tablet(web, found[1])

    assert tablet.client.get("/kiosk/").status_code == 200
    assert tablet.client.get("/kiosk/state", headers=JSON).json["name"] == "canteen"
    assert Tablet(web, None).post("pair", {"code": found[1]}).status_code == 409  # once
    assert found[1] not in admin.text("/kiosks")
    assert "working" in admin.text("/kiosks")


def test_the_picture_of_the_code_keeps_it_from_servers_and_logs(web: Web, admin: Browser) -> None:
    import cv2
    import numpy as np
    import segno

    page = admin.submit("/kiosks", {"name": "canteen", "shows": "", "direction": "in"}).get_data(as_text=True)
    code = re.search(r"data-code>([0-9A-Z ]+)<", page)
    assert code
    expected = f"http://localhost/kiosk/pair#{code[1].replace(' ', '')}"
    again = segno.make(expected, micro=False, error="m")
    assert html.escape(again.svg_data_uri(scale=6, border=4, light="#fff")) in page
    modules = np.array(list(again.matrix_iter(scale=6, border=4)), np.uint8)
    assert cv2.QRCodeDetector().detectAndDecode(np.where(modules, 0, 255).astype(np.uint8))[0] == expected


def test_codes_grow_old_and_a_new_one_replaces_the_tablet(web: Web, admin: Browser) -> None:
    old = Tablet(web, add_tablet(web))
    page = admin.submit("/kiosks/1/code").get_data(as_text=True)
    code = str(re.search(r"data-code>([0-9A-Z ]+)<", page)[1])  # type: ignore[index]
    assert old.client.get("/kiosk/state", headers=JSON).status_code == 200  # until the code is used
    web.clock.advance(16 * 60)
    assert Tablet(web, None).post("pair", {"code": code}).status_code == 409

    page = admin.submit("/kiosks/1/code").get_data(as_text=True)
    Tablet(web, str(re.search(r"data-code>([0-9A-Z ]+)<", page)[1]))  # type: ignore[index]
    assert old.client.get("/kiosk/state", headers=JSON).status_code == 401


def test_a_tablet_may_not_bear_a_cameras_name_nor_another_tablets(web: Web, admin: Browser) -> None:
    add_tablet(web)
    for name, says in (("entrance", "camera has this name"), ("canteen", "there is a kiosk"), ("", "Enter a name")):
        answer = admin.submit("/kiosks", {"name": name, "shows": "", "direction": "in"})
        assert answer.status_code == 400
        assert says in answer.get_data(as_text=True).replace("There", "there").replace("A camera", "camera")


def test_only_administrators_see_tablets(web: Web, viewer: Browser) -> None:
    assert viewer.get("/kiosks").status_code == 403
    assert "Tablets and screens" not in viewer.text("/cameras")


def test_guessing_codes_is_slowed_down(web: Web) -> None:
    guesser = Tablet(web, None)
    answers = [guesser.post("pair", {"code": f"AAAA{number:04}"}).status_code for number in range(12)]

    assert answers == [409] * 10 + [429] * 2


# --- locked to its room ----------------------------------------------------------------------------


def test_a_tablets_cookie_is_for_this_site_and_no_script(web: Web) -> None:
    answer = Tablet(web, None).post("pair", {"code": add_tablet(web)})
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(KIOSK_COOKIE)]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie  # of a site that is opened by http
    web.app.config["PREFERRED_URL_SCHEME"] = "https"
    tablet = Tablet(web, None)
    secure = tablet.post("pair", {"code": add_tablet(web, "gate")}, base_url="https://localhost")
    assert "Secure" in next(one for one in secure.headers.getlist("Set-Cookie") if one.startswith(KIOSK_COOKIE))


def test_no_other_room_opens_to_a_tablet_even_when_somebody_is_signed_in_on_it(web: Web) -> None:
    browser = web.browser("ada")
    token = browser.token()
    paired = browser.client.post("/kiosk/pair", json={"code": add_tablet(web)}, headers={HEADER: "1"})
    assert paired.status_code == 200
    browser.client.post("/login", data={"username": "ada", "password": PASSWORD, "csrf_token": token})

    for rule in web.app.url_map.iter_rules():
        room = rule.endpoint.split(".")[0]
        if room in ("kiosk", "static", "bootstrap", "health"):
            continue
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        if "GET" in (rule.methods or ()):
            answer = browser.get(path)
            assert (answer.status_code, answer.location) == (302, "/kiosk/"), path
            assert browser.get(path, headers=JSON).status_code == 403
        else:
            assert browser.client.post(path, data={"csrf_token": token}).status_code in (400, 403), path


def room(web: Web, method: str) -> list[tuple[str, str]]:
    """Every (endpoint, path) of the kiosk's room that takes this method."""
    rules = [rule for rule in web.app.url_map.iter_rules() if method in (rule.methods or ())]
    return [(rule.endpoint, rule.rule) for rule in rules if rule.endpoint.startswith("kiosk.")]


def test_without_a_valid_token_nothing_is_told_and_nothing_done(web: Web, anna: int) -> None:
    stranger, revoked = Tablet(web, None), Tablet(web, add_tablet(web))
    web.browser("ada").submit("/kiosks/1/revoke")
    for tablet in (stranger, revoked):
        for endpoint, path in room(web, "GET"):
            if endpoint not in UNPAIRED:
                assert tablet.client.get(path).location == "/kiosk/pair", path
                assert tablet.client.get(path, headers=JSON).status_code == 401, path
        for endpoint, path in room(web, "POST"):
            if endpoint not in UNPAIRED:
                answer = tablet.client.post(path, json={"event": new_event_id(NOON)}, headers={HEADER: "1"})
                assert answer.status_code == 401, path
    assert log_of(web) == []


def test_a_post_without_the_kiosks_header_is_refused(web: Web, tablet: Tablet) -> None:
    for _, path in room(web, "POST"):
        answer = tablet.client.post(path, data={"event": "x"})
        assert answer.status_code == 403, path
        assert "Not from this page" in answer.get_data(as_text=True)


def test_a_kiosk_is_left_by_an_administrators_password_only(web: Web, tablet: Tablet) -> None:
    for username, password in (("vera", PASSWORD), ("ada", "wrong"), ("nobody", PASSWORD)):
        answer = tablet.post("leave", {"username": username, "password": password})
        assert answer.status_code == 409
    assert tablet.client.get("/people").location == "/kiosk/"
    assert tablet.post("leave", {"username": "ada", "password": PASSWORD}).json["page"] == "/"

    assert tablet.client.get("/people").location.startswith("/login")  # nobody was signed in by it
    assert "out of service" in web.browser("ada").text("/kiosks")


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


# --- face, PIN, badge ------------------------------------------------------------------------------


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
        told = tablet.post("tell", {"event": told["event"], "choice": "in"}).json
    assert told["sense"] == "in"
    assert tablet.post("tell", {"event": told["event"], "choice": "sideways"}).status_code == 409

    assert tablet.post("undo", {"event": told["event"]}).json["state"] == "done"
    web.clock.advance(61)
    assert tablet.post("undo", {"event": told["event"]}).status_code == 409


def test_a_page_without_https_may_send_in_clear_what_it_cannot_seal(web: Web, anna: int, tablet: Tablet) -> None:
    value = {"event": new_event_id(web.clock.now()), "said": {"number": "17", "pin": "2580", "colour": "red"}}

    assert tablet.post("event", value).json["name"] == "Anna"


def test_a_broken_event_is_refused_and_not_recorded(web: Web, tablet: Tablet) -> None:
    for value in (None, [], "x", {}, {"event": 3}, {"event": "x"}, {"event": "x", "sealed": "%"}, {"event": "x" * 9}):
        assert tablet.post("event", value).status_code == 400, value
    assert tablet.post("event", {"event": new_event_id(NOON), "sealed": "é"}).status_code == 400
    for path, name in (("undo", "event"), ("tell", "event"), ("leave", "username")):
        for broken in ("\ud800", "\0"):
            assert tablet.post(path, {name: broken, "choice": "in", "password": "x"}).status_code == 400, path
    assert log_of(web) == []


def test_half_a_letter_in_a_number_or_badge_is_an_answer_and_no_fault(web: Web, anna: int, tablet: Tablet) -> None:
    for said in ({"number": "\ud800", "pin": "2580"}, {"badge": "\udfff"}):
        assert tablet.enter(**said)["words"].startswith("The tablet sent what cannot be read")
        assert tablet.post("event", {"event": new_event_id(web.clock.now()), "said": said}).status_code == 409
    assert tablet.enter(number="1\x007", pin="2580")["state"] == "greet"


def test_a_tablet_that_only_guesses_has_to_wait_and_others_need_not(web: Web, anna: int, tablet: Tablet) -> None:
    other = Tablet(web, add_tablet(web, "gate"))
    for number in range(30):
        assert tablet.enter(badge=f"ATT-{'A' * 22}{number}")["state"] == "refused"
        assert tablet.client.get("/kiosk/state", headers=JSON).status_code == 200
    sealed = base64.b64encode(b"x" * 200).decode()
    assert tablet.post("event", {"event": new_event_id(NOON), "sealed": sealed}).status_code == 429
    for _ in range(31):  # what succeeds is not counted
        web.clock.advance(60)
        assert other.enter(number="17", pin="2580")["state"] == "greet"


def test_an_event_that_cannot_be_read_says_what_to_do(web: Web, anna: int, tablet: Tablet) -> None:
    sealed = base64.b64encode(b"x" * 200).decode()
    answer = tablet.post("event", {"event": new_event_id(NOON), "sealed": sealed})

    assert (answer.status_code, answer.json["advice"]) == (409, "Reload its page.")


def test_what_is_no_picture_or_too_large_is_refused(web: Web, anna: int, tablet: Tablet) -> None:
    assert tablet.look(b"<script>").status_code == 409
    assert tablet.look(b"x" * (MAX_PICTURE + 1)).status_code == 413
    assert tablet.post("event", {"event": "x" * 10_000}).status_code == 413
    assert tablet.look(make_photo(NOBODY, "JPEG")).json["state"] == "idle"


def test_more_pictures_than_allowed_are_not_looked_at(web: Web, anna: int, tablet: Tablet) -> None:
    web.app.extensions[EXTENSION].pace = Pace(0.001)
    other = Tablet(web, add_tablet(web, "gate"))
    black = make_photo(NOBODY, "JPEG")

    assert [tablet.look(black).status_code for _ in range(3)] == [200, 429, 429]
    assert other.look(black).status_code == 200  # each has its own


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


# --- a camera's screen -----------------------------------------------------------------------------


def test_a_screen_shows_what_its_camera_decided_each_once(web: Web, anna: int) -> None:
    screen = Screen(web.sessions, web.clock, web.app.extensions["attendance"].zone, "door")
    web.passage(NOON - timedelta(minutes=1), anna)  # too long ago to greet anybody
    assert screen.news() == []
    web.passage(NOON, anna)
    web.passage(NOON, anna, camera="back door")
    refused = web.passage(NOON + timedelta(seconds=1))
    (_, greeted), (refused_id, told) = screen.news()

    assert (greeted.state, greeted.name, greeted.event) == ("greet", "Anna", None)
    assert greeted.advice == "In at 14:00"
    assert (refused_id, told.words) == (refused, "Not recognised")
    assert screen.news() == []
    with web.sessions.begin() as session:
        people.delete_person(session, anna, at=web.clock.now())
    assert Screen(web.sessions, web.clock, web.app.extensions["attendance"].zone, "door").news()[0][1] == told


def test_a_stream_beyond_the_cap_gives_its_news_and_ends_and_goes_on_where_it_stopped(web: Web, anna: int) -> None:
    while web.app.extensions[EXTENSION].streams.acquire(blocking=False):
        pass
    first = web.passage(NOON, anna)
    screen = Tablet(web, add_tablet(web, "screen", screen_of="door"))
    assert screen.client.get("/kiosk/").location == "/kiosk/screen"
    text = screen.client.get("/kiosk/stream").get_data(as_text=True)

    assert text.startswith("retry: 3000\n\n")
    assert f"id: {first}\ndata: " in text
    again = screen.client.get("/kiosk/stream", headers={"Last-Event-ID": first}).get_data(as_text=True)
    assert again == "retry: 3000\n\n"
    assert "id:" in screen.client.get("/kiosk/stream", headers={"Last-Event-ID": "x\n"[:1]}).get_data(as_text=True)


def test_a_streams_place_is_free_again_when_the_browser_went(web: Web, anna: int) -> None:
    screen = Tablet(web, add_tablet(web, "screen", screen_of="door"))
    streams = web.app.extensions[EXTENSION].streams
    before = streams._value
    answer = screen.client.get("/kiosk/stream", buffered=False)
    assert streams._value == before - 1
    answer.close()  # before a single line was read

    assert streams._value == before


def test_streams_end_when_the_server_does(web: Web, anna: int) -> None:
    screen = Tablet(web, add_tablet(web, "screen", screen_of="door"))
    passage = web.passage(NOON, anna)
    end_streams(web.app)
    text = screen.client.get("/kiosk/stream").get_data(as_text=True)

    assert text.startswith("retry: 1000\n\n")
    assert f"id: {passage}\n" in text


def test_a_tablet_has_no_stream(web: Web, tablet: Tablet) -> None:
    assert tablet.client.get("/kiosk/stream").status_code == 409
    assert tablet.client.get("/kiosk/screen").location == "/kiosk/"

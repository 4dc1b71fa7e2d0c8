"""A tablet gets nowhere else, and nobody gets into it: every room, tokens, headers, guesses, broken events."""

from __future__ import annotations

import base64
import re

import cv2
import numpy as np
import segno
from sqlalchemy import text

from attendance.service.ids import new_event_id
from attendance.store.people import credentials
from attendance.web.kiosk.tablet import EXTENSION, HEADER, MAX_PICTURE, UNPAIRED, Pace
from attendance.web.security import KIOSK_COOKIE
from tests.factories import NOBODY, NOON, make_photo
from tests.security.second_factors import STEP_S, code, set_up
from tests.site_fixtures import PASSWORD, Web
from tests.web.kiosk.conftest import JSON, Tablet, add_tablet, anna, log_of, tablet

__all__ = ["anna", "tablet"]


def test_guessing_codes_is_slowed_down(web: Web) -> None:
    guesser = Tablet(web, None)
    answers = [guesser.post("pair", {"code": f"AAAA{number:04}"}).status_code for number in range(12)]

    assert answers == [409] * 10 + [429] * 2


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
    for outsider in (stranger, revoked):
        for endpoint, path in room(web, "GET"):
            if endpoint not in UNPAIRED:
                assert outsider.client.get(path).location == "/kiosk/pair", path
                assert outsider.client.get(path, headers=JSON).status_code == 401, path
        for endpoint, path in room(web, "POST"):
            if endpoint not in UNPAIRED:
                answer = outsider.client.post(path, json={"event": new_event_id(NOON)}, headers={HEADER: "1"})
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
    assert tablet.post("leave", {"username": "ada", "password": PASSWORD, "code": ""}).json["page"] == "/"

    assert tablet.client.get("/people").location.startswith("/login")  # nobody was signed in by it
    assert "out of service" in web.browser("ada").text("/kiosks")


def test_guesses_at_a_tablet_count_with_those_at_the_account_elsewhere(web: Web, tablet: Tablet) -> None:
    """From many addresses: what is counted for an address does not help."""
    answers = []
    for number in range(16):
        where = {"REMOTE_ADDR": f"192.0.2.{number}"}
        wrong = {"username": "ada" if number % 2 else " ADA", "password": "wrong"}
        answers.append(tablet.post("leave", wrong, environ_base=where).status_code)
        answers.append(web.browser().submit("/login", wrong, environ_base=where).status_code)

    assert answers == [409, 401] * 15 + [429] * 2
    where = {"REMOTE_ADDR": "192.0.2.99"}
    assert tablet.post("leave", {"username": "ada", "password": PASSWORD}, environ_base=where).status_code == 429


def test_a_broken_event_is_refused_and_not_recorded(web: Web, tablet: Tablet) -> None:
    for value in (None, [], "x", {}, {"event": 3}, {"event": "x"}, {"event": "x", "sealed": "%"}, {"event": "x" * 9}):
        assert tablet.post("event", value).status_code == 400, value
    assert tablet.post("event", {"event": new_event_id(NOON), "sealed": "é"}).status_code == 400
    for path, name in (
        ("undo", "event"),
        ("direction", "event"),
        ("tell", "event"),
        ("decline", "challenge"),
        ("leave", "username"),
    ):
        for broken in ("\ud800", "\0"):
            assert tablet.post(path, {name: broken, "choice": "in", "password": "x"}).status_code == 400, path
    assert log_of(web) == []


def test_half_a_letter_in_a_number_or_badge_is_an_answer_and_no_fault(web: Web, anna: int, tablet: Tablet) -> None:
    for said in ({"number": "\ud800", "pin": "2580"}, {"badge": "\udfff"}):
        assert tablet.enter(**said)["words"].startswith("The tablet sent an event that cannot be read")
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


def test_a_screens_token_opens_nothing_but_the_screen(web: Web, anna: int) -> None:
    screen = Tablet(web, add_tablet(web, "lobby", screen_of="front"))
    event = {"event": new_event_id(web.clock.now()), "said": {"number": "17", "pin": "2580"}}
    allowed = {"kiosk.page", "kiosk.state", "kiosk.screen", "kiosk.stream", "kiosk.decline"} | UNPAIRED

    for method in ("GET", "POST"):
        for endpoint, path in room(web, method):
            if endpoint not in allowed:
                answer = screen.client.open(path, method=method, json=event, headers={HEADER: "1", **JSON})
                assert (answer.status_code, answer.json["words"]) == (403, "This device is a screen"), path
    assert screen.client.get("/kiosk/screen").status_code == 200
    assert log_of(web) == []


def test_an_event_that_is_sent_again_with_another_proof_names_nobody(web: Web, anna: int, tablet: Tablet) -> None:
    badge_of_zelda = badge(web, web.add("Zelda", staff_number="18"))
    first = tablet.enter(number="17", pin="2580")
    assert first["name"] == "Anna"

    for said in ({"number": "17", "pin": "9999"}, {"number": "18", "pin": "2580"}, {"badge": badge_of_zelda}, {}):
        again = tablet.enter(first["event"], **said)
        assert (again["state"], again["name"], "Anna" in str(again)) == ("refused", None, False), said
    assert tablet.enter(first["event"], number="17", pin="2580")["name"] == "Anna"
    assert len(log_of(web)) == 1


def badge(web: Web, person_id: int) -> str:
    with web.sessions.begin() as session:
        return credentials.new_badge(session, person_id, at=web.clock.now())


def held_up(text: str) -> bytes:
    """A picture of a badge, as a tablet sends it."""
    matrix = np.array(
        [[0 if module else 255 for module in row] for row in segno.make(text, error="h").matrix], np.uint8
    )
    image = np.pad(np.kron(matrix, np.ones((8, 8), np.uint8)), 40, constant_values=255)
    done, data = cv2.imencode(".png", image)
    assert done
    return data.tobytes()


def test_invented_badges_before_the_camera_are_slowed_down(web: Web, anna: int, tablet: Tablet) -> None:
    real = badge(web, anna)
    invented = [f"ATT-{'A' * 23}{letter}" for letter in "ABCDEFG"]
    web.app.extensions[EXTENSION].pace = Pace(1000)
    words = [tablet.look(held_up(text)).json["words"] for text in invented]

    assert words[:5] == ["This badge is not known"] * 5
    assert words[5:] == ["Too many unknown badges"] * 2
    assert len(log_of(web)) == 5
    assert tablet.look(held_up(real)).json["words"] == "Too many unknown badges"
    assert tablet.enter(number="17", pin="2580")["state"] == "greet"  # by PIN all the same
    web.clock.advance(61)
    assert tablet.look(held_up(real)).json["name"] == "Anna"


def test_leaving_the_kiosk_asks_for_the_second_factor_of_whoever_has_one(web: Web, tablet: Tablet) -> None:
    secret, recovery = set_up(web, web.browser("ada"))
    web.clock.advance(STEP_S)
    seen, who = code(web, secret), {"username": "ada", "password": PASSWORD}

    for wrong in ({}, {"code": ""}, {"code": "000000"}):
        assert tablet.post("leave", who | wrong).status_code == 409
    assert tablet.post("leave", {"username": "ada", "password": "wrong", "code": seen}).status_code == 409
    assert tablet.post("leave", who | {"code": seen}).json["page"] == "/"

    other = Tablet(web, None)
    assert other.post("pair", {"code": add_tablet(web, "gate")}).status_code == 200
    assert other.post("leave", who | {"code": seen}).status_code == 409  # a code opens once
    assert other.post("leave", who | {"code": recovery[0]}).json["page"] == "/"
    with web.sessions() as session:
        acts = list(session.scalars(text("SELECT action FROM audit_entries ORDER BY id")))
    assert acts.count("revoke_device") == 2 and acts.count("use_recovery_code") == 1

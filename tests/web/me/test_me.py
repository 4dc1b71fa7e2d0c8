"""/me: employees see their own hours and data, and nothing of anybody else."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction, Method
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import days, own_days, planning
from attendance.service.privacy import own_data
from attendance.store.hours import corrections
from attendance.store.people import credentials, people, templates
from attendance.store.tables.base import Base
from attendance.store.tables.people import PersonSecret
from attendance.web.me import employee
from tests.factories import ANNA, NOON
from tests.site_fixtures import Browser, Web

DAY = NOON.date()  # a Monday; NOON is 14:00 here
FRIDAY = DAY - timedelta(days=3)
PIN, OTHER = "2580", "7391"
PAGES = ("/me", f"/me/day/{FRIDAY}", "/me/corrections", "/me/leave", "/me/data", "/me/pin")
FILES = ("/me/days.csv", "/me/check-ins.csv", "/me/data.json")


@pytest.fixture(scope="session")
def pin_hashes() -> tuple[str, str]:
    """Of the same kind as the site's, but quick to check."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return quick.hash(PIN), quick.hash(OTHER)


@pytest.fixture
def anna(web: Web, pin_hashes: tuple[str, str]) -> int:
    """In on Friday at 09:40 and never out, in today at 08:58; a PIN and a badge.  Zelda is there, too."""
    ids = [
        web.add(name, department="Lab", staff_number=number) for name, number in (("Anna Berg", "7"), ("Zelda", "8"))
    ]
    zone = web.app.extensions["attendance"].zone
    with web.sessions.begin() as session:
        shift = planning.save_shift(session, Shift("Office", (Span(540, 1020),)), now=NOON)
        planning.assign(session, ids, date(2024, 4, 1), None, [shift.id] * 5 + [None] * 2, now=NOON, by="ada")
        for person_id in ids:
            session.add(PersonSecret(person_id=person_id, pin_hash=pin_hashes[person_id != ids[0]], pin_set_at=NOON))
            planning.add_leave(
                session, person_id=person_id, kind="vacation", note="" if person_id == ids[0] else "secret", by="ada",
                now=NOON, first=DAY + timedelta(days=2), last=DAY + timedelta(days=3), approved=True,
            )  # fmt: skip
    for person_id in ids:
        web.passage(at(9, 40, FRIDAY), person_id, direction=Direction.IN)
    web.passage(at(8, 58), ids[0], direction=Direction.IN, method=Method.BADGE)
    with web.sessions.begin() as session:
        stored_corrections.request_correction(
            session, person_id=ids[1], action="add", at=at(17, 0, FRIDAY), direction=Direction.OUT,
            reason="Zelda forgot.", by=own_days.BY, now=NOON, zone=zone,
        )  # fmt: skip
    return ids[0]


@pytest.fixture
def me(web: Web, anna: int) -> Browser:
    return signed_in(web)


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """The site is two hours ahead of UTC in May."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=2)


def signed_in(web: Web, number: str = "7", pin: str = PIN) -> Browser:
    browser = web.browser()
    assert browser.submit("/me/sign-in", {"number": number, "pin": pin}).location == "/me"
    return browser


def link_for(web: Web, person_id: int) -> str:
    with web.sessions.begin() as session:
        return credentials.make_link(session, person_id, at=web.clock.now(), by="ada")


def my_corrections(web: Web, person_id: int) -> list[Any]:
    with web.sessions() as session:
        return list(corrections.corrections(session, person_id=person_id))


# --- signing in ---


def test_number_and_pin_open_the_own_pages(me: Browser) -> None:
    assert {path: me.get(path).status_code for path in (*PAGES, *FILES)} == dict.fromkeys((*PAGES, *FILES), 200)
    assert me.get("/me/sign-in").location == "/me"


def test_a_badge_stands_for_the_number_but_not_for_the_pin(web: Web, anna: int) -> None:
    with web.sessions.begin() as session:
        badge = credentials.new_badge(session, anna, at=NOON)
    browser = web.browser()
    wrong = browser.submit("/me/sign-in", {"number": badge, "pin": "1111"})
    assert wrong.status_code == 401
    assert badge not in wrong.get_data(as_text=True)

    assert browser.submit("/me/sign-in", {"number": badge, "pin": PIN}).location == "/me"


def test_without_signing_in_every_page_leads_to_the_sign_in(web: Web, anna: int, stranger: Browser) -> None:
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint.startswith("me.") and rule.endpoint not in (
            "me.sign_in_page", "me.sign_in", "me.link", "me.look_at_link", "me.use_link",
        ):  # fmt: skip
            path = re.sub(r"<[^>]+>", FRIDAY.isoformat(), rule.rule)
            answer = stranger.get(path) if "GET" in (rule.methods or ()) else stranger.submit(path)
            assert (answer.status_code, answer.location) == (302, "/me/sign-in"), path


def test_an_employee_never_reaches_the_operators_pages(web: Web, me: Browser) -> None:
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint.startswith(("me.", "kiosk", "auth.")) or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint not in ("static", "bootstrap.static", "health.check"):
            answer = me.get(re.sub(r"<[^>]+>", "1", rule.rule))
            assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), rule.rule


def test_an_operator_is_no_employee_and_both_may_share_a_browser(web: Web, anna: int, admin: Browser) -> None:
    assert admin.get("/me").location == "/me/sign-in"
    admin.submit("/me/sign-in", {"number": "7", "pin": PIN})
    assert "Anna Berg" in admin.text("/me")
    assert admin.get("/operators").status_code == 200

    admin.submit("/me/sign-out")
    assert admin.get("/me").status_code == 302
    assert admin.get("/operators").status_code == 200


def test_a_wrong_pin_and_an_unknown_number_are_answered_alike(web: Web, anna: int, stranger: Browser) -> None:
    wrong, unknown = (stranger.submit("/me/sign-in", {"number": number, "pin": "1111"}) for number in ("7", "99"))

    texts = [answer.get_data(as_text=True) for answer in (wrong, unknown)]
    assert wrong.status_code == unknown.status_code == 401
    texts = [re.sub(r'value="(7|99)"|nonce[^>]*|content="[^"]{20,}"|csrf_token[^>]*', "", text) for text in texts]
    assert texts[0] == texts[1]
    assert "Number or PIN is wrong." in texts[0]


def test_trying_pins_is_slowed_down_by_number_and_by_address(web: Web, anna: int, stranger: Browser) -> None:
    codes = [stranger.submit("/me/sign-in", {"number": "7", "pin": f"{n:04d}"}).status_code for n in range(9)]
    assert codes == [401] * 8 + [429]
    right = web.browser().submit("/me/sign-in", {"number": "7", "pin": PIN})
    assert right.status_code == 429  # from this address; elsewhere the number itself is locked, as at a kiosk
    web.clock.advance(30)
    with web.sessions() as session:
        assert credentials.try_pin(session, "7", PIN, at=web.clock.now()).outcome is credentials.Tried.LOCKED


def test_a_session_ends_after_an_hour_with_another_pin_and_with_the_person(web: Web, anna: int) -> None:
    first, second, third = (signed_in(web) for _ in range(3))
    web.clock.advance(59 * 60)
    assert first.get("/me").status_code == 200
    web.clock.advance(120)
    assert first.get("/me").location == "/me/sign-in"

    web.clock.advance(-120)
    with web.sessions.begin() as session:
        credentials.set_pin(session, anna, "9517", at=NOON)
    assert second.get("/me").location == "/me/sign-in"

    third = signed_in(web, pin="9517")
    with web.sessions.begin() as session:
        people.set_active(session, anna, False, at=NOON)
    assert third.get("/me").location == "/me/sign-in"


def test_the_cookie_is_for_these_pages_only_and_cannot_be_made_up(web: Web, anna: int) -> None:
    answer = web.browser().submit("/me/sign-in", {"number": "7", "pin": PIN})
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(employee.COOKIE))
    assert "Path=/me" in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    value = cookie.split("=", 1)[1].split(";")[0]

    for forged in ("", "x", value[:-2] + "AA", value.replace(value[:4], "eyJp", 1)[:-1]):
        browser = web.browser()
        browser.client.set_cookie(employee.COOKIE, forged, path="/me")
        assert browser.get("/me").location == "/me/sign-in"


# --- by a link ---


def test_opening_a_link_changes_nothing_and_its_button_works_once(web: Web, anna: int) -> None:
    token = link_for(web, anna)
    scanner, browser = web.browser(), web.browser()
    for _ in range(3):
        assert scanner.get("/me/link").status_code == 200
        assert scanner.client.head("/me/link").status_code == 200
        assert scanner.submit("/me/link/look", {"token": token}).json == {"good": True}  # and no name

    assert browser.submit("/me/link", {"token": token}).location == "/me/pin"
    assert "Anna Berg" in browser.text("/me")
    assert scanner.submit("/me/link", {"token": token}).status_code == 410
    assert scanner.submit("/me/link/look", {"token": token}).json == {"good": False}
    assert scanner.get("/me").status_code == 302


def test_a_link_of_somebody_who_left_is_said_to_be_of_no_use_before_the_button(web: Web, anna: int) -> None:
    token, browser = link_for(web, anna), web.browser()
    with web.sessions.begin() as session:
        people.set_active(session, anna, False, at=NOON)

    assert browser.submit("/me/link/look", {"token": token}).json == {"good": False}
    assert "This link cannot be used" in browser.submit("/me/link", {"token": token}).get_data(as_text=True)


def test_the_secret_of_a_link_is_in_no_log_even_where_something_breaks(
    web: Web, anna: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(credentials, "use_link", broken)
    token = link_for(web, anna)
    assert web.browser().submit("/me/link", {"token": token}).status_code == 500
    assert "/me/link failed" in caplog.text and token not in caplog.text


def test_a_link_that_nobody_made_is_said_kindly(web: Web, stranger: Browser) -> None:
    for token in ("x", "A" * 32, "../..", "%00", "ü"):
        assert stranger.submit("/me/link", {"token": token}).status_code == 410, token
        assert stranger.submit("/me/link/look", {"token": token}).json == {"good": False}, token


def test_who_came_by_a_link_chooses_a_pin_without_the_old_one(web: Web, anna: int) -> None:
    browser = web.browser()
    browser.submit("/me/link", {"token": link_for(web, anna)})
    assert "Present PIN" not in browser.text("/me/pin")
    differ = browser.submit("/me/pin", {"pin": "8246", "repeat": "8247"})
    easy = browser.submit("/me/pin", {"pin": "1234", "repeat": "1234"})
    assert "differ" in differ.get_data(as_text=True)
    assert "easily guessed" in easy.get_data(as_text=True)

    assert browser.submit("/me/pin", {"pin": "8246", "repeat": "8246"}).location == "/me"
    assert browser.get("/me").status_code == 200
    signed_in(web, pin="8246")


def test_who_came_by_a_pin_has_to_know_it_to_change_it(web: Web, me: Browser) -> None:
    form = {"pin": "8246", "repeat": "8246"}
    assert me.submit("/me/pin", form | {"present": "1111"}).status_code == 401
    signed_in(web)

    assert me.submit("/me/pin", form | {"present": PIN}).location == "/me"
    signed_in(web, pin="8246")


def test_a_locked_number_is_told_from_a_wrong_pin_and_tries_are_counted_by_person(web: Web, me: Browser) -> None:
    zelda, form = signed_in(web, "8", OTHER), {"pin": "8246", "repeat": "8246"}
    told = [me.submit("/me/pin", form | {"present": "1111"}) for _ in range(6)]
    locked = me.submit("/me/pin", form | {"present": PIN})
    assert "not your present PIN" in told[0].get_data(as_text=True)
    assert "Too many wrong PINs for this number" in locked.get_data(as_text=True)
    assert "not your present PIN" not in locked.get_data(as_text=True)

    limited = [me.submit("/me/pin", form | {"present": "1111"}) for _ in range(14)][-1]
    assert limited.status_code == 429
    assert "Wait up to an hour" in limited.get_data(as_text=True)
    assert zelda.submit("/me/pin", form | {"present": OTHER}).location == "/me"  # from the same address


def test_without_a_staff_number_a_link_still_opens_the_days(web: Web) -> None:
    quirin = web.add("Quirin")
    browser = web.browser()

    assert browser.submit("/me/link", {"token": link_for(web, quirin)}).location == "/me"
    assert "A PIN goes with a staff number" in browser.text("/me/pin")
    answer = browser.submit("/me/pin", {"pin": "8246", "repeat": "8246"})
    assert "staff number" in answer.get_data(as_text=True)


# --- days ---


def test_days_show_hours_and_flags_in_plain_words(me: Browser) -> None:
    page = me.text("/me")

    assert "May 2024" in page
    assert "Your check-out is missing. The day was closed at the end of the shift, 17:00." in page
    assert "You came 0:40 late." in page
    assert page.index(f"/me/day/{DAY}") < page.index(f"/me/day/{FRIDAY}")  # the newest first
    assert "Leave: vacation." not in page  # it is to come
    assert "leave: vacation" in page


def test_a_month_is_chosen_and_an_odd_one_is_the_present(me: Browser) -> None:
    assert "April 2024" in me.text("/me?month=2024-04")
    assert "absent" in me.text("/me?month=2024-04").lower()
    for odd in ("2024-13", "x", "9999-12", "0001-01", "2024-06", "<b>", "2024-4"):
        assert "May 2024" in me.text(f"/me?month={odd}"), odd


def test_a_day_tells_what_each_check_in_was_taken_for(me: Browser) -> None:
    page = me.text(f"/me/day/{FRIDAY}")

    assert "Why: the door leads in." in page
    assert "Is a check-in missing?" in page
    assert me.get("/me/day/2024-02-31").status_code == 404
    assert "Is a check-in missing?" not in me.text(f"/me/day/{DAY + timedelta(days=2)}")


def test_the_month_is_a_file_of_the_own_days(me: Browser) -> None:
    rows = list(csv.DictReader(io.StringIO(me.text("/me/days.csv?month=2024-05").removeprefix("\ufeff"))))

    assert len(rows) == 31
    assert next(row for row in rows if row["date"] == FRIDAY.isoformat())["worked_hours"] == "7.33"


# --- corrections ---

ASK = {"action": "add", "day": FRIDAY.isoformat(), "at": "17:10", "direction": "out", "reason": "Forgot to check out."}


def test_a_correction_is_asked_for_approved_by_somebody_else_and_counts(
    web: Web, me: Browser, anna: int, admin: Browser
) -> None:
    assert me.submit("/me/corrections", ASK | {"back": FRIDAY.isoformat()}).location == f"/me/day/{FRIDAY}"
    (row,) = my_corrections(web, anna)
    assert (row.state, row.requested_by, row.at) == ("requested", own_days.BY, at(17, 10, FRIDAY))
    assert "waits" in me.text("/me/corrections")
    assert "Your check-out is missing." in me.text(f"/me/day/{FRIDAY}")  # it does not count yet
    assert "Forgot to check out." in admin.text("/attendance/corrections")

    admin.submit(f"/attendance/corrections/{row.id}", {"what": "approve"})

    page = me.text(f"/me/day/{FRIDAY}")
    assert "Your check-out is missing." not in page
    assert "A correction counts on this day." in page
    assert "approved by ada" in me.text("/me/corrections")


def test_a_wrong_check_in_is_asked_to_be_left_out(web: Web, me: Browser, anna: int) -> None:
    page = me.text(f"/me/day/{FRIDAY}")
    passage = re.search(r'name="passage_id" value="([^"]+)"', page)
    assert passage

    me.submit("/me/corrections", {"action": "void", "passage_id": passage[1], "reason": "I was not there."})

    (row,) = my_corrections(web, anna)
    assert (row.action, row.passage_id, row.state) == ("void", passage[1], "requested")


def test_a_request_is_withdrawn_while_it_waits_and_not_afterwards(
    web: Web, me: Browser, anna: int, admin: Browser
) -> None:
    me.submit("/me/corrections", ASK)
    me.submit("/me/corrections", ASK | {"at": "17:20"})
    newer, older = my_corrections(web, anna)
    me.submit(f"/me/corrections/{newer.id}/withdraw")
    admin.submit(f"/attendance/corrections/{older.id}", {"what": "approve"})

    answer = me.submit(f"/me/corrections/{older.id}/withdraw", follow_redirects=True)

    assert "approved already" in answer.get_data(as_text=True)
    assert [one.state for one in my_corrections(web, anna)] == ["withdrawn", "approved"]


def test_a_refusal_and_its_reason_are_read(web: Web, me: Browser, anna: int, admin: Browser) -> None:
    me.submit("/me/corrections", ASK)
    (row,) = my_corrections(web, anna)
    admin.submit(f"/attendance/corrections/{row.id}", {"what": "refuse", "note": "The door was locked at five."})

    assert "refused by ada" in me.text("/me/corrections")
    assert "The door was locked at five." in me.text("/me/corrections")
    assert "The door was locked at five." in admin.text("/attendance/corrections?state=refused")


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({"reason": " "}, "needs a reason"),
    ({"at": "25:00"}, "write it as 08:30"),
    ({"day": "2024-02-31"}, "write it as 2024-05-31"),
    ({"day": "2024-05-07"}, "in the future"),
    ({"action": "raise"}, "adds a check-in or takes one away"),
    ({"action": "void", "passage_id": "none"}, "no such check-in"),
)


def test_what_cannot_be_asked_for_is_said(web: Web, me: Browser, anna: int) -> None:
    for changes, words in WRONG:
        answer = me.submit("/me/corrections", ASK | changes, follow_redirects=True)

        assert words in answer.get_data(as_text=True), changes
    assert my_corrections(web, anna) == []


def test_nobody_asks_without_end(web: Web, me: Browser, anna: int) -> None:
    for minute in range(own_days.MOST_WAITING):
        me.submit("/me/corrections", ASK | {"at": f"17:{minute:02d}"})
    answer = me.submit("/me/corrections", ASK | {"at": "18:00"}, follow_redirects=True)

    assert "wait already" in answer.get_data(as_text=True)
    assert len(my_corrections(web, anna)) == own_days.MOST_WAITING


def test_nothing_of_anybody_else_is_seen_or_touched(web: Web, me: Browser) -> None:
    (zeldas,) = my_corrections(web, 2)
    for path in (*PAGES, *FILES, f"/me/day/{DAY}", "/me?month=2024-04"):
        text = me.get(path).get_data(as_text=True)
        assert "Zelda" not in text and "secret" not in text, path

    answer = me.submit(f"/me/corrections/{zeldas.id}/withdraw", follow_redirects=True)
    assert "There is no such correction" in answer.get_data(as_text=True)
    with web.sessions() as session:
        passage = days.days_of(session, 2, FRIDAY, FRIDAY, web.app.extensions["attendance"].zone)[0].used[0].punch
    me.submit("/me/corrections", {"action": "void", "passage_id": passage.id, "reason": "Not mine."})
    assert my_corrections(web, 1) == []
    assert [one.state for one in my_corrections(web, 2)] == ["requested"]


def test_a_closed_month_takes_no_request(web: Web, me: Browser, anna: int, admin: Browser) -> None:
    admin.submit("/attendance/periods", {"from": "2024-04-01", "to": FRIDAY.isoformat(), "grace": "0"})

    assert "This month is closed" in me.text(f"/me/day/{FRIDAY}")
    assert "is closed" in me.submit("/me/corrections", ASK, follow_redirects=True).get_data(as_text=True)


# --- data and consent ---


def test_everything_stored_is_told_and_downloaded(web: Web, me: Browser, anna: int) -> None:
    web.enrol(anna, ANNA)
    with web.sessions.begin() as session:
        people.update_person(session, anna, at=NOON, notes="Has a key to the lab.")
    page = me.text("/me/data")
    assert "1 template" in page and "Has a key to the lab." in page and "by badge" in page

    told = me.get("/me/data.json").get_json()
    assert told["person"]["name"] == "Anna Berg"
    assert told["person"]["notes"] == "Has a key to the lab."
    assert told["consent"]["words"] == "Yes."
    assert [one["by"] for one in told["check_ins"]] == ["badge", "face"]
    assert told["leave"][0]["kind"] == "vacation"
    assert told["face_templates"][0]["from"] == "upload"
    text = me.get("/me/data.json").get_data(as_text=True)
    assert "pin_hash" not in text and "token_hash" not in text and "vector" not in text
    assert me.get("/me/data.json").headers["Content-Disposition"].startswith("attachment")


def test_every_table_about_people_is_told_to_them(web: Web, me: Browser) -> None:
    """A new table that refers to people has to be told, or said why not."""
    referring = {
        table.name
        for table in Base.metadata.tables.values()
        if any(key.column.table.name == "people" for key in table.foreign_keys)
    }
    told = me.get("/me/data.json").get_json()

    assert referring == set(own_data.TOLD)
    assert {key for key in own_data.TOLD.values() if key} <= set(told)


def test_consent_is_taken_back_as_easily_as_it_was_given(web: Web, me: Browser, anna: int) -> None:
    web.enrol(anna, ANNA)
    page = me.text("/me/data")
    assert "You may do that at any time" in page and "You go on with your PIN" in page
    assert me.submit("/me/consent/withdraw").status_code == 400
    with web.sessions() as session:
        assert templates.list_templates(session, anna)

    me.submit("/me/consent/withdraw", {"sure": "yes"})

    with web.sessions() as session:
        assert templates.list_templates(session, anna) == []
        assert people.get_person(session, anna).consent_at is None
    assert "Nothing of your face is stored." in me.text("/me/data")
    assert "Your check-out is missing." in me.text("/me")  # working time stays


def test_an_own_page_bears_the_headers_that_protect_it(me: Browser) -> None:
    answer = me.get("/me")

    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"\sstyle=|\son\w+=", answer.get_data(as_text=True))


def test_a_form_without_its_token_does_nothing(me: Browser) -> None:
    for path in ("/me/sign-in", "/me/sign-out", "/me/corrections", "/me/consent/withdraw", "/me/pin", "/me/link"):
        assert me.client.post(path, data=ASK | {"sure": "yes"}).status_code == 400, path

"""/me: employees see their own hours and data, and nothing of anybody else."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

from attendance.service.people import own_requests
from attendance.service.privacy import own_data
from attendance.store.audit import entries
from attendance.store.people import credentials, grown, people, pins, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.people.pins import Place
from attendance.store.tables.base import Base
from tests.factories import ANNA, NOON
from tests.site_fixtures import Browser, Web
from tests.web.me.conftest import ASK, DAY, FILES, FRIDAY, PAGES, PIN, at, link_for, my_corrections, signed_in


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


def test_a_link_that_nobody_made_is_said_kindly(web: Web, stranger: Browser) -> None:
    for token in ("x", "A" * 32, "../..", "%00", "ü"):
        assert stranger.submit("/me/link", {"token": token}).status_code == 410, token
        assert stranger.submit("/me/link/look", {"token": token}).json == {"good": False}, token


def test_who_came_by_a_link_chooses_a_pin_without_the_old_one(web: Web, anna: int) -> None:
    browser = web.browser()
    browser.submit("/me/link", {"token": link_for(web, anna)})
    assert "Present PIN" not in browser.text("/me/pin")
    differ = browser.submit("/me/pin", {"pin": "824613", "repeat": "824713"})
    easy = browser.submit("/me/pin", {"pin": "123456", "repeat": "123456"})
    assert "differ" in differ.get_data(as_text=True)
    assert "easily guessed" in easy.get_data(as_text=True)

    assert browser.submit("/me/pin", {"pin": "824613", "repeat": "824613"}).location == "/me"
    assert browser.get("/me").status_code == 200
    signed_in(web, pin="824613")


def test_who_came_by_a_pin_has_to_know_it_to_change_it(web: Web, me: Browser) -> None:
    form = {"pin": "824613", "repeat": "824613"}
    assert me.submit("/me/pin", form | {"present": "1111"}).status_code == 401
    signed_in(web)

    assert me.submit("/me/pin", form | {"present": PIN}).location == "/me"
    signed_in(web, pin="824613")


def test_without_a_staff_number_a_link_still_opens_the_days(web: Web) -> None:
    quirin = web.add("Quirin")
    browser = web.browser()

    assert browser.submit("/me/link", {"token": link_for(web, quirin)}).location == "/me"
    assert "A PIN goes with a staff number" in browser.text("/me/pin")
    answer = browser.submit("/me/pin", {"pin": "824613", "repeat": "824613"})
    assert "staff number" in answer.get_data(as_text=True)


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


def test_a_correction_is_asked_for_approved_by_somebody_else_and_counts(
    web: Web, me: Browser, anna: int, admin: Browser
) -> None:
    assert me.submit("/me/corrections", ASK | {"back": FRIDAY.isoformat()}).location == f"/me/day/{FRIDAY}"
    (row,) = my_corrections(web, anna)
    assert (row.state, row.requested_by, row.at) == ("requested", own_requests.BY, at(17, 10, FRIDAY))
    assert "waiting" in me.text("/me/corrections")
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


def test_a_closed_month_takes_no_request(web: Web, me: Browser, anna: int, admin: Browser) -> None:
    admin.submit(
        "/attendance/periods", {"from": "2024-04-01", "to": FRIDAY.isoformat(), "grace": "0", "confirm": "yes"}
    )

    assert "This month is closed" in me.text(f"/me/day/{FRIDAY}")
    assert "is closed" in me.submit("/me/corrections", ASK, follow_redirects=True).get_data(as_text=True)


def test_everything_stored_is_told_and_downloaded(web: Web, me: Browser, anna: int) -> None:
    web.enrol(anna, ANNA)
    with web.sessions.begin() as session:
        people.update_person(session, anna, at=NOON, notes="Has a key to the lab.")
    page = me.text("/me/data")
    assert "1 template" in page and "Has a key to the lab." in page and "by badge" in page

    told = me.get("/me/data.json").get_json()
    assert told["person"]["name"] == "Anna Berg"
    assert told["person"]["notes"] == "Has a key to the lab."
    assert {row["words"] for row in told["consents"]} == {"Yes."}
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

    assert referring == set(own_data.DISCLOSED)
    assert {key for key in own_data.DISCLOSED.values() if key} <= set(told)


def test_one_purpose_is_taken_back_alone(web: Web, me: Browser, anna: int) -> None:
    web.enrol(anna, ANNA)
    both = {"chosen": "yes", "sure": "yes"}
    assert me.submit("/me/consent/withdraw", both).status_code == 400  # no purpose is ticked

    me.submit("/me/consent/withdraw", both | {"purpose": "access"})

    with web.sessions() as session:
        assert people.get_person(session, anna).agreed == {"attendance"}
        assert len(templates.list_templates(session, anna)) == 1
    page = me.text("/me/data")
    assert "Access withdrawn" in page and "Templates of leavers" in page
    assert "Record of" in me.text("/me/record.html")


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
        (entry,) = entries.list_entries(session)
        assert (entry.actor_name, entry.action) == ("self-service", "withdraw_consent")
        assert entry.subject_id == people.get_person(session, anna).uid
    assert "Nothing of your face is stored." in me.text("/me/data")
    assert "Your check-out is missing." in me.text("/me")  # working time stays


def test_a_pin_for_duress_is_chosen_with_the_present_one_and_leaves_no_sign(web: Web, me: Browser) -> None:
    before = me.text("/me/pin")
    form = {"what": "duress", "pin": "824613", "repeat": "824613"}
    assert me.submit("/me/pin", form | {"present": "1111"}).status_code == 401
    assert me.submit("/me/pin", form | {"present": PIN}).location == "/me"

    me.get("/me")  # its flash was shown
    assert me.text("/me/pin").count("duress") == before.count("duress")
    assert "duress" not in me.text("/me/data.json")
    place = Place("tablet", "1")
    assert pins.try_pin(web.sessions, "7", "824613", at=web.clock.now(), place=place).duress
    signed_in(web)  # the usual PIN is as it was


def test_what_grew_is_told_and_taken_back_by_the_person(web: Web, me: Browser, anna: int) -> None:
    with web.sessions.begin() as session:
        for uid, owner in (("mine", anna), ("mine too", anna), ("hers", anna + 1)):
            session.add(
                GrownTemplate(
                    uid=uid, person_id=owner, model_id="m", vector=b"sealed", quality={}, camera="canteen",
                    passage_id="p", grown_at=NOON, usable_at=NOON + timedelta(days=7), used_since=None,
                )
            )  # fmt: skip

    page = me.text("/me/data")
    assert "2 looks of passages that you confirmed with your PIN" in page and "anteen" in page
    told = json.loads(me.get("/me/data.json").get_data(as_text=True))["grown_templates"]
    assert [one["where"] for one in told] == ["canteen"] * 2 and "vector" not in told[0]

    for uid, left in (("hers", 2), ("mine", 1), ("", 0)):
        me.submit("/me/grown/take-back", {"uid": uid})
        with web.sessions() as session:
            assert len(grown.of_person(session, anna)) == left, uid
            assert len(grown.of_person(session, anna + 1)) == 1

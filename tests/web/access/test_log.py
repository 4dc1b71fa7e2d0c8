"""/log, /log/rows and /log/log.csv."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from attendance.domain.access.liveness.fusion import Judgement, Policy, Verdict
from attendance.domain.passage import Direction, Method
from attendance.domain.reason import Reason
from attendance.service.access.reason_texts import reason_advice
from attendance.service.ids import new_event_id
from attendance.store.access import events, liveness
from attendance.store.people import people
from tests.factories import NOON, make_passage
from tests.site_fixtures import Browser, Web


@pytest.fixture
def day(web: Web) -> dict[str, str]:
    """Anna at two cameras on two days, a stranger, somebody in the dark: the ids by a name."""
    anna = web.add("Anna Berg", staff_number="1040", department="Lab")
    return {
        "yesterday": web.passage(NOON - timedelta(days=1), anna),
        "anna": web.passage(NOON - timedelta(minutes=30), anna, camera="yard"),
        "stranger": web.passage(NOON - timedelta(minutes=20)),
        "dark": web.passage(NOON - timedelta(minutes=10), reason=Reason.TOO_DARK, score=None, camera="yard"),
    }


def shown(page: str, day: dict[str, str]) -> list[str]:
    """The names of those rows that stand on the page, in its order."""
    found = [(page.index(f'data-id="{one}"'), name) for name, one in day.items() if f'data-id="{one}"' in page]
    return [name for _, name in sorted(found)]


def test_an_empty_log_says_how_it_fills(admin: Browser) -> None:
    assert "No check-ins yet" in admin.text("/log")


def test_the_newest_stands_first_with_words_advice_and_numbers(admin: Browser, day: dict[str, str]) -> None:
    page = admin.text("/log")

    assert shown(page, day) == ["dark", "stranger", "anna", "yesterday"]
    assert "not recognised" in page
    assert reason_advice(Reason.UNKNOWN) in page
    assert "0.200" in page
    assert "(needs 0.400)" in page
    assert ">13:30:00</time>" in page  # 11:30 UTC


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=anna", ["anna", "yesterday"]),
        ("q=1040", ["anna", "yesterday"]),
        ("person=1", ["anna", "yesterday"]),
        ("camera=yard", ["dark", "anna"]),
        ("outcome=granted", ["anna", "yesterday"]),
        ("outcome=denied", ["dark", "stranger"]),
        ("outcome=too_dark", ["dark"]),
        ("outcome=unknown&camera=yard", []),
        ("from=2024-05-06", ["dark", "stranger", "anna"]),
        ("to=2024-05-05", ["yesterday"]),
        ("from=2024-05-05&to=2024-05-05&q=berg", ["yesterday"]),
    ],
)
def test_filters_say_what_is_shown_and_downloaded(
    admin: Browser, day: dict[str, str], query: str, expected: list[str]
) -> None:
    page = admin.text(f"/log?{query}")
    table = list(csv.DictReader(io.StringIO(admin.text(f"/log/log.csv?{query}").removeprefix("\ufeff"))))

    assert shown(page, day) == expected
    assert [row["id"] for row in table] == [day[name] for name in expected]
    assert [one["id"] for one in admin.get(f"/log/rows?{query}").json["rows"]] == [day[name] for name in expected]


def test_the_filter_stays_in_the_addresses_of_the_page(admin: Browser, day: dict[str, str]) -> None:
    page = admin.text("/log?q=anna&outcome=granted&from=2024-05-01")

    assert "/log/log.csv?q=anna&amp;outcome=granted&amp;from=2024-05-01" in page
    assert "/log/rows?q=anna&amp;outcome=granted&amp;from=2024-05-01" in page
    assert 'value="anna"' in page
    assert 'value="2024-05-01"' in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=yesterday", "A date is not valid"),
        ("from=9999-12-31", "A date is not valid"),
        ("outcome=nonsense", "That outcome does not exist"),
        ("from=2024-05-02&to=2024-05-01", "The first day is after the last"),
    ],
)
def test_a_filter_that_makes_no_sense_is_said_so(admin: Browser, day: dict[str, str], query: str, words: str) -> None:
    assert words in admin.text(f"/log?{query}")


@pytest.mark.parametrize("query", ["before=x", "before=00000000-0000-0000-0000-000000000000", "person=x", "person=9e9"])
def test_nonsense_in_the_address_does_no_harm(admin: Browser, day: dict[str, str], query: str) -> None:
    assert shown(admin.text(f"/log?{query}"), day) == ["dark", "stranger", "anna", "yesterday"]


def test_a_long_log_has_older_pages_that_meet_without_gap(web: Web, admin: Browser) -> None:
    ids = [web.passage(NOON + timedelta(seconds=number)) for number in range(70)]
    first = admin.text("/log?outcome=denied")
    older = f"/log?outcome=denied&before={ids[20]}"
    second = admin.text(older)

    assert older.replace("&", "&amp;") in first
    assert f'data-id="{ids[20]}"' in first
    assert f'data-id="{ids[19]}"' not in first
    assert f'data-id="{ids[19]}"' in second
    assert "Older" not in second.split("<main")[1].split("</header>")[1]
    assert "data-follow" not in second  # only the newest page fills by itself


def test_rows_since_the_newest_one_come_alone_and_changed_ones_come_again(web: Web, admin: Browser) -> None:
    old = web.passage(NOON - timedelta(minutes=5))
    anna = web.add("Anna Berg")
    last = web.passage(NOON, anna)
    new = web.passage(NOON + timedelta(seconds=3))
    with web.sessions.begin() as session:
        events.record_door_event(
            session,
            event_id=new_event_id(NOON),
            passage_id=last,
            at=NOON,
            door="front",
            outcome="failed",
            detail="no answer from the relay",
        )
    rows = admin.get(f"/log/rows?after={last}").json["rows"]

    assert [row["id"] for row in rows] == [new, last]
    assert old not in str(rows)
    assert "no answer from the relay" in rows[1]["html"]


def test_a_row_that_arrives_looks_like_one_that_was_there(admin: Browser, day: dict[str, str]) -> None:
    page = " ".join(admin.text("/log").split())

    for row in admin.get("/log/rows").json["rows"]:
        assert " ".join(row["html"].split()) in page


def test_csv_cannot_carry_formulas_and_opens_in_spreadsheets(web: Web, admin: Browser) -> None:
    person = web.add('=HYPERLINK("http://evil.example")', staff_number="+1", department="@x")
    web.passage(person_id=person, camera="-door")
    answer = admin.get("/log/log.csv")
    (row,) = csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))

    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert (row["person"][:2], row["external_id"], row["department"], row["camera"]) == ("'=", "'+1", "'@x", "'-door")
    assert (row["time_utc"], row["time_local"]) == ("2024-05-06T12:00:00.000Z", "2024-05-06T14:00:00+02:00")


def test_a_persons_own_log_names_the_person_even_when_erased(web: Web, admin: Browser, day: dict[str, str]) -> None:
    assert "Anna Berg <a" in admin.text("/log?person=1")
    with web.sessions.begin() as session:
        people.delete_person(session, 1, at=web.clock.now())
    assert "a person who was erased" in admin.text("/log?person=1")


def test_what_the_door_did_is_told(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.passage(person_id=anna, direction=Direction.OUT)

    assert "door: no result was noted" in admin.text("/log")


def test_by_what_somebody_was_told_is_shown_filtered_and_downloaded(web: Web, admin: Browser) -> None:
    anna = web.add("Anna Berg")
    web.passage(NOON - timedelta(hours=2), anna)
    pin = web.passage(NOON - timedelta(hours=1), anna, method=Method.PIN, score=None, threshold=None)
    wrong = web.passage(NOON, method=Method.BADGE, reason=Reason.UNKNOWN_BADGE, score=None, threshold=None)

    page = admin.text("/log")
    assert "by face" in page and "by PIN" in page and "by badge" in page
    table = list(csv.DictReader(io.StringIO(admin.text("/log/log.csv").removeprefix("\ufeff"))))
    assert [row["method"] for row in table] == ["badge", "pin", "face"]
    assert shown(admin.text("/log?by=pin"), {"pin": pin, "wrong": wrong}) == ["pin"]
    assert "That way of identifying does not exist" in admin.text("/log?by=nose")


def test_a_picture_that_was_only_watched_is_named_in_the_row_and_a_living_person_is_not(
    admin: Browser, web: Web, day: dict[str, str]
) -> None:
    with web.sessions.begin() as session:
        for name, verdict in (("anna", Verdict.ATTACK), ("yesterday", Verdict.LIVE)):
            judgement = Judgement(verdict, -3.0, 1, -2.0, None, None)
            liveness.add_ruling(session, day[name], Policy.WATCH, judgement, "m", "card")
    page, row = admin.text("/log"), admin.text(f"/log/rows?after={day['yesterday']}")
    assert page.count("looks like a picture") == 1
    assert row.count("looks like a picture") == 1
    assert "looks alive" not in page


def test_what_a_door_decided_without_the_database_says_so(web: Web, admin: Browser) -> None:
    for minutes, marks in ((5, "extended+offline"), (9, "extended")):
        with web.sessions.begin() as session:
            events.record_passage(session, make_passage(NOON - timedelta(minutes=minutes), marks=marks))

    assert admin.text("/log").count("decided without the database") == 1

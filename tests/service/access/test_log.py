"""CSV that a spreadsheet cannot be tricked with, and days as the site counts them."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.reason import Reason
from attendance.service.access import log
from attendance.store.access import events
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON, make_passage

BERLIN = ZoneInfo("Europe/Berlin")


def parsed(sessions: Sessions) -> list[dict[str, str]]:
    with sessions() as session:
        text = "".join(log.passages_csv(log.all_passages(session, page=2), BERLIN))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_passage_is_one_line_with_utc_and_local_time(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name='Anna "Ann", née Ö', department="Lab", at=NOON)
        events.record_passage(session, make_passage(person_id=anna.id, score=-0.25))
    (line,) = parsed(sessions)
    assert tuple(line) == log.COLUMNS
    assert line["time_utc"] == "2024-05-06T12:00:00.000Z"
    assert line["time_local"] == "2024-05-06T14:00:00+02:00"
    assert line["person"] == 'Anna "Ann", née Ö'
    assert (line["granted"], line["reason"], line["score"], line["runner_up"]) == ("yes", "matched", "-0.2500", "")


def test_without_passages_the_header_remains(sessions: Sessions) -> None:
    with sessions() as session:
        assert list(log.passages_csv(log.all_passages(session), BERLIN)) == [",".join(log.COLUMNS) + "\r\n"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_name_is_never_a_formula(name: str) -> None:
    assert log.safe_cell(name).startswith("'")
    assert log.safe_cell(name).replace("'", "") == name
    assert log.safe_cell("Anna = Ann") == "Anna = Ann"


def test_a_formula_in_a_persons_name_is_quoted_in_the_file(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bad = people.create_person(session, name='=HYPERLINK("http://x")', staff_number="@1", department="+1", at=NOON)
        events.record_passage(session, make_passage(person_id=bad.id, camera="-door"))
    (line,) = parsed(sessions)
    assert [line[key][:2] for key in ("person", "external_id", "department", "camera")] == ["'=", "'@", "'+", "'-"]


def test_every_page_of_the_log_is_exported_once_newest_first(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for minute in range(5):
            at = NOON + timedelta(minutes=minute)
            events.record_passage(session, make_passage(at, granted=False, reason=Reason.UNKNOWN))
    times = [line["time_utc"] for line in parsed(sessions)]
    assert len(set(times)) == 5
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 5, 6), 24)])
def test_a_local_day_is_as_long_as_the_clocks_make_it(day: date, hours: int) -> None:
    start, end = log.day_bounds(day, BERLIN)
    assert end - start == timedelta(hours=hours)
    assert start.utcoffset() == timedelta(0)

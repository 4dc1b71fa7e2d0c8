"""The words of a day: one table for each key, complete, and every reader says the same about a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.hours.day import (
    Cause,
    Day,
    Flag,
    Inference,
    Note,
    Punch,
    Rule,
    Sense,
    Spell,
    Status,
    Used,
)
from attendance.domain.hours.shift import Half, Kind, Leave, Plan, Shift, Span
from attendance.service.hours import day_words, own_days, weekly_mail
from attendance.service.hours.day_words import Local
from attendance.service.hours.days import PersonDays
from attendance.service.hours.reports import report_tables
from attendance.store.hours.rosters import StaffMember

MONDAY = date(2024, 5, 6)
NINE = datetime(2024, 5, 6, 7, tzinfo=UTC)
FIVE = datetime(2024, 5, 6, 15, tzinfo=UTC)
LOCAL = Local(ZoneInfo("Europe/Berlin"))
OFFICE = Shift("Office", (Span(540, 1020),))
ANNA = StaffMember(1, "Anna Berg", "7", "Lab")


def flagged(flag: Flag) -> Day:
    return Day(Plan(MONDAY, OFFICE), Status.WORKED, (Spell(NINE, FIVE),), flags=frozenset({flag}), late=60, early=60)


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (day_words.STATUS_WORDS, Status),
        (day_words.STATUS_LETTERS, Status),
        (day_words.FLAG_WORDS, Flag),
        (day_words.CAUSE_WORDS, Cause),
        (day_words.NOTE_WORDS, Note),
        (day_words.RULE_WORDS, Rule),
        (day_words.RULE_SENTENCES, Rule),
        (day_words.HALF_WORDS, Half),
    ],
)
def test_every_key_has_its_words(table: dict[Any, Any], keys: type[StrEnum]) -> None:
    assert set(table) == set(keys)


@pytest.mark.parametrize("flag", Flag)
def test_register_summary_own_page_and_mail_agree_which_day_wants_a_look(flag: Flag) -> None:
    day = flagged(flag)
    rows = [PersonDays(ANNA, (day,))]
    register = report_tables.register(rows, MONDAY, MONDAY, LOCAL)
    summary = report_tables.summary(rows, "Timesheets")
    mail = weekly_mail._lines(rows, 0, LOCAL)

    said = {
        "register": register.rows[0][2].endswith("."),
        "summary": bool(summary.rows[0][-1]),
        "own page": any(note.look for note in own_days.notes(day, LOCAL)),
        "mail": "Days to look at: 1" in mail,
    }
    assert set(said.values()) == {day.wants_look}


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag.wants_look])
def test_the_daily_report_says_why_a_day_wants_a_look(flag: Flag) -> None:
    daily = report_tables.daily([PersonDays(ANNA, (flagged(flag),))], MONDAY, LOCAL)

    assert daily.rows[0][-1] == day_words.FLAG_WORDS[flag].remark


@pytest.mark.parametrize("flag", Flag)
def test_every_flag_is_a_sentence_to_the_person(flag: Flag) -> None:
    (note,) = own_days.notes(flagged(flag), LOCAL)

    assert note.words.endswith((".", "?"))
    assert "%" not in note.words


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_can_be_told_with_its_time(cause: Cause) -> None:
    words = day_words.cause_words(Inference(Sense.IN, cause, NINE), LOCAL)

    assert words and "%" not in words
    assert ("09:00" in words) == ("%(since)s" in day_words.CAUSE_WORDS[cause])


def test_a_rule_that_ended_a_spell_is_told_once_with_its_time() -> None:
    spell = Spell(NINE, FIVE, Rule.SHIFT_END)
    day = Day(Plan(MONDAY, OFFICE), Status.WORKED, (spell,), flags=frozenset({Flag.MISSING_OUT}))

    assert day_words.remarks(day, LOCAL) == "no check-out: closed at the end of the shift, 17:00"
    (note,) = own_days.notes(day, LOCAL)
    assert note.words == "Your check-out is missing. The day was closed at the end of the shift, 17:00."


def test_a_check_out_that_counts_for_nothing_is_told_once() -> None:
    used = Used(Punch("1", FIVE), Inference(Sense.OUT, Cause.DOOR_OUT), Note.NO_CHECK_IN)
    day = Day(Plan(MONDAY, OFFICE), Status.ABSENT, used=(used,), flags=frozenset({Flag.MISSING_IN}))

    assert day_words.remarks(day, LOCAL) == "no check-in: nothing is counted"


def test_half_a_day_of_leave_is_told_in_the_same_words() -> None:
    day = Day(Plan(MONDAY, OFFICE, leave=Leave("vacation", half=Half.FIRST)), Status.HALF_DAY)

    assert [note.words for note in own_days.notes(day, LOCAL)] == ["Leave: vacation, first half of the day."]


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        (OFFICE, "09:00–17:00"),
        (Shift("Night", (Span(1320, 1800),)), "22:00–06:00 (+1)"),
        (Shift("Flex", (Span(420, 1200),), kind=Kind.FLEXIBLE, required=468), "07:00–20:00, 7:48 flexible"),
    ],
)
def test_a_shift_is_written_with_its_times(shift: Shift, words: str) -> None:
    assert day_words.shift_times(shift) == words


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59, "0:00"), (-59, "0:00"), (27359, "7:35"), (-1200, "−0:20"), (90000, "25:00")]
)
def test_hours_are_cut_to_minutes(seconds: int, text: str) -> None:
    assert day_words.hours(seconds) == text


def test_dates_times_and_numbers_are_those_of_the_sites_locale() -> None:
    german = Local(ZoneInfo("Europe/Berlin"), "de_DE")

    assert LOCAL.full_date(MONDAY) == "Monday, 6 May 2024"
    assert [LOCAL.weekdays()[0], LOCAL.month(MONDAY), LOCAL.clock(NINE)] == ["Mon", "May 2024", "09:00"]
    assert german.full_date(MONDAY) == "Montag, 6. Mai 2024"
    assert [german.weekdays()[0], german.month(MONDAY), german.number(1.25)] == ["Mo", "Mai 2024", "1,25"]

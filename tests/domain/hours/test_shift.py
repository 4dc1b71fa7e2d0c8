"""Shifts as people write them: times of day, nights, their JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attendance.domain.hours.shift import (
    BadShift,
    Break,
    Mode,
    Rounding,
    Shift,
    Span,
    Tier,
    from_json,
    parse_hhmm,
    span_from,
    to_json,
)

OFFICE = Shift("Office", (Span(9 * 60, 17 * 60),), breaks=(Break(30, after=360),), tiers=(Tier(480, 1.25),))


@pytest.mark.parametrize(
    "text", ["", "8", "25:00", "08:60", "ab:cd", "8:5", "9:41 AM", "24:01", "0860", "-8:30", "٠٨:٣٠"]
)
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(BadShift, match="is not a valid time of day"):
        parse_hhmm(text)


@pytest.mark.parametrize("text", ["08:30", "8:30", "08.30", "0830", "830", " 08:30 "])
def test_a_time_of_day_needs_no_colon(text: str) -> None:
    assert parse_hhmm(text) == 510


def test_a_day_ends_at_24_hours() -> None:
    assert (parse_hhmm("24:00"), parse_hhmm("00:00"), parse_hhmm("23:59")) == (1440, 0, 1439)


def test_overlapping_times_are_refused() -> None:
    with pytest.raises(BadShift, match="overlap"):
        Shift("Bad", (Span(480, 720), Span(700, 900)))


def test_an_end_before_the_start_is_the_next_day() -> None:
    assert span_from("22:00", "06:00") == Span(22 * 60, 30 * 60)


def test_a_shift_survives_its_json() -> None:
    shift = replace(OFFICE, rounding=Rounding(15, Mode.NEAREST), weekly=(Tier(2400, 1.5),))

    assert from_json(to_json(shift)) == shift

"""Spans as people type them."""

from __future__ import annotations

import pytest

from attendance.domain.access.rules.schedule import Window, merged, weekly
from attendance.errors import UserError
from attendance.service.access.policy import week_texts

CLOSED = [""] * 6


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("08:00-12:00", (Window(480, 720),)),
        ("8-12, 13.15–17", (Window(480, 720), Window(795, 1020))),
        ("0-24", (Window(0, 1440),)),
        ("12-14; 08:00-12:30", (Window(480, 840),)),
        ("", ()),
    ],
)
def test_what_is_typed_is_read_and_written_alike(typed: str, day: tuple[Window, ...]) -> None:
    week = week_texts.week_of([typed, *CLOSED])
    assert week[0] == day
    assert week_texts.week_of([week_texts.text_of(day), *CLOSED]) == week


def test_a_span_over_midnight_is_that_of_the_rules() -> None:
    lines = ["22:00-06:00"] * 7
    assert week_texts.week_of(lines) == weekly(range(7), 22 * 60, 6 * 60)
    assert merged(week_texts.week_of(["22-0", *CLOSED])[0]) == (Window(1320, 1440),)


@pytest.mark.parametrize(
    "typed", ["8", "08:00-08:00", "08:60-09:00", "24:00-25:00", "9-24:30", "a-b", "08:00-12:00 13-14"]
)
def test_what_cannot_be_read_is_named(typed: str) -> None:
    with pytest.raises(UserError, match="not a valid span"):
        week_texts.week_of([typed, *CLOSED])


def test_a_special_day_ends_at_midnight() -> None:
    with pytest.raises(UserError, match="ends at midnight"):
        week_texts.day_of("22:00-06:00")

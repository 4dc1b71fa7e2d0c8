"""A site that moved: days before are read in the old zone, days after in the new one, no instant twice."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.hours.shift import real_time
from attendance.domain.hours.zones import site_zone

BERLIN, LONDON, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")


MOVED = site_zone([(date.min, BERLIN), (date(2024, 5, 10), LONDON), (date(2024, 5, 20), TOKYO)])


@pytest.mark.parametrize(
    ("day", "zone"),
    [
        (date(2024, 1, 15), BERLIN),
        (date(2024, 5, 9), BERLIN),
        (date(2024, 5, 10), LONDON),
        (date(2024, 5, 19), LONDON),
        (date(2024, 5, 20), TOKYO),
        (date(2025, 5, 20), TOKYO),
    ],
)
def test_nine_in_the_morning_is_that_of_the_days_own_zone(day: date, zone: ZoneInfo) -> None:
    instant = real_time(day, 9 * 60, zone)

    assert real_time(day, 9 * 60, MOVED) == instant
    assert instant.astimezone(MOVED).strftime("%H:%M") == "09:00"


def test_every_instant_has_a_local_time_that_leads_back_to_it() -> None:
    instant = datetime(2024, 5, 8, tzinfo=UTC)
    while instant < datetime(2024, 5, 23, tzinfo=UTC):
        assert instant.astimezone(MOVED).astimezone(UTC) == instant
        instant += timedelta(minutes=15)


def test_days_follow_each_other_without_a_gap() -> None:
    begins = [real_time(date(2024, 5, 8) + timedelta(days=number), 0, MOVED) for number in range(14)]

    hours = [(after - before).total_seconds() / 3600 for before, after in pairwise(begins)]

    # The day before the move west has an hour more; that of the move east lacks the eight hours that were skipped.
    assert hours == [24, 25, *[24] * 10, 16]


def test_a_zone_without_a_history_is_the_zone_itself() -> None:
    assert site_zone([(date.min, BERLIN)]) is BERLIN


def test_a_history_survives_being_sent_to_another_process() -> None:
    again = pickle.loads(pickle.dumps(MOVED))

    at = datetime(2024, 5, 12, 9, tzinfo=UTC)
    assert at.astimezone(again).isoformat() == at.astimezone(MOVED).isoformat()

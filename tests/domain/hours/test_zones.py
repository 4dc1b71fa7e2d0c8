"""A site that moved: days before are read in the old zone, days after in the new one, no instant twice."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.hours.shift import real_time
from attendance.domain.hours.zones import RepeatedTime, SkippedTime, instant_of, repeats_a_time, site_zone

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


def test_a_time_is_never_guessed() -> None:
    spring, autumn = date(2024, 3, 31), date(2024, 10, 27)
    half_past_two = time(2, 30)

    with pytest.raises(SkippedTime):
        instant_of(spring, half_past_two, BERLIN)
    with pytest.raises(RepeatedTime):
        instant_of(autumn, half_past_two, BERLIN)
    first, second = (instant_of(autumn, half_past_two, BERLIN, second) for second in (False, True))
    assert second - first == timedelta(hours=1)
    assert instant_of(autumn, time(8, 30), BERLIN, second=True) == datetime(2024, 10, 27, 7, 30, tzinfo=UTC)


def test_a_day_that_repeats_a_time_is_known() -> None:
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(366)]

    assert [day for day in days if repeats_a_time(day, BERLIN)] == [date(2024, 10, 27)]
    assert [day for day in days if repeats_a_time(day, TOKYO)] == []

"""What the programs note about a site's hours at their start: the time zone and its history, double punches."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.hours import site_rules
from attendance.store.session import Sessions

BERLIN, LONDON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")


MAY = datetime(2024, 5, 6, 12, tzinfo=UTC)


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions()


def start(session: Session, zone: ZoneInfo, now: datetime) -> list[tuple[date, str]]:
    site_rules.put_zone_history(session, site_rules.noted_zone(session, zone, now), now)
    return site_rules.zone_history(session)


def test_a_move_begins_today_and_the_days_before_keep_their_zone(session: Session) -> None:
    start(session, BERLIN, MAY)
    assert site_rules.zone_of(session, BERLIN) is BERLIN

    history = start(session, LONDON, MAY + timedelta(days=30))

    assert history == [(date.min, "Europe/Berlin"), (date(2024, 6, 5), "Europe/London")]
    zone = site_rules.zone_of(session, LONDON)
    nine = datetime(2024, 5, 6, 7, tzinfo=UTC)
    assert nine.astimezone(zone).hour == 9
    assert (nine + timedelta(days=60)).astimezone(zone).hour == 8


def test_a_start_without_a_change_notes_nothing_new(session: Session) -> None:
    first = start(session, BERLIN, MAY)

    assert start(session, BERLIN, MAY + timedelta(days=30)) == first


def test_a_slip_that_is_mended_on_the_same_day_leaves_no_trace(session: Session) -> None:
    first = start(session, BERLIN, MAY)
    start(session, LONDON, MAY + timedelta(days=30))

    assert start(session, BERLIN, MAY + timedelta(days=30, hours=1)) == first


def test_a_zone_that_is_not_known_is_refused(session: Session) -> None:
    with pytest.raises(UserError, match="Berlim is not a valid time zone"):
        site_rules.put_zone_history(session, [(date.min, "Europe/Berlim")], MAY)


def test_double_punches_are_two_minutes_until_the_settings_say_otherwise(session: Session) -> None:
    assert site_rules.policy(session).debounce == timedelta(seconds=120)

    site_rules.put_double_punch_s(session, 0, MAY)

    assert site_rules.policy(session).debounce == timedelta(0)

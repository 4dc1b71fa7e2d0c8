"""A month of invented people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from attendance.config import Settings
from attendance.domain.hours.day import Status
from attendance.service.hours import days
from attendance.service.operations import demo_data
from attendance.store.session import Sessions
from attendance.store.tables import access
from attendance.store.tables import people as stored_people
from attendance.store.tables.hours import Correction

# A Tuesday, 10:00 in Berlin.
TUESDAY = datetime(2024, 5, 14, 8, tzinfo=UTC)


SETTINGS = Settings.model_validate({"site": {"timezone": "Europe/Berlin"}})


def test_demo_data_is_the_same_each_time_and_only_for_an_empty_database(sessions: Sessions) -> None:
    with sessions.begin() as session:
        made = demo_data.make(session, count=12, days=10, now=TUESDAY, zone=SETTINGS.site.zone)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(stored_people.Person)) == made.people == 12
        assert session.scalar(select(func.count()).select_from(access.Passage)) == made.passages > 200
        assert session.scalar(select(func.count()).select_from(Correction)) == made.corrections
        assert session.scalar(select(func.count()).select_from(stored_people.Template)) == 0
        with pytest.raises(demo_data.UserError, match="there are people in this database"):
            demo_data.make(session, count=1, days=1, now=TUESDAY, zone=SETTINGS.site.zone)


def test_nobody_of_the_demo_is_absent_before_its_first_day(sessions: Sessions) -> None:
    zone, first = SETTINGS.site.zone, TUESDAY.date() - timedelta(days=10)
    with sessions.begin() as session:
        demo_data.make(session, count=12, days=10, now=TUESDAY, zone=zone)
    with sessions() as session:
        made = days.sheet(session, first - timedelta(days=14), TUESDAY.date(), zone, TUESDAY)

    for one in made:
        assert not any(day.status is Status.ABSENT for day in one.days if day.day < first)
        # Turned, the pattern still begins its weeks on Mondays.
        assert {day.day.weekday() for day in one.days if day.plan.shift} == {0, 1, 2, 3, 4}

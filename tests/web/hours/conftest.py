"""Anna with an office shift, in today and in doubt on Friday."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import planning
from tests.factories import NOON
from tests.site_fixtures import Web

DAY = NOON.date()  # a Monday; NOON is 14:00 here


FRIDAY = DAY - timedelta(days=3)


OFFICE = Shift("Office", (Span(540, 1020),))


REPORTS = ("daily", "register", "timesheet", "lateness", "absence", "overtime", "presence")


@pytest.fixture
def anna(web: Web) -> int:
    """Rostered in the office; in on Friday at 09:40 and never out; in today at 08:58."""
    person_id = web.add("Anna Berg", department="Lab", staff_number="7")
    with web.sessions.begin() as session:
        shift = planning.save_shift(session, OFFICE, now=NOON)
        week = [shift.id] * 5 + [None] * 2
        planning.assign(session, [person_id], date(2024, 4, 1), None, week, now=NOON, by="ada")
    web.passage(at(9, 40, FRIDAY), person_id, direction=Direction.IN)
    web.passage(at(8, 58), person_id, direction=Direction.IN)
    return person_id


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """The site is two hours ahead of UTC in May."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=2)

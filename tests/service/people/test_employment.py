"""The first and last day of employment: the past stays as it was, and doors close by themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Status
from attendance.domain.hours.leave import shares_of
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours import days, periods
from attendance.service.hours.leave import requests
from attendance.service.people import employment
from attendance.store.people import people
from attendance.store.people.employment import employment_of
from attendance.store.session import Sessions
from tests.service.hours.conftest import BERLIN, MONDAY, NOW, add_person, local, passage, roster

FRIDAY = date(2024, 5, 17)


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions()


def test_a_leavers_absences_and_leave_before_the_last_day_stay(session: Session) -> None:
    """Deactivated on the 17th: absent on the 6th, leave on the 7th, nothing is asked from the 18th on."""
    anna = add_person(session)
    roster(session, anna)
    tuesday = MONDAY + timedelta(days=1)
    requests.add_leave(
        session, person_id=anna, kind="vacation", first=tuesday, last=tuesday, now=NOW, by="ada", approved=True
    )
    on = datetime(2024, 5, 17, 10, tzinfo=UTC)
    before = days.sheet(session, MONDAY, FRIDAY - timedelta(days=1), BERLIN, NOW)

    employment.set_active(session, anna, False, now=on, zone=BERLIN)

    assert days.sheet(session, MONDAY, FRIDAY - timedelta(days=1), BERLIN, NOW) == before
    (row,) = days.sheet(session, MONDAY, date(2024, 5, 24), BERLIN, NOW)
    assert sum(shares_of(day).absent for day in row.days) == 9  # the 6th, and the 8th to the 17th
    assert sum(shares_of(day).leave for day in row.days) == 1
    assert [day.status for day in row.days if day.day > FRIDAY] == [Status.UNPLANNED] * 7
    assert days.sheet(session, date(2024, 6, 3), date(2024, 6, 7), BERLIN, NOW) == []


def test_a_check_in_after_the_last_day_is_shown_and_asks_for_nothing(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    employment.set_days(session, anna, None, date(2024, 5, 3), now=NOW, zone=BERLIN)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("10:00"), Direction.OUT)

    (row,) = days.sheet(session, MONDAY, MONDAY, BERLIN, NOW)

    assert (row.worked, row.expected) == (3600, 0)


def test_nothing_is_asked_before_the_first_day(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)

    employment.set_days(session, anna, MONDAY + timedelta(days=1), None, now=NOW, zone=BERLIN)

    monday, tuesday = days.days_of(session, anna, MONDAY, MONDAY + timedelta(days=1), BERLIN, NOW)
    assert (monday.status, tuesday.status) == (Status.UNPLANNED, Status.ABSENT)


def test_a_last_day_that_is_over_deactivates_and_one_to_come_waits_for_its_midnight(session: Session) -> None:
    anna = add_person(session)
    assert not employment.set_days(session, anna, None, date(2024, 5, 31), now=NOW, zone=BERLIN)
    midnight = datetime(2024, 5, 31, 22, tzinfo=UTC)  # in Berlin

    assert people.lock_active_person(session, anna, midnight - timedelta(seconds=1)) is not None
    assert people.lock_active_person(session, anna, midnight) is None
    assert employment.end_what_is_over(session, now=midnight - timedelta(seconds=1), zone=BERLIN) == []
    assert employment.end_what_is_over(session, now=midnight, zone=BERLIN) == [anna]
    assert not people.get_person(session, anna).active
    assert employment_of(session, anna)[-1].last == date(2024, 5, 31)

    bert = add_person(session, "Bert")
    assert employment.set_days(session, bert, None, date(2024, 5, 1), now=NOW, zone=BERLIN)
    assert not people.get_person(session, bert).active


def test_who_comes_back_owes_nothing_for_the_time_between(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    employment.set_active(session, anna, False, now=datetime(2024, 5, 6, 10, tzinfo=UTC), zone=BERLIN)

    employment.set_active(session, anna, True, now=datetime(2024, 5, 15, 10, tzinfo=UTC), zone=BERLIN)

    row = days.days_of(session, anna, MONDAY, date(2024, 5, 17), BERLIN, NOW)
    assert [day.day.day for day in row if day.status is Status.ABSENT] == [6, 15, 16, 17]
    assert people.lock_active_person(session, anna, NOW) is not None


def test_a_deactivation_taken_back_on_the_same_day_leaves_no_gap(session: Session) -> None:
    anna = add_person(session)
    employment.set_active(session, anna, False, now=NOW, zone=BERLIN)
    employment.set_active(session, anna, True, now=NOW + timedelta(hours=1), zone=BERLIN)

    assert [(one.first, one.last) for one in employment_of(session, anna)] == [(None, None)]


def test_a_last_day_inside_a_closed_period_is_refused(session: Session) -> None:
    anna = add_person(session)
    periods.close(session, date(2024, 4, 1), date(2024, 4, 30), grace=timedelta(0), now=NOW, zone=BERLIN, by="ada")

    with pytest.raises(UserError, match="is closed"):
        employment.set_days(session, anna, None, date(2024, 4, 15), now=NOW, zone=BERLIN)
    employment.set_days(session, anna, None, date(2024, 4, 30), now=NOW, zone=BERLIN)


def test_days_the_wrong_way_round_are_refused(session: Session) -> None:
    anna = add_person(session)
    with pytest.raises(UserError, match="swap them"):
        employment.set_days(session, anna, MONDAY, MONDAY - timedelta(days=1), now=NOW, zone=BERLIN)

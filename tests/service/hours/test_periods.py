"""Closed periods: what they forbid, show and write down; on a real SQLite file."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.hours.shift import Kind, Shift, Span, Tier
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import days, periods, planning
from attendance.service.hours.leave import requests
from attendance.service.privacy.retention import forget_passages_older_than
from attendance.store.hours import corrections
from attendance.store.session import Sessions
from attendance.store.tables.hours import DayTotal
from tests.service.hours.conftest import (
    BERLIN,
    MONDAY,
    NIGHT,
    NOW,
    add_person,
    ask,
    local,
    passage,
    roster,
)


def close(session: Session, grace_days: int = 0) -> corrections.PeriodLock:
    return periods.close(
        session, MONDAY, MONDAY + timedelta(days=6), grace=timedelta(days=grace_days), now=NOW, zone=BERLIN, by="ada"
    )


def test_nothing_in_a_closed_period_can_be_changed_until_it_is_reopened(session: Session) -> None:
    anna = add_person(session)
    shift_id = roster(session, anna)
    lock = close(session)

    with pytest.raises(UserError, match="is closed"):
        ask(session, anna)
    with pytest.raises(UserError, match="is closed"):
        planning.set_day(session, anna, MONDAY, None, now=NOW, by="ada")
    with pytest.raises(UserError, match="is closed"):
        requests.add_leave(session, person_id=anna, kind="vacation", first=MONDAY, last=MONDAY, now=NOW, by="ada")
    with pytest.raises(UserError, match="closed period"):
        planning.save_shift(session, Shift("Office", (Span(600, 900),)), now=NOW, shift_id=shift_id)

    periods.reopen(session, lock.id, now=NOW, by="ada")
    assert ask(session, anna).state == "requested"


def test_within_the_grace_corrections_are_still_decided(session: Session) -> None:
    anna = add_person(session)
    row = ask(session, anna)
    close(session, grace_days=2)

    stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW + timedelta(days=1))

    with pytest.raises(UserError, match="is closed"):
        stored_corrections.withdraw_correction(session, row.id, by="ada", now=NOW + timedelta(days=3))


def test_what_is_approved_between_the_sum_and_the_closing_is_in_the_totals(sessions: Sessions) -> None:
    """The sum is taken in steps before the period is closed, so that no door waits for it."""
    first, last = MONDAY, MONDAY + timedelta(days=6)
    with sessions.begin() as session:
        anna = add_person(session)
        roster(session, anna)
        passage(session, anna, local("09:00"), Direction.IN)
        passage(session, anna, local("15:00"), Direction.OUT)
        row = stored_corrections.request_correction(
            session, person_id=anna, action="add", at=local("17:00"), direction=Direction.OUT, reason="forgot",
            by="anna", now=NOW, zone=BERLIN,
        )  # fmt: skip
    written = periods.write_down(sessions, first, last, now=NOW, zone=BERLIN)
    with sessions.begin() as session:
        stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)
    with sessions.begin() as session:
        lock = periods.close(
            session, first, last, grace=timedelta(0), now=NOW, zone=BERLIN, by="ada", written=written
        )  # fmt: skip

    assert periods.settle(sessions, written, first, last, now=NOW, zone=BERLIN) == 1
    with sessions() as session:
        assert periods.changes(session, lock, BERLIN, NOW) == []
    with sessions.begin() as session:
        periods.reopen(session, lock.id, now=NOW, by="ada")
    assert periods.settle(sessions, written, first, last, now=NOW, zone=BERLIN) == 0


def test_a_late_passage_after_the_closing_is_shown_and_not_hidden(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    lock = close(session)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("17:00"), Direction.OUT)

    (change,) = periods.changes(session, lock, BERLIN, NOW)

    assert (change.day, change.worked_then, change.worked_now) == (MONDAY, 0, 8 * 3600)


def test_a_period_that_is_not_over_cannot_be_closed(session: Session) -> None:
    with pytest.raises(UserError, match="once its last day is over"):
        periods.close(session, MONDAY, NOW.date(), grace=timedelta(0), now=NOW, zone=BERLIN, by="ada")


def test_the_roll_up_is_repeatable_and_finds_forgotten_check_outs(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    passage(session, anna, local("09:00", date(2024, 5, 17)), Direction.IN)

    first, again = periods.roll_up(session, BERLIN, NOW), periods.roll_up(session, BERLIN, NOW)

    assert first.days == again.days == 7
    assert [day.day for _, day in first.forgotten] == [date(2024, 5, 17)]
    assert len(session.scalars(select(DayTotal)).all()) == 7


def test_forgetting_passages_leaves_the_totals(session: Session) -> None:
    anna = add_person(session)
    passage(session, anna, local("09:00", date(2024, 5, 17)), Direction.IN)
    periods.roll_up(session, BERLIN, NOW)

    assert forget_passages_older_than(session, NOW, BERLIN) == 1
    assert len(session.scalars(select(DayTotal)).all()) == 7


FLEX = Shift("Flex", (Span(420, 1200),), kind=Kind.FLEXIBLE, required=468, weekly=(Tier(2400, 1.25),))


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_months_overtime_is_that_of_its_parts_however_it_is_cut(sessions: Sessions, data: st.DataObject) -> None:
    first, last = date(2024, 4, 1), date(2024, 4, 30)
    month = [first + timedelta(days=number) for number in range(30)]
    lengths = data.draw(st.lists(st.integers(0, 11), min_size=30, max_size=30))
    cuts = data.draw(st.sets(st.integers(1, 29), max_size=6))
    with sessions() as session:
        anna = add_person(session)
        roster(session, anna, FLEX)
        for which, length in zip(month, lengths, strict=True):
            if length:
                passage(session, anna, local("08:00", which), Direction.IN)
                passage(session, anna, local(f"{8 + length}:00", which), Direction.OUT)

        def overtime(begin: date, end: date) -> int:
            return sum(one.overtime for one in days.days_of(session, anna, begin, end, BERLIN, NOW))

        starts = [0, *sorted(cuts), 30]
        parts = [overtime(month[a], month[b - 1]) for a, b in pairwise(starts)]
        # By hand: April 2024 begins on a Monday; what a week has above 40 hours.
        weeks = [lengths[number : number + 7] for number in range(0, 30, 7)]
        whole = sum(max(0, sum(week) - 40) for week in weeks) * 3600

        assert overtime(first, last) == sum(parts) == whole
        session.rollback()


def test_a_closed_part_of_a_week_is_written_down_with_its_weekly_overtime(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna, FLEX)
    for number in range(5):
        passage(session, anna, local("08:00", MONDAY + timedelta(days=number)), Direction.IN)
        passage(session, anna, local("17:00", MONDAY + timedelta(days=number)), Direction.OUT)

    thursday = MONDAY + timedelta(days=3)
    periods.close(session, thursday, thursday + timedelta(days=3), grace=timedelta(0), now=NOW, zone=BERLIN, by="ada")

    written = session.scalars(select(DayTotal).order_by(DayTotal.day)).all()
    assert [one.overtime for one in written] == [0, 5 * 3600, 0, 0]


def test_a_night_that_is_still_running_cannot_be_closed_and_its_hours_are_not_lost(session: Session) -> None:
    nora = add_person(session, "Nora Kern")
    roster(session, nora, NIGHT)
    friday = date(2024, 5, 31)
    passage(session, nora, local("22:00", friday), Direction.IN)

    def close_may(at: datetime) -> None:
        periods.close(session, date(2024, 5, 1), friday, grace=timedelta(0), now=at, zone=BERLIN, by="ada")

    with pytest.raises(UserError, match="2024-05-31 of Nora Kern is still running"):
        close_may(local("00:30", date(2024, 6, 1)))

    passage(session, nora, local("06:00", date(2024, 6, 1)), Direction.OUT)
    close_may(local("06:30", date(2024, 6, 1)))
    (total,) = session.scalars(select(DayTotal).where(DayTotal.day == friday, DayTotal.person_id == nora)).all()
    assert total.worked == 8 * 3600


def test_a_night_to_which_nobody_came_yet_cannot_be_closed_either(session: Session) -> None:
    roster(session, add_person(session, "Nora Kern"), NIGHT)
    friday = date(2024, 5, 31)

    with pytest.raises(UserError, match="is still running"):
        periods.close(
            session, friday, friday, grace=timedelta(0), now=local("00:30", date(2024, 6, 1)), zone=BERLIN, by="ada"
        )

"""Shifts, rosters, leave and holidays; on a real SQLite file."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, SessionTransaction

from attendance.domain.hours.day import Status
from attendance.domain.hours.shift import Half, Shift, Span
from attendance.errors import UserError
from attendance.service.hours import periods, planning
from attendance.service.hours.leave import requests
from attendance.store.hours import calendars, rosters
from attendance.store.session import Sessions
from tests.service.hours.conftest import (
    BERLIN,
    MONDAY,
    NIGHT,
    NOW,
    add_person,
    add_shift,
    day,
    roster,
)


def test_a_new_roster_ends_the_old_one_the_day_before(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    night = add_shift(session, NIGHT)

    planning.assign(session, [anna], MONDAY, None, [night], now=NOW, by="test")

    plans = rosters.plans(session, [anna], MONDAY - timedelta(days=3), MONDAY)[anna]
    assert [plan.shift.name if plan.shift else None for plan in plans.values()] == ["Office", None, None, "Night"]


def test_an_interval_within_a_rotation_does_not_move_its_turn(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna, first=MONDAY)
    night = add_shift(session, NIGHT)
    after = MONDAY + timedelta(days=10)
    planning.assign(session, [anna], MONDAY + timedelta(days=1), MONDAY + timedelta(days=9), [night], now=NOW, by="t")

    plans = rosters.plans(session, [anna], after, after + timedelta(days=6))[anna]

    assert [plan.shift is not None for plan in plans.values()] == [day.weekday() < 5 for day in plans]


def test_everybody_is_rostered_in_short_transactions_or_nobody(sessions: Sessions) -> None:
    with sessions.begin() as session:
        ids = [add_person(session, f"Packer {number}") for number in range(150)]
        office, night = add_shift(session), add_shift(session, NIGHT)
        planning.assign(session, ids, MONDAY - timedelta(days=60), None, [office], now=NOW, by="t")
    written: list[int] = []

    def begun(_session: Session, _transaction: SessionTransaction, _connection: Connection) -> None:
        written.append(0)

    def flushed(session: Session, _context: object) -> None:
        written[-1] += len(session.new) + len(session.dirty) + len(session.deleted)

    event.listen(sessions.class_, "after_begin", begun)
    event.listen(sessions.class_, "after_flush", flushed)
    try:
        last = MONDAY + timedelta(days=6)
        assert planning.assign_in_steps(sessions, ids, MONDAY, last, [night], now=NOW, by="t") == 150
    finally:
        event.remove(sessions.class_, "after_begin", begun)
        event.remove(sessions.class_, "after_flush", flushed)

    assert sum(written) == 450
    assert max(written) <= planning.MOST_ROWS
    with sessions() as session:
        before = len(rosters.rosters_of(session))
    with pytest.raises(UserError, match="has a roster"):  # what goes on after the nights begins in these days
        planning.assign_in_steps(sessions, ids[::-1], last, last + timedelta(days=3), [office], now=NOW, by="t")
    with sessions() as session:
        assert len(rosters.rosters_of(session)) == before


def test_overlapping_rosters_are_refused_with_the_name(session: Session) -> None:
    anna = add_person(session)
    shift_id = roster(session, anna, first=MONDAY)

    with pytest.raises(UserError, match="Anna Berg has a roster from 2024-05-06"):
        planning.assign(
            session, [anna], MONDAY - timedelta(days=2), MONDAY + timedelta(days=2), [shift_id], now=NOW, by="t"
        )


def test_overlapping_shifts_are_refused(session: Session) -> None:
    anna = add_person(session)
    night, dawn = add_shift(session, NIGHT), add_shift(session, Shift("Dawn", (Span(300, 780),)))
    words = "Night ends at 06:00 on the day after, when Dawn has begun at 05:00"

    with pytest.raises(UserError, match=words):
        planning.assign(session, [anna], MONDAY, None, [night, dawn, None], now=NOW, by="t")
    planning.assign(session, [anna], MONDAY, None, [night, None], now=NOW, by="t")
    with pytest.raises(UserError, match=words):
        planning.set_day(session, anna, MONDAY + timedelta(days=1), dawn, now=NOW, by="t")


def test_one_day_may_differ_from_the_pattern(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    planning.set_day(session, anna, MONDAY, None, now=NOW, by="ada")

    assert day(session, anna).status is Status.OFF


def test_leave_explains_an_absence_and_is_taken_back(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    row = requests.add_leave(
        session, person_id=anna, kind="vacation", first=MONDAY, last=MONDAY, half=Half.WHOLE, now=NOW, by="ada",
        approved=True,
    )  # fmt: skip
    assert day(session, anna).status is Status.LEAVE
    with pytest.raises(UserError, match="already"):
        requests.add_leave(session, person_id=anna, kind="sickness", first=MONDAY, last=MONDAY, now=NOW, by="ada")

    requests.decide_leave(session, row.id, "withdrawn", now=NOW, by="ada")

    assert day(session, anna).status is Status.ABSENT


def test_public_holidays_come_from_the_library(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)

    assert planning.import_holidays(session, "de", "by", 2024, now=NOW).entered > 9
    assert day(session, anna, date(2024, 5, 1)).status is Status.HOLIDAY
    with pytest.raises(UserError, match="no holidays are known for XX"):
        planning.import_holidays(session, "XX", "", 2024, now=NOW)


def test_a_year_of_holidays_is_imported_around_a_closed_january(session: Session) -> None:
    periods.close(session, date(2024, 1, 1), date(2024, 1, 31), grace=timedelta(0), now=NOW, zone=BERLIN, by="ada")

    found = planning.import_holidays(session, "de", "by", 2024, now=NOW)

    days = {row.day for row in calendars.holidays_between(session, date(2024, 1, 1), date(2024, 12, 31))}
    assert found.closed == 2  # New Year and Epiphany
    assert found.entered == len(days) > 9
    assert min(days) > date(2024, 1, 31)


def test_a_shift_that_was_an_exception_in_a_closed_period_is_not_edited(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    night = add_shift(session, NIGHT)
    planning.set_day(session, anna, MONDAY, night, now=NOW, by="ada")
    periods.close(session, MONDAY, MONDAY, grace=timedelta(0), now=NOW, zone=BERLIN, by="ada")

    with pytest.raises(UserError, match="worked in a closed period"):
        planning.save_shift(session, Shift("Night", (Span(1380, 1800),)), now=NOW, shift_id=night)

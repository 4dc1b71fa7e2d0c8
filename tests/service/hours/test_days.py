"""Days from the database: passages, shifts and leave put together; on a real SQLite file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Sense, Status
from attendance.domain.passage import Direction
from attendance.service.hours import days, periods, planning
from attendance.store.access import events
from attendance.store.hours import corrections, rosters
from attendance.store.people import people
from attendance.store.tables.hours import DayTotal
from tests.factories import make_passage
from tests.service.hours.conftest import (
    BERLIN,
    MONDAY,
    NIGHT,
    NOW,
    add_person,
    ask,
    day,
    local,
    passage,
    roster,
)


def test_passages_become_a_day(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("17:00"), Direction.OUT)

    assert day(session, anna).worked == 8 * 3600
    assert day(session, anna).status is Status.WORKED


def test_without_passages_a_rostered_day_is_absent_and_an_unrostered_one_is_not(session: Session) -> None:
    anna, bert = add_person(session), add_person(session, "Bert Lind")
    roster(session, anna)

    assert day(session, anna).status is Status.ABSENT
    assert day(session, bert).status is Status.UNPLANNED


def test_a_refusal_is_nobodys_working_time(session: Session) -> None:
    anna = add_person(session)
    events.record_passage(session, make_passage(local("09:00")))

    assert day(session, anna).spells == ()


def test_today_says_who_is_here_late_and_absent(session: Session) -> None:
    anna, bert, carl = (add_person(session, name) for name in ("Anna", "Bert", "Carl"))
    shift_id = roster(session, anna)
    planning.assign(session, [bert, carl], MONDAY, None, [shift_id], now=NOW, by="test")
    passage(session, anna, local("08:59"))
    passage(session, bert, local("09:40"))

    today = days.today(session, local("10:00"), BERLIN)

    assert [one.person.name for one in today.here] == ["Anna", "Bert"]
    assert [one.person.name for one in today.late] == ["Bert"]
    assert [one.person.name for one in today.absent] == ["Carl"]


def test_a_night_that_is_still_running_counts_with_its_own_day(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna, NIGHT)
    passage(session, anna, local("21:58"), Direction.IN)

    today = days.today(session, local("02:00", MONDAY + timedelta(days=1)), BERLIN)

    assert [one.day.day for one in today.here] == [MONDAY]


def test_a_kiosk_learns_what_the_next_passage_would_be(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    passage(session, anna, local("09:00"))

    found = days.next_inference(session, anna, local("12:00"), BERLIN)

    assert (found.sense, found.in_doubt) == (Sense.OUT, False)


def test_who_was_deactivated_keeps_the_days_worked_before(session: Session) -> None:
    anna, bert = add_person(session), add_person(session, "Bert Lind")
    roster(session, anna)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("17:00"), Direction.OUT)
    people.set_active(session, anna, False, at=NOW)
    people.set_active(session, bert, False, at=NOW)

    row, _bert = days.sheet(session, MONDAY, MONDAY + timedelta(days=1), BERLIN, NOW)

    assert (row.person.id, row.worked) == (anna, 8 * 3600)
    assert [one.status for one in row.days] == [Status.WORKED, Status.ABSENT]


def test_an_erased_person_leaves_no_working_time_behind(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    ask(session, anna)
    periods.roll_up(session, BERLIN, NOW)

    people.delete_person(session, anna, at=NOW)
    session.flush()

    assert rosters.rosters_of(session) == []
    assert corrections.corrections(session) == []
    assert session.scalars(select(DayTotal)).all() == []


def test_a_time_in_the_future_is_counted_where_days_to_look_at_are_counted(session: Session) -> None:
    anna, today = add_person(session), NOW.astimezone(BERLIN).date()
    roster(session, anna)
    passage(session, anna, local("17:00", today), Direction.OUT)  # it is 14:00

    row = days.sheet(session, MONDAY, today, BERLIN, NOW)[0]

    assert row.days[-1].wants_look
    assert not row.days[-1].finished
    assert row.days_to_look_at == sum(day.wants_look for day in row.days)


def test_people_in_blocks_have_the_days_that_they_have_together(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = [add_person(session, f"Person {number}") for number in range(5)]
    shift = roster(session, everybody[0])
    planning.assign(session, everybody[3:], MONDAY, None, [shift], now=NOW, by="test")
    for number, person in enumerate(everybody):
        passage(session, person, local("08:50"))
        passage(session, person, local(f"1{number}:30"))
    last = MONDAY + timedelta(days=2)
    together = days.sheet(session, MONDAY, last, BERLIN, NOW)

    monkeypatch.setattr(days, "BLOCK", 2)

    assert days.sheet(session, MONDAY, last, BERLIN, NOW) == together
    assert [row.person.name for row in together] == [f"Person {number}" for number in range(5)]

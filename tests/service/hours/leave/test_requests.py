"""Leave asked for, entered, decided and withdrawn; on a real SQLite file."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from attendance.domain.hours.leave import shares_of
from attendance.domain.hours.shift import Half
from attendance.errors import UserError
from attendance.service.hours import days, planning
from attendance.service.hours.leave import requests
from attendance.service.hours.reports.exports import leave_ical
from attendance.service.hours.reports.report_lists import absence
from tests.service.hours.conftest import BERLIN, MONDAY, NOW, add_person, day, roster


def add(session: Session, person_id: int, **changes: object) -> requests.LeaveRow:
    values: dict[str, object] = {
        "person_id": person_id, "kind": "vacation", "first": MONDAY, "last": MONDAY, "now": NOW, "by": "ada",
        "approved": True,
    }  # fmt: skip
    return requests.add_leave(session, **(values | changes))  # type: ignore[arg-type]


def test_a_holiday_inside_leave_is_not_taken_from_it(session: Session) -> None:
    """Wednesday 22 to Tuesday 28 May with a holiday on Thursday: four working days of leave, and not five."""
    anna = add_person(session)
    roster(session, anna)
    planning.add_holiday(session, date(2024, 5, 23), "Founders' Day", now=NOW)
    add(session, anna, first=date(2024, 5, 22), last=date(2024, 5, 28))
    sheet = days.sheet(session, date(2024, 5, 1), date(2024, 5, 31), BERLIN, NOW)

    assert sum(shares_of(one).leave for one in sheet[0].days) == 4
    table = absence(sheet)
    rows = [row for row in table.rows if row[5] == "vacation"]
    assert len(rows) == 4
    assert sum(row[-1] for row in rows) == 4
    assert leave_ical(sheet, NOW, "Site").count(b"BEGIN:VEVENT") == 4


def test_two_halves_of_one_day_are_two_leaves(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    add(session, anna, half=Half.FIRST)
    add(session, anna, half=Half.SECOND, kind="sickness")

    found = day(session, anna)

    assert [one.kind for one in found.plan.leaves] == ["vacation", "sickness"]
    assert shares_of(found).leave == 1
    table = absence(days.sheet(session, MONDAY, MONDAY, BERLIN, NOW))
    assert [row[-2] for row in table.rows] == [0.5, 0.5]


@pytest.mark.parametrize("half", [Half.FIRST, Half.WHOLE])
def test_the_same_half_is_not_taken_twice(session: Session, half: Half) -> None:
    anna = add_person(session)
    add(session, anna, half=Half.FIRST)

    with pytest.raises(UserError, match="there is leave from 2024-05-06"):
        add(session, anna, half=half)


def test_leave_begins_and_ends_at_midday(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    wednesday = MONDAY + timedelta(days=2)
    add(session, anna, last=wednesday, half=Half.SECOND, last_half=Half.FIRST)

    found = days.days_of(session, anna, MONDAY, wednesday, BERLIN, NOW)

    assert [shares_of(one).leave for one in found] == [0.5, 1, 0.5]
    add(session, anna, half=Half.FIRST)  # the morning before it begins is free


def test_a_half_in_the_middle_of_leave_is_refused(session: Session) -> None:
    anna = add_person(session)
    with pytest.raises(UserError, match="enter any other half day separately"):
        add(session, anna, last=MONDAY + timedelta(days=2), half=Half.FIRST)


def test_nobody_decides_about_their_own_leave(session: Session) -> None:
    anna = add_person(session)
    row = add(session, anna, approved=False)

    with pytest.raises(UserError, match="nobody decides about themselves"):
        requests.decide_leave(session, row.id, "approved", now=NOW, by="ada", decider=anna)
    with pytest.raises(UserError, match="nobody decides about themselves"):
        add(session, anna, first=MONDAY + timedelta(days=1), last=MONDAY + timedelta(days=1), decider=anna)
    assert row.state == "requested"


def test_a_person_withdraws_only_a_request_of_their_own_that_waits(session: Session) -> None:
    anna, bert = add_person(session), add_person(session, "Bert")
    row = add(session, anna, approved=False)

    with pytest.raises(UserError, match="there is no leave"):
        requests.withdraw_own_request(session, row.id, bert, now=NOW)
    requests.withdraw_own_request(session, row.id, anna, now=NOW)

    assert row.state == "withdrawn"
    done = add(session, anna)
    with pytest.raises(UserError, match="approved already"):
        requests.withdraw_own_request(session, done.id, anna, now=NOW)

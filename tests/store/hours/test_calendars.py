"""Two people of two regions on the same holiday, and who has which calendar from which day on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store.hours import calendars, rosters
from attendance.store.operators.department_scope import narrowed
from attendance.store.people import departments, people
from attendance.store.session import Sessions
from tests.factories import NOON

ASSUMPTION, UNITY = date(2024, 8, 15), date(2024, 10, 3)
JULY, OCTOBER = date(2024, 7, 1), date(2024, 10, 1)


@dataclass
class Staff:
    session: Session
    anna: int  # of Munich
    bo: int  # of Berlin
    bavaria: int

    def holiday(self, person_id: int, day: date = ASSUMPTION) -> str | None:
        return rosters.plans(self.session, [person_id], day, day)[person_id][day].holiday


@pytest.fixture
def staff(sessions: Sessions) -> Iterator[Staff]:
    """Assumption Day is a holiday of Bavaria only, German Unity Day of both."""
    with sessions.begin() as session:
        anna, bo = (
            people.create_person(session, name=name, department=department, at=NOON).id
            for name, department in (("Anna", "Munich"), ("Bo", "Berlin"))
        )
        calendars.put_holiday(session, UNITY, "German Unity Day", "by hand")
        bavaria = calendars.add_calendar(session, " Bavaria ").id
        calendars.put_holiday(session, ASSUMPTION, "Assumption Day", "by hand", bavaria)
        calendars.put_holiday(session, UNITY, "German Unity Day", "by hand", bavaria)
        yield Staff(session, anna, bo, bavaria)


def test_people_of_two_regions_have_their_own_holidays(staff: Staff) -> None:
    assert (staff.holiday(staff.anna), staff.holiday(staff.bo)) == (None, None)

    calendars.choose_for_department(staff.session, "Munich", calendars.BEGINNING, staff.bavaria)

    assert (staff.holiday(staff.anna), staff.holiday(staff.bo)) == ("Assumption Day", None)
    assert staff.holiday(staff.anna, UNITY) == staff.holiday(staff.bo, UNITY) == "German Unity Day"


@pytest.mark.parametrize(
    ("department", "person", "found"),
    [
        # Choices as (first day, Bavaria or the one above); Assumption Day lies between July and October.
        ([], [], None),
        ([(JULY, True)], [], "Assumption Day"),
        ([(OCTOBER, True)], [], None),
        ([(calendars.BEGINNING, True), (JULY, False)], [], None),
        ([], [(JULY, True)], "Assumption Day"),
        ([], [(ASSUMPTION, True)], "Assumption Day"),
        ([], [(date(2024, 8, 16), True)], None),
        ([], [(calendars.BEGINNING, True), (JULY, False)], None),
        ([(JULY, True)], [(calendars.BEGINNING, True), (JULY, False)], "Assumption Day"),
    ],
)
def test_the_newest_choice_holds_and_a_persons_before_the_departments(
    staff: Staff, department: list[tuple[date, bool]], person: list[tuple[date, bool]], found: str | None
) -> None:
    for first, bavaria in department:
        calendars.choose_for_department(staff.session, "Munich", first, staff.bavaria if bavaria else None)
    for first, bavaria in person:
        calendars.choose_for_person(staff.session, staff.anna, first, staff.bavaria if bavaria else None)

    assert staff.holiday(staff.anna) == found
    assert staff.holiday(staff.bo) is None


def test_who_changes_the_department_keeps_the_holidays_of_before(staff: Staff) -> None:
    calendars.choose_for_department(staff.session, "Munich", calendars.BEGINNING, staff.bavaria)
    second = date(2025, 8, 15)
    calendars.put_holiday(staff.session, second, "Assumption Day", "by hand", staff.bavaria)

    at = datetime(2024, 12, 1, tzinfo=UTC)
    people.update_person(staff.session, staff.anna, at=at, department="Berlin")
    people.update_person(staff.session, staff.bo, at=at, department="Munich")

    assert (staff.holiday(staff.anna), staff.holiday(staff.bo)) == ("Assumption Day", None)
    assert (staff.holiday(staff.anna, second), staff.holiday(staff.bo, second)) == (None, "Assumption Day")


def test_a_renamed_department_keeps_its_calendar_and_a_joined_one_its_past(staff: Staff) -> None:
    calendars.choose_for_department(staff.session, "Munich", calendars.BEGINNING, staff.bavaria)

    departments.rename(staff.session, "Munich", "South", at=NOON)
    assert staff.holiday(staff.anna) == "Assumption Day"

    departments.rename(staff.session, "South", "Berlin", at=datetime(2024, 9, 1, tzinfo=UTC), join=True)
    assert (staff.holiday(staff.anna), staff.holiday(staff.bo)) == ("Assumption Day", None)
    assert calendars.department_choices(staff.session) == {}


def test_supervisors_see_the_holidays_that_their_people_have(staff: Staff, sessions: Sessions) -> None:
    calendars.choose_for_department(staff.session, "Munich", calendars.BEGINNING, staff.bavaria)
    staff.session.commit()

    with narrowed(sessions, ["Munich"])() as session:
        plan = rosters.plans(session, [staff.anna], ASSUMPTION, ASSUMPTION)[staff.anna][ASSUMPTION]
    assert plan.holiday == "Assumption Day"


def test_a_calendar_has_a_name_that_is_free(staff: Staff) -> None:
    with pytest.raises(UserError, match="there is a calendar Bavaria already"):
        calendars.add_calendar(staff.session, "Bavaria")
    with pytest.raises(UserError, match="1 to 100 letters"):
        calendars.add_calendar(staff.session, "  ")
    with pytest.raises(UserError, match="there is no calendar 99"):
        calendars.get_calendar(staff.session, 99)

"""In and out of the stored passages do not depend on the dates that somebody asks for, nor on retention."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.service.hours import days, muster
from attendance.service.hours.day_words import Local
from attendance.service.hours.reports import exports, report_lists
from attendance.service.privacy.retention import forget_passages_older_than
from attendance.store.access import events
from attendance.store.hours.edges import edges
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import make_passage
from tests.service.hours.conftest import BERLIN, NIGHT, NOW, add_person, local, passage, roster

MAY = date(2024, 5, 1)


def guard(session: Session, first: date = MAY, nights: int = 10, name: str = "Gerda Nacht") -> int:
    """In at 21:55 and out at 06:05 each night; nobody says which way."""
    person = add_person(session, name)
    for number in range(nights):
        night = first + timedelta(days=number)
        passage(session, person, local("21:55", night))
        passage(session, person, local("06:05", night + timedelta(days=1)))
    return person


@pytest.mark.parametrize("first", [MAY - timedelta(days=1), MAY, date(2024, 5, 4), date(2024, 5, 8)])
def test_a_guards_night_has_the_same_hours_wherever_a_report_begins(session: Session, first: date) -> None:
    gerda = guard(session)

    found = days.days_of(session, gerda, first, date(2024, 5, 10), BERLIN, NOW)

    assert {day.worked for day in found if day.day >= MAY} == {8 * 3600 + 600}
    assert not any(day.wants_look for day in found)


def test_exports_agree_on_a_day_that_is_in_both(session: Session) -> None:
    guard(session)
    day, last = date(2024, 5, 6), date(2024, 5, 10)

    def lines(first: date) -> list[str]:
        sheet = days.sheet(session, first, last, BERLIN, NOW)
        return [line for line in "".join(exports.zk_csv(sheet, BERLIN)).splitlines() if f"{day} 21" in line]

    assert lines(MAY - timedelta(days=1)) == lines(date(2024, 5, 4)) == lines(day)
    assert lines(day)[0].split(",")[2] == "0"  # in


def test_the_evacuation_list_names_the_guard_in_the_building_and_not_the_one_at_home(session: Session) -> None:
    guard(session)  # the tenth night ends on the 11th
    home = guard(session, MAY - timedelta(days=30), 35, "Hanna Heim")  # the last one began on the 5th
    at = local("02:00", date(2024, 5, 9))

    table = report_lists.presence(muster.listed(session, None, at, BERLIN), at, Local(BERLIN))

    assert [row[1] for row in table.rows] == ["Gerda Nacht"]
    assert home not in days.people_here(session, at, BERLIN)
    # And at noon nobody is left of the night.
    noon = local("12:00", date(2024, 5, 9))
    assert days.today(session, noon, BERLIN).here == []


def test_a_year_without_a_day_off_is_read_back_to_its_first_night(session: Session) -> None:
    gerda = guard(session, date(2023, 5, 10), 365)

    (day,) = days.days_of(session, gerda, MAY, MAY, BERLIN, NOW)

    assert day.worked == 8 * 3600 + 600


def test_what_retention_deletes_turns_no_later_passage_round(session: Session) -> None:
    gerda = guard(session)
    before = days.days_of(session, gerda, date(2024, 5, 5), date(2024, 5, 10), BERLIN, NOW)

    # In the middle of the night that began on the 5th.
    forget_passages_older_than(session, local("02:00", date(2024, 5, 6)), BERLIN)

    edge = edges(session, {gerda})[gerda]
    assert edge.open is not None
    assert edge.open.at == local("21:55", date(2024, 5, 5))
    after = days.days_of(session, gerda, date(2024, 5, 5), date(2024, 5, 10), BERLIN, NOW)
    assert [day.spells for day in after] == [day.spells for day in before]


def test_the_edge_of_retention_moves_on_with_it(session: Session) -> None:
    gerda = guard(session)
    for day in range(4, 9):
        forget_passages_older_than(session, local("12:00", date(2024, 5, day)), BERLIN)

    assert edges(session, {gerda})[gerda].open is None
    last = date(2024, 5, 10)
    assert days.days_of(session, gerda, last, last, BERLIN, NOW)[0].worked == 8 * 3600 + 600


def test_the_edge_goes_with_the_person(session: Session) -> None:
    gerda = guard(session)
    forget_passages_older_than(session, local("02:00", date(2024, 5, 6)), BERLIN)

    people.delete_person(session, gerda, at=NOW)
    session.flush()

    assert edges(session, {gerda}) == {}


def test_a_rostered_night_worker_leaves_in_the_morning_on_every_day(session: Session) -> None:
    nora = add_person(session, "Nora Kern")
    roster(session, nora, NIGHT, date(2024, 4, 1))
    for number in range(5):
        night = date(2024, 5, 6) + timedelta(days=number)
        passage(session, nora, local("21:55", night))
        morning = local("06:05", night + timedelta(days=1))
        found = days.next_inference(session, nora, morning, BERLIN)

        assert (found.sense.value, found.in_doubt) == ("out", False), night
        passage(session, nora, morning)
        assert days.seconds_on_work_day(session, nora, morning, BERLIN, morning) == 8 * 3600 + 600


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_two_spans_that_hold_a_day_agree_on_it(sessions: Sessions, data: st.DataObject) -> None:
    with sessions() as session:
        person = add_person(session, "Any Body")
        clock = data.draw(st.lists(st.integers(0, 1439), min_size=1, max_size=3))
        missed = data.draw(st.sets(st.integers(0, 60), max_size=5))
        ways = data.draw(st.sampled_from([[Direction.UNKNOWN], list(Direction)]))
        instants = [
            datetime(2024, 4, 1, tzinfo=UTC) + timedelta(days=day, minutes=minute)
            for day in range(20)
            for minute in clock
        ]
        for number, at in enumerate(instants):
            if number not in missed:
                way = data.draw(st.sampled_from(ways))
                events.record_passage(session, make_passage(at, person_id=person, direction=way))
        whole = {
            day.day: day for day in days.days_of(session, person, date(2024, 3, 25), date(2024, 4, 25), BERLIN, NOW)
        }

        for _ in range(4):
            first = date(2024, 3, 28) + timedelta(days=data.draw(st.integers(0, 24)))
            last = first + timedelta(days=data.draw(st.integers(0, 5)))
            for day in days.days_of(session, person, first, last, BERLIN, NOW):
                if day.day in whole:
                    assert day == whole[day.day]
        session.rollback()

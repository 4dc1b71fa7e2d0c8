"""Days from the database, corrections beside the originals, closed periods, rosters: on a real SQLite file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Flag, Sense, Status
from attendance.domain.hours.shift import Half, Kind, Shift, Span, Tier
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import days, periods, planning
from attendance.service.privacy.retention import forget_passages_older_than
from attendance.store.access import events
from attendance.store.hours import corrections, rosters
from attendance.store.people import people
from attendance.store.session import Sessions
from attendance.store.tables import access
from attendance.store.tables.hours import DayTotal
from tests.factories import make_passage

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2024, 5, 6)
NOW = datetime(2024, 5, 20, 12, tzinfo=UTC)
OFFICE = Shift("Office", (Span(540, 1020),))
NIGHT = Shift("Night", (Span(1320, 1800),))
WEEK = [1, 1, 1, 1, 1, 0, 0]


def local(text: str, day: date = MONDAY) -> datetime:
    hour, minute = (int(one) for one in text.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def add_person(session: Session, name: str = "Anna Berg", **columns: str) -> int:
    return people.create_person(session, name=name, at=NOW, **columns).id


def add_shift(session: Session, shift: Shift = OFFICE) -> int:
    return planning.save_shift(session, shift, now=NOW).id


def roster(session: Session, person_id: int, shift: Shift = OFFICE, first: date = date(2024, 4, 1)) -> int:
    shift_id = add_shift(session, shift)
    planning.assign(session, [person_id], first, None, [shift_id if one else None for one in WEEK], now=NOW, by="test")
    return shift_id


def passage(session: Session, person_id: int, at: datetime, direction: Direction = Direction.UNKNOWN) -> str:
    made = make_passage(at, person_id=person_id, direction=direction)
    events.record_passage(session, made)
    return made.id


def day(session: Session, person_id: int, which: date = MONDAY) -> days.Day:
    return days.days_of(session, person_id, which, which, BERLIN, NOW)[0]


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions()


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


# --- today ---


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


# --- corrections ---


def ask(session: Session, person_id: int, **changes: object) -> corrections.Correction:
    values: dict[str, object] = {
        "person_id": person_id, "action": "add", "at": local("17:00"), "direction": Direction.OUT,
        "reason": "Forgot.", "by": "anna", "now": NOW, "zone": BERLIN,
    }  # fmt: skip
    return stored_corrections.request_correction(session, **(values | changes))  # type: ignore[arg-type]


def test_an_approved_correction_counts_and_the_original_stays(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    original = passage(session, anna, local("09:00"), Direction.IN)
    row = ask(session, anna)
    assert Flag.MISSING_OUT in day(session, anna).flags

    stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)

    assert day(session, anna).worked == 8 * 3600
    assert {Flag.CORRECTED} == set(day(session, anna).flags)
    assert session.get(access.Passage, original) is not None
    assert (row.requested_by, row.decided_by, row.state) == ("anna", "ada", "approved")


def test_a_voided_passage_stays_on_record_and_comes_back_when_the_decision_is_taken_back(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    wrong = passage(session, anna, local("06:30"), Direction.IN)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("17:00"), Direction.OUT)
    row = ask(session, anna, action="void", passage_id=wrong)
    stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)
    assert day(session, anna).first_in == local("09:00")

    stored_corrections.withdraw_correction(session, row.id, by="ada", now=NOW)

    assert day(session, anna).first_in == local("06:30")


def test_a_refused_correction_changes_nothing(session: Session) -> None:
    anna = add_person(session)
    row = ask(session, anna)
    stored_corrections.decide_correction(session, row.id, approve=False, by="ada", now=NOW)

    assert day(session, anna).used == ()
    with pytest.raises(UserError, match="refused already"):
        stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)


def test_of_two_who_decide_at_once_the_second_is_told(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = ask(session, add_person(session))
    first, second = sessions(), sessions()
    corrections.get_correction(second, row.id)  # read while it still waited
    stored_corrections.decide_correction(first, row.id, approve=True, by="ada", now=NOW)
    first.commit()

    with pytest.raises(UserError, match="was approved already"):
        stored_corrections.decide_correction(second, row.id, approve=False, by="bea", now=NOW)
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "  "}, "needs a reason"),
        ({"at": NOW + timedelta(hours=1)}, "in the future"),
        ({"at": None}, "at what time"),
        ({"action": "void", "passage_id": "nothing"}, "no such check-in"),
        ({"action": "rewrite"}, "adds a check-in or takes one away"),
    ],
)
def test_what_cannot_be_corrected_is_refused_in_words(session: Session, changes: dict[str, object], words: str) -> None:
    anna = add_person(session)

    with pytest.raises(UserError, match=words):
        ask(session, anna, **changes)


def test_somebody_elses_passage_cannot_be_voided(session: Session) -> None:
    anna, bert = add_person(session), add_person(session, "Bert")
    his = passage(session, bert, local("09:00"))

    with pytest.raises(UserError, match="no such check-in of this person"):
        ask(session, anna, action="void", passage_id=his)


def test_the_same_correction_is_asked_for_once(session: Session) -> None:
    anna = add_person(session)
    ask(session, anna)

    with pytest.raises(UserError, match="already"):
        ask(session, anna)


def test_the_end_of_a_night_is_corrected_on_the_day_the_night_began(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna, NIGHT)

    assert ask(session, anna, at=local("06:00", MONDAY + timedelta(days=1))).day == MONDAY


def test_a_passage_can_be_undone_within_a_minute_and_not_later(session: Session) -> None:
    anna = add_person(session)
    first = passage(session, anna, local("09:00"))
    late = passage(session, anna, local("12:00"))

    stored_corrections.undo_passage(session, first, anna, now=local("09:00") + timedelta(seconds=50), zone=BERLIN)

    assert [one.punch.id for one in day(session, anna).used] == [late]
    with pytest.raises(UserError, match="older than a minute"):
        stored_corrections.undo_passage(session, late, anna, now=local("12:02"), zone=BERLIN)


# --- closed periods ---


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
        planning.add_leave(session, person_id=anna, kind="vacation", first=MONDAY, last=MONDAY, now=NOW, by="ada")
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

    assert forget_passages_older_than(session, NOW) == 1
    assert len(session.scalars(select(DayTotal)).all()) == 7


# --- plans ---


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


def test_who_was_deactivated_keeps_the_days_worked_before(session: Session) -> None:
    anna, bert = add_person(session), add_person(session, "Bert Lind")
    roster(session, anna)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("17:00"), Direction.OUT)
    people.set_active(session, anna, False, at=NOW)
    people.set_active(session, bert, False, at=NOW)

    (row,) = days.sheet(session, MONDAY, MONDAY + timedelta(days=1), BERLIN, NOW)

    assert (row.person.id, row.worked) == (anna, 8 * 3600)
    assert [one.status for one in row.days] == [Status.WORKED, Status.UNPLANNED]


def test_one_day_may_differ_from_the_pattern(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    planning.set_day(session, anna, MONDAY, None, now=NOW, by="ada")

    assert day(session, anna).status is Status.OFF


def test_leave_explains_an_absence_and_is_taken_back(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    row = planning.add_leave(
        session, person_id=anna, kind="vacation", first=MONDAY, last=MONDAY, half=Half.WHOLE, now=NOW, by="ada",
        approved=True,
    )  # fmt: skip
    assert day(session, anna).status is Status.LEAVE
    with pytest.raises(UserError, match="already"):
        planning.add_leave(session, person_id=anna, kind="sickness", first=MONDAY, last=MONDAY, now=NOW, by="ada")

    planning.decide_leave(session, row.id, "withdrawn", now=NOW, by="ada")

    assert day(session, anna).status is Status.ABSENT


def test_public_holidays_come_from_the_library(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)

    assert planning.import_holidays(session, "de", "by", 2024, now=NOW) > 9
    assert day(session, anna, date(2024, 5, 1)).status is Status.HOLIDAY
    with pytest.raises(UserError, match="no holidays are known for XX"):
        planning.import_holidays(session, "XX", "", 2024, now=NOW)


def test_rosters_are_imported_whole(session: Session) -> None:
    anna = add_person(session, staff_number="7")
    add_shift(session)
    text = "staff_number,first,last,pattern\r\n7,2024-05-06,,Office|Office|-\r\n"

    assert planning.import_rosters(session, text, now=NOW, by="ada") == 1
    assert day(session, anna, MONDAY + timedelta(days=2)).status is Status.OFF


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("7,2024-05-06,,Office\n8,2024-05-06,,Office\n", "row 3: nobody active has the staff number 8"),
        ("7,06.05.2024,,Office\n", "row 2: a date was not understood"),
        ("7,2024-05-06,,Offfice\n", "row 2: there is no shift Offfice"),
        ("7,2024-05-06,Office\n", "row 2: 3 columns instead of 4"),
    ],
)
def test_a_bad_row_is_named_by_its_number(session: Session, rows: str, words: str) -> None:
    add_person(session, staff_number="7")
    add_shift(session)

    with pytest.raises(UserError, match=words):
        planning.import_rosters(session, "staff_number,first,last,pattern\n" + rows, now=NOW, by="ada")


def test_a_file_with_other_columns_is_refused(session: Session) -> None:
    with pytest.raises(UserError, match="row 1: the columns must be staff_number,first,last,pattern"):
        planning.import_rosters(session, "name,shift\nAnna,Office\n", now=NOW, by="ada")


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


# --- overtime by the week ---


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

"""Working days: the complaints that users of other programs file, as worked examples, and what always holds."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.domain.hours.day import Cause, Day, Flag, Policy, Punch, Rule, Sense, Status
from attendance.domain.hours.shift import (
    Break,
    Forgotten,
    Half,
    Kind,
    Leave,
    Mode,
    Plan,
    Rotation,
    Rounding,
    Shift,
    Span,
    Tier,
)
from attendance.domain.hours.timesheet import clock_jumps, days_of, infer_next
from attendance.domain.passage import Direction

BERLIN = ZoneInfo("Europe/Berlin")


OFFICE = Shift("Office", (Span(9 * 60, 17 * 60),), breaks=(Break(30, after=360),), tiers=(Tier(480, 1.25),))


NIGHT = Shift("Night", (Span(22 * 60, 30 * 60),))


MONDAY = date(2024, 5, 6)


LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


def at(text: str, day: date = MONDAY, zone: ZoneInfo = BERLIN) -> datetime:
    """An instant from local wall time; `+1 06:00` is the next day."""
    days = 0
    if text.startswith("+"):
        plus, text = text.split()
        days = int(plus)
    hour, minute, *second = (int(one) for one in text.split(":"))
    local = datetime(day.year, day.month, day.day, hour, minute, *second, tzinfo=zone) + timedelta(days=days)
    return local.astimezone(UTC)


def punch(text: str, direction: str = "unknown", day: date = MONDAY, zone: ZoneInfo = BERLIN) -> Punch:
    instant = at(text, day, zone)
    return Punch(f"{instant:%Y%m%d%H%M%S}{direction}", instant, Direction(direction))


def plans(shift: Shift | None, first: date = MONDAY, days: int = 1, **more: object) -> dict[date, Plan]:
    return {
        (day := first + timedelta(days=number)): Plan(day, shift, **more)  # type: ignore[arg-type]
        for number in range(-1, days + 1)
    }


def one_day(punches: list[Punch], shift: Shift | None = OFFICE, now: datetime = LONG_AFTER, **more: object) -> Day:
    return next(one for one in days_of(punches, plans(shift, **more), BERLIN, now) if one.day == MONDAY)


def hours(value: float) -> int:
    return round(value * 3600)


def test_a_double_punch_counts_once() -> None:
    day = one_day([punch("09:00"), punch("09:00:04"), punch("17:00"), punch("17:00:30")])

    assert (day.first_in, day.last_out) == (at("09:00"), at("17:00"))
    assert day.presence == hours(8)
    assert Flag.REPEAT in day.flags


def test_a_night_belongs_to_the_day_on_which_it_began_and_the_next_is_not_absent() -> None:
    days = days_of([punch("21:55", "in"), punch("+1 06:02", "out")], plans(NIGHT, days=1), BERLIN, LONG_AFTER)

    monday = next(one for one in days if one.day == MONDAY)
    assert monday.status is Status.WORKED
    assert monday.presence == hours(8) + 7 * 60
    assert monday.late == 0


def test_the_exit_of_a_night_is_not_bound_to_the_next_nights_shift() -> None:
    punches = [
        punch("21:58"), punch("+1 06:01"), punch("+1 21:57"), punch("+2 06:00"),
    ]  # fmt: skip
    monday, tuesday = (one for one in days_of(punches, plans(NIGHT, days=2), BERLIN, LONG_AFTER) if one.spells)

    assert [len(one.spells) for one in (monday, tuesday)] == [1, 1]
    assert not monday.flags & {Flag.MISSING_IN, Flag.MISSING_OUT}


def test_the_next_mornings_arrival_does_not_become_a_forgotten_check_out() -> None:
    days = days_of([punch("09:00"), punch("+1 08:58"), punch("+1 17:00")], plans(OFFICE, days=2), BERLIN, LONG_AFTER)
    monday, tuesday = (one for one in days if one.spells)

    assert monday.last_out == at("17:00")
    assert monday.spells[0].rule is Rule.SHIFT_END
    assert Flag.MISSING_OUT in monday.flags
    assert tuesday.first_in == at("+1 08:58")
    assert tuesday.presence == hours(8) + 120


def test_a_forgotten_check_out_may_count_nothing_but_never_silently() -> None:
    strict = replace(OFFICE, forgotten=Forgotten.NOTHING)

    day = one_day([punch("09:00", "in")], strict)

    assert day.worked == 0
    assert Flag.MISSING_OUT in day.flags


def test_a_night_in_which_clocks_go_back_is_nine_hours_long() -> None:
    eve = date(2024, 10, 26)
    days = days_of(
        [punch("22:00", day=eve), punch("+1 06:00", day=eve)], plans(NIGHT, eve), BERLIN, LONG_AFTER
    )  # fmt: skip
    night = next(one for one in days if one.day == eve)

    assert night.presence == hours(9)
    assert night.expected == hours(9)
    assert night.late == night.early == 0


def test_a_night_in_which_clocks_go_forward_is_seven_hours_long() -> None:
    eve = date(2024, 3, 30)
    days = days_of([punch("22:00", day=eve), punch("+1 06:00", day=eve)], plans(NIGHT, eve), BERLIN, LONG_AFTER)
    night = next(one for one in days if one.day == eve)

    assert night.presence == night.expected == hours(7)


def test_overnight_with_clock_change_forgotten_check_out_and_double_punch_at_once() -> None:
    eve = date(2024, 10, 26)
    punches = [
        punch("21:57", day=eve),
        punch("21:57:20", day=eve),  # twice
        # no check-out on Sunday at 06:00
        punch("+1 21:59", day=eve),
        punch("+2 06:03", day=eve),
    ]
    saturday, sunday = (one for one in days_of(punches, plans(NIGHT, eve, 2), BERLIN, LONG_AFTER) if one.spells)

    assert saturday.day == eve
    assert saturday.last_out == at("+1 06:00", eve)
    assert saturday.presence == hours(9) + 3 * 60
    assert {Flag.MISSING_OUT, Flag.REPEAT} <= saturday.flags
    assert sunday.day == eve + timedelta(days=1)
    assert sunday.presence == hours(8) + 4 * 60
    assert Flag.MISSING_OUT not in sunday.flags


def test_the_day_is_the_sites_and_not_that_of_utc() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    punches = [punch("08:55", zone=auckland), punch("17:05", zone=auckland)]

    days = days_of(punches, plans(OFFICE), auckland, LONG_AFTER)

    assert [one.day for one in days if one.spells] == [MONDAY]


@pytest.mark.parametrize(("arrival", "late"), [("08:50", 0), ("09:05", 0), ("09:06", 6), ("10:30", 90)])
def test_lateness_counts_from_the_start_once_the_grace_is_over(arrival: str, late: int) -> None:
    assert one_day([punch(arrival), punch("17:00")]).late == late * 60


def test_who_leaves_before_the_end_leaves_early() -> None:
    day = one_day([punch("09:00"), punch("16:00")])

    assert day.early == 3600
    assert Flag.EARLY in day.flags


def test_an_automatic_break_is_taken_off_only_where_nobody_went_out() -> None:
    assert one_day([punch("09:00"), punch("17:00")]).worked == hours(7.5)
    went = [punch("09:00"), punch("12:00"), punch("12:20"), punch("17:00")]
    assert one_day(went).worked == hours(8) - 20 * 60 - 10 * 60


def test_work_just_beyond_the_limit_of_a_break_does_not_fall_below_it() -> None:
    assert one_day([punch("09:00"), punch("15:01")]).worked == hours(6)


def test_a_paid_break_is_given_back() -> None:
    shift = replace(OFFICE, breaks=(Break(15, paid=True),))
    day = one_day([punch("09:00"), punch("10:00"), punch("10:20"), punch("17:00")], shift)

    assert day.worked == hours(8) - 5 * 60
    assert day.paid_break == 15 * 60


@pytest.mark.parametrize(
    ("mode", "worked"),
    [(Mode.NEAREST, 8.0), (Mode.IN_FAVOUR, 8.25), (Mode.AGAINST, 7.75), (Mode.NONE, 8.0)],
)
def test_rounding_says_whom_it_favours(mode: Mode, worked: float) -> None:
    shift = replace(OFFICE, breaks=(), rounding=Rounding(15, mode) if mode is not Mode.NONE else Rounding())

    assert one_day([punch("09:04"), punch("17:04")], shift).worked == hours(worked)


def test_time_before_the_start_may_be_unpaid() -> None:
    shift = replace(OFFICE, breaks=(), clip_early=True)

    assert one_day([punch("08:30"), punch("17:00")], shift).worked == hours(8)


def test_overtime_begins_where_its_tier_does() -> None:
    shift = replace(OFFICE, tiers=(Tier(480, 1.25), Tier(600, 1.5)))
    day = one_day([punch("08:00"), punch("19:30")], shift)

    assert day.worked == hours(11)
    assert day.portions == ((1.0, hours(8)), (1.25, hours(2)), (1.5, hours(1)))
    assert day.overtime == hours(3)


def test_a_split_shift_has_two_starts_and_its_pause_is_no_break() -> None:
    shift = Shift("Split", (Span(8 * 60, 12 * 60), Span(16 * 60, 20 * 60)), breaks=(Break(30, after=360),))
    day = one_day([punch("08:00"), punch("12:00"), punch("16:20"), punch("20:00")], shift)

    assert day.late == 20 * 60
    assert day.worked == hours(8) - 20 * 60 - 30 * 60


def test_a_flexible_day_knows_no_late() -> None:
    shift = Shift("Flex", (Span(6 * 60, 22 * 60),), kind=Kind.FLEXIBLE, required=420)
    day = one_day([punch("11:00"), punch("18:30")], shift)

    assert (day.late, day.early, day.balance) == (0, 0, 30 * 60)


def test_a_short_day_is_half_a_day_and_a_very_short_one_is_none() -> None:
    shift = replace(OFFICE, half_below=240, absent_below=60)

    assert one_day([punch("09:00"), punch("11:00")], shift).status is Status.HALF_DAY
    assert one_day([punch("09:00"), punch("09:30")], shift).status is Status.ABSENT


def test_a_rotation_goes_on_for_ever() -> None:
    rotation = Rotation(MONDAY, (OFFICE, OFFICE, None))

    assert [rotation.shift_on(MONDAY + timedelta(days=n)) for n in (0, 2, 3, 302)] == [OFFICE, None, OFFICE, None]


def test_nobody_is_absent_on_leave_holiday_or_day_off() -> None:
    assert one_day([]).status is Status.ABSENT
    assert one_day([], leave=Leave("vacation")).status is Status.LEAVE
    assert one_day([], holiday="Labour Day").status is Status.HOLIDAY
    assert one_day([], None).status is Status.OFF
    assert one_day([], None, rostered=False).status is Status.UNPLANNED


def test_half_a_day_of_leave_moves_the_start() -> None:
    day = one_day([punch("13:00"), punch("17:00")], leave=Leave("vacation", half=Half.FIRST))

    assert (day.late, day.status) == (0, Status.HALF_DAY)


def test_work_on_a_holiday_is_counted_and_flagged() -> None:
    day = one_day([punch("10:00"), punch("12:00")], holiday="Labour Day")

    assert day.worked == hours(2)
    assert Flag.ON_DAY_OFF in day.flags
    assert day.expected == 0


def test_the_present_day_is_open_until_somebody_leaves() -> None:
    now = at("11:00")

    assert one_day([punch("09:00")], now=now).status is Status.PRESENT
    assert one_day([punch("09:00")], now=now).presence == hours(2)
    assert one_day([], now=at("08:00")).status is Status.EXPECTED
    assert one_day([], now=at("09:30")).status is Status.ABSENT


def test_the_door_decides_before_anything_else() -> None:
    inference = infer_next([], plans(OFFICE), BERLIN, at("16:55"), Direction.IN)

    assert (inference.sense, inference.cause) == (Sense.IN, Cause.DOOR_IN)


def test_without_a_direction_the_last_state_decides() -> None:
    inference = infer_next([punch("08:58")], plans(OFFICE), BERLIN, at("12:00"))

    assert inference.sense is Sense.OUT
    assert (inference.cause, inference.since) == (Cause.WAS_IN, at("08:58"))
    assert not inference.in_doubt


def test_a_first_passage_near_the_end_is_a_way_out_and_in_doubt() -> None:
    inference = infer_next([], plans(OFFICE), BERLIN, at("16:55"))

    assert inference.sense is Sense.OUT
    assert inference.in_doubt


def test_a_way_out_without_a_way_in_counts_nothing_and_is_flagged() -> None:
    day = one_day([punch("17:00", "out")])

    assert day.worked == 0
    assert Flag.MISSING_IN in day.flags


def test_a_time_in_the_future_is_not_counted() -> None:
    day = one_day([punch("09:00"), punch("17:00")], now=at("12:00"))

    assert day.here_now
    assert Flag.FUTURE in day.flags


def test_a_jump_of_the_clock_is_seen() -> None:
    fine = punch("09:00")
    wrong = replace(punch("08:00"), recorded_at=at("09:00"))

    assert clock_jumps([fine, wrong]) == [(wrong, timedelta(hours=-1))]
    assert Flag.WRONG_CLOCK in one_day([wrong]).flags


# A busy computer must not fail a test.
always = settings(deadline=None, max_examples=60)


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]


SHIFTS = [
    OFFICE,
    NIGHT,
    replace(OFFICE, rounding=Rounding(15, Mode.NEAREST), clip_early=True),
    Shift("Split", (Span(360, 600), Span(840, 1080)), breaks=(Break(15, 60, paid=True), Break(20, 120))),
    Shift("Flex", (Span(360, 1320),), kind=Kind.FLEXIBLE, required=420, tiers=(Tier(400, 1.5), Tier(600, 2))),
    None,
]


@st.composite
def weeks(draw: st.DrawFn) -> tuple[list[Punch], dict[date, Plan], ZoneInfo, datetime]:
    """Some days around a change of clocks, any punches in them, any plan."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    first = draw(st.sampled_from([date(2024, 3, 29), date(2024, 10, 25), date(2024, 4, 5), MONDAY]))
    begin = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    seconds = draw(st.lists(st.integers(0, 4 * 86400), max_size=14))
    directions = draw(st.lists(st.sampled_from(list(Direction)), min_size=len(seconds), max_size=len(seconds)))
    punches = [
        Punch(f"{number:02d}", begin + timedelta(seconds=second), direction)
        for number, (second, direction) in enumerate(zip(seconds, directions, strict=True))
    ]
    plan = {
        (day := first + timedelta(days=number)): Plan(day, draw(st.sampled_from(SHIFTS))) for number in range(-1, 6)
    }
    return punches, plan, zone, begin + timedelta(seconds=draw(st.integers(0, 6 * 86400)))


@always
@given(weeks())
def test_every_minute_is_accounted_for(week: tuple[list[Punch], dict[date, Plan], ZoneInfo, datetime]) -> None:
    punches, plan, zone, now = week
    for day in days_of(punches, plan, zone, now):
        assert day.presence == sum(one.seconds(now) for one in day.spells) // 60 * 60
        assert day.worked == day.presence + day.adjusted + day.paid_break - day.auto_break
        assert sum(seconds for _, seconds in day.portions) == day.worked
        assert day.worked >= 0
        assert all(one.seconds(now) <= longest_stay(day.plan) for one in day.spells)


def longest_stay(plan: Plan) -> float:
    """Seconds that a stay may count: the policy's longest, or the shift's whole window where that is longer."""
    if plan.shift is None:
        return Policy().longest.total_seconds()
    spans = plan.shift.spans
    minutes = spans[-1].end - spans[0].start + plan.shift.window_before + plan.shift.window_after
    # An hour more in the night in which the clocks go back.
    return max(Policy().longest.total_seconds(), 60 * minutes + 3600)


@always
@given(weeks())
def test_every_passage_is_used_once(week: tuple[list[Punch], dict[date, Plan], ZoneInfo, datetime]) -> None:
    punches, plan, zone, now = week
    days = days_of(punches, plan, zone, now)

    assert sorted(one.punch.id for day in days for one in day.used) == sorted(one.id for one in punches)


@always
@given(weeks(), st.randoms())
def test_neither_order_nor_repetition_of_events_changes_a_day(
    week: tuple[list[Punch], dict[date, Plan], ZoneInfo, datetime], chance: random.Random
) -> None:
    punches, plan, zone, now = week
    mixed = [*punches, *punches[:3]]
    chance.shuffle(mixed)

    assert days_of(mixed, plan, zone, now) == days_of(punches, plan, zone, now)


@always
@given(weeks())
def test_spells_never_overlap(week: tuple[list[Punch], dict[date, Plan], ZoneInfo, datetime]) -> None:
    punches, plan, zone, now = week
    spells = [one for day in days_of(punches, plan, zone, now) for one in day.spells]

    for before, after in itertools.pairwise(spells):
        assert before.end is not None
        assert before.end <= after.start


@always
@given(st.sampled_from(ZONES), st.integers(0, 365), st.integers(0, 600), st.integers(30, 600))
def test_a_night_counts_the_time_that_really_passed(zone: str, day: int, after: int, minutes: int) -> None:
    info = ZoneInfo(zone)
    eve = date(2024, 1, 1) + timedelta(days=day)
    start = datetime(eve.year, eve.month, eve.day, 20, tzinfo=info).astimezone(UTC) + timedelta(minutes=after)
    end = start + timedelta(minutes=minutes)
    punches = [Punch("1", start, Direction.IN), Punch("2", end, Direction.OUT)]

    days = days_of(punches, plans(NIGHT, eve, 2), info, LONG_AFTER)

    assert sum(one.presence for one in days) == minutes * 60

"""Worked cases: punches and a plan on one line, and the right figures beside them, worked out by hand.

In: nothing.  Out: one test a line.  Add a line for each fault that was found, before it is mended.
Zone Europe/Berlin unless said.  A line's times are local; `+1 06:00` is the day after, `-1 22:00` the day before;
`in` and `out` behind a time is what the door says, and without it the direction is unknown.
Durations are written as hours:minutes, and a figure that is not named is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.hours.day import Day, Flag, Punch, Status
from attendance.domain.hours.shift import Half, Leave, Plan, Shift, Span
from attendance.domain.hours.timesheet import days_of
from attendance.domain.passage import Direction

BERLIN = ZoneInfo("Europe/Berlin")


MONDAY = date(2024, 5, 6)


SHIFTS: dict[str, Shift | None] = {
    "none": None,
    "office": Shift("Office", (Span(9 * 60, 17 * 60),)),
    "night": Shift("Night", (Span(22 * 60, 30 * 60),)),
    "split": Shift("Split", (Span(8 * 60, 12 * 60), Span(16 * 60, 20 * 60))),
}


HALF = Leave("holiday", half=Half.FIRST)


@dataclass(frozen=True, slots=True)
class Case:
    """One line.  `now`: as a time of the line; empty: long after.  `flags`: all that the day has, by value, in order.

    `holiday`, `leave`: of the day itself.  `shift`: the plan of every day from three before to three after.
    """

    what: str
    shift: str
    punches: str
    worked: str = ""
    expected: str = ""
    late: str = ""
    early: str = ""
    status: str = ""
    flags: str | None = None
    day: date = MONDAY
    now: str = ""
    zone: str = "Europe/Berlin"
    holiday: str | None = None
    leave: Leave | None = None


CASES = (
    Case("a plain day", "office", "09:00, 17:00", worked="8:00", expected="8:00", status="worked", flags=""),
    Case("nobody came", "office", "", worked="0:00", expected="8:00", status="absent", flags=""),
    Case("a night belongs to its first day", "night", "22:00, +1 06:00", worked="8:00", status="worked", flags=""),
    Case("clocks go back", "night", "22:00, +1 06:00", worked="9:00", expected="9:00", day=date(2024, 10, 26)),
    Case("half a day of leave, other half worked", "office", "13:00, 17:00", worked="4:00", expected="4:00",
         late="0:00", leave=HALF),
    Case("worked on a holiday", "office", "09:00, 17:00", worked="8:00", expected="0:00", holiday="Labour Day",
         flags="on_day_off"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_worked_case_has_the_figures_that_were_worked_out_by_hand(case: Case) -> None:
    day = computed(case)

    wanted = {
        name: value
        for name in ("worked", "expected", "late", "early", "status")
        if (value := getattr(case, name))
    }  # fmt: skip
    found = {name: figure(day, name) for name in wanted}
    if case.flags is not None:
        wanted["flags"] = case.flags
        found["flags"] = " ".join(flag.value for flag in Flag if flag in day.flags)
    assert found == wanted


def computed(case: Case) -> Day:
    """Return the day of a case, as the product computes it."""
    zone = ZoneInfo(case.zone)
    punches = [punch(text, case.day, zone) for text in filter(None, map(str.strip, case.punches.split(",")))]
    around = (case.day + timedelta(days=number) for number in range(-3, 4))
    plans = {day: Plan(day, SHIFTS[case.shift], rostered=case.shift != "none") for day in around}
    plans[case.day] = Plan(case.day, SHIFTS[case.shift], case.holiday, case.leave, case.shift != "none")
    now = punch(case.now, case.day, zone).at if case.now else datetime(2030, 1, 1, tzinfo=UTC)
    return next(one for one in days_of(punches, plans, zone, now) if one.day == case.day)


def punch(text: str, day: date, zone: ZoneInfo) -> Punch:
    """Return the punch of `+1 06:05:30 out`, `21:55 in` or `09:00`."""
    words = text.split()
    if words[0][0] in "+-":
        day += timedelta(days=int(words.pop(0)))
    at = datetime.combine(day, time.fromisoformat(words.pop(0)), zone).astimezone(UTC)
    return Punch(f"{at:%Y%m%d%H%M%S}", at, Direction(words[0] if words else "unknown"))


def figure(day: Day, name: str) -> str:
    """Return a figure as a line writes it."""
    value = getattr(day, name)
    if isinstance(value, Status):
        return value.value
    return f"{value // 3600}:{value // 60 % 60:02d}"

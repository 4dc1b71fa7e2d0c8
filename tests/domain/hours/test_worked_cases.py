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
from attendance.domain.hours.leave import shares_of
from attendance.domain.hours.shift import Counting, Forgotten, Half, Leave, Plan, Shift, Span
from attendance.domain.hours.timesheet import days_of
from attendance.domain.passage import Direction

BERLIN = ZoneInfo("Europe/Berlin")


MONDAY = date(2024, 5, 6)


SHIFTS: dict[str, Shift | None] = {
    "none": None,
    "office": Shift("Office", (Span(9 * 60, 17 * 60),)),
    "night": Shift("Night", (Span(22 * 60, 30 * 60),)),
    "limits": Shift("Limits", (Span(9 * 60, 17 * 60),), half_below=6 * 60, absent_below=5 * 60),
    "split": Shift("Split", (Span(8 * 60, 12 * 60), Span(16 * 60, 20 * 60))),
    "first and last": Shift("Office", (Span(9 * 60, 17 * 60),), counting=Counting.FIRST_LAST),
    "strict": Shift("Office", (Span(9 * 60, 17 * 60),), absent_below=240, forgotten=Forgotten.NOTHING),
}


HALF = Leave("holiday", half=Half.FIRST)


AFTERNOON = Leave("sickness", half=Half.SECOND)


WHOLE = Leave("holiday")


@dataclass(frozen=True, slots=True)
class Case:
    """One line.  `now`: as a time of the line; empty: long after.  `flags`: all that the day has, by value, in order.

    `holiday`, `leave`, `other_half`: of the day itself.  `shares`: days worked, on leave and absent.
     `shift`: the plan of every day from three before to three after.
    """

    what: str
    shift: str
    punches: str
    worked: str = ""
    expected: str = ""
    late: str = ""
    early: str = ""
    missed: str = ""
    status: str = ""
    flags: str | None = None
    day: date = MONDAY
    now: str = ""
    zone: str = "Europe/Berlin"
    holiday: str | None = None
    leave: Leave | None = None
    other_half: Leave | None = None
    shares: str = ""


CASES = (
    Case("a plain day", "office", "09:00, 17:00", worked="8:00", expected="8:00", status="worked", flags=""),
    Case("nobody came", "office", "", worked="0:00", expected="8:00", status="absent", flags=""),
    Case("a night belongs to its first day", "night", "22:00, +1 06:00", worked="8:00", status="worked", flags=""),
    Case("clocks go back", "night", "22:00, +1 06:00", worked="9:00", expected="9:00", day=date(2024, 10, 26)),
    Case("half a day of leave, other half worked", "office", "13:00, 17:00", worked="4:00", expected="4:00",
         late="0:00", leave=HALF),
    Case("worked on a holiday", "office", "09:00, 17:00", worked="8:00", expected="0:00", holiday="Labour Day",
         flags="on_day_off"),
    # In and out, from an anchor that does not move.
    Case("a guard of the night", "none", "-2 21:55, -1 06:05, -1 21:55, 06:05, 21:55, +1 06:05", worked="8:10",
         flags=""),
    Case("a gap of 16 hours begins with an arrival", "none", "-1 09:00, 09:00, 17:00", worked="8:00", flags="in_doubt"),
    Case("nothing says whether this was day or night", "none", "06:05, 21:55", worked="15:50",
         flags="unsettled in_doubt"),
    Case("a night by roster, after nights without a day off", "night",
         "-2 21:55, -1 06:05, -1 21:55, 06:05, 21:55, +1 06:05", worked="8:10", flags=""),
    # A second check-in shortly after the first.
    Case("70 seconds apart", "office", "08:58:00, 08:59:10, 17:01", worked="8:03", flags="double_punch repeat"),
    Case("20 seconds apart", "office", "08:58:00, 08:58:20, 17:01", worked="8:03", flags="repeat"),
    Case("70 seconds apart, out and in by the doors", "office", "09:00 in, 12:00:00 out, 12:01:10 in, 17:00 out",
         worked="7:58", flags=""),
    # Each part of a split shift.
    Case("the first part missed", "split", "15:58, 20:00", worked="4:02", late="0:00", missed="4:00", flags="missed"),
    Case("the first part at its last minute", "split", "11:59, 20:00", late="3:59", missed="0:00", flags="late"),
    Case("the first part by a minute", "split", "12:01, 20:00", late="0:00", missed="4:00", flags="missed"),
    Case("the second part missed", "split", "08:00, 12:00", worked="4:00", missed="4:00", flags="missed"),
    Case("late and early in each part", "split", "08:10, 11:50, 16:20, 19:30", late="0:30", early="0:40",
         missed="0:00", flags="late early"),
    Case("early in the first part, here in the second", "split", "08:00, 11:00, 16:00", now="17:00", early="1:00",
         missed="0:00", status="present"),
    Case("the second part is still to come", "split", "08:00, 12:00", now="13:00", missed="0:00", flags=""),
    Case("came when the shift was over", "office", "18:00 in, 20:00 out", worked="2:00", late="0:00", missed="8:00",
         flags="missed"),
    # Who was seen was there.
    Case("only a way out seen", "office", "17:00 out", worked="0:00", status="incomplete", flags="missing_in"),
    Case("only a passage near the end", "office", "16:58", status="incomplete", flags="missing_in in_doubt"),
    Case("a check-out forgotten that counts nothing", "strict", "09:00 in", worked="0:00", status="incomplete",
         flags="missing_out"),
    # From the first to the last.
    Case("first and last of many", "first and last", "09:00, 10:10, 12:00, 12:30, 17:00", worked="8:00", flags=""),
    Case("first and last, whatever the doors say", "first and last", "09:00 out, 12:00 in, 17:00 in", worked="8:00"),
    Case("only the first", "first and last", "09:00", worked="8:00", flags="missing_out"),
    Case("only the last", "first and last", "16:55", status="incomplete", flags="missing_in in_doubt"),
    Case("back from lunch, still here", "first and last", "09:00, 12:00, 12:30", now="14:00", worked="5:00",
         status="present"),
    Case("gone for now", "first and last", "09:00, 12:00", now="14:00", worked="3:00", status="worked"),
    Case("a clock in Lord Howe goes back by half an hour", "night", "22:00, +1 06:00", worked="8:30",
         day=date(2024, 4, 6), zone="Australia/Lord_Howe"),
    Case("a holiday inside leave is not leave", "office", "", status="holiday", expected="0:00", holiday="Whit Monday",
         leave=WHOLE, shares="0 0 0"),
    Case("a day off inside leave is not leave", "none", "", expected="0:00", leave=WHOLE, day=date(2024, 5, 5),
         shares="0 0 0"),
    Case("leave of somebody without a roster counts Monday to Friday", "none", "", status="leave", leave=WHOLE,
         shares="0 1 0"),
    Case("a whole day of leave", "office", "", status="leave", expected="0:00", leave=WHOLE, shares="0 1 0"),
    Case("worked on a whole day of leave: the hours count, the day is leave", "office", "09:00, 17:00", worked="8:00",
         expected="0:00", leave=WHOLE, flags="on_day_off", shares="0 1 0"),
    Case("half a day of leave and never came", "office", "", status="absent", expected="4:00", leave=HALF,
         shares="0 0.5 0.5"),
    Case("the other half worked in full is not absent: the limits are halved", "limits", "13:00, 17:00",
         worked="4:00", expected="4:00", status="half_day", leave=HALF, shares="0.5 0.5 0"),
    Case("the other half worked below half of the absence limit", "limits", "13:00, 15:20", worked="2:20",
         status="absent", leave=HALF, shares="0 0.5 0.5"),
    Case("the other half worked below half of the half-day limit", "limits", "13:00, 15:50", worked="2:50",
         status="half_day", leave=HALF, shares="0.25 0.5 0"),
    Case("two kinds of leave on one day", "office", "", status="leave", expected="0:00", leave=HALF,
         other_half=AFTERNOON, shares="0 1 0"),
    Case("half a day without leave", "limits", "09:00, 14:30", worked="5:30", status="half_day", shares="0.5 0 0"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_worked_case_has_the_figures_that_were_worked_out_by_hand(case: Case) -> None:
    day = computed(case)

    wanted = {
        name: value
        for name in ("worked", "expected", "late", "early", "missed", "status")
        if (value := getattr(case, name))
    }  # fmt: skip
    found = {name: figure(day, name) for name in wanted}
    if case.flags is not None:
        wanted["flags"] = case.flags
        found["flags"] = " ".join(flag.value for flag in Flag if flag in day.flags)
    if case.shares:
        shares = shares_of(day)
        wanted["shares"] = case.shares
        found["shares"] = f"{shares.worked:g} {shares.leave:g} {shares.absent:g}"
    assert found == wanted


def computed(case: Case) -> Day:
    """Return the day of a case, as the product computes it."""
    zone = ZoneInfo(case.zone)
    punches = [punch(text, case.day, zone) for text in filter(None, map(str.strip, case.punches.split(",")))]
    around = (case.day + timedelta(days=number) for number in range(-3, 4))
    plans = {day: Plan(day, SHIFTS[case.shift], rostered=case.shift != "none") for day in around}
    plans[case.day] = Plan(
        case.day, SHIFTS[case.shift], case.holiday, case.leave, case.shift != "none", other_half=case.other_half
    )
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

"""Night, Sunday and holiday hours: worked cases by hand, and every minute asked what the wall clock said."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.hours import premiums
from attendance.domain.hours.day import Day, Punch
from attendance.domain.hours.shift import (
    BadShift,
    Break,
    Mode,
    Plan,
    PremiumRules,
    Rounding,
    Shift,
    Span,
)
from attendance.domain.hours.timesheet import days_of
from attendance.domain.passage import Direction

BERLIN = ZoneInfo("Europe/Berlin")
# Whit Sunday and Monday 2024: 19 and 20 May.  Labour Day: Wednesday, 1 May.
HOLIDAYS = {date(2024, 5, 1): "Labour Day", date(2024, 5, 19): "Whit Sunday", date(2024, 5, 20): "Whit Monday"}
NIGHT = Shift("Night", (Span(22 * 60, 30 * 60),))
LONG_BREAK = replace(NIGHT, breaks=(Break(30, 360),))
PAID_BREAK = replace(NIGHT, breaks=(Break(30, 0, paid=True),))
AT_ONCE = replace(NIGHT, breaks=(Break(60, 0),))
QUARTERS = replace(NIGHT, rounding=Rounding(15, Mode.AGAINST))
PLAIN = PremiumRules()
TAX = PremiumRules(Span(20 * 60, 30 * 60), Span(0, 28 * 60), Span(0, 28 * 60))
BOTH = PremiumRules(both=True)
OFF = PremiumRules(None, None, None)


@dataclass(frozen=True, slots=True)
class Case:
    """`punches`: local times; +1: of the day after."""

    what: str
    day: date
    punches: str
    worked: str
    night: str
    sunday: str = "0:00"
    holiday: str = "0:00"
    shift: Shift | None = NIGHT
    rules: PremiumRules = PLAIN


CASES = (
    Case("an office day has none", date(2024, 5, 6), "09:00 17:00", "8:00", "0:00", shift=None),
    Case("a night from Monday", date(2024, 5, 6), "22:00 +1 06:00", "8:00", "7:00"),
    Case("in before the window, out after it", date(2024, 5, 6), "21:50 +1 06:20", "8:30", "7:00"),
    Case("into a Sunday", date(2024, 5, 11), "22:00 +1 06:00", "8:00", "7:00", sunday="6:00"),
    Case("out of a Sunday", date(2024, 5, 12), "22:00 +1 06:00", "8:00", "7:00", sunday="2:00"),
    Case("into a holiday", date(2024, 4, 30), "22:00 +1 06:00", "8:00", "7:00", holiday="6:00"),
    Case("out of a holiday", date(2024, 5, 1), "22:00 +1 06:00", "8:00", "7:00", holiday="2:00"),
    Case("a holiday on a Sunday is a holiday only", date(2024, 5, 19), "08:00 16:00", "8:00", "0:00",
         holiday="8:00", shift=None),
    Case("or both, by rule", date(2024, 5, 19), "08:00 16:00", "8:00", "0:00", sunday="8:00", holiday="8:00",
         shift=None, rules=BOTH),
    Case("two holidays in a row", date(2024, 5, 19), "22:00 +1 06:00", "8:00", "7:00", holiday="8:00"),
    Case("a Saturday night into a holiday Sunday", date(2024, 5, 18), "22:00 +1 06:00", "8:00", "7:00",
         holiday="6:00"),
    Case("night from 20:00, Sunday until 4:00 on Monday", date(2024, 5, 12), "19:00 +1 03:00", "8:00", "7:00",
         sunday="8:00", rules=TAX, shift=None),
    Case("until 4:00 after the holiday", date(2024, 5, 1), "22:00 +1 06:00", "8:00", "8:00", holiday="6:00", rules=TAX),
    Case("nothing is counted", date(2024, 5, 11), "22:00 +1 06:00", "8:00", "0:00", rules=OFF),
    Case("clocks go back", date(2024, 10, 26), "22:00 +1 06:00", "9:00", "8:00", sunday="7:00"),
    Case("clocks go forward", date(2024, 3, 30), "22:00 +1 06:00", "7:00", "6:00", sunday="5:00"),
    Case("an automatic break lies after six hours", date(2024, 5, 6), "22:00 +1 06:00", "7:30", "6:30",
         shift=LONG_BREAK),
    Case("an automatic break outside of the window", date(2024, 5, 6), "18:00 +1 02:30", "8:00", "3:30",
         shift=replace(LONG_BREAK, spans=(Span(18 * 60, 26 * 60 + 30),), breaks=(Break(30, 240),))),
    Case("a break that is due at once lies in the middle", date(2024, 5, 6), "22:00 +1 06:00", "7:00", "6:00",
         shift=AT_ONCE),
    Case("a paid break at night counts", date(2024, 5, 6), "22:00 +1 01:00 +1 01:20 +1 06:00", "8:00", "7:00",
         shift=PAID_BREAK),
    Case("only the paid part of a long one", date(2024, 5, 6), "22:00 +1 01:00 +1 02:00 +1 06:00", "7:30", "6:30",
         shift=PAID_BREAK),
    Case("rounded times count", date(2024, 5, 6), "22:53 +1 05:52", "6:45", "6:45", shift=QUARTERS),
    Case("an early bird is there before midnight of the day", date(2024, 5, 12), "-1 23:30 08:00", "8:30", "6:30",
         sunday="8:00", shift=Shift("Early", (Span(0, 480),))),
    Case("gone home in between", date(2024, 5, 6), "21:00 23:30 +1 05:00 +1 07:00", "4:30", "1:30"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_worked_case_has_the_figures_that_were_worked_out_by_hand(case: Case) -> None:
    day = computed(case.day, instants(case.day, case.punches), case.shift, case.rules)

    assert [hhmm(one) for one in (day.worked, day.night, day.sunday, day.holiday)] == [
        case.worked, case.night, case.sunday, case.holiday,
    ]  # fmt: skip


def test_a_day_that_is_still_running_counts_until_now() -> None:
    monday = date(2024, 5, 6)
    day = computed(monday, instants(monday, "22:00"), NIGHT, PLAIN, now=instants(monday, "+1 01:30")[0])

    assert (hhmm(day.worked), hhmm(day.night)) == ("3:30", "2:30")


def test_seconds_do_not_make_a_minute() -> None:
    monday = date(2024, 5, 6)
    times = [datetime(2024, 5, 6, 20, 59, 31, tzinfo=UTC), datetime(2024, 5, 6, 21, 10, 29, tzinfo=UTC)]

    assert computed(monday, times, NIGHT, PLAIN).night == 10 * 60  # from 23:00:00 to 23:10:29


MINUTES = st.integers(0, 1439)
WINDOWS = st.one_of(
    st.none(), st.tuples(MINUTES, st.integers(1, 1440)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))
)
RULES = st.builds(PremiumRules, WINDOWS, WINDOWS, WINDOWS, st.booleans())
# Around both changes of the clock, and around Whitsun.
DAYS = st.sampled_from([date(2024, 3, 30), date(2024, 3, 31), date(2024, 10, 26), date(2024, 10, 27),
                        *(date(2024, 5, 15) + timedelta(days=number) for number in range(8))])  # fmt: skip


@given(DAYS, RULES, st.lists(st.integers(0, 26 * 60), min_size=2, max_size=6, unique=True).map(sorted))
def test_every_minute_is_asked_what_the_wall_clock_said(day: date, rules: PremiumRules, minutes: list[int]) -> None:
    midnight = datetime.combine(day, time(), BERLIN).astimezone(UTC)
    times = [midnight + timedelta(minutes=one) for one in minutes[: len(minutes) // 2 * 2]]
    spells = list(zip(times[::2], times[1::2], strict=True))

    windows = premiums.windows_on(Plan(day, premiums=rules), frozenset(HOLIDAYS), BERLIN)
    found = premiums.seconds_of(spells, windows)

    wanted = [0, 0, 0]
    for start, end in spells:
        for number in range(int((end - start).total_seconds()) // 60):
            for kind, counts in enumerate(kinds_of(start + timedelta(minutes=number), rules)):
                wanted[kind] += 60 * counts
    assert [found.night, found.sunday, found.holiday] == wanted


def kinds_of(at: datetime, rules: PremiumRules) -> tuple[bool, bool, bool]:
    """Say of one minute whether it is at night, on a Sunday, on a holiday, by the bounds of each window."""

    def inside(window: Span | None, wanted: list[date]) -> bool:
        return window is not None and any(wall(one, window.start) <= at < wall(one, window.end) for one in wanted)

    local = at.astimezone(BERLIN).date()
    days = [local + timedelta(days=number) for number in (-2, -1, 0, 1)]
    holiday = inside(rules.holiday, [one for one in days if one in HOLIDAYS])
    sunday = inside(rules.sunday, [one for one in days if one.isoweekday() == 7])
    return inside(rules.night, days), sunday and (rules.both or not holiday), holiday


def wall(day: date, minute: int) -> datetime:
    local = datetime.combine(day, time()) + timedelta(minutes=minute)
    return local.replace(tzinfo=BERLIN).astimezone(UTC)


@given(
    st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True).map(sorted),
    st.lists(st.tuples(st.integers(0, 40000), st.integers(0, 3600)), max_size=3),
    st.integers(0, 7200),
)
def test_paid_times_add_up_to_what_is_worked(minutes: list[int], cuts: list[tuple[int, int]], paid: int) -> None:
    start = datetime(2024, 5, 6, tzinfo=UTC)
    times = [start + timedelta(minutes=one) for one in minutes[: len(minutes) // 2 * 2]]
    counted = list(zip(times[::2], times[1::2], strict=True))
    whole = sum((end - first).total_seconds() for first, end in counted)
    out = sum((after[0] - before[1]).total_seconds() for before, after in itertools.pairwise(counted))
    paid = min(paid, int(out))
    taken = min(whole, sum(off for _after, off in cuts))
    if taken < sum(off for _after, off in cuts):
        return

    found = premiums.paid_times(counted, paid, cuts)

    assert sum((end - first).total_seconds() for first, end in found) == whole + paid - taken
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(found))


@pytest.mark.parametrize(
    "windows", [{"night": Span(0, 1441)}, {"night": Span(1440, 1500)}, {"sunday": Span(1500, 1600)}]
)
def test_a_window_that_is_not_of_its_day_is_refused(windows: dict[str, Span]) -> None:
    with pytest.raises(BadShift, match=r"at most 24 hours|begins before 24:00"):
        PremiumRules(**windows)


@given(RULES)
def test_rules_survive_their_json(rules: PremiumRules) -> None:
    assert premiums.from_json(premiums.to_json(rules)) == rules


def test_the_newest_rules_that_began_hold() -> None:
    versions = [(date(2024, 5, 1), TAX), (date(2024, 6, 1), OFF)]

    days = (date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 31), date(2024, 6, 1), date(2030, 1, 1))
    assert [premiums.in_force(versions, day) for day in days] == [PLAIN, TAX, TAX, OFF, OFF]
    assert premiums.in_force([], days[0]) == PLAIN


def instants(day: date, text: str) -> list[datetime]:
    found, ahead = [], 0
    for word in text.split():
        if word[0] in "+-":
            ahead = int(word)
            continue
        clock = time.fromisoformat(word)
        found.append(datetime.combine(day + timedelta(days=ahead), clock, BERLIN).astimezone(UTC))
        ahead = 0
    return found


def computed(
    day: date, times: list[datetime], shift: Shift | None, rules: PremiumRules, now: datetime | None = None
) -> Day:
    punches = [Punch(str(number), at, Direction.OUT if number % 2 else Direction.IN) for number, at in enumerate(times)]
    days = [day + timedelta(days=number) for number in range(-2, 3)]
    plans = {one: Plan(one, shift, HOLIDAYS.get(one), rostered=shift is not None, premiums=rules) for one in days}
    # A holiday excuses the shift; people who work on it still have theirs.
    return days_of(punches, plans, BERLIN, now or max(times) + timedelta(days=3))[2]


def hhmm(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}"

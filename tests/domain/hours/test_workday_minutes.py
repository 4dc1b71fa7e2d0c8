"""Rounding pays nothing that was not there, and each figure is whole minutes, cut once a day (properties)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.domain.hours.day import Day, Rule, Spell
from attendance.domain.hours.shift import Break, Mode, Plan, Rounding, Shift, Span, Tier
from attendance.domain.hours.windows import Frame
from attendance.domain.hours.workday import evaluate

# A busy computer must not fail a test.
always = settings(deadline=None, max_examples=150)
MONDAY = date(2024, 5, 6)
MIDNIGHT = datetime(2024, 5, 6, tzinfo=UTC)
LATER = MIDNIGHT + timedelta(days=3)
STEPS = (5, 6, 10, 12, 15, 20, 30)
ROUNDED = (Mode.NEAREST, Mode.IN_FAVOUR, Mode.AGAINST)


def spells_of(seconds: list[int], rule: Rule | None = None) -> tuple[Spell, ...]:
    """Pairs of seconds after midnight; `rule` ends the last one."""
    times = [MIDNIGHT + timedelta(seconds=second) for second in seconds]
    pairs = list(zip(times[::2], times[1::2], strict=True))
    last = [Spell(pairs[-1][0], pairs[-1][0] if rule is Rule.NOTHING else pairs[-1][1], rule)]
    return (*(Spell(*pair) for pair in pairs[:-1]), *last)


def computed(shift: Shift, spells: tuple[Spell, ...]) -> Day:
    return evaluate(Frame(Plan(MONDAY, shift), ZoneInfo("UTC")), spells, (), frozenset(), LATER, LATER.date())


@st.composite
def spells(draw: st.DrawFn) -> tuple[Spell, ...]:
    """One to six spells in a day, in seconds; most of them close together, as people smoke and fetch coffee."""
    count = 2 * draw(st.integers(1, 6))
    gaps = draw(st.lists(st.one_of(st.integers(0, 400), st.integers(0, 7000)), min_size=count, max_size=count))
    seconds = list(accumulate([draw(st.integers(0, 10 * 3600)), *gaps[1:]]))
    return spells_of(seconds, draw(st.sampled_from([None, None, Rule.SHIFT_END, Rule.NOTHING])))


@st.composite
def shifts(draw: st.DrawFn) -> Shift:
    breaks = draw(st.sampled_from([(), (Break(30, 360),), (Break(15, 60, paid=True), Break(20, 120))]))
    rounding = Rounding(draw(st.sampled_from(STEPS)), draw(st.sampled_from(ROUNDED)))
    early = draw(st.booleans())
    tiers = draw(st.sampled_from([(), (Tier(240, 1.25), Tier(300, 1.5))]))
    return Shift("Any", (Span(480, 960),), breaks=breaks, rounding=rounding, clip_early=early, tiers=tiers)


def rounded(at: datetime, rule: Rounding, arriving: bool) -> datetime:
    """The instant on the step's grid, worked out another way than the product does."""
    step = timedelta(minutes=rule.step)
    below = MIDNIGHT + (at - MIDNIGHT) // step * step
    above = below if below == at else below + step
    if rule.mode is Mode.NEAREST:
        return below if at - below < above - at or below == above else above
    return below if (rule.mode is Mode.IN_FAVOUR) == arriving else above


@always
@given(shifts(), spells())
def test_at_most_the_time_from_the_rounded_first_in_to_the_rounded_last_out_is_paid(
    shift: Shift, there: tuple[Spell, ...]
) -> None:
    day = computed(shift, there)
    first, last = there[0].start, there[-1].end
    assert last is not None
    begin = rounded(first, shift.rounding, True)
    end = last if there[-1].rule else rounded(last, shift.rounding, False)

    assert day.worked <= max(0, int((end - begin).total_seconds()))


@always
@given(st.sampled_from(ROUNDED), st.sampled_from(STEPS), spells())
def test_time_between_spells_is_never_paid_by_rounding(mode: Mode, step: int, there: tuple[Spell, ...]) -> None:
    plain = Shift("Any", (Span(480, 960),))
    shift = Shift("Any", (Span(480, 960),), rounding=Rounding(step, mode))
    first, last = there[0].start, there[-1].end
    assert last is not None
    end = last if there[-1].rule else rounded(last, shift.rounding, False)
    added = max(timedelta(0), first - rounded(first, shift.rounding, True)) + max(timedelta(0), end - last)
    gaps = sum((after.start - (before.end or LATER) for before, after in pairwise(there)), timedelta(0))

    day = computed(shift, there)

    assert day.worked <= computed(plain, there).worked + added.total_seconds() + 60
    if mode is Mode.IN_FAVOUR:
        assert day.worked <= (end - rounded(first, shift.rounding, True) - gaps).total_seconds()


@always
@given(shifts(), spells())
def test_a_days_figures_are_whole_minutes_that_add_up(shift: Shift, there: tuple[Spell, ...]) -> None:
    day = computed(shift, there)
    figures = (
        day.presence, day.adjusted, day.paid_break, day.auto_break, day.worked, day.expected, day.late, day.early,
        day.balance, day.overtime, *(seconds for _rate, seconds in day.portions),
    )  # fmt: skip

    assert all(figure % 60 == 0 for figure in figures)
    assert day.worked == day.presence + day.adjusted + day.paid_break - day.auto_break
    assert sum(seconds for _rate, seconds in day.portions) == day.worked
    assert min(day.presence, day.paid_break, day.auto_break, day.worked, day.late, day.early) >= 0


@always
@given(spells())
def test_without_rules_a_day_is_its_spells_cut_to_minutes_once(there: tuple[Spell, ...]) -> None:
    exact = sum(one.seconds(LATER) for one in there)

    day = computed(Shift("Plain", (Span(480, 960),)), there)

    assert day.worked == exact - exact % 60
    assert day.adjusted == day.paid_break == day.auto_break == 0


def test_out_for_thirty_six_minutes_of_eight_hours_leaves_seven_twenty_four() -> None:
    clocks = ["09:00", "10:02", "10:05", "12:01", "12:31", "14:46", "14:49", "17:00"]
    seconds = [int(clock[:2]) * 3600 + int(clock[3:]) * 60 for clock in clocks]
    shift = Shift("Office", (Span(540, 1020),), rounding=Rounding(15, Mode.IN_FAVOUR))

    assert computed(shift, spells_of(seconds)).worked == (7 * 60 + 24) * 60


@pytest.mark.parametrize("mode", ROUNDED)
def test_an_arrival_without_a_departure_pays_nothing_by_rounding(mode: Mode) -> None:
    there = spells_of([9 * 3600 + 120, 9 * 3600 + 120], Rule.NOTHING)

    assert computed(Shift("Office", (Span(540, 1020),), rounding=Rounding(15, mode)), there).worked == 0

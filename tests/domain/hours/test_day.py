"""What a day says about itself: finished or not, here now, to look at, of a leaver."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from attendance.domain.hours.day import Day, Flag, Spell, Status
from attendance.domain.hours.shift import Plan, Shift, Span

MONDAY = date(2024, 5, 6)
NINE = datetime(2024, 5, 6, 9, tzinfo=UTC)
PLAN = Plan(MONDAY, Shift("Office", (Span(540, 1020),)))


@pytest.mark.parametrize("status", Status)
def test_a_day_is_unfinished_while_it_is_to_come_expected_or_the_person_is_here(status: Status) -> None:
    day = Day(PLAN, status)

    assert day.finished == (status not in (Status.UPCOMING, Status.EXPECTED, Status.PRESENT))
    assert day.ahead == (status in (Status.UPCOMING, Status.EXPECTED))


def test_a_person_is_here_while_the_last_spell_runs() -> None:
    done, running = Spell(NINE, NINE + timedelta(hours=3)), Spell(NINE + timedelta(hours=4), None)

    assert Day(PLAN, Status.PRESENT, (done, running)).here_now
    assert not Day(PLAN, Status.WORKED, (done,)).here_now
    assert not Day(PLAN, Status.ABSENT).here_now


@pytest.mark.parametrize("flag", Flag)
def test_a_day_wants_a_look_where_its_figures_may_be_wrong(flag: Flag) -> None:
    expected = flag in {
        Flag.MISSED, Flag.MISSING_IN, Flag.MISSING_OUT, Flag.UNSETTLED, Flag.DOUBLE_PUNCH, Flag.WRONG_CLOCK,
        Flag.FUTURE,
    }  # fmt: skip

    assert Day(PLAN, Status.WORKED, flags=frozenset({flag, Flag.LATE})).wants_look == expected

"""Days of leave: what has accrued, what was carried over and lapses, what is left as of a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.hours.entitlement import Balance, LeaveRules, Personal, balance_of
from attendance.domain.people.employment import ALWAYS, Employment

YEARLY = {2023: LeaveRules(30)}


MARCH = {2023: LeaveRules(30, carry_most=5, carry_until=(3, 31))}


def used(first: date, days: int, share: float = 1.0) -> dict[date, float]:
    return {first + timedelta(days=number): share for number in range(days)}


def balance(as_of: date, rules: dict[int, LeaveRules], taken: dict[date, float], **more: object) -> Balance:
    employed = more.get("employed", ALWAYS)
    found = balance_of(as_of, rules, more.get("personal", {}), employed, taken)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_there_is_no_balance_before_the_first_rules() -> None:
    assert balance_of(date(2022, 5, 6), YEARLY, {}, ALWAYS, {}) is None


def test_taken_and_planned_days_are_told_apart() -> None:
    found = balance(date(2023, 6, 1), YEARLY, used(date(2023, 5, 1), 4) | used(date(2023, 8, 1), 10, 0.5))

    assert (found.taken, found.planned, found.left, found.at_year_end) == (4, 5, 26, 21)


@pytest.mark.parametrize(
    ("as_of", "accrued"),
    [(date(2023, 1, 30), 0), (date(2023, 1, 31), 2.5), (date(2023, 6, 30), 15), (date(2023, 12, 31), 30)],
)
def test_a_twelfth_accrues_at_the_end_of_each_month(as_of: date, accrued: float) -> None:
    assert balance(as_of, {2023: LeaveRules(30, monthly=True)}, {}).accrued == accrued


def test_whole_months_of_employment_count_rounded_up_to_halves() -> None:
    found = balance(date(2023, 12, 31), {2023: LeaveRules(28)}, {}, employed=(Employment(date(2023, 3, 15), None),))

    assert found.entitled == 21  # nine whole months of twelve
    found = balance(date(2023, 12, 31), {2023: LeaveRules(28)}, {}, employed=(Employment(date(2023, 5, 1), None),))
    assert found.entitled == 19  # 18.67


def test_carried_days_are_capped_and_lapse_after_their_end() -> None:
    """24 of 30 taken: 6 left, 5 carried; 2 of them taken in February, 3 lapse with the end of March."""
    taken = used(date(2023, 7, 1), 24) | used(date(2024, 2, 1), 2)

    before = balance(date(2024, 3, 31), MARCH, taken)
    after = balance(date(2024, 4, 1), MARCH, taken)

    assert (before.carried, before.lapsed, before.lapsing, before.left) == (5, 0, 3, 33)
    assert (after.carried, after.lapsed, after.lapsing, after.left) == (5, 3, 0, 30)


def test_too_many_days_taken_are_owed_in_the_next_year() -> None:
    assert balance(date(2024, 1, 1), YEARLY, used(date(2023, 5, 1), 32)).left == 28


def test_what_was_brought_by_hand_replaces_what_would_be_carried() -> None:
    personal = {2024: Personal(brought=7.5), 2025: Personal(days=20)}
    assert balance(date(2024, 1, 1), YEARLY, {}, personal=personal).left == 37.5
    assert balance(date(2025, 1, 1), YEARLY, {}, personal=personal).entitled == 20


def test_new_rules_do_not_change_the_years_before() -> None:
    rules = {2023: LeaveRules(30, carry_most=0), 2024: LeaveRules(25)}
    assert balance(date(2023, 12, 31), rules, {}).left == 30
    assert balance(date(2024, 12, 31), {2023: LeaveRules(30), 2024: LeaveRules(25, carry_most=0)}, {}).left == 25


@given(
    shares=st.dictionaries(st.dates(date(2023, 1, 1), date(2025, 12, 31)), st.sampled_from((0.5, 1.0)), max_size=80),
    as_of=st.dates(date(2023, 1, 1), date(2025, 12, 31)),
    monthly=st.booleans(),
)
def test_what_is_left_at_the_end_of_a_year_is_the_same_from_every_day_of_it(
    shares: dict[date, float], as_of: date, monthly: bool
) -> None:
    rules = {2023: LeaveRules(28, monthly, 5, (3, 31))}
    last = balance(date(as_of.year, 12, 31), rules, shares)

    found = balance(as_of, rules, shares)

    assert found.at_year_end == last.left == last.at_year_end
    assert found.taken + found.planned == last.taken

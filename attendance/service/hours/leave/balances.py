"""Balances of leave as of a day, and how many days a leave takes.

In: a session, ids, a day.  Out: `Balance`s, days; checked rules.
Does not know: pages, who is signed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy.orm import Session

from attendance.domain.hours.entitlement import Balance, LeaveRules, Personal, balance_of
from attendance.domain.hours.leave import half_on
from attendance.domain.hours.shift import Half, Leave
from attendance.domain.people.employment import ALWAYS
from attendance.errors import UserError
from attendance.store.hours import leave_rules, rosters
from attendance.store.people import people
from attendance.store.people.employment import employments
from attendance.store.tables.hours import LeaveRow

MOST_DAYS = 366


def balances(session: Session, person_ids: Sequence[int], as_of: date) -> dict[int, Balance]:
    """Return the balances of these people; nobody is in it if no rules hold in that year."""
    rules = leave_rules.rules_by_year(session)
    personal = leave_rules.personal_by_year(session, person_ids)
    years = [year for year in (*rules, *(year for own in personal.values() for year in own)) if year <= as_of.year]
    if not person_ids or not years:
        return {}
    counting = {row.name for row in leave_rules.list_kinds(session, active=None) if row.counts}
    plans = rosters.plans(session, person_ids, date(min(years), 1, 1), date(as_of.year, 12, 31))
    known = employments(session, person_ids)
    found = {}
    for person_id in person_ids:
        used = {}
        for day, plan in plans[person_id].items():
            its = [leave for leave in plan.leaves if leave.kind in counting]
            if its and plan.leave_share:
                used[day] = plan.leave_share * len(its) / len(plan.leaves)
        own = personal.get(person_id, {})
        balance = balance_of(as_of, rules, own, known.get(person_id, ALWAYS), used)
        if balance is not None:
            found[person_id] = balance
    return found


def days_of_leave(session: Session, rows: Sequence[LeaveRow]) -> dict[int, float]:
    """Return how many working days each leave takes, by its id; holidays and days off take none."""
    if not rows:
        return {}
    ids = sorted({row.person_id for row in rows})
    plans = rosters.plans(session, ids, min(row.first for row in rows), max(row.last for row in rows))
    found = {}
    for row in rows:
        total = 0.0
        for day, plan in plans[row.person_id].items():
            half = half_on(day, row.first, row.last, Half(row.half), Half(row.last_half))
            if half is not None:
                total += replace(plan, leave=Leave(row.kind, row.paid, half), other_half=None).leave_share
        found[row.id] = total
    return found


def save_rules(session: Session, year: int, rules: LeaveRules) -> None:
    """Save the entitlement, accrual and carry-over from a year on; UserError for values that make no sense."""
    _require_days(rules.days)
    if rules.carry_most is not None:
        _require_days(rules.carry_most)
    if rules.carry_until is not None:
        try:
            date(2024, *rules.carry_until)
        except ValueError as error:
            raise UserError("carried days lapse on a day of the year: write it as 03-31") from error
    leave_rules.put_rules(session, year, rules)


def save_personal(session: Session, person_id: int, year: int, personal: Personal) -> None:
    """Save what differs for one person from a year on."""
    people.get_person(session, person_id)
    if personal.days is not None:
        _require_days(personal.days)
    if personal.brought is not None:  # more may have been taken than there was
        _require_days(personal.brought, least=-MOST_DAYS)
    leave_rules.put_personal(session, person_id, year, personal)


def save_kind(session: Session, name: str, *, paid: bool, counts: bool, active: bool) -> None:
    """Save a kind of leave; UserError for a name that is empty or too long."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 50:
        raise UserError("a kind of leave needs a name of at most 50 characters")
    leave_rules.put_kind(session, name, paid=paid, counts=counts, active=active)


def _require_days(days: float, least: float = 0) -> None:
    if not least <= days <= MOST_DAYS or days * 2 != int(days * 2):
        raise UserError(
            "days of leave are a number from %(least)s to %(most)s in steps of a half, such as 27.5",
            least=least,
            most=MOST_DAYS,
        )

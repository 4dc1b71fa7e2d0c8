"""Kinds of leave, the rules of each year, and what differs for a person.

In: a session, plain values.  Out: rows; rules as the domain knows them.
Does not know: balances (service/hours/leave/balances.py), who may change them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.hours.entitlement import LeaveRules, Personal
from attendance.store.tables.hours import LeaveEntitlement, LeaveKind, LeaveRulesRow


def list_kinds(session: Session, active: bool | None = True) -> Sequence[LeaveKind]:
    """Return the kinds of leave in the order in which they were entered.  `active` None: all."""
    query = select(LeaveKind).order_by(LeaveKind.id)
    return session.scalars(query if active is None else query.where(LeaveKind.active.is_(active))).all()


def kind_named(session: Session, name: str) -> LeaveKind | None:
    return session.scalar(select(LeaveKind).where(LeaveKind.name == name))


def put_kind(session: Session, name: str, *, paid: bool, counts: bool, active: bool) -> LeaveKind:
    """Write a kind of leave; leave that is entered already keeps whether it is paid."""
    row = kind_named(session, name)
    if row is None:
        row = LeaveKind(name=name, paid=paid, counts=counts, active=active)
        session.add(row)
    else:
        row.paid, row.counts, row.active = paid, counts, active
    session.flush()
    return row


def rules_by_year(session: Session) -> dict[int, LeaveRules]:
    """Return the rules by the year from which they hold."""
    found = {}
    for row in session.scalars(select(LeaveRulesRow).order_by(LeaveRulesRow.year)):
        until = (row.carry_month, row.carry_day) if row.carry_month and row.carry_day else None
        found[row.year] = LeaveRules(row.days, row.monthly, row.carry_most, until)
    return found


def put_rules(session: Session, year: int, rules: LeaveRules) -> None:
    """Write the rules from a year on."""
    month, day = rules.carry_until or (None, None)
    session.merge(
        LeaveRulesRow(
            year=year, days=rules.days, monthly=rules.monthly, carry_most=rules.carry_most, carry_month=month,
            carry_day=day,
        )
    )  # fmt: skip
    session.flush()


def personal_by_year(session: Session, person_ids: Sequence[int]) -> dict[int, dict[int, Personal]]:
    """Return what differs for these people, by person and year."""
    found: dict[int, dict[int, Personal]] = {}
    query = select(LeaveEntitlement).where(LeaveEntitlement.person_id.in_(person_ids))
    for row in session.scalars(query):
        found.setdefault(row.person_id, {})[row.year] = Personal(row.days, row.brought)
    return found


def put_personal(session: Session, person_id: int, year: int, personal: Personal) -> None:
    """Write what differs for a person from a year on; without a value the row is removed."""
    row = session.get(LeaveEntitlement, (person_id, year))
    if personal == Personal():
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(LeaveEntitlement(person_id=person_id, year=year, days=personal.days, brought=personal.brought))
    else:
        row.days, row.brought = personal.days, personal.brought
    session.flush()

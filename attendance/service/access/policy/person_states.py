"""What doors know about a person beside the grants: switched off, locked out, more time, exemptions.

In: a session, a person, checked values.  Out: a changed row, and a new version of the rules; who is locked out.
Does not know: pages, who may do it, the audit (the view records the act).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from attendance.domain.access.rules.people import Exemption
from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.store.access import policies
from attendance.store.people import people
from attendance.store.tables.access import AccessState
from attendance.store.tables.people import Person

KEYS = frozenset({"enabled", "reason", "locked_until", "extended", "exemptions"})


def change(session: Session, person_id: int, values: Mapping[str, Any], at: datetime) -> None:
    """Change what doors know about this person; `values`: of KEYS.  UserError for an exemption that there is not."""
    if set(values) - KEYS:
        raise KeyError(sorted(set(values) - KEYS)[0])
    if set(values.get("exemptions", ())) - {str(each) for each in Exemption}:
        raise UserError("choose the exemptions from the list")
    row = policies.state_of(session, person_id)
    for key, value in values.items():
        setattr(row, key, value)
    session.flush()
    policies.bump_version(session, at)


@dataclass(frozen=True, slots=True)
class LockedOut:
    """A person whom no door lets in.  `until` None: until somebody unlocks them; `since` None: nobody noted it."""

    person_id: int
    name: str
    department: str
    reason: str
    since: datetime | None
    by: str
    until: datetime | None


def locked_out(session: Session, now: datetime) -> Sequence[LockedOut]:
    """Return who is locked out now, by name; people who are inactive are not locked out but gone."""
    query = (
        select(AccessState, Person.name, Person.department)
        .join(Person, Person.id == AccessState.person_id)
        .where(Person.active, or_(AccessState.enabled.is_(False), AccessState.locked_until > now))
    )
    found = [
        LockedOut(
            row.person_id, name, department, row.reason, row.locked_at, row.locked_by or "",
            row.locked_until if row.enabled else None,
        )
        for row, name, department in session.execute(query)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (sort_key(one.name), one.person_id))


def lock_out(session: Session, person_id: int, *, reason: str, until: datetime | None, by: str, at: datetime) -> None:
    """Let no door open to this person, until an instant or until somebody unlocks them.  UserError without a reason."""
    people.get_person(session, person_id)
    if not reason:
        raise UserError("enter a reason")
    if until is not None and until <= at:
        raise UserError("the end is over already")
    change(session, person_id, {"enabled": until is not None, "locked_until": until, "reason": reason[:200]}, at)
    row = policies.state_of(session, person_id)
    row.locked_at, row.locked_by = at, by[:100]
    session.flush()


def unlock(session: Session, person_id: int, *, reason: str, at: datetime) -> bool:
    """Let the person pass again where the rules let them; return False if somebody did so before."""
    if not reason:
        raise UserError("enter a reason")
    row = policies.state_of(session, person_id)
    if row.enabled and (row.locked_until is None or row.locked_until <= at):
        return False
    change(session, person_id, {"enabled": True, "locked_until": None, "reason": ""}, at)
    row.locked_at, row.locked_by = None, None
    session.flush()
    return True

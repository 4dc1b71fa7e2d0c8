"""Doors held by an operator: locked, blocked or unlocked until a time, and the lockdown of all doors.

In: a session, a door, a reason, an end.  Out: rows that the rules read with every decision; who holds a door, and why.
Does not know: pages, who may do it; drivers (a daemon moves the door).
Main choice: what was set is never changed, only ended, so that the history says what was true at each moment.  A
lockdown needs no reason to begin, since seconds count, and one to end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import Mode, Source
from attendance.errors import UserError
from attendance.store import settings
from attendance.store.tables.access import Door, DoorOverride

LONGEST_UNLOCK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a door.  `door`: its number, None for all doors; `until`: None until it is ended."""

    id: int
    door: int | None
    mode: Mode
    source: Source
    since: datetime
    until: datetime | None
    reason: str
    by: str


def hold(
    session: Session, door_id: int, mode: Mode, *, reason: str, until: datetime | None, by: str, at: datetime
) -> int:
    """Hold a door; return the number of what was set.

    Raises UserError without a reason, for an end that is over, and for an unlock without an end.
    """
    if mode not in (Mode.UNLOCK, Mode.LOCK, Mode.BLOCK):
        raise UserError("choose to unlock, lock or block the door")
    if session.get(Door, door_id) is None:
        raise UserError("this door is not there any more")
    if not reason:
        raise UserError("say why; it stays in the history")
    if until is not None and until <= at:
        raise UserError("the end must be later than now")
    if mode is Mode.UNLOCK and (until is None or until - at > LONGEST_UNLOCK):
        raise UserError("an unlocked door needs an end, at most seven days from now")
    return _add(session, door_id, mode, Source.OPERATOR, reason=reason, until=until, by=by, at=at)


def lock_down(session: Session, *, reason: str, by: str, at: datetime) -> int | None:
    """Lock down all doors until somebody ends it; None if they are locked down already."""
    settings.alone(session, "lockdown")  # two at once would need to be ended twice
    if lockdown(session, at) is not None:
        return None
    return _add(session, None, Mode.LOCKDOWN, Source.EMERGENCY, reason=reason, until=None, by=by, at=at)


def end(session: Session, override_id: int, *, reason: str, by: str, at: datetime) -> Held | None:
    """End what was set; None if somebody did before.  Raises UserError without a reason."""
    if not reason:
        raise UserError("say why; it stays in the history")
    row = session.get(DoorOverride, override_id, populate_existing=True, with_for_update=True)
    if row is None or row.ended_at is not None:
        return None
    row.ended_at, row.ended_by = at, by
    session.flush()
    return _held(row)


def holding(session: Session, at: datetime) -> Sequence[Held]:
    """Return whatever holds a door now, the newest first."""
    rows = session.scalars(select(DoorOverride).where(DoorOverride.ended_at.is_(None)).order_by(DoorOverride.id.desc()))
    return [_held(row) for row in rows if row.until is None or row.until > at]


def lockdown(session: Session, at: datetime) -> Held | None:
    """Return the lockdown of all doors, if there is one."""
    return next((held for held in holding(session, at) if held.door is None and held.mode is Mode.LOCKDOWN), None)


def _add(
    session: Session, door_id: int | None, mode: Mode, source: Source, *,
    reason: str, until: datetime | None, by: str, at: datetime,
) -> int:  # fmt: skip
    row = DoorOverride(
        door_id=door_id, mode=mode.value, source=source.value, since=at, until=until, reason=reason[:200], by=by[:100]
    )
    session.add(row)
    session.flush()
    return row.id


def _held(row: DoorOverride) -> Held:
    return Held(row.id, row.door_id, Mode(row.mode), Source(row.source), row.since, row.until, row.reason, row.by)

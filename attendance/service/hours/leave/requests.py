"""Leave asked for, entered, decided and withdrawn: checked before it is written.

In: a session, what a form holds.  Out: rows; a UserError that says what to do.
Does not know: forms, who is signed in (the caller passes a name), how many days are left (balances.py).
Main choice: leave is a first and a last day, each whole or a half, and whole days between; other half days are
entered one by one.  No change to a closed period is accepted from anybody.  The caller commits.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from attendance.domain.hours.leave import half_on
from attendance.domain.hours.shift import Half
from attendance.errors import UserError
from attendance.service.people.own_requests import BY, require_another_person, require_room
from attendance.store.hours import leave as leave_rows
from attendance.store.hours import leave_rules
from attendance.store.hours.periods import require_open
from attendance.store.hours.requests import move
from attendance.store.people import people
from attendance.store.tables.hours import LeaveRow
from attendance.texts import N_

# The kinds that a site begins with, for translators; the table has those that hold.
LEAVE_KINDS = (
    N_("vacation"), N_("sickness"), N_("parental"), N_("training"), N_("business trip"), N_("unpaid"), N_("other"),
)  # fmt: skip
MOST_DAYS = 400


def add_leave(
    session: Session, *, person_id: int, kind: str, first: date, last: date, half: Half = Half.WHOLE,
    last_half: Half = Half.WHOLE, paid: bool | None = None, note: str = "", now: datetime, by: str,
    approved: bool = False, decider: int | None = None,
) -> LeaveRow:  # fmt: skip
    """Request leave, or enter it as approved; UserError if there is leave on these days already.

    `half`: of the first day.  `last_half`: of the last day, if that is another one.  `decider`: the operator's own id
    as a person of the site, if any.  `paid` None: as its kind is.  Nobody enters leave for themselves as approved.
    """
    people.require_staff(session, person_id)
    if approved:
        require_another_person(person_id, decider)
    known = leave_rules.kind_named(session, kind)
    if known is None or not known.active:
        names = ", ".join(row.name for row in leave_rules.list_kinds(session))
        raise UserError("leave is one of: %(names)s", names=names)
    paid = known.paid if paid is None else paid
    if last < first:
        raise UserError("the last day is before the first: swap them")
    if (last - first).days > MOST_DAYS:
        raise UserError("leave lasts at most %(most)s days: enter longer leave in parts", most=MOST_DAYS)
    if last > first and (half is Half.FIRST or last_half is Half.SECOND):
        raise UserError(
            "leave of several days begins with a whole day or its second half, and ends with a whole day or its first "
            "half: enter any other half day separately"
        )
    if last == first:
        last_half = Half.WHOLE  # `half` says it
    require_open(session, first, last, now)
    _require_free(session, person_id, first, last, half, last_half)
    return leave_rows.add_leave(
        session,
        person_id=person_id,
        kind=kind,
        first=first,
        last=last,
        half=half.value,
        last_half=last_half.value,
        paid=paid,
        note=note.strip()[:1000],
        state="approved" if approved else "requested",
        requested_by=by[:100],
        requested_at=now,
        decided_by=by[:100] if approved else None,
        decided_at=now if approved else None,
        decision_note="",
    )


def _require_free(session: Session, person_id: int, first: date, last: date, half: Half, last_half: Half) -> None:
    """Raise UserError if a day, or the same half of it, is taken already; two different halves fit on one day."""
    for row in leave_rows.leave_between(session, first, last, person_id=person_id, states=("requested", "approved")):
        day = max(first, row.first)
        while day <= min(last, row.last):
            mine = half_on(day, first, last, half, last_half)
            other = half_on(day, row.first, row.last, Half(row.half), Half(row.last_half))
            if Half.WHOLE in (mine, other) or mine is other:
                raise UserError(
                    "there is leave from %(first)s to %(last)s already: withdraw it first",
                    first=row.first,
                    last=row.last,
                )
            day += timedelta(days=1)


def ask_for_leave(
    session: Session, person_id: int, *, kind: str, first: date, last: date, half: Half, last_half: Half, note: str,
    now: datetime,
) -> LeaveRow:  # fmt: skip
    """Ask for leave of one's own; UserError also while too many requests wait."""
    waiting = leave_rows.leave_between(session, date.min, date.max, person_id=person_id, states=("requested",))
    require_room(len(waiting))
    return add_leave(
        session, person_id=person_id, kind=kind, first=first, last=last, half=half, last_half=last_half, note=note,
        now=now, by=BY,
    )  # fmt: skip


def withdraw_own_request(session: Session, leave_id: int, person_id: int, *, now: datetime) -> LeaveRow:
    """Withdraw the person's own request while it waits; UserError if it is decided or another person's."""
    row = leave_rows.get_leave(session, leave_id)
    if row.person_id != person_id:
        raise UserError("there is no leave %(leave_id)s", leave_id=leave_id)
    require_open(session, row.first, row.last, now)
    move(session, row, ("requested",), "withdrawn", by=BY, at=now)
    return row


def decide_leave(
    session: Session, leave_id: int, state: str, *, now: datetime, by: str, note: str = "", decider: int | None = None
) -> LeaveRow:
    """Approve, refuse or withdraw leave.  `state`: "approved", "refused" or "withdrawn".  `decider`: as above."""
    before = {"approved": ("requested",), "refused": ("requested",), "withdrawn": ("requested", "approved")}
    if state not in before:
        raise UserError("leave is approved, refused or withdrawn")
    row = leave_rows.get_leave(session, leave_id)
    require_another_person(row.person_id, decider)
    require_open(session, row.first, row.last, now)
    move(session, row, before[state], state, by=by, at=now, note=note)
    return row

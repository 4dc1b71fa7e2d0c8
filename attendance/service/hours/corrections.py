"""Corrections of working time: request, decide, withdraw, undo.

In: a session, ids, instants, the site's zone.  Out: `Correction` rows; a UserError that says why not.
Does not know: the web, who is signed in (the caller passes a name).
Main choice: the original passage never changes; a correction is kept beside it.  The caller commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.windows import REACH, WorkDays, windows_of
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.ids import new_event_id
from attendance.service.people.own_requests import require_another_person
from attendance.store.hours import corrections as correction_rows
from attendance.store.hours import rosters
from attendance.store.hours.periods import require_open
from attendance.store.hours.requests import move
from attendance.store.people import people
from attendance.store.tables.access import Passage
from attendance.store.tables.hours import Correction

# Pages offer OFFERED_S and name no other number; the rest is for slow lines.
UNDO, OFFERED_S = timedelta(minutes=1), 15


def request_correction(
    session: Session,
    *,
    person_id: int,
    action: str,
    reason: str,
    by: str,
    now: datetime,
    zone: ZoneInfo,
    at: datetime | None = None,
    direction: Direction = Direction.UNKNOWN,
    passage_id: str | None = None,
) -> Correction:
    """Ask for a passage to be added (`action` "add", with `at`) or left out ("void", with `passage_id`).

    A passage at the wrong time needs both.  UserError for a closed period, a future time, another person's
    passage, a second request for the same.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise UserError("a correction needs a reason: say what happened")
    if action == "add":
        people.require_staff(session, person_id)
        if at is None:
            raise UserError("say at what time it was")
        if at > now:
            raise UserError("this time is in the future: a correction is about what happened")
        passage_id = None
    elif action == "void":
        passage = session.get(Passage, passage_id) if passage_id else None
        if passage is None or passage.person_id != person_id:
            raise UserError("there is no such check-in of this person")
        at = passage.at
    else:
        raise UserError("a correction adds a check-in or takes one away")
    day = _day_about(session, person_id, at, zone)
    require_open(session, day, day, now)
    for other in correction_rows.corrections(session, person_id=person_id, first=day, last=day):
        same = other.action == action and other.at == at and other.passage_id == passage_id
        if same and other.state in ("requested", "approved"):
            raise UserError("this was asked for already")
    row = Correction(
        id=new_event_id(now),
        person_id=person_id,
        day=day,
        action=action,
        passage_id=passage_id,
        at=at,
        direction=direction.value,
        reason=reason[:1000],
        state="requested",
        requested_by=by[:100],
        requested_at=now,
        decided_by=None,
        decided_at=None,
        decision_note="",
    )
    session.add(row)
    session.flush()
    return row


def decide_correction(
    session: Session,
    correction_id: str,
    *,
    approve: bool,
    by: str,
    now: datetime,
    note: str = "",
    decider: int | None = None,
) -> Correction:
    """Approve or refuse; UserError if it was decided meanwhile or its period is closed.

    `decider`: the operator's own id as a person of the site, if any.  Nobody decides about themselves.
    """
    row = correction_rows.get_correction(session, correction_id)
    require_another_person(row.person_id, decider)
    require_open(session, row.day, row.day, now)
    state = "approved" if approve else "refused"
    move(session, row, ("requested",), state, by=by, at=now, note=note)
    return row


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of several decisions: the ids that were decided, and why each other one was not."""

    done: tuple[str, ...]
    kept: tuple[tuple[str, str], ...]


def decide_corrections(
    session: Session,
    correction_ids: Iterable[str],
    *,
    approve: bool,
    by: str,
    now: datetime,
    note: str = "",
    decider: int | None = None,
) -> Decided:
    """Decide several at once; one that cannot be decided is named with the reason and keeps none of the others back."""
    done, kept = [], []
    for correction_id in correction_ids:
        try:
            decide_correction(session, correction_id, approve=approve, by=by, now=now, note=note, decider=decider)
        except UserError as error:
            kept.append((correction_id, error.words))
        else:
            done.append(correction_id)
    return Decided(tuple(done), tuple(kept))


def withdraw_correction(
    session: Session, correction_id: str, *, by: str, now: datetime, decider: int | None = None
) -> Correction:
    """Withdraw a request or an approval: the original counts again.  `decider`: as above."""
    row = correction_rows.get_correction(session, correction_id)
    require_another_person(row.person_id, decider)
    require_open(session, row.day, row.day, now)
    move(session, row, ("requested", "approved"), "withdrawn", by=by, at=now, note=row.decision_note)
    return row


def withdraw_own_request(session: Session, correction_id: str, person_id: int, *, by: str, now: datetime) -> Correction:
    """Withdraw the person's own request while it waits; UserError if it is decided or another person's."""
    row = correction_rows.get_correction(session, correction_id)
    if row.person_id != person_id:
        raise UserError("there is no such correction")
    require_open(session, row.day, row.day, now)
    move(session, row, ("requested",), "withdrawn", by=by, at=now)
    return row


def undo_passage(
    session: Session, passage_id: str, person_id: int, *, now: datetime, zone: ZoneInfo, by: str = "kiosk"
) -> Correction:
    """Leave out a passage within a minute of it, without approval; it stays on record."""
    passage = session.get(Passage, passage_id)
    if passage is None or passage.person_id != person_id:
        raise UserError("there is no such check-in of this person")
    if abs(now - passage.at) > UNDO:
        raise UserError("this check-in can no longer be undone: ask for a correction")
    row = request_correction(
        session,
        person_id=person_id,
        action="void",
        passage_id=passage_id,
        reason="undone at the tablet",
        by=by,
        now=now,
        zone=zone,
    )
    return decide_correction(session, row.id, approve=True, by=by, now=now)


def is_closed(session: Session, person_id: int, at: datetime, *, now: datetime, zone: ZoneInfo) -> bool:
    """Return whether the work day of this instant lies in a closed period."""
    day = _day_about(session, person_id, at, zone)
    try:
        require_open(session, day, day, now)
    except UserError:
        return True
    return False


def _day_about(session: Session, person_id: int, at: datetime, zone: ZoneInfo) -> date:
    """Return the work day to which a passage at `at` belongs: a night's end belongs to the day before."""
    local = at.astimezone(zone).date()
    plans = rosters.plans(session, [person_id], local - REACH, local + REACH)[person_id]
    work_days = WorkDays(windows_of(plans, zone), zone)
    return work_days.day_of(at, work_days.window_at(at))

"""The first and last day of employment: hours, leave and what opens doors end together.

In: a session, days, the site's zone, the present instant.  Out: changed rows; a UserError that says why not.
Does not know: forms, who is signed in.
Main choice: the last day ends at midnight of the site, by itself: the transaction of each check-in compares the
instant, and an hourly job deactivates the person, so that the gallery forgets the face.  The past stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.people.employment import Employment
from attendance.errors import UserError
from attendance.store.hours.periods import require_open
from attendance.store.people import employment, people

BEGINNING, FOREVER = date(1970, 1, 1), date(9999, 1, 1)


def set_active(session: Session, person_id: int, active: bool, *, now: datetime, zone: ZoneInfo) -> people.Person:
    """Activate or deactivate a person; today is the last day of employment, or the first of a new one."""
    person = people.set_active(session, person_id, active, at=now, on=now.astimezone(zone).date())
    _put_end(session, person, zone)
    return person


def set_days(
    session: Session, person_id: int, first: date | None, last: date | None, *, now: datetime, zone: ZoneInfo
) -> bool:
    """Set the first and last day of the newest employment; return whether the person was deactivated by it.

    UserError if the days are the wrong way round, overlap an earlier employment, or change a closed period.
    """
    person = people.get_person(session, person_id)
    known = employment.employment_of(session, person_id)
    before, wanted = known[-1], Employment(first, last)
    if wanted == before:
        return False
    if first is not None and last is not None and last < first:
        raise UserError("the last day of employment is before the first: swap them")
    earlier = [one.last for one in known[:-1] if one.last is not None]
    if earlier and (first is None or first <= max(earlier)):
        raise UserError(
            "an earlier employment lasted until %(earlier)s: the first day is after it", earlier=max(earlier)
        )
    for old, new, at_end in ((before.first, first, False), (before.last, last, True)):
        if old != new:
            _require_open_between(session, old, new, at_end, now)
    employment.put_newest(session, person_id, wanted)
    _put_end(session, person, zone)
    if person.active and last is not None and last < now.astimezone(zone).date():
        people.set_active(session, person_id, False, at=now, on=last)
        return True
    return False


def _require_open_between(session: Session, old: date | None, new: date | None, at_end: bool, now: datetime) -> None:
    """Raise UserError if the days that begin or cease to count lie in a closed period."""
    open_end = FOREVER if at_end else BEGINNING
    low, high = sorted((old or open_end, new or open_end))
    if at_end:
        low += timedelta(days=1)
    else:
        high -= timedelta(days=1)
    require_open(session, low, high, now)


def _put_end(session: Session, person: people.Person, zone: ZoneInfo) -> None:
    last = employment.employment_of(session, person.id)[-1].last
    person.ends_at = None
    if last is not None and last < FOREVER:
        person.ends_at = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    session.flush()


def end_what_is_over(session: Session, *, now: datetime, zone: ZoneInfo) -> Sequence[int]:
    """Deactivate active people whose last day is over, some at a time; return their ids."""
    ids = people.ended_before(session, now)
    for person_id in ids:
        last = employment.employment_of(session, person_id)[-1].last
        people.set_active(session, person_id, False, at=now, on=last or now.astimezone(zone).date())
    return ids

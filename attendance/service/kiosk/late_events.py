"""What becomes of a check-in that a tablet sent too late: somebody has to approve it.

In: a session, the passage, the present instant, the site's zone.  Out: a correction that waits in the inbox.
Does not know: tablets, what is answered.
Main choice: the passage is kept and does not count; a correction asks to add it, so that the rules of corrections
hold: who decides, closed periods, the trail.  In a closed period nothing is asked: the passage stays on record as
late, and the period as it is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.passage import Passage, came_late
from attendance.errors import UserError
from attendance.service.hours import corrections
from attendance.store.people import people
from attendance.texts import gettext as _


def never_into_a_closed_period(session: Session, passage: Passage, now: datetime, zone: ZoneInfo) -> Passage:
    """Return the passage, as one that came too late if it waited while its period was closed."""
    if passage.person_id is None or passage.late or not came_late(passage):
        return passage
    closed = corrections.is_closed(session, passage.person_id, passage.at, now=now, zone=zone)
    return replace(passage, late=True) if closed else passage


def ask(session: Session, passage: Passage, now: datetime, zone: ZoneInfo) -> bool:
    """Ask for the check-in to be counted; return False where that cannot be asked, such as in a closed period."""
    if passage.person_id is None or people.active_person(session, passage.person_id, now) is None:
        return False
    minutes = max(1, round((now - passage.at).total_seconds() / 60))
    length = _("%(hours)s h %(minutes)s min", hours=minutes // 60, minutes=f"{minutes % 60:02d}")
    reason = _("%(tablet)s sent this check-in %(length)s after its time.", tablet=passage.camera, length=length)
    try:
        corrections.request_correction(
            session,
            person_id=passage.person_id,
            action="add",
            at=passage.at,
            direction=passage.direction,
            reason=reason,
            by=f"kiosk {passage.camera}",
            now=now,
            zone=zone,
        )
    except UserError:
        return False
    return True

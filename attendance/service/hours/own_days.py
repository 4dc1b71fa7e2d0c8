"""A person's days in sentences to that person, and the person's requests for corrections.

In: a session, a person's id, the zone, the present instant.  Out: sentences; rows.
Does not know: who is signed in, pages, files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day, Flag, Status
from attendance.domain.hours.shift import Half
from attendance.domain.passage import Direction
from attendance.service.hours.corrections import request_correction
from attendance.service.hours.day_words import HALF_WORDS, Local, flag_sentence
from attendance.service.people.own_requests import BY, require_room
from attendance.store.hours.corrections import corrections
from attendance.store.tables.hours import Correction
from attendance.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about a day.  `look`: the person should check whether it is right."""

    words: str
    look: bool = False


def notes(day: Day, local: Local) -> list[Note]:
    """Return what is special about a day, for the person whose day it is; what needs a look comes first."""
    sentences = [Note(flag_sentence(flag, day, local), flag.wants_look) for flag in Flag if flag in day.flags]
    if day.plan.holiday:
        whole = day.status is Status.HOLIDAY
        sentences.append(Note(f"{day.plan.holiday}." if whole else _("Holiday: %(name)s.", name=day.plan.holiday)))
    for leave in day.plan.leaves:
        words = _(leave.kind)
        if leave.half is not Half.WHOLE:
            words += f", {_(HALF_WORDS[leave.half])}"
        sentences.append(Note(_("Leave: %(words)s.", words=words)))
    return sorted(sentences, key=lambda note: not note.look)


def ask(
    session: Session,
    person_id: int,
    *,
    action: str,
    reason: str,
    now: datetime,
    zone: ZoneInfo,
    at: datetime | None = None,
    direction: Direction = Direction.UNKNOWN,
    passage_id: str | None = None,
) -> Correction:
    """Ask for a correction of the person's own day; UserError also while too many requests wait."""
    waiting = corrections(session, person_id=person_id, state="requested")
    require_room(len(waiting))
    return request_correction(
        session, person_id=person_id, action=action, reason=reason, by=BY, now=now, zone=zone, at=at,
        direction=direction, passage_id=passage_id,
    )  # fmt: skip


def month_of(text: str, today: date) -> tuple[date, date]:
    """Return the first and last day of a month such as 2024-05; of this month if it is not valid or in the future."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today.replace(day=1)
    if not date(1970, 1, 1) <= first <= today:
        first = today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

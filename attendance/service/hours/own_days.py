"""People's own days in plain words, and their own requests for corrections.

In: a session, a person's id, the zone, the present instant.  Out: sentences; rows.
Does not know: who is signed in, pages, files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from attendance.domain.hours.day import Day, Flag, Status
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours.report_tables import hours
from attendance.store.hours import corrections
from attendance.store.tables.hours import Correction

BY = "self-service"  # who asked, in the record of a correction
MOST_WAITING = 20


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence about a day.  `look`: the person had better look whether it is right."""

    words: str
    look: bool = False


_SENTENCES: dict[Flag, Callable[[Day], Note]] = {
    Flag.LATE: lambda day: Note(f"You came {hours(day.late)} late."),
    Flag.EARLY: lambda day: Note(f"You left {hours(day.early)} early."),
    Flag.MISSING_OUT: lambda day: Note(_closed(day, "Your check-out is missing."), look=True),
    Flag.MISSING_IN: lambda _: Note("Your check-in is missing.", look=True),
    Flag.REPEAT: lambda _: Note("You checked in twice in a row. It counts once."),
    Flag.WRONG_CLOCK: lambda _: Note("The clock at the door was wrong. Are these times right?", look=True),
    Flag.FUTURE: lambda _: Note("A check-in with a time in the future was not counted.", look=True),
    Flag.ON_DAY_OFF: lambda _: Note("You worked on a day off."),
    Flag.IN_DOUBT: lambda _: Note("Whether you came or went was told from your shift."),
    Flag.CORRECTED: lambda _: Note("A correction counts on this day."),
}


def notes(day: Day) -> list[Note]:
    """What is special about a day, in the order of importance, for the person whose day it is."""
    found = [_SENTENCES[flag](day) for flag in Flag if flag in day.flags]
    if day.plan.holiday:
        found.append(Note(f"{'' if day.status is Status.HOLIDAY else 'Holiday: '}{day.plan.holiday}."))
    if day.plan.leave is not None:
        half = {"first": ", first half of the day", "second": ", second half of the day"}
        found.append(Note(f"Leave: {day.plan.leave.kind}{half.get(day.plan.leave.half.value, '')}."))
    return sorted(found, key=lambda one: not one.look)


def _closed(day: Day, words: str) -> str:
    """With what a rule made of it: "closed at the end of the shift, 17:00"."""
    rule = next((one.reason.partition(": ")[2] for one in day.spells if one.by_rule), "")
    return f"{words} The day was {rule}." if rule.startswith("closed") else words


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
    """The person asks for a correction of their own; UserError also while too many of them wait."""
    waiting = corrections.corrections(session, person_id=person_id, state="requested")
    if len(waiting) >= MOST_WAITING:
        raise UserError(f"{MOST_WAITING} of your requests wait already: withdraw one, or wait for a decision")
    return stored_corrections.request_correction(
        session, person_id=person_id, action=action, reason=reason, by=BY, now=now, zone=zone, at=at,
        direction=direction, passage_id=passage_id,
    )  # fmt: skip


def month_of(text: str, today: date) -> tuple[date, date]:
    """First and last day of a month written as 2024-05; of the present one for what is none, or to come."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        first = today.replace(day=1)
    if not date(1970, 1, 1) <= first <= today:
        first = today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)

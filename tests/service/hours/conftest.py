"""A site's people, shifts, rosters and passages in Berlin, in a few words each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import corrections as stored_corrections
from attendance.service.hours import days, planning
from attendance.store.access import events
from attendance.store.hours import corrections
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import make_passage

BERLIN = ZoneInfo("Europe/Berlin")


MONDAY = date(2024, 5, 6)


NOW = datetime(2024, 5, 20, 12, tzinfo=UTC)


OFFICE = Shift("Office", (Span(540, 1020),))


NIGHT = Shift("Night", (Span(1320, 1800),))


WEEK = [1, 1, 1, 1, 1, 0, 0]


def local(text: str, day: date = MONDAY) -> datetime:
    hour, minute = (int(one) for one in text.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def add_person(session: Session, name: str = "Anna Berg", **columns: str) -> int:
    return people.create_person(session, name=name, at=NOW, **columns).id


def add_shift(session: Session, shift: Shift = OFFICE) -> int:
    return planning.save_shift(session, shift, now=NOW).id


def roster(session: Session, person_id: int, shift: Shift = OFFICE, first: date = date(2024, 4, 1)) -> int:
    shift_id = add_shift(session, shift)
    planning.assign(session, [person_id], first, None, [shift_id if one else None for one in WEEK], now=NOW, by="test")
    return shift_id


def passage(session: Session, person_id: int, at: datetime, direction: Direction = Direction.UNKNOWN) -> str:
    made = make_passage(at, person_id=person_id, direction=direction)
    events.record_passage(session, made)
    return made.id


def day(session: Session, person_id: int, which: date = MONDAY) -> days.Day:
    return days.days_of(session, person_id, which, which, BERLIN, NOW)[0]


@pytest.fixture
def session(sessions: Sessions) -> Session:
    return sessions()


def ask(session: Session, person_id: int, **changes: object) -> corrections.Correction:
    values: dict[str, object] = {
        "person_id": person_id, "action": "add", "at": local("17:00"), "direction": Direction.OUT,
        "reason": "Forgot.", "by": "anna", "now": NOW, "zone": BERLIN,
    }  # fmt: skip
    return stored_corrections.request_correction(session, **(values | changes))  # type: ignore[arg-type]

"""What a tablet says to people of the night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from attendance.domain.hours.shift import Shift, Span
from attendance.domain.passage import Direction
from attendance.service.hours import planning
from attendance.service.kiosk.answers import greet
from attendance.store.access import events
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import make_passage

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_night_worker_is_seen_off_with_the_hours_of_the_night_on_every_morning(sessions: Sessions) -> None:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    with sessions() as session:
        nora = people.create_person(session, name="Nora Kern", at=now).id
        night = planning.save_shift(session, Shift("Night", (Span(1320, 1800),)), now=now)
        planning.assign(session, [nora], date(2024, 4, 1), None, [night.id], now=now, by="test")
        for number in range(6):
            day = datetime(2024, 5, 6, tzinfo=BERLIN) + timedelta(days=number)
            said = []
            for at in (day.replace(hour=21, minute=55), (day + timedelta(days=1)).replace(hour=6, minute=5)):
                passage = make_passage(at.astimezone(UTC), person_id=nora, direction=Direction.UNKNOWN)
                events.record_passage(session, passage)
                answer = greet(session, passage, BERLIN, passage.at, undo=10)
                assert answer is not None
                said.append((answer.words, answer.advice, answer.today, answer.ask))

            assert said == [
                ("Good evening, Nora", "In at 21:55", "0 min", False),
                ("Goodbye, Nora", "Out at 06:05", "8 h 10 min", False),
            ], day

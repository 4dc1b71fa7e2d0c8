"""Today as the site has it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from attendance.service.operations import overview
from attendance.store.access import events
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON, make_passage

BERLIN = ZoneInfo("Europe/Berlin")


def test_todays_overview_follows_the_sites_midnight(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        for at in (datetime(2024, 5, 5, 21, 59, tzinfo=UTC), datetime(2024, 5, 5, 22, 1, tzinfo=UTC)):
            events.record_passage(session, make_passage(at, person_id=anna))
    with sessions() as session:
        today, _ = overview.overview_today(session, BERLIN, NOON)
    assert today.granted == 1
    assert today.present[0].first_in == datetime(2024, 5, 5, 22, 1, tzinfo=UTC)

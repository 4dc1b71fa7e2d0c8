"""Visitors are erased after the days of the settings, as by hand: no byte of them stays in the database."""

from __future__ import annotations

from datetime import datetime, timedelta

from attendance.config import Settings
from attendance.domain.reason import Reason
from attendance.jobs import forget_visitors
from attendance.service.access.policy import visits
from attendance.service.privacy import schedule
from attendance.store.access import events, policies
from attendance.store.people import people
from attendance.store.tables.access import AccessGrant
from attendance.store.tables.people import Visit
from tests.factories import NOON, make_passage
from tests.fakes import FakeClock
from tests.service.privacy.conftest import Place

DAY = timedelta(days=1)


def invited(place: Place, name: str, host: int, begin: datetime, end: datetime) -> int:
    with place.sessions.begin() as session:
        level = next(iter(policies.load_rules(session, NOON.tzinfo).levels))  # type: ignore[arg-type]
        return visits.invite(
            session, name=name, person_id=None, host_id=host, company="Acme", level_id=level, begins_at=begin,
            ends_at=end, by="ada", at=begin, any_level=True,
        ).person_id  # fmt: skip


def settings(place: Place, days: int) -> Settings:
    return Settings.model_validate(
        {
            "retention": {"visitors_days": days},
            "privacy": {"ledger": str(place.ledger.path)},
            "backup": {"folder": ""},
        }
    )


def test_visitors_go_after_their_last_visit_and_staff_stays(place: Place) -> None:
    host = place.add("Anna")
    gone = invited(place, "Gus", host, NOON - 40 * DAY, NOON - 39 * DAY)
    invited(place, "Hilda", host, NOON - 40 * DAY, NOON - 10 * DAY)
    back = invited(place, "Ida", host, NOON - 40 * DAY, NOON - 39 * DAY)
    with place.sessions.begin() as session:
        level = next(iter(policies.load_rules(session, NOON.tzinfo).levels))  # type: ignore[arg-type]
        visits.invite(
            session, name="", person_id=back, host_id=host, company="", level_id=level, begins_at=NOON + DAY,
            ends_at=NOON + 2 * DAY, by="ada", at=NOON, any_level=True,
        )  # fmt: skip
        let_in = make_passage(NOON - 40 * DAY, person_id=gone, for_hours=False)
        refused = make_passage(NOON - 38 * DAY, person_id=gone, granted=False, reason=Reason.EXPIRED)
        for passage in (let_in, refused):
            events.record_passage(session, passage)
    lines = len(place.ledger.read())

    assert forget_visitors(place.sessions, place.keys, settings(place, 0), FakeClock(NOON)) == 0
    assert forget_visitors(place.sessions, place.keys, settings(place, 30), FakeClock(NOON)) == 1
    assert forget_visitors(place.sessions, place.keys, settings(place, 30), FakeClock(NOON)) == 0

    assert place.names() == ["Anna", "Hilda", "Ida"]
    assert [line.kind for line in place.ledger.read()[lines:]] == ["person"]
    with place.sessions() as session:
        assert session.query(Visit).filter_by(person_id=gone).count() == 0
        assert session.query(AccessGrant).filter_by(person_id=gone).count() == 0
        view = events.get_passage(session, let_in.id)
        assert view is not None and view.passage.person_id is None and view.passage.granted

    # An ended visit counts from its end; an erased host leaves the visit.
    later = FakeClock(NOON + 21 * DAY)
    assert forget_visitors(place.sessions, place.keys, settings(place, 30), later) == 1
    assert place.names() == ["Anna", "Ida"]
    with place.sessions.begin() as session:
        people.delete_person(session, host, at=NOON)
    with place.sessions() as session:
        assert {row.host_id for row in session.query(Visit)} == {None}
        assert [one.host for one in visits.past(session, later.now(), later.now())] == ["", ""]


def test_the_schedule_publishes_it() -> None:
    kept = {one.setting: one.how_long for one in schedule.schedule_of(Settings())}
    assert kept["retention.visitors_days"] == "30 days after the last visit"
    off = schedule.schedule_of(Settings.model_validate({"retention": {"visitors_days": 0}}))
    assert "until somebody erases them" in {one.how_long for one in off if one.setting == "retention.visitors_days"}

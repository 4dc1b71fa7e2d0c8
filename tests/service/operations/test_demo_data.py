"""A month of invented people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from attendance.config import Settings
from attendance.domain.access.rules.decide import Outcome
from attendance.domain.faces import Template
from attendance.domain.hours.day import Flag, Status
from attendance.errors import UserError
from attendance.service.access.policy import who_passes
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.audit.audit import Actor
from attendance.service.hours import days
from attendance.service.hours.leave import balances
from attendance.service.operations import demo_data, demo_faces, demo_passages
from attendance.store.access import events, policies
from attendance.store.alarms import alarms
from attendance.store.calibration import operating_points
from attendance.store.cameras import cameras
from attendance.store.crypto import Keys
from attendance.store.hours import corrections
from attendance.store.people import look_alikes, templates
from attendance.store.session import Sessions
from attendance.store.tables import access
from attendance.store.tables import people as stored_people
from attendance.store.tables.alarms import OutboxMessage
from attendance.store.tables.hours import Correction
from tests.factories import vector_of

# A Tuesday, 10:00 in Berlin.
TUESDAY = datetime(2024, 5, 14, 8, tzinfo=UTC)


SETTINGS = Settings.model_validate({"site": {"timezone": "Europe/Berlin"}})


def test_demo_data_is_the_same_each_time_and_only_for_an_empty_database(sessions: Sessions) -> None:
    with sessions.begin() as session:
        made = demo_data.make(session, count=12, days=10, now=TUESDAY, zone=SETTINGS.site.zone)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(stored_people.Person)) == made.people == 12
        assert session.scalar(select(func.count()).select_from(access.Passage)) == made.passages > 200
        assert session.scalar(select(func.count()).select_from(Correction)) == made.corrections
        assert session.scalar(select(func.count()).select_from(stored_people.Template)) == 0
        with pytest.raises(UserError, match="there are people in this database"):
            demo_data.make(session, count=1, days=1, now=TUESDAY, zone=SETTINGS.site.zone)


def test_each_granted_passage_of_the_demo_moved_its_door(sessions: Sessions) -> None:
    with sessions.begin() as session:
        demo_data.make(session, count=8, days=2, now=TUESDAY, zone=SETTINGS.site.zone)
    with sessions() as session:
        views = events.list_passages(session, limit=1000)
    assert {(view.passage.granted, view.door) for view in views} == {(True, "done"), (False, None)}


def test_each_camera_of_the_demo_leads_to_a_door_that_its_people_may_pass(sessions: Sessions) -> None:
    zone = SETTINGS.site.zone
    with sessions.begin() as session:
        demo_data.make(session, count=14, days=3, now=TUESDAY, zone=zone)
        let_everybody_pass(session, Actor("system", "test"), TUESDAY)
        session.execute(update(stored_people.Person).values(access_consent_at=TUESDAY))
    with sessions() as session:
        rules = policies.load_rules(session, zone)
        at_sunday = TUESDAY + timedelta(days=5)
        passing = {
            (point, at): sum(
                one.verdict.outcome is not Outcome.DENY for one in who_passes.who_passes(session, zone, point, at)
            )
            for point in rules.points
            for at in (TUESDAY, at_sunday)
        }
        names = {door.name for door in rules.doors.values()}
        went = {view.passage.door_id for view in events.list_passages(session, limit=1000)}

    # Each schedule once: what says «always» is there from the start.
    assert [one.name for one in rules.schedules.values()] == ["always", "office hours"]
    cameras_there = [name for name, _way in demo_passages.DOORS]
    assert names == {*cameras_there, "archive", "server room"}
    assert {rules.doors[rules.points[name].door].name for name in cameras_there} == set(cameras_there)
    assert went <= {rules.points[name].door for name in cameras_there}
    for name in cameras_there:
        assert passing[name, TUESDAY] == passing[name, at_sunday] == 14
    # Of seven departments two pass everywhere, and three more pass the archive in office hours.
    assert (passing["archive tablet", TUESDAY], passing["archive tablet", at_sunday]) == (10, 4)
    assert passing["server room reader", TUESDAY] == 4


def test_nobody_of_the_demo_is_absent_before_its_first_day(sessions: Sessions) -> None:
    zone, first = SETTINGS.site.zone, TUESDAY.date() - timedelta(days=10)
    with sessions.begin() as session:
        demo_data.make(session, count=12, days=10, now=TUESDAY, zone=zone)
    with sessions() as session:
        made = days.sheet(session, first - timedelta(days=14), TUESDAY.date(), zone, TUESDAY)

    for one in made:
        assert not any(day.status is Status.ABSENT for day in one.days if day.day < first)
        # Turned, the pattern still begins its weeks on Mondays; guards work round the clock.
        if one.person.department != demo_data.GUARDS:
            assert {day.day.weekday() for day in one.days if day.plan.shift} == {0, 1, 2, 3, 4}


MODEL = "test-recogniser-v1"
# Sunday at noon and at night, a public holiday, the minute of a change of shifts, the night in which the clock changes.
HOURS = (
    datetime(2024, 5, 19, 10, tzinfo=UTC),
    datetime(2024, 5, 19, 1, 30, tzinfo=UTC),
    datetime(2024, 5, 18, 22, tzinfo=UTC),
    datetime(2024, 5, 1, 12, tzinfo=UTC),
    datetime(2024, 5, 18, 4, 0, tzinfo=UTC),
    datetime(2024, 5, 18, 12, 0, tzinfo=UTC),
    datetime(2024, 5, 18, 20, 0, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 30, tzinfo=UTC),
    datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
)


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("now", HOURS, ids=[f"{one:%a-%d-%H%M}" for one in HOURS])
def test_somebody_is_in_whenever_the_demo_is_made(sessions: Sessions, now: datetime, count: int) -> None:
    with sessions.begin() as session:
        demo_data.make(session, count=count, days=8, now=now, zone=SETTINGS.site.zone)
    with sessions() as session:
        here = days.today(session, now, SETTINGS.site.zone).here

    assert here
    assert len(here) < max(2, count)


def test_templates_look_alikes_and_cameras_are_there_and_the_site_can_read_them(sessions: Sessions, keys: Keys) -> None:
    model = demo_faces.Model(keys, MODEL, 384)
    with sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=0.42, margin=0.05, source="card default", gallery_size=0, at=TUESDAY
        )
        made = demo_data.make(session, count=130, days=3, now=TUESDAY, zone=SETTINGS.site.zone, model=model)
    with sessions() as session:
        gallery = templates.load_gallery(session, keys, MODEL)
        alike = look_alikes.named_pairs(session, MODEL)
        seen = {camera.name for camera in cameras.list_cameras(session)}
        doors = set(events.camera_names(session))
        agreed = session.scalar(select(func.count()).where(stored_people.Person.access_consent_at.is_not(None)))
        owners = session.scalar(select(func.count(stored_people.Template.person_id.distinct())))

    assert made.templates == len(gallery) > 300
    assert agreed == owners  # nobody has a template without consent
    assert 4 <= len(alike) <= 8  # those that were made, and none by chance
    assert sum(pair.confirmed_at is not None for pair in alike) == 2
    assert min(pair.score for pair in alike) >= 0.37
    assert doors <= seen
    assert made.cameras == len(seen) == 3


def test_one_alarm_is_open_and_nobody_is_told_of_an_invented_one(sessions: Sessions) -> None:
    with sessions.begin() as session:
        made = demo_data.make(session, count=8, days=2, now=TUESDAY, zone=SETTINGS.site.zone)
    with sessions() as session:
        (waiting,) = alarms.open_alarms(session)
        past = alarms.past_alarms(session)
        messages = session.scalar(select(func.count()).select_from(OutboxMessage))

    assert waiting.subject == "yard door"
    assert made.alarms == 1 + len(past) == 4
    for one in past:
        assert one.acknowledged_at is not None
        assert one.cleared_at is not None
        assert one.raised_at < one.acknowledged_at < one.cleared_at
    assert not messages


def test_no_face_that_is_not_of_the_demo_comes_near_its_templates(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        demo_data.make(
            session, count=60, days=1, now=TUESDAY, zone=SETTINGS.site.zone, model=demo_faces.Model(keys, MODEL, 384)
        )
    with sessions() as session:
        enrolled = templates.enrolled_templates(session, keys, MODEL)
    best = max(one.template.score(Template(vector_of((seed,)), MODEL)) for one in enrolled for seed in range(50))

    assert best < 0.3


def test_people_of_the_demo_ask_for_what_they_forgot_and_have_days_of_leave_left(sessions: Sessions) -> None:
    zone = SETTINGS.site.zone
    with sessions.begin() as session:
        made = demo_data.make(session, count=60, days=14, now=TUESDAY, zone=zone)
    with sessions() as session:
        waiting = corrections.corrections(session, state="requested")
        for row in waiting:
            [one] = days.sheet(session, row.day, row.day, zone, TUESDAY, person_id=row.person_id)
            assert Flag.MISSING_OUT in one.days[0].flags
        ids = [row.person_id for row in waiting]
        left = balances.balances(session, ids, TUESDAY.date())

    assert 2 <= len(waiting) == made.corrections <= 3
    assert all(one.entitled == 30 for one in left.values()) and set(left) == set(ids)

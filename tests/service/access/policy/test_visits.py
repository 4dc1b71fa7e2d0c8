"""A visitor passes from one moment to another by what a door really asks, and nothing of it is working time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from attendance.domain.hours.leave import Half
from attendance.domain.passage import Direction, Method
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.policy import door_rows, editing, visits
from attendance.service.access.policy.visits import Stage
from attendance.service.audit.audit import Actor
from attendance.service.hours import days, muster
from attendance.service.hours.corrections import request_correction
from attendance.service.hours.leave.requests import add_leave
from attendance.store.access import policies
from attendance.store.crypto import Keys
from attendance.store.hours import punches, rosters
from attendance.store.people import people
from attendance.store.session import Sessions
from attendance.store.tables.access import AccessGrant
from attendance.store.tables.people import Visit
from tests.service.access.doors.asking import ZONE, ask
from tests.service.conftest import Site

HOUR = timedelta(hours=1)


@pytest.fixture
def house(sessions: Sessions, keys: Keys) -> Site:
    """Anna (1) works here; the first door has the camera "door", and its level is that of new people."""
    site = Site(sessions, keys)
    with sessions.begin() as session:
        now = site.clock.now()
        rules = policies.load_rules(session, ZONE)
        editing.set_default_level(session, next(iter(rules.levels)), now)
        door_rows.move_point(session, "door", next(iter(rules.doors)), now)
        site.add(session, "Anna")
    return site


def invited(site: Site, begin: timedelta = HOUR, end: timedelta = 3 * HOUR, **changes: object) -> Visit:
    now = site.clock.now()
    values: dict[str, object] = {
        "name": "Gus Guest", "person_id": None, "host_id": 1, "company": "Acme", "begins_at": now + begin,
        "ends_at": now + end, "by": "ada", "at": now, "any_level": True,
    } | changes  # fmt: skip
    with site.sessions.begin() as session:
        level = next(iter(policies.load_rules(session, ZONE).levels))
        return visits.invite(session, **({"level_id": level} | values))  # type: ignore[arg-type]


def asked(site: Site, person: int, method: Method = Method.BADGE) -> tuple[bool, Reason]:
    passage = ask(site, person, method, camera="door").passage
    return passage.granted, passage.reason


def test_a_door_lets_a_visitor_in_from_the_first_moment_until_the_last_and_no_job_runs(house: Site) -> None:
    guest = invited(house).person_id
    assert asked(house, guest) == (False, Reason.NOT_YET_VALID)
    # Asking takes a second.
    house.clock.advance(3600 - 2)
    assert asked(house, guest) == (True, Reason.MATCHED)  # at the first moment itself
    house.clock.advance(2 * 3600 - 2)
    assert asked(house, guest) == (True, Reason.MATCHED)  # a second before the last
    assert asked(house, guest) == (False, Reason.EXPIRED)  # at the last moment, which is exclusive
    assert len(house.door.unlocked) == 2


def test_an_ended_visit_opens_nothing_from_that_moment_and_is_ended_once(house: Site) -> None:
    visit = invited(house, begin=timedelta(0))
    assert asked(house, visit.person_id) == (True, Reason.MATCHED)
    with house.sessions.begin() as session, pytest.raises(UserError, match="reason"):
        visits.end(session, visit.id, reason="", by="ada", at=house.clock.now())
    with house.sessions.begin() as session:
        before = policies.version(session)
        assert visits.end(session, visit.id, reason="sent home", by="ada", at=house.clock.now())
        assert policies.version(session) > before
    with house.sessions.begin() as session:
        assert visits.end(session, visit.id, reason="again", by="eve", at=house.clock.now()) is None
        [seen] = visits.current(session, house.clock.now(), house.clock.now() - HOUR)
    assert (seen.stage, seen.ended_by, seen.end_reason) == (Stage.ENDED, "ada", "sent home")
    assert asked(house, visit.person_id) == (False, Reason.EXPIRED)
    with house.sessions.begin() as session:
        assert visits.end(session, invited_later(house, session), reason="ill", by="ada", at=house.clock.now())
    assert asked(house, visit.person_id) == (False, Reason.EXPIRED)


def invited_later(site: Site, session: Session) -> int:
    """The same visitor is invited again for tomorrow; that visit can be ended before it begins."""
    [guest] = visits.guests(session)
    now = site.clock.now()
    level = next(iter(policies.load_rules(session, ZONE).levels))
    return visits.invite(
        session, name="", person_id=guest.id, host_id=1, company="", level_id=level,
        begins_at=now + timedelta(days=1), ends_at=now + timedelta(days=2), by="ada", at=now, any_level=True,
    ).id  # fmt: skip


def test_nothing_but_a_visit_gives_a_visitor_access(house: Site) -> None:
    visit = invited(house)
    guest, now = visit.person_id, house.clock.now()
    with house.sessions.begin() as session:
        level = policies.default_level(session)
        assert level is not None
        people.set_active(session, guest, False, at=now)
        people.set_active(session, guest, True, at=now)
        editing.choose_default_level(session, Actor("operator", "ada"), now, level, also_present=True)
        people.update_person(session, guest, at=now, department="Lab")
        editing.give(session, level, None, "Lab", valid_from=None, valid_to=None, by="ada", at=now)
        with pytest.raises(UserError, match="invite"):
            editing.give(session, level, guest, "", valid_from=None, valid_to=None, by="ada", at=now)
        theirs = session.scalars(select(AccessGrant).where(AccessGrant.person_id == guest)).all()
    assert [one.id for one in theirs] == [visit.grant_id]
    assert asked(house, guest) == (False, Reason.NOT_YET_VALID)
    with house.sessions() as session:
        everybody = policies.for_everybody(session, policies.load_rules(session, ZONE))
    assert everybody.people[guest].department == ""


def test_passages_of_a_visitor_are_no_working_time_yet_they_are_inside(house: Site) -> None:
    guest = invited(house, begin=timedelta(0)).person_id
    with house.sessions.begin() as session:
        people.update_person(session, guest, at=house.clock.now(), staff_number="V-1")
    for method in (Method.PIN, Method.BADGE):
        assert asked(house, guest, method) == (True, Reason.MATCHED)
    now = house.clock.now()
    with house.sessions() as session:
        assert punches.punches(session, now - HOUR, now + HOUR) == {}
        assert punches.people_with_punches(session, now + HOUR) == set()
        sheet = days.sheet(session, now.date(), now.date(), ZONE, now)
        assert [one.person.name for one in sheet] == ["Anna"]
        assert [one.name for one in rosters.list_staff(session, active=None)] == ["Anna"]
        [one] = muster.inside(session, now, ZONE)
    assert (one.person_id, one.visitor) == (guest, True)


def test_a_tablet_for_working_time_only_refuses_a_visitor(house: Site) -> None:
    guest = invited(house, begin=timedelta(0)).person_id
    refused = ask(house, guest, Method.PIN, camera="canteen").passage
    assert (refused.granted, refused.reason, refused.person_id) == (False, Reason.NO_RIGHT, guest)
    staff = ask(house, 1, Method.PIN, camera="canteen").passage
    assert staff.granted


def test_leave_and_corrections_of_a_visitor_are_refused(house: Site) -> None:
    guest, now, day = invited(house).person_id, house.clock.now(), date(2024, 5, 7)
    with house.sessions.begin() as session:
        with pytest.raises(UserError, match="visitor"):
            add_leave(
                session, person_id=guest, kind="vacation", first=day, last=day, half=Half.WHOLE, last_half=Half.WHOLE,
                note="", now=now, by="me",
            )  # fmt: skip
        with pytest.raises(UserError, match="visitor"):
            request_correction(
                session, person_id=guest, action="add", reason="forgot", by="me", now=now, zone=ZONE,
                at=now - HOUR, direction=Direction.IN,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": HOUR}, "ends before it begins"),
        ({"begin": -3 * HOUR, "end": -HOUR}, "over already"),
        ({"end": timedelta(days=400)}, "at most a year"),
        ({"host_id": 99}, "no person 99"),
        ({"person_id": 1}, "of the staff"),
        ({"name": " "}, "needs a name"),
        ({"level_id": 99}, "not there any more"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(house: Site, changes: dict[str, object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        invited(house, **changes)  # type: ignore[arg-type]
    with house.sessions() as session:
        assert session.scalars(select(Visit)).all() == []
        assert visits.guests(session) == []


def test_a_visitor_is_nobody_s_host_and_a_taken_level_is_said(house: Site) -> None:
    visit = invited(house)
    with pytest.raises(UserError, match="cannot be a host"):
        invited(house, name="Other", host_id=visit.person_id)
    with house.sessions.begin() as session:
        assert visit.level_id is not None and visit.grant_id is not None
        assert editing.take(session, visit.level_id, visit.grant_id, house.clock.now())
    with house.sessions() as session:
        [seen] = visits.current(session, house.clock.now(), house.clock.now())
    assert seen.stage is Stage.TAKEN
    assert asked(house, visit.person_id) == (False, Reason.NO_RIGHT)

"""Questions about the rules are answered by the same decision as at the door."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.access.rules.decide import Outcome
from attendance.domain.access.rules.doors import Mode
from attendance.domain.access.rules.factors import Factor
from attendance.domain.access.rules.levels import Entry, Right
from attendance.domain.access.rules.schedule import weekly
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.doors import asking, editing
from attendance.service.access.recording import Recorder
from attendance.service.audit.audit import Actor
from attendance.service.ids import new_event_id
from tests.factories import NOON, make_passage
from tests.service.conftest import Site

ADA = Actor("operator", "ada")
ZONE = ZoneInfo("Europe/Berlin")
SUNDAY_NIGHT = datetime(2024, 5, 12, 1, 0, tzinfo=UTC)  # 03:00 in Berlin
FACE = frozenset({Factor.FACE})


@pytest.fixture
def office(site: Site) -> Site:
    """Anna (1) passes on weekdays from 8 to 18, Bert (2) at any time, Cleo (3) never."""
    with site.sessions.begin() as session:
        for name in ("Anna", "Bert", "Cleo"):
            site.add(session, name)
        hours = editing.save_schedule(session, ADA, NOON, None, "hours", weekly(range(5), 480, 1080))
        level = editing.save_level(session, ADA, NOON, None, "by day", [Entry(hours.id, door=1)])
        for grant in (1, 3):
            editing.take_back(session, ADA, NOON, grant)
        editing.give(session, ADA, NOON, level.id, person_id=1)
    return site


def test_who_can_pass_on_sunday_at_three_and_why(office: Site) -> None:
    with office.sessions() as session:
        answers = asking.who_can_pass(session, ZONE, 1, SUNDAY_NIGHT)
        anna, bert, cleo = (asking.explain_access(session, ZONE, person, 1, SUNDAY_NIGHT) for person in (1, 2, 3))

    assert answers[1] is Reason.OUTSIDE_SCHEDULE
    assert isinstance(answers[2], Right)
    assert answers[3] is Reason.NO_RIGHT
    assert [each.best.reason for each in (anna, bert, cleo)] == [
        Reason.OUTSIDE_SCHEDULE,
        Reason.MATCHED,
        Reason.NO_RIGHT,
    ]
    [line] = anna.lines
    assert (line.holds, line.right.level.name) == (False, "by day")
    assert line.opens == datetime(2024, 5, 13, 6, 0, tzinfo=UTC)  # Monday, 08:00 in Berlin
    assert anna.words == "outside the hours of access"
    assert bert.lines[0].holds
    assert cleo.lines == ()


def test_the_answer_says_which_factors_are_enough_and_how_the_door_is_held(office: Site) -> None:
    with office.sessions.begin() as session:
        factors = [{"sets": [["face", "pin"], ["badge", "pin"]], "schedule": None}]
        editing.save_point(session, ADA, NOON, None, {"name": "gate", "door_id": 1, "factors": factors})
        before = asking.explain_access(session, ZONE, 2, 1, NOON)
        editing.hold_door(session, ADA, NOON, Mode.BLOCK, "works", door_id=1)
        after = asking.explain_access(session, ZONE, 2, 1, NOON)

    assert before.verdicts[FACE].outcome is Outcome.STEP_UP
    assert before.verdicts[frozenset(Factor)].granted
    assert (after.best.reason, after.hold.mode) == (Reason.DOOR_BLOCKED, Mode.BLOCK)


def test_what_would_change_is_the_past_decided_again(office: Site) -> None:
    door = Recorder(office.sessions, office.clock, office.door, timedelta(0), ZONE)
    for day in range(-2, 1):  # Saturday, Sunday, Monday at 14:00 in Berlin
        for person in (1, 2, None):
            office.clock.time = NOON + timedelta(days=day)
            refused = {"granted": False, "reason": Reason.UNKNOWN} if person is None else {}
            passage = make_passage(office.clock.time, id=new_event_id(office.clock.time), person_id=person, **refused)
            door.record(passage.id, lambda _session, p=passage: p)
    with office.sessions() as session:
        rules = asking.rules_now(session, ZONE)
        same = asking.what_if(session, rules, NOON + timedelta(hours=1))
        wider = replace(rules.schedules[2], week=weekly(range(7), 480, 1080))
        more = asking.what_if(
            session, replace(rules, schedules={**rules.schedules, 2: wider}), NOON + timedelta(hours=1)
        )
        fewer = asking.what_if(session, replace(rules, grants=()), NOON + timedelta(hours=1))

    assert (same.looked, same.changes) == (6, ())
    assert [change.passage.at for change in more.changes] == [NOON - timedelta(days=1), NOON - timedelta(days=2)]
    assert (more.granted, more.refused) == (2, 0)
    assert {change.passage.person_id for change in more.changes} == {1}
    assert (fewer.granted, fewer.refused) == (0, 4)
    assert [view.passage.reason for view in office.log()].count(Reason.MATCHED) == 4  # the log itself is as it was


def test_who_is_inside_is_known_by_area(office: Site) -> None:
    door = Recorder(office.sessions, office.clock, office.door, timedelta(0), ZONE)
    with office.sessions.begin() as session:
        area = editing.save_area(session, ADA, NOON, None, {"name": "hall"})
        editing.save_point(session, ADA, NOON, None, {"name": "gate", "door_id": 1, "area_to_id": area.id})
    passage = make_passage(NOON, person_id=2, camera="gate")
    door.record(passage.id, lambda _session: passage)

    with office.sessions() as session:
        assert asking.people_inside(session) == [asking.Inside(2, "Bert", "hall", NOON)]


def test_a_door_or_person_that_is_gone_is_said(office: Site) -> None:
    with office.sessions() as session:
        with pytest.raises(UserError, match="door is gone"):
            asking.explain_access(session, ZONE, 1, 99, NOON)
        with pytest.raises(UserError, match="person is gone"):
            asking.explain_access(session, ZONE, 99, 1, NOON)

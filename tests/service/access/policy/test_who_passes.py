"""Who can pass, by which proofs, and what other rules would change: answered by the same decision as at the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.access.rules.decide import Outcome
from attendance.domain.access.rules.doors import Antipassback, Mode
from attendance.domain.access.rules.factors import Factor
from attendance.domain.access.rules.schedule import weekly
from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.service.access.policy import door_rows, editing, holding, what_if
from attendance.service.access.policy.who_passes import Asker, who_passes
from attendance.service.access.recording import Recorder
from attendance.service.audit.audit import Actor
from attendance.service.ids import new_event_id
from attendance.store.access import policies, present
from attendance.store.cameras import cameras
from tests.factories import NOON, make_passage
from tests.service.conftest import Site

ZONE = ZoneInfo("Europe/Berlin")
SUNDAY_NIGHT = datetime(2024, 5, 12, 1, 0, tzinfo=UTC)  # 03:00 in Berlin
FACE = frozenset({Factor.FACE})


@pytest.fixture
def office(site: Site) -> Site:
    """Anna (1) passes on weekdays from 8 to 18, Bert (2) at any time, Cleo (3) never, at the point "door"."""
    with site.sessions.begin() as session:
        for name in ("Anna", "Bert", "Cleo"):
            site.add(session, name)
        hours = editing.save_schedule(session, None, "hours", weekly(range(5), 480, 1080), NOON)
        level = editing.save_level(session, None, "by day", NOON)
        editing.add_entry(session, level, 1, "", hours, NOON)
        for grant in (1, 3):
            assert editing.take(session, 1, grant, NOON)
        editing.give(session, level, 1, "", valid_from=None, valid_to=None, by="ada", at=NOON)
        door_rows.move_point(session, "door", 1, NOON)
    return site


def test_who_can_pass_on_sunday_at_three_and_why(office: Site) -> None:
    with office.sessions() as session:
        answers = {one.name: one for one in who_passes(session, ZONE, "door", SUNDAY_NIGHT)}

    assert [answers[name].verdict.reason for name in ("Anna", "Bert", "Cleo")] == [
        Reason.OUTSIDE_SCHEDULE,
        Reason.MATCHED,
        Reason.NO_RIGHT,
    ]
    assert answers["Anna"].next_at == datetime(2024, 5, 13, 6, 0, tzinfo=UTC)  # Monday, 08:00 in Berlin
    assert answers["Bert"].right is not None and answers["Bert"].right.level.name == "everybody"
    assert answers["Cleo"].right is None and answers["Cleo"].next_at is None


def test_which_factors_are_enough_and_how_the_door_is_held_is_part_of_the_answer(office: Site) -> None:
    with office.sessions.begin() as session:
        factors = [{"sets": [["face", "pin"], ["badge", "pin"]], "schedule": None}]
        door_rows.change_point(session, "door", {"factors": factors}, NOON)
        asker = Asker(policies.for_everybody(session, policies.load_rules(session, ZONE)))
        holding.hold(session, 1, Mode.BLOCK, reason="works", until=None, by="ada", at=NOON)
        held = Asker(policies.for_everybody(session, policies.load_rules(session, ZONE)))

    assert asker.ask("door", 2, NOON, FACE).outcome is Outcome.STEP_UP
    assert asker.ask("door", 2, NOON).granted
    assert held.ask("door", 2, NOON).reason is Reason.DOOR_BLOCKED


def test_what_would_change_is_the_past_decided_again(office: Site) -> None:
    door = Recorder(office.sessions, office.clock, office.door, timedelta(0), ZONE)
    for day in range(-2, 1):  # Saturday, Sunday, Monday at 14:00 in Berlin
        for person in (1, 2, None):
            office.clock.time = NOON + timedelta(days=day)
            refused = {"granted": False, "reason": Reason.UNKNOWN} if person is None else {}
            passage = make_passage(office.clock.time, id=new_event_id(office.clock.time), person_id=person, **refused)
            door.record(passage.id, lambda _session, p=passage: p)
    later = NOON + timedelta(hours=1)
    with office.sessions() as session:
        same = what_if.compare(session, ZONE, lambda policy: policy, later)
        more = what_if.compare(session, ZONE, what_if.with_week(2, weekly(range(7), 480, 1080)), later)
        taken = what_if.tried(session, ZONE, lambda opened: editing.take(opened, 1, 2, NOON))
        fewer = what_if.compare(session, ZONE, taken, later)

    assert (same.asked, same.changed) == (6, ())
    assert [change.at for change in more.changed] == [NOON - timedelta(days=1), NOON - timedelta(days=2)]
    assert (more.let_in, more.refused) == (2, 0)
    assert {change.person for change in more.changed} == {1}
    assert (fewer.let_in, fewer.refused) == (0, 3)
    assert [view.passage.reason for view in office.log()].count(Reason.MATCHED) == 4  # the log itself is as it was


def test_who_is_inside_is_known_by_area(office: Site) -> None:
    door = Recorder(office.sessions, office.clock, office.door, timedelta(0), ZONE)
    with office.sessions.begin() as session:
        area = door_rows.save_area(session, None, "hall", Antipassback.OFF, {}, NOON)
        door_rows.change_point(session, "door", {"area_to_id": area}, NOON)
    passage = make_passage(NOON, person_id=2)
    door.record(passage.id, lambda _session: passage)

    with office.sessions() as session:
        found = [(row.person_id, name, place, row.since) for row, name, place in present.inside(session)]
    assert found == [(2, "Bert", "hall", NOON)]


def test_a_second_door_leaves_the_cameras_of_the_first_where_they_were(office: Site) -> None:
    with office.sessions.begin() as session:
        cameras.claim(session, "gate", source="0", direction=Direction.IN, owner="daemon", at=NOON)
        door_rows.add(session, "back door", NOON)
        points = policies.load_rules(session, ZONE).points

    assert {name: point.door for name, point in points.items()} == {"door": 1, "gate": 1}


def test_the_first_level_is_given_to_everybody_once(office: Site) -> None:
    ada = Actor("operator", "ada")
    with office.sessions.begin() as session:
        assert editing.let_everybody_pass(session, ada, NOON) == 2  # Bert has it
        assert editing.let_everybody_pass(session, ada, NOON) == 0
        assert policies.default_level(session) == 1

"""The rules of doors in the one story of face, PIN and badge: who is refused, what is stored, which door moves."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.access.rules.doors import Antipassback, Mode
from attendance.domain.access.rules.schedule import weekly
from attendance.domain.passage import Method, Passage
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.doors.judging import DoorRules, note_phase
from attendance.service.access.policy import door_rows, editing, holding, person_states
from attendance.service.access.recording import Recorded, Recorder
from attendance.service.ids import new_event_id
from attendance.store.access import policies, present
from attendance.store.alarms import alarms
from tests.factories import make_passage
from tests.service.conftest import Site

ADA = "ada"
ZONE = ZoneInfo("Europe/Berlin")
MON_TO_FRI = (0, 1, 2, 3, 4)


def recorder(site: Site, at_door: bool = True) -> Recorder:
    return Recorder(site.sessions, site.clock, site.door if at_door else None, timedelta(seconds=30), ZONE)


def ask(site: Site, person_id: int | None = 1, camera: str = "door", method: Method = Method.FACE) -> Recorded:
    """Somebody asks: a person who was identified, or a stranger."""
    site.clock.advance(1)
    now = site.clock.now()
    stranger = {"granted": False, "reason": Reason.UNKNOWN}
    passage = make_passage(
        now,
        id=new_event_id(now),
        camera=camera,
        method=method,
        **(stranger if person_id is None else {"person_id": person_id}),
    )
    recorded = recorder(site).record(passage.id, lambda _session: passage)
    assert recorded is not None
    return recorded


def stored(site: Site) -> Passage:
    return site.log()[0].passage


def restrict(site: Site, start: int, end: int) -> None:
    """Let the level "everybody" hold on weekdays between two hours only."""
    with site.sessions.begin() as session:
        at = site.clock.now()
        hours = editing.save_schedule(session, None, "hours", weekly(MON_TO_FRI, start * 60, end * 60), at)
        for number, *_line in editing.entries(session, 1):
            editing.remove_entry(session, 1, number, at)
        editing.add_entry(session, 1, 1, "", hours, at)


def hold(site: Site, mode: Mode, reason: str = "works") -> int:
    with site.sessions.begin() as session:
        now = site.clock.now()
        if mode is Mode.LOCKDOWN:
            number = holding.lock_down(session, reason=reason, by=ADA, at=now)
            assert number is not None
            return number
        return holding.hold(session, 1, mode, reason=reason, until=None, by=ADA, at=now)


@pytest.fixture
def one(site: Site) -> Site:
    """Anna (1), who agreed and has the level that everybody gets."""
    with site.sessions.begin() as session:
        site.add(session, "Anna")
    return site


def test_whoever_may_pass_passes_and_the_right_is_written_down(one: Site) -> None:
    recorded = ask(one)

    assert recorded.passage.granted
    assert one.door.unlocked == [3.0]
    assert (stored(one).door_id, stored(one).rule) == (1, "grant 1, level 1, schedule 1")
    assert stored(one).policy_version is not None


@pytest.mark.parametrize("method", [Method.FACE, Method.PIN, Method.BADGE])
def test_somebody_outside_the_schedule_is_refused_by_name_and_the_door_stays_shut(one: Site, method: Method) -> None:
    restrict(one, 8, 12)  # it is Monday, 14:00 in Berlin

    recorded = ask(one, method=method)

    assert (recorded.passage.granted, recorded.passage.reason) == (False, Reason.OUTSIDE_SCHEDULE)
    assert one.door.unlocked == []
    assert (stored(one).person_id, stored(one).rule) == (1, "9 schedule")
    assert recorded.person_name is None


def test_a_change_of_the_rules_counts_at_the_next_request(one: Site) -> None:
    door = recorder(one)
    for number, expected in enumerate((True, False, True)):
        if number == 1:
            restrict(one, 8, 12)
        if number == 2:
            restrict_to = weekly(MON_TO_FRI, 0, 0)
            with one.sessions.begin() as session:
                editing.save_schedule(session, 2, "hours", restrict_to, one.clock.now())
        passage = make_passage(one.clock.now(), id=new_event_id(one.clock.now()), person_id=1)
        recorded = door.record(passage.id, lambda _session, p=passage: p)
        assert recorded is not None
        assert recorded.passage.granted is expected


def test_a_lockdown_answers_strangers_and_staff_alike_and_ends(one: Site) -> None:
    lockdown = hold(one, Mode.LOCKDOWN, "")

    assert [ask(one, who).passage.reason for who in (1, None)] == [Reason.LOCKDOWN] * 2
    assert one.door.unlocked == []

    with one.sessions.begin() as session:
        assert holding.end(session, lockdown, reason="over", by=ADA, at=one.clock.now()) is not None
    assert ask(one).passage.granted
    assert ask(one, None).passage.reason is Reason.UNKNOWN


def test_a_grant_that_is_taken_back_ends_at_once(one: Site) -> None:
    with one.sessions.begin() as session:
        assert editing.take(session, 1, 1, one.clock.now())

    assert ask(one).passage.reason is Reason.NO_RIGHT


def test_a_visitor_passes_until_the_last_day_is_over(one: Site) -> None:
    now = one.clock.now()
    with one.sessions.begin() as session:
        assert editing.take(session, 1, 1, now)
        editing.give(session, 1, 1, "", valid_from=now, valid_to=now + timedelta(hours=10), by=ADA, at=now)

    assert ask(one).passage.granted
    one.clock.advance(10 * 3600)
    assert ask(one).passage.reason is Reason.EXPIRED


def test_while_the_clock_is_in_doubt_only_timeless_rights_count(one: Site) -> None:
    one.clock.doubt = "it jumped"
    assert ask(one).passage.granted

    restrict(one, 0, 24 - 1)
    assert ask(one).passage.reason is Reason.CLOCK_DOUBT


def test_a_person_who_is_switched_off_is_refused_and_one_with_extended_time_gets_it(one: Site) -> None:
    with one.sessions.begin() as session:
        person_states.change(session, 1, {"extended": True}, one.clock.now())
    ask(one)
    assert one.door.unlocked == [10.0]

    with one.sessions.begin() as session:
        person_states.change(session, 1, {"enabled": False, "reason": "left the badge"}, one.clock.now())
    assert ask(one).passage.reason is Reason.NOT_ACTIVE


def test_a_camera_belongs_to_the_only_door_and_to_none_once_there_are_two(one: Site) -> None:
    assert ask(one, camera="new camera").passage.granted

    with one.sessions.begin() as session:
        door_rows.add(session, "back door", one.clock.now())
    assert ask(one, camera="new camera").passage.reason is Reason.UNKNOWN_POINT

    with one.sessions.begin() as session:
        door_rows.move_point(session, "new camera", 2, one.clock.now())
    assert ask(one, camera="new camera").passage.reason is Reason.NO_RIGHT


def test_a_tablet_without_a_door_is_for_working_time_and_asks_no_rules(one: Site) -> None:
    hold(one, Mode.BLOCK)
    passage = make_passage(one.clock.now(), person_id=1, method=Method.BADGE, camera="tablet")

    recorded = recorder(one, at_door=False).record(passage.id, lambda _session: passage)

    assert recorded is not None and recorded.passage.granted
    assert stored(one).door_id is None


def two_sides(site: Site, contact: bool, antipassback: str = "hard") -> None:
    with site.sessions.begin() as session:
        at = site.clock.now()
        area = door_rows.save_area(session, None, "lab", Antipassback(antipassback), {"occupancy_max": 1}, at)
        door_rows.change(session, 1, "door", {"contact": contact}, at)
        for name, side in (("way in", "area_to_id"), ("way out", "area_from_id")):
            door_rows.move_point(session, name, 1, at)
            door_rows.change_point(session, name, {side: area}, at)


def test_hard_anti_passback_moves_with_the_grant_where_there_is_no_contact(one: Site) -> None:
    two_sides(one, contact=False)

    reasons = [ask(one, camera=camera).passage.reason for camera in ("way in", "way in", "way out", "way in")]

    assert reasons == [Reason.MATCHED, Reason.PASSBACK, Reason.MATCHED, Reason.MATCHED]


def test_with_a_contact_only_a_passage_that_was_taken_moves_anybody(one: Site) -> None:
    two_sides(one, contact=True)
    first = ask(one, camera="way in").passage
    with one.sessions.begin() as session:
        assert note_phase(session, DoorRules(ZONE).rules(session), first.id, False, one.clock.now())
        assert not note_phase(session, DoorRules(ZONE).rules(session), first.id, True, one.clock.now())  # once

    second = ask(one, camera="way in").passage
    assert second.granted
    with one.sessions.begin() as session:
        assert note_phase(session, DoorRules(ZONE).rules(session), second.id, True, one.clock.now())
        assert present.occupancy(session) == {1: 1}

    assert ask(one, camera="way in").passage.reason is Reason.PASSBACK


def test_a_grant_keeps_its_place_until_the_contact_shows_it_or_the_door_locks_again(one: Site) -> None:
    two_sides(one, contact=True)
    with one.sessions.begin() as session:
        bert = one.add(session, "Bert").id
    assert ask(one, camera="way in").passage.granted

    assert ask(one, bert, camera="way in").passage.reason is Reason.AREA_FULL  # one place, and Anna is on her way
    assert ask(one, camera="way in").passage.granted  # she did not pull the door in time
    one.clock.advance(60)
    assert ask(one, bert, camera="way in").passage.granted  # she never came


def test_nobody_is_granted_at_two_doors_of_an_area_at_once(one: Site) -> None:
    two_sides(one, contact=True)
    with one.sessions.begin() as session:
        at = one.clock.now()
        other = door_rows.add(session, "back door", at)
        door_rows.change(session, other, "back door", {"contact": True}, at)
        door_rows.move_point(session, "back in", other, at)
        door_rows.change_point(session, "back in", {"area_to_id": 1}, at)
        editing.add_entry(session, 1, other, "", 1, at)
    assert ask(one, camera="way in").passage.granted

    assert ask(one, camera="back in").passage.reason is Reason.PASSBACK
    one.clock.advance(60)
    assert ask(one, camera="back in").passage.granted


def test_two_people_open_a_door_together_and_one_of_them_twice_does_not(one: Site) -> None:
    with one.sessions.begin() as session:
        bert = one.add(session, "Bert").id
        door_rows.change(session, 1, "vault", {"two_person_s": 15}, one.clock.now())

    reasons = [ask(one, who).passage.reason for who in (1, 1, bert, 1)]

    assert reasons == [Reason.SECOND_PERSON, Reason.SECOND_PERSON, Reason.MATCHED, Reason.SECOND_PERSON]
    one.clock.advance(20)
    assert ask(one, bert).passage.reason is Reason.SECOND_PERSON  # Anna waited too long


def test_nobody_passes_before_somebody_in_charge_came_today(one: Site) -> None:
    with one.sessions.begin() as session:
        at = one.clock.now()
        bert = one.add(session, "Bert").id
        chiefs = editing.save_level(session, None, "chiefs", at)
        editing.add_entry(session, chiefs, 1, "", 1, at)
        editing.give(session, chiefs, bert, "", valid_from=None, valid_to=None, by=ADA, at=at)
        door_rows.change(session, 1, "door", {"first_level_id": chiefs}, at)

    assert [ask(one, who).passage.reason for who in (1, bert, 1)] == [
        Reason.FIRST_PERSON,
        Reason.MATCHED,
        Reason.MATCHED,
    ]
    one.clock.advance(86_400)
    assert ask(one).passage.reason is Reason.FIRST_PERSON


def test_rows_that_rules_use_are_not_deleted(one: Site) -> None:
    with one.sessions.begin() as session, pytest.raises(UserError, match="used by"):
        editing.delete_schedule(session, 1, one.clock.now())
    with one.sessions() as session:
        assert editing.level_names(session) == {"everybody": 1}
        assert policies.load_rules(session, ZONE).points == {}
        assert alarms.open_alarms(session) == []

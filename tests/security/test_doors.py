"""Attacks on a door: more people than one, two doors at once, requests that waited, rules that changed meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from attendance.domain.access import door_state
from attendance.domain.access.rules.doors import Antipassback
from attendance.domain.passage import Direction, Method
from attendance.domain.reason import Reason
from attendance.service.access.doors import judging
from attendance.service.access.doors.relay import Relay
from attendance.service.access.doors.remote import held_by_rules
from attendance.service.access.policy import door_rows, editing, holding
from attendance.service.access.recording import Recorder
from attendance.service.ids import new_event_id
from attendance.store.access import door_states, events, present
from attendance.store.crypto import Keys
from attendance.store.faults import DatabaseLocked
from attendance.store.session import Sessions
from tests.factories import make_passage
from tests.service.access.doors.asking import ZONE, ask
from tests.service.conftest import Site

TWO = [{"sets": [["face", "pin"], ["badge", "pin"], ["face", "badge"]], "schedule": None}]


@pytest.fixture
def door(sessions: Sessions, keys: Keys) -> Site:
    """Anna (1) and Bert (2) at a door with a camera and a tablet on the same side."""
    site = Site(sessions, keys)
    site.set_threshold()
    with site.sessions.begin() as session:
        now = site.clock.now()
        for name in ("Anna", "Bert"):
            site.add(session, name)
        for point in ("door", "tablet"):
            door_rows.move_point(session, point, 1, now)
    return site


def change_door(site: Site, door: int = 1, **values: object) -> None:
    with site.sessions.begin() as session:
        door_rows.change(session, door, f"door {door}", values, site.clock.now())


def change_points(site: Site, *points: str, **values: object) -> None:
    with site.sessions.begin() as session:
        for point in points:
            door_rows.change_point(session, point, values, site.clock.now())


def relay(site: Site) -> int:
    return Relay(site.sessions, site.clock, site.door, "door", ZONE).step()


def lab(site: Site, most: int | None = None, antipassback: Antipassback = Antipassback.OFF) -> int:
    """Behind the door is an area; the points "door" and "tablet" lead into it, and "way out" out of it."""
    with site.sessions.begin() as session:
        now = site.clock.now()
        area = door_rows.save_area(session, None, "lab", antipassback, {"occupancy_max": most}, now)
        door_rows.move_point(session, "way out", 1, now)
        for point in ("door", "tablet"):
            door_rows.change_point(session, point, {"area_to_id": area}, now)
        door_rows.change_point(session, "way out", {"area_from_id": area}, now)
    return area


def sent_late(site: Site, person: int, method: Method, seconds: float) -> Reason:
    """What a tablet sends that was typed so long ago, while its line was down."""
    now = site.clock.now()
    at = now - timedelta(seconds=seconds)
    passage = make_passage(
        at, id=new_event_id(at), camera="tablet", method=method, person_id=person, received_at=now, score=None,
        threshold=None,
    )  # fmt: skip
    recorder = Recorder(site.sessions, site.clock, None, timedelta(seconds=30), ZONE)
    recorded = recorder.record(passage.id, lambda _session: passage)
    assert recorded is not None and recorded.passage.door_id is None
    return recorded.passage.reason


def test_what_waited_in_a_tablet_moves_no_door_when_its_line_is_back(door: Site) -> None:
    assert sent_late(door, 1, Method.PIN, 11) is Reason.MATCHED  # it counts as working time

    assert relay(door) == 0
    assert door.door.unlocked == []


def test_a_pin_that_waited_in_a_tablet_is_no_factor_of_a_badge_that_comes_now(door: Site) -> None:
    change_points(door, "door", "tablet", factors=TWO)
    sent_late(door, 1, Method.PIN, 60)

    assert ask(door, 1, Method.BADGE).passage.reason is Reason.SECOND_FACTOR
    sent_late(door, 1, Method.PIN, 60)
    relay(door)
    assert door.door.unlocked == []


def test_a_lockdown_since_the_grant_keeps_the_door_shut(door: Site) -> None:
    done = ask(door, 1, Method.PIN)
    with door.sessions.begin() as session:
        holding.lock_down(session, reason="", by="ada", at=door.clock.now())
    relay(door)

    assert door.door.unlocked == []
    with door.sessions() as session:
        view = events.get_passage(session, done.passage.id)
    assert view is not None and (view.door, "lockdown" in view.door_detail) == ("failed", True)


def test_a_camera_that_nobody_set_up_opens_no_door_that_asks_for_more(door: Site) -> None:
    recorder = Recorder(door.sessions, door.clock, door.door, timedelta(seconds=30), ZONE)

    def look() -> Reason:
        now = door.clock.now()
        passage = make_passage(now, id=new_event_id(now), camera="another", person_id=1)
        recorded = recorder.record(passage.id, lambda _session: passage)
        assert recorded is not None
        return recorded.passage.reason

    assert look() is Reason.MATCHED  # the site's only door
    change_points(door, "door", factors=TWO)
    assert look() is Reason.UNKNOWN_POINT


def test_somebody_who_wants_out_is_not_the_second_person_of_somebody_who_wants_in(door: Site) -> None:
    lab(door)
    change_door(door, two_person_s=15)
    assert ask(door, 1, Method.FACE, camera="way out").passage.reason is Reason.SECOND_PERSON

    assert ask(door, 2, Method.FACE).passage.reason is Reason.SECOND_PERSON
    assert ask(door, 1, Method.FACE).passage.granted


@pytest.mark.parametrize("contact", [False, True])
def test_both_of_two_people_are_inside_afterwards(door: Site, contact: bool) -> None:
    area = lab(door)
    change_door(door, two_person_s=15, contact=contact)
    ask(door, 1, Method.FACE)
    done = ask(door, 2, Method.FACE)
    with door.sessions.begin() as session:
        if contact:
            rules = judging.DoorRules(ZONE).rules(session)
            assert judging.note_phase(session, rules, done.passage.id, True, door.clock.now())
        assert sorted(place.person_id for place, _name, _area in present.inside(session)) == [1, 2]
        assert present.occupancy(session) == {area: 2}


def test_who_is_inside_already_does_not_come_in_again_beside_a_second_person(door: Site) -> None:
    lab(door, antipassback=Antipassback.HARD)
    change_door(door, two_person_s=15)
    ask(door, 1, Method.FACE)
    ask(door, 2, Method.FACE)

    assert ask(door, 1, Method.FACE).passage.reason is Reason.PASSBACK


def test_two_people_need_room_for_two(door: Site) -> None:
    area = lab(door, most=2)
    change_door(door, two_person_s=15)
    with door.sessions.begin() as session:
        other = door.add(session, "Cleo").id
        present.move(session, other, area, door.clock.now(), None)

    assert ask(door, 1, Method.FACE).passage.reason is Reason.AREA_FULL


@pytest.mark.parametrize("way", ["point", "direction"])
def test_whoever_leaves_did_not_come_first(door: Site, way: str) -> None:
    """In charge, and on the way home after a night: nobody in charge is inside."""
    lab(door)
    with door.sessions.begin() as session:
        now = door.clock.now()
        chiefs = editing.save_level(session, None, "chiefs", now)
        editing.add_entry(session, chiefs, 1, "", 1, now)
        editing.give(session, chiefs, 2, "", valid_from=None, valid_to=None, by="ada", at=now)
        door_rows.change(session, 1, "door", {"first_level_id": chiefs}, now)
        leaving = make_passage(now, person_id=2, door_id=1, camera="way out" if way == "point" else "door")
        events.record_passage(session, leaving if way == "point" else replace(leaving, direction=Direction.OUT))

    assert ask(door, 1, Method.FACE).passage.reason is Reason.FIRST_PERSON
    assert ask(door, 2, Method.FACE).passage.granted
    assert ask(door, 1, Method.FACE).passage.granted


@pytest.fixture
def airlock(door: Site) -> Site:
    """The door and a second one, of which one may be open at a time; both are known to be closed and locked."""
    with door.sessions.begin() as session:
        now = door.clock.now()
        inner = door_rows.add(session, "inner", now)
        door_rows.move_point(session, "inner", inner, now)
        editing.add_entry(session, 1, inner, "", 1, now)
        for number, name in ((1, "outer"), (inner, "inner")):
            door_rows.change(session, number, name, {"interlock_group": "airlock", "contact": True}, now)
    see_closed(door)
    return door


def see_closed(site: Site) -> None:
    closed = door_state.DoorState(online=True, contact=door_state.Contact.CLOSED, unlocked=False)
    with site.sessions.begin() as session:
        now = site.clock.now()
        for name in ("outer", "inner"):
            door_states.put_state(session, name, closed, at=now, since=now, pulse_in_device=True)


def test_an_interlock_counts_a_door_that_is_released_and_was_not_opened_yet(airlock: Site) -> None:
    assert ask(airlock, 1, Method.FACE).passage.granted

    assert ask(airlock, 2, Method.FACE, camera="inner").passage.reason is Reason.INTERLOCK
    airlock.clock.advance(3)
    see_closed(airlock)
    assert ask(airlock, 2, Method.FACE, camera="inner").passage.granted


def test_an_operator_does_not_open_a_door_whose_interlock_stands_open_from_afar(airlock: Site) -> None:
    held = held_by_rules("inner", ZONE, airlock.clock)
    with airlock.sessions() as session:
        assert held(session, airlock.clock.now()) == ""
    assert ask(airlock, 1, Method.FACE).passage.granted  # through the outer door
    with airlock.sessions() as session:
        assert held(session, airlock.clock.now()) == "another door of the interlock is not closed"


def test_two_doors_of_an_interlock_that_are_asked_at_once_open_one_after_the_other(airlock: Site) -> None:
    """The first request has decided and not committed yet when the second one comes."""
    now = airlock.clock.now()
    found: list[Reason] = []

    def second() -> None:
        passage = make_passage(now, id=new_event_id(now), camera="inner", person_id=2)
        recorder = Recorder(airlock.sessions, airlock.clock, None, timedelta(seconds=30), ZONE)
        for _ in range(100):  # SQLite's file is held by the first, and this one may give up waiting
            try:
                recorded = recorder.record(passage.id, lambda _session: passage)
            except DatabaseLocked:
                continue
            assert recorded is not None
            found.append(recorded.passage.reason)
            return

    waits = threading.Thread(target=second)
    with airlock.sessions.begin() as session:
        judging.in_turn(session, judging.DoorRules(ZONE).rules(session), "door")
        waits.start()
        waits.join(0.3)
        events.record_passage(session, make_passage(now, person_id=1, door_id=1))
    waits.join()

    assert found == [Reason.INTERLOCK]


def test_two_second_factors_at_once_complete_one_request(door: Site) -> None:
    """Anna's face waits; her PIN is typed at one tablet while her badge is held before another."""
    with door.sessions.begin() as session:
        door_rows.move_point(session, "second tablet", 1, door.clock.now())
    change_points(door, "door", "tablet", "second tablet", factors=TWO)
    assert ask(door, 1, Method.FACE).passage.reason is Reason.SECOND_FACTOR
    now = door.clock.now() + timedelta(seconds=1)
    door.clock.advance(1)
    together = threading.Barrier(2)

    def prove(method: Method, camera: str) -> Reason:
        passage = make_passage(
            now, id=new_event_id(now), camera=camera, method=method, person_id=1, received_at=now, score=None,
            threshold=None,
        )  # fmt: skip
        recorder = Recorder(door.sessions, door.clock, None, timedelta(seconds=30), ZONE)
        together.wait()
        while True:
            try:
                recorded = recorder.record(passage.id, lambda _session: passage)
            except DatabaseLocked:
                continue
            assert recorded is not None
            return recorded.passage.reason

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(prove, (Method.PIN, Method.BADGE), ("tablet", "second tablet")))

    assert sorted(found) == sorted([Reason.MATCHED, Reason.SECOND_FACTOR])
    assert relay(door) == 1

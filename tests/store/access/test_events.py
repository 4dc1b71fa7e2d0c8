"""Passages and door events: written, listed, summed up, and found when a crash left them open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from attendance.domain.passage import Direction
from attendance.domain.reason import Reason
from attendance.store.access import events
from attendance.store.kiosk import devices
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON, make_passage


def add(session: Session, minutes: float, **changes: object) -> str:
    passage = make_passage(at=NOON + timedelta(minutes=minutes), **changes)
    events.record_passage(session, passage)
    return passage.id


def door(session: Session, passage_id: str, outcome: events.DoorOutcome = "done", number: int = 1) -> None:
    events.record_door_event(
        session, event_id=f"event-{number}", passage_id=passage_id, at=NOON, door="front", outcome=outcome
    )


def test_a_passage_comes_back_as_it_was(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", staff_number="E-1", department="Lab", at=NOON)
        passage = make_passage(person_id=anna.id, score=0.71, runner_up=0.2, threshold=0.4, frames=3)
        events.record_passage(session, passage)
        door(session, passage.id)
    with sessions() as session:
        view = events.get_passage(session, passage.id)
    assert view is not None
    assert view.passage == passage
    assert (view.person_name, view.staff_number, view.department, view.door) == ("Anna", "E-1", "Lab", "done")


def test_passages_come_newest_first_and_page_by_the_last_id(sessions: Sessions) -> None:
    with sessions.begin() as session:
        ids = [add(session, minutes) for minutes in range(5)]
    with sessions() as session:
        first = [view.passage.id for view in events.list_passages(session, limit=2)]
        second = [view.passage.id for view in events.list_passages(session, limit=9, before_id=first[-1])]
        assert first + second == ids[::-1]
        assert [view.passage.id for view in events.list_passages(session, after_id=ids[3])] == [ids[4]]


def test_passages_are_filtered_by_everything_the_log_page_offers(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Änna", at=NOON)
        granted = add(session, 0, person_id=anna.id)
        denied = add(session, 1, granted=False, reason=Reason.UNKNOWN, camera="back")
    with sessions() as session:

        def ids(**filters: object) -> list[str]:
            return [view.passage.id for view in events.list_passages(session, **filters)]  # type: ignore[arg-type]

        assert ids(granted=True) == [granted]
        assert ids(granted=False) == [denied]
        assert ids(camera="back") == [denied]
        assert ids(person_id=anna.id) == [granted]
        assert ids(text="änN") == [granted]
        assert ids(since=NOON + timedelta(minutes=1)) == [denied]
        assert ids(until=NOON + timedelta(minutes=1)) == [granted]


def test_granted_passages_of_a_time_are_the_persons_own_newest_first_without_repeats(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        bert = people.create_person(session, name="Bert", at=NOON).id
        add(session, -1, person_id=anna)
        first = add(session, 0, person_id=anna, direction=Direction.IN)
        newest = add(session, 2, person_id=anna, direction=Direction.OUT, camera="another")
        add(session, 1, person_id=anna, direction=Direction.IN, repeat_of=first)
        add(session, 1, person_id=bert, direction=Direction.IN)
        add(session, 3, person_id=anna)
    with sessions() as session:
        near = events.granted_between(session, anna, NOON, NOON + timedelta(minutes=2))
    assert [passage.id for passage in near] == [newest, first]


def test_the_overview_counts_a_repeat_once(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        first = add(session, 0, person_id=anna)
        add(session, 0.2, person_id=anna, repeat_of=first)
    with sessions() as session:
        day = events.overview(session, NOON, NOON + timedelta(hours=1))
    assert (day.granted, [person.passages for person in day.present]) == (1, [1])


def test_a_tablet_has_no_door_to_wait_for(sessions: Sessions) -> None:
    with sessions.begin() as session:
        devices.add_device(session, "canteen", at=NOON, by="admin", direction=Direction.UNKNOWN)
        add(session, 0, camera="canteen")
        add(session, 1, camera="door")
    with sessions() as session:
        views = events.list_passages(session)
    assert [(view.passage.camera, view.has_door) for view in views] == [("door", True), ("canteen", False)]


def test_the_overview_says_who_was_seen_since_when_and_why_others_were_refused(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="anna", department="Lab", at=NOON).id
        bert = people.create_person(session, name="Bert", at=NOON).id
        add(session, -600, person_id=bert)
        add(session, 0, person_id=bert, direction=Direction.IN)
        add(session, 1, person_id=anna, direction=Direction.IN)
        add(session, 30, person_id=bert, direction=Direction.OUT)
        add(session, 31, granted=False, reason=Reason.UNKNOWN)
        add(session, 32, granted=False, reason=Reason.UNKNOWN)
        add(session, 33, granted=False, reason=Reason.BLURRED)
    with sessions() as session:
        day = events.overview(session, NOON, NOON + timedelta(hours=1))
    assert [(one.name, one.passages) for one in day.present] == [("anna", 1), ("Bert", 2)]
    assert day.present[1].first_in == NOON
    assert day.present[1].last_seen == NOON + timedelta(minutes=30)
    assert (day.granted, day.denied, day.active_people) == (3, 3, 2)
    assert day.denials == {Reason.UNKNOWN: 2, Reason.BLURRED: 1}


def test_a_granted_passage_without_a_door_event_is_open(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        done = add(session, 0, person_id=anna)
        door(session, done)
        left = add(session, 1, person_id=anna)
        add(session, 2, person_id=anna, camera="another")
        add(session, 3, granted=False, reason=Reason.UNKNOWN)
    with sessions() as session:
        assert [one.id for one in events.open_passages(session, "door")] == [left]


def test_the_newest_door_event_of_a_passage_is_shown(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        passage = add(session, 0, person_id=anna)
        door(session, passage, "failed", 1)
        door(session, passage, "done", 2)
    with sessions() as session:
        assert [view.door for view in events.list_passages(session)] == ["done"]


def test_an_event_of_a_passage_that_does_not_exist_is_refused(sessions: Sessions) -> None:
    with pytest.raises(IntegrityError), sessions.begin() as session:
        door(session, "nowhere")


def test_one_passage_is_not_written_twice(sessions: Sessions) -> None:
    passage = make_passage(granted=False, reason=Reason.UNKNOWN)
    with sessions.begin() as session:
        events.record_passage(session, passage)
    with pytest.raises(IntegrityError), sessions.begin() as session:
        events.record_passage(session, replace(passage, frames=9))

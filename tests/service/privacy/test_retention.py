"""Strangers are forgotten; attendance is not."""

from __future__ import annotations

from datetime import timedelta

from attendance.domain.reason import Reason
from attendance.service.privacy.retention import forget_named_refusals_older_than, forget_stranger_passages_older_than
from attendance.store.access import events
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON, make_passage


def test_old_denials_go_and_everything_else_stays(sessions: Sessions) -> None:
    old, recent = NOON - timedelta(days=31), NOON - timedelta(days=29)
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        stay = [
            make_passage(recent, granted=False, reason=Reason.UNKNOWN),
            make_passage(old, person_id=anna),
            make_passage(old),  # granted to somebody who was erased since: still an attendance record
        ]
        for passage in (*stay, make_passage(old, granted=False, reason=Reason.UNKNOWN)):
            events.record_passage(session, passage)
    with sessions.begin() as session:
        assert forget_stranger_passages_older_than(session, NOON - timedelta(days=30)) == 1
    with sessions() as session:
        assert {view.passage.id for view in events.list_passages(session)} == {passage.id for passage in stay}


def test_many_go_in_steps_of_which_each_is_short(sessions: Sessions) -> None:
    old = NOON - timedelta(days=31)
    with sessions.begin() as session:
        for _ in range(5):
            events.record_passage(session, make_passage(old, granted=False, reason=Reason.UNKNOWN))
    gone = []
    for _ in range(4):
        with sessions.begin() as session:
            gone.append(forget_stranger_passages_older_than(session, NOON, most=2))
    assert gone == [2, 2, 1, 0]


def test_refusals_with_a_name_go_in_their_own_time_and_check_ins_stay(sessions: Sessions) -> None:
    old, recent = NOON - timedelta(days=91), NOON - timedelta(days=89)
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON).id
        refused = {"person_id": anna, "granted": False, "reason": Reason.OUTSIDE_SCHEDULE}
        stay = [
            make_passage(recent, **refused),
            make_passage(old, person_id=anna),
            make_passage(old, granted=False, reason=Reason.UNKNOWN),  # has a time of its own
        ]
        for passage in (*stay, make_passage(old, **refused)):
            events.record_passage(session, passage)
    with sessions.begin() as session:
        assert forget_named_refusals_older_than(session, NOON - timedelta(days=90)) == 1
    with sessions() as session:
        assert {view.passage.id for view in events.list_passages(session)} == {passage.id for passage in stay}

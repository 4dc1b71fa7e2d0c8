"""Corrections beside the originals: asked for, decided, taken back, undone; on a real SQLite file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from attendance.domain.hours.day import Flag
from attendance.domain.passage import Direction
from attendance.errors import UserError
from attendance.service.hours import corrections as stored_corrections
from attendance.store.hours import corrections
from attendance.store.session import Sessions
from attendance.store.tables import access
from tests.service.hours.conftest import (
    BERLIN,
    MONDAY,
    NIGHT,
    NOW,
    add_person,
    ask,
    day,
    local,
    passage,
    roster,
)


def test_an_approved_correction_counts_and_the_original_stays(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    original = passage(session, anna, local("09:00"), Direction.IN)
    row = ask(session, anna)
    assert Flag.MISSING_OUT in day(session, anna).flags

    stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)

    assert day(session, anna).worked == 8 * 3600
    assert {Flag.CORRECTED} == set(day(session, anna).flags)
    assert session.get(access.Passage, original) is not None
    assert (row.requested_by, row.decided_by, row.state) == ("anna", "ada", "approved")


def test_a_voided_passage_stays_on_record_and_comes_back_when_the_decision_is_taken_back(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna)
    wrong = passage(session, anna, local("06:30"), Direction.IN)
    passage(session, anna, local("09:00"), Direction.IN)
    passage(session, anna, local("17:00"), Direction.OUT)
    row = ask(session, anna, action="void", passage_id=wrong)
    stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)
    assert day(session, anna).first_in == local("09:00")

    stored_corrections.withdraw_correction(session, row.id, by="ada", now=NOW)

    assert day(session, anna).first_in == local("06:30")


def test_a_refused_correction_changes_nothing(session: Session) -> None:
    anna = add_person(session)
    row = ask(session, anna)
    stored_corrections.decide_correction(session, row.id, approve=False, by="ada", now=NOW)

    assert day(session, anna).used == ()
    with pytest.raises(UserError, match="refused already"):
        stored_corrections.decide_correction(session, row.id, approve=True, by="ada", now=NOW)


def test_of_two_who_decide_at_once_the_second_is_told(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = ask(session, add_person(session))
    first, second = sessions(), sessions()
    corrections.get_correction(second, row.id)  # read while it still waited
    stored_corrections.decide_correction(first, row.id, approve=True, by="ada", now=NOW)
    first.commit()

    with pytest.raises(UserError, match="was approved already"):
        stored_corrections.decide_correction(second, row.id, approve=False, by="bea", now=NOW)
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reason": "  "}, "needs a reason"),
        ({"at": NOW + timedelta(hours=1)}, "in the future"),
        ({"at": None}, "at what time"),
        ({"action": "void", "passage_id": "nothing"}, "no such check-in"),
        ({"action": "rewrite"}, "adds a check-in or takes one away"),
    ],
)
def test_what_cannot_be_corrected_is_refused_in_words(session: Session, changes: dict[str, object], words: str) -> None:
    anna = add_person(session)

    with pytest.raises(UserError, match=words):
        ask(session, anna, **changes)


def test_somebody_elses_passage_cannot_be_voided(session: Session) -> None:
    anna, bert = add_person(session), add_person(session, "Bert")
    his = passage(session, bert, local("09:00"))

    with pytest.raises(UserError, match="no such check-in of this person"):
        ask(session, anna, action="void", passage_id=his)


def test_the_same_correction_is_asked_for_once(session: Session) -> None:
    anna = add_person(session)
    ask(session, anna)

    with pytest.raises(UserError, match="already"):
        ask(session, anna)


def test_the_end_of_a_night_is_corrected_on_the_day_the_night_began(session: Session) -> None:
    anna = add_person(session)
    roster(session, anna, NIGHT)

    assert ask(session, anna, at=local("06:00", MONDAY + timedelta(days=1))).day == MONDAY


def test_a_passage_can_be_undone_within_a_minute_and_not_later(session: Session) -> None:
    anna = add_person(session)
    first = passage(session, anna, local("09:00"))
    late = passage(session, anna, local("12:00"))

    stored_corrections.undo_passage(session, first, anna, now=local("09:00") + timedelta(seconds=50), zone=BERLIN)

    assert [one.punch.id for one in day(session, anna).used] == [late]
    with pytest.raises(UserError, match="can no longer be undone"):
        stored_corrections.undo_passage(session, late, anna, now=local("12:02"), zone=BERLIN)

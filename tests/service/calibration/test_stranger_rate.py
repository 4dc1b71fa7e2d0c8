"""How many unknown faces come to the doors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.passage import Method, Passage
from attendance.domain.reason import Reason
from attendance.service.calibration.stranger_rate import stranger_rate
from attendance.store.access import events
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON, make_passage


def record(sessions: Sessions, *passages: Passage) -> None:
    with sessions.begin() as session:
        for one in passages:
            events.record_passage(session, one)


def refusal(days_ago: float, reason: Reason = Reason.UNKNOWN, **changes: object) -> Passage:
    return make_passage(NOON - timedelta(days=days_ago), granted=False, reason=reason, **changes)


def test_unknown_faces_are_counted_and_foretold_for_a_year(sessions: Sessions) -> None:
    record(
        sessions,
        make_passage(NOON - timedelta(days=10)),
        refusal(1),
        refusal(2, Reason.AMBIGUOUS),
        refusal(3, Reason.TOO_DARK),
        refusal(4, Reason.WRONG_PIN, method=Method.PIN),
        refusal(5, model_id="another"),
        refusal(40),
    )
    with sessions() as session:
        found = stranger_rate(session, MODEL, NOON)

    assert (found.strangers, found.span) == (2, timedelta(days=10))
    assert found.per_year == pytest.approx(73)


def test_what_was_forgotten_is_not_taken_for_a_quiet_time(sessions: Sessions) -> None:
    record(sessions, make_passage(NOON - timedelta(days=20)), *(refusal(day + 0.5) for day in range(7)))
    with sessions() as session:
        found = stranger_rate(session, MODEL, NOON, kept_days=7)

    assert found.strangers == 7
    assert found.span <= timedelta(days=7)


@pytest.mark.parametrize("days", [0.1, 2.9])
def test_a_year_is_not_foretold_from_an_afternoon(sessions: Sessions, days: float) -> None:
    record(sessions, refusal(days))
    with sessions() as session:
        assert stranger_rate(session, MODEL, NOON).per_year is None


def test_nobody_ever_came(sessions: Sessions) -> None:
    with sessions() as session:
        assert stranger_rate(session, MODEL, NOON).per_year is None

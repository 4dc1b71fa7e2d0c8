"""The outbox: taken by one sender, tried again, given up in the end."""

from __future__ import annotations

from datetime import datetime, timedelta

from attendance.store.alarms import outbox
from attendance.store.session import Sessions
from tests.factories import NOON


def put(sessions: Sessions, at: datetime = NOON) -> None:
    with sessions.begin() as session:
        outbox.put(session, message_id="m1", channel="mail", target="a@b", kind="alarm.raised", payload={}, at=at)


def taken(sessions: Sessions, at: datetime) -> list[int]:
    with sessions.begin() as session:
        return [message.attempts for message in outbox.take_due(session, at)]


def test_a_message_is_taken_once_and_again_when_its_sender_died(sessions: Sessions) -> None:
    put(sessions)

    assert taken(sessions, NOON) == [1]
    assert taken(sessions, NOON) == []
    assert taken(sessions, NOON + timedelta(minutes=4)) == [2]
    with sessions.begin() as session:
        outbox.note_sent(session, "m1", NOON)
    assert taken(sessions, NOON + timedelta(days=9)) == []


def test_attempts_are_further_and_further_apart_and_end(sessions: Sessions) -> None:
    put(sessions)
    at, waits = NOON, []
    for attempt in range(1, len(outbox.WAITS) + 2):
        assert taken(sessions, at) == [attempt]
        with sessions.begin() as session:
            given_up = outbox.note_failed(session, "m1", attempt, "no route", at, final=False)
        if given_up:
            break
        wait = outbox.WAITS[attempt - 1]
        assert taken(sessions, at + wait - timedelta(seconds=1)) == []
        waits.append(wait)
        at += wait

    assert waits == list(outbox.WAITS)
    assert waits == sorted(waits)
    with sessions.begin() as session:
        assert outbox.count_waiting(session) == 0
        assert outbox.forget_messages_before(session, at) == 1


def test_a_clock_that_was_set_back_does_not_silence_a_message(sessions: Sessions) -> None:
    put(sessions, NOON + timedelta(days=400))

    assert taken(sessions, NOON) == [1]

"""PINs are slow to guess, badges and links are kept as hashes, and nothing tells whether a number exists."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from attendance.errors import UserError
from attendance.store.people import credentials, people
from attendance.store.people.credentials import Tried
from attendance.store.session import Sessions, make_engine
from attendance.store.session import sessions as make_sessions
from tests.factories import NOON


@pytest.fixture
def anna(sessions: Sessions) -> int:
    """Staff number 17, PIN 2580."""
    with sessions.begin() as session:
        person = people.create_person(session, name="Anna Berg", staff_number="17", at=NOON)
        credentials.set_pin(session, person.id, "2580", at=NOON)
    return person.id


def tried(sessions: Sessions, number: str, pin: str, seconds: float = 0) -> Tried:
    with sessions.begin() as session:
        return credentials.try_pin(session, number, pin, at=NOON + timedelta(seconds=seconds)).outcome


def test_the_right_pin_names_the_person_and_a_wrong_one_nobody(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        right = credentials.try_pin(session, "17", "2580", at=NOON)
        wrong = credentials.try_pin(session, "17", "2581", at=NOON)
        assert right.person is not None
        assert (right.outcome, right.person.id) == (Tried.FITS, anna)
        assert (wrong.outcome, wrong.person) == (Tried.WRONG, None)


@pytest.mark.parametrize("number", ["17", "nobody has this"])
def test_the_fifth_wrong_pin_locks_a_number_whether_anybody_has_it_or_not(
    sessions: Sessions, anna: int, number: str
) -> None:
    outcomes = [tried(sessions, number, "0000") for _ in range(6)]

    assert outcomes == [Tried.WRONG] * 5 + [Tried.LOCKED]
    assert tried(sessions, number, "0000", seconds=61) is Tried.WRONG
    assert tried(sessions, number, "0000", seconds=61 + 119) is Tried.LOCKED  # twice as long


def test_a_locked_number_refuses_even_the_right_pin_and_then_forgives(sessions: Sessions, anna: int) -> None:
    for _ in range(5):
        tried(sessions, "17", "0000")

    assert tried(sessions, "17", "2580", seconds=30) is Tried.LOCKED
    assert tried(sessions, "17", "2580", seconds=61) is Tried.FITS
    assert tried(sessions, "17", "0000", seconds=62) is Tried.WRONG  # counted from the start again


@pytest.mark.parametrize("number", ["17", "nobody has this"])
def test_wrong_pins_at_once_count_one_by_one(engine: Engine, anna: int, number: str) -> None:
    patient = make_engine(engine.url.render_as_string(hide_password=False), busy_timeout_ms=60_000)
    factory = make_sessions(patient)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: tried(factory, number, "0000"), range(8)))
    patient.dispose()

    assert sorted(outcomes) == [Tried.LOCKED] * 3 + [Tried.WRONG] * 5


def test_capitals_in_a_staff_number_do_not_matter_unless_they_tell_two_people_apart(sessions: Sessions) -> None:
    with sessions.begin() as session:
        first = people.create_person(session, name="Ömer", staff_number="Ö-17", at=NOON)
        credentials.set_pin(session, first.id, "2580", at=NOON)
    assert tried(sessions, "ö-17", "2580") is Tried.FITS
    with sessions.begin() as session:
        second = people.create_person(session, name="Ola", staff_number="ö-17", at=NOON)
        credentials.set_pin(session, second.id, "7391", at=NOON)
    with sessions.begin() as session:
        found = [credentials.try_pin(session, *one, at=NOON).person for one in (("Ö-17", "2580"), ("ö-17", "7391"))]
        assert [one and one.id for one in found] == [first.id, second.id]
    assert tried(sessions, "ö-17", "2580") is Tried.WRONG


def test_an_inactive_person_has_no_pin_and_no_badge(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        badge = credentials.new_badge(session, anna, at=NOON)
        people.set_active(session, anna, False, at=NOON)
        assert credentials.person_of_badge(session, badge) is None
    assert tried(sessions, "17", "2580") is Tried.WRONG


@pytest.mark.parametrize("pin", ["1234", "9876", "0000", "8901", "123", "12a4", "١٢٣٥", "1" * 13, ""])
def test_easy_and_malformed_pins_are_refused(sessions: Sessions, anna: int, pin: str) -> None:
    with sessions.begin() as session, pytest.raises(UserError, match="PIN"):
        credentials.set_pin(session, anna, pin, at=NOON)
    assert tried(sessions, "17", "2580") is Tried.FITS


def test_a_pin_needs_a_staff_number(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bert = people.create_person(session, name="Bert", at=NOON)
        with pytest.raises(UserError, match="staff number"):
            credentials.set_pin(session, bert.id, "2580", at=NOON)


def test_a_new_badge_replaces_the_old_one_and_only_its_hash_is_kept(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        old, new = credentials.new_badge(session, anna, at=NOON), credentials.new_badge(session, anna, at=NOON)
        assert credentials.is_badge(new)
        assert credentials.person_of_badge(session, old) is None
        found = credentials.person_of_badge(session, new)
        assert found is not None
        row = credentials.secret_of(session, anna)
        assert row is not None
        assert new not in str(row.badge_hash)


def test_a_link_is_good_once_and_the_newest_only(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        first, second = (credentials.make_link(session, anna, at=NOON, by="ada") for _ in range(2))
        assert not credentials.link_is_valid(session, first, at=NOON)
        assert credentials.use_link(session, second, at=NOON).id == anna
        with pytest.raises(UserError, match="used or too old"):
            credentials.use_link(session, second, at=NOON)
        third = credentials.make_link(session, anna, at=NOON, by="ada")
        assert not credentials.link_is_valid(session, third, at=NOON + timedelta(days=4))


def test_erasing_a_person_erases_pin_badge_and_links(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        link = credentials.make_link(session, anna, at=NOON, by="ada")
        people.delete_person(session, anna, at=NOON)
    with sessions() as session:
        assert credentials.secret_of(session, anna) is None
        assert not credentials.link_is_valid(session, link, at=NOON)

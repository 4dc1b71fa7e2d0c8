"""PINs are slow to guess wherever they are typed, and nothing tells whether a number exists."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from attendance.errors import UserError
from attendance.store import slow_hash
from attendance.store.people import people, pins
from attendance.store.people.pins import Place, Tried
from attendance.store.session import Sessions, make_engine
from attendance.store.session import sessions as make_sessions
from tests.factories import NOON
from tests.writing import forbid

TABLET, GATE = Place("tablet", "1"), Place("tablet", "2")
OUTSIDE, ELSEWHERE = Place("web", "192.0.2.1"), Place("web", "2001:db8::/64")
PIN = "258047"


@pytest.fixture
def anna(sessions: Sessions) -> int:
    """Staff number 17 and PIN."""
    return add(sessions, "Anna Berg", "17", PIN)


def add(sessions: Sessions, name: str, number: str, pin: str) -> int:
    hashed = pins.hashed_pin(pin)
    with sessions.begin() as session:
        person = people.create_person(session, name=name, staff_number=number, at=NOON)
        pins.set_pin(session, person.id, hashed, at=NOON)
    return person.id


def tried(sessions: Sessions, number: str, pin: str, seconds: float = 0, place: Place = TABLET) -> Tried:
    return pins.try_pin(sessions, number, pin, at=NOON + timedelta(seconds=seconds), place=place).outcome


def test_the_right_pin_names_the_person_and_a_wrong_one_nobody(sessions: Sessions, anna: int) -> None:
    right = pins.try_pin(sessions, "17", PIN, at=NOON, place=TABLET)
    wrong = pins.try_pin(sessions, "17", "258048", at=NOON, place=TABLET)

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


def test_each_lock_is_twice_as_long_up_to_sixteen_minutes(sessions: Sessions, anna: int) -> None:
    for _ in range(4):
        tried(sessions, "17", "0000")
    second = 0
    for minutes in (1, 2, 4, 8, 16, 16, 16):
        assert tried(sessions, "17", "0000", second) is Tried.WRONG
        assert tried(sessions, "17", PIN, second + minutes * 60 - 1) is Tried.LOCKED
        second += minutes * 60


def test_a_number_in_another_form_of_unicode_is_the_same_number_and_counted_with_it(sessions: Sessions) -> None:
    typed = unicodedata.normalize("NFD", "É17")
    add(sessions, "Zoë", "É17", PIN)
    assert tried(sessions, typed, PIN) is Tried.FITS
    for number in ("É17", typed) * 3:
        outcome = tried(sessions, number, "258048", 1)

    assert outcome is Tried.LOCKED


def test_a_locked_number_refuses_even_the_right_pin_and_then_forgives(sessions: Sessions, anna: int) -> None:
    for _ in range(5):
        tried(sessions, "17", "0000")

    assert tried(sessions, "17", PIN, seconds=30) is Tried.LOCKED
    assert tried(sessions, "17", PIN, seconds=61) is Tried.FITS
    assert tried(sessions, "17", "0000", seconds=62) is Tried.WRONG  # counted from the start again


def test_nobody_locks_a_number_at_a_tablet_from_outside(sessions: Sessions, anna: int) -> None:
    for place in (OUTSIDE, ELSEWHERE, GATE):
        for _ in range(8):
            tried(sessions, "17", "0000", place=place)
        assert tried(sessions, "17", PIN, place=place) is Tried.LOCKED

    assert tried(sessions, "17", PIN, place=TABLET) is Tried.FITS


def test_a_hundred_wrong_pins_in_a_row_block_the_web_and_never_a_tablet(sessions: Sessions, anna: int) -> None:
    places = [Place("web", f"192.0.2.{number}") for number in range(25)]
    outcomes = [tried(sessions, "17", "0000", place=place) for place in places for _ in range(4)]
    assert outcomes == [Tried.WRONG] * 100

    assert tried(sessions, "17", PIN, place=OUTSIDE) is Tried.BLOCKED
    assert tried(sessions, "17", PIN, place=OUTSIDE, seconds=80 * 86400) is Tried.BLOCKED  # time alone forgives nothing
    assert tried(sessions, "17", PIN, place=TABLET) is Tried.FITS
    assert tried(sessions, "17", PIN, place=ELSEWHERE) is Tried.FITS  # by the right PIN at a tablet


def test_another_pin_ends_every_lock(sessions: Sessions, anna: int) -> None:
    for _ in range(5):
        tried(sessions, "17", "0000", place=OUTSIDE)
    other = pins.hashed_pin("951746")
    with sessions.begin() as session:
        pins.set_pin(session, anna, other, at=NOON)

    assert tried(sessions, "17", "951746", place=OUTSIDE) is Tried.FITS


def test_addresses_are_not_kept_in_the_clear(sessions: Sessions, anna: int) -> None:
    tried(sessions, "17", "0000", place=OUTSIDE)

    with sessions() as session:
        assert "192.0.2.1" not in str(session.execute(text("SELECT * FROM pin_failures")).all())


@pytest.mark.parametrize("number", ["17", "nobody has this"])
def test_wrong_pins_at_once_count_one_by_one(engine: Engine, anna: int, number: str) -> None:
    patient = make_engine(engine.url.render_as_string(hide_password=False), busy_timeout_ms=60_000)
    factory = make_sessions(patient)
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: tried(factory, number, "0000"), range(8)))
    patient.dispose()

    assert sorted(outcomes) == [Tried.LOCKED] * 3 + [Tried.WRONG] * 5


def test_a_crowd_on_the_web_is_turned_away_uncounted_and_a_tablet_is_not(
    sessions: Sessions, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_hash, "SITE", full := slow_hash.Lane(most=1))
    with full.turn():
        for _ in range(9):
            with pytest.raises(slow_hash.Busy):
                tried(sessions, "17", "0000", place=OUTSIDE)
        assert tried(sessions, "17", PIN, place=TABLET) is Tried.FITS
    assert tried(sessions, "17", PIN, place=OUTSIDE) is Tried.FITS


def test_nothing_is_written_while_a_pin_is_hashed(
    sessions: Sessions, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program writes in the middle of the hash, and need not wait."""
    fits = slow_hash.fits

    def slow(stored: str | None, secret: str) -> bool:
        forbid("argon2")
        with sessions.begin() as other:  # its lock time-out is 200 ms
            people.create_person(other, name="Bert", at=NOON)
        return fits(stored, secret)

    monkeypatch.setattr(slow_hash, "fits", slow)

    assert tried(sessions, "17", PIN) is Tried.FITS


def test_capitals_in_a_staff_number_do_not_matter_unless_they_tell_two_people_apart(sessions: Sessions) -> None:
    first = add(sessions, "Ömer", "Ö-17", PIN)
    assert tried(sessions, "ö-17", PIN) is Tried.FITS
    second = add(sessions, "Ola", "ö-17", "739146")
    found = [
        pins.try_pin(sessions, number, pin, at=NOON, place=TABLET).person
        for number, pin in (("Ö-17", PIN), ("ö-17", "739146"))
    ]

    assert [one and one.id for one in found] == [first, second]
    assert tried(sessions, "ö-17", PIN) is Tried.WRONG


def test_an_inactive_person_has_no_pin(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        people.set_active(session, anna, False, at=NOON)

    assert tried(sessions, "17", PIN) is Tried.WRONG


EASY = ["123456", "987654", "000000", "890123", "121212", "123123", "147258", "159753"]


@pytest.mark.parametrize("pin", [*EASY, "25804", "12a456", "١٢٣٥٦٧", "1" * 13, "", "400017"])
def test_easy_and_malformed_pins_are_refused(pin: str) -> None:
    with pytest.raises(UserError, match="PIN"):
        pins.hashed_pin(pin, number="400017")


def test_a_pin_of_four_digits_from_before_still_works(sessions: Sessions, anna: int) -> None:
    old = slow_hash.hashed("2580")
    with sessions.begin() as session:
        pins.set_pin(session, anna, old, at=NOON)

    assert tried(sessions, "17", "2580") is Tried.FITS


def test_random_pins_are_never_easy() -> None:
    made = [pins.random_pin() for _ in range(2000)]

    assert not [pin for pin in made if pins.is_easy(pin) or len(pin) != 6]


def test_a_pin_needs_a_staff_number(sessions: Sessions) -> None:
    hashed = pins.hashed_pin(PIN)
    with sessions.begin() as session:
        bert = people.create_person(session, name="Bert", at=NOON)
        with pytest.raises(UserError, match="staff number"):
            pins.set_pin(session, bert.id, hashed, at=NOON)


def test_the_pin_for_duress_fits_at_a_tablet_only_and_says_so_to_nobody_but_the_site(
    sessions: Sessions, anna: int
) -> None:
    hashed = pins.hashed_pin("740291")
    with sessions.begin() as session:
        pins.set_duress_pin(session, anna, hashed)

    usual = pins.try_pin(sessions, "17", PIN, at=NOON, place=TABLET)
    forced = pins.try_pin(sessions, "17", "740291", at=NOON, place=TABLET)
    assert [(one.outcome, one.duress) for one in (usual, forced)] == [(Tried.FITS, False), (Tried.FITS, True)]
    assert tried(sessions, "17", "740291", place=OUTSIDE) is Tried.WRONG
    assert pins.is_taken(sessions, anna, "740291", slow_hash.SITE)

    with sessions.begin() as session:
        pins.revoke_pin(session, anna)
    assert tried(sessions, "17", "740291") is Tried.WRONG


def test_a_pin_for_duress_goes_beside_a_pin(sessions: Sessions) -> None:
    with sessions.begin() as session:
        person = people.create_person(session, name="Bert", staff_number="18", at=NOON)
        with pytest.raises(UserError, match="usual PIN"):
            pins.set_duress_pin(session, person.id, pins.SecretHash("x"))

"""Badges and links are kept as hashes, and only the newest works."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.errors import UserError
from attendance.store.people import credentials, people
from attendance.store.session import Sessions
from tests.factories import NOON


@pytest.fixture
def anna(sessions: Sessions) -> int:
    """Staff number 17."""
    with sessions.begin() as session:
        return people.create_person(session, name="Anna Berg", staff_number="17", at=NOON).id


def test_an_inactive_person_has_no_badge(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        badge = credentials.new_badge(session, anna, at=NOON)
        people.set_active(session, anna, False, at=NOON)
        assert credentials.person_of_badge(session, badge) is None


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

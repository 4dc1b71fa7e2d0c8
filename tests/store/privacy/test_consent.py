"""Consent, given and taken back."""

from __future__ import annotations

import pytest

from attendance.errors import UserError
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.privacy import consent
from attendance.store.session import Sessions
from attendance.store.settings import gallery_version
from attendance.store.tables.people import PersonKey
from tests.factories import MODEL, NOON, make_template


@pytest.fixture
def anna(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return people.create_person(session, name="Anna", at=NOON).id


def test_consent_is_kept_with_its_words_and_date(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        consent.give_consent(session, anna, " I agree. ", at=NOON)
    with sessions() as session:
        person = people.get_person(session, anna)

    assert (person.consent_text, person.consent_at) == ("I agree.", NOON)


@pytest.mark.parametrize("text", ["", "  \n", "x" * (consent.MAX_TEXT + 1)])
def test_consent_to_nothing_or_to_a_book_is_none(sessions: Sessions, anna: int, text: str) -> None:
    with pytest.raises(UserError), sessions.begin() as session:
        consent.give_consent(session, anna, text, at=NOON)


def test_taking_it_back_erases_templates_and_key_and_reaches_the_doors(
    sessions: Sessions, keys: Keys, anna: int
) -> None:
    with sessions.begin() as session:
        consent.give_consent(session, anna, "I agree.", at=NOON)
        templates.add_template(session, keys, anna, make_template(1), "upload", {}, None, at=NOON)
        before = gallery_version(session)
    with sessions.begin() as session:
        consent.withdraw_consent(session, anna, at=NOON)
    with sessions() as session:
        person = people.get_person(session, anna)

        assert (person.consent_at, person.consent_text) == (None, None)
        assert templates.list_templates(session, anna) == []
        assert session.get(PersonKey, anna) is None
        assert gallery_version(session) == before + 1


def test_who_agrees_again_can_be_enrolled_again(sessions: Sessions, keys: Keys, anna: int) -> None:
    with sessions.begin() as session:
        templates.add_template(session, keys, anna, make_template(1), "upload", {}, None, at=NOON)
    with sessions.begin() as session:
        consent.withdraw_consent(session, anna, at=NOON)
        templates.add_template(session, keys, anna, make_template(2), "upload", {}, None, at=NOON)
    with sessions() as session:
        assert templates.load_gallery(session, keys, MODEL).search(make_template(2))[0].person_id == anna

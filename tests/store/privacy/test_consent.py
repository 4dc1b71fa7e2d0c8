"""Consent, given and taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.domain.people.consent import BOTH, Channel, Purpose, version_of
from attendance.errors import UserError
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.privacy import consent
from attendance.store.privacy.consent_history import history, in_force
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

        rows = history(session, anna)

    assert person.agreed == BOTH
    assert [(row.purpose, row.act, row.words, row.at) for row in rows] == [
        ("access", "given", "I agree.", NOON),
        ("attendance", "given", "I agree.", NOON),
    ]


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

        assert person.agreed == frozenset()
        assert [row.act for row in history(session, anna)] == ["given", "given", "withdrawn", "withdrawn"]
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


def test_one_purpose_is_withdrawn_and_the_template_stays_for_the_other(
    sessions: Sessions, keys: Keys, anna: int
) -> None:
    later = NOON + timedelta(days=1)
    with sessions.begin() as session:
        consent.give_consent(
            session, anna, "Ich bin einverstanden.", at=NOON, language="de", channel=Channel.PAPER, by="ada"
        )
        templates.add_template(session, keys, anna, make_template(1), "upload", {}, None, at=NOON)
    with sessions.begin() as session:
        consent.withdraw_consent(
            session, anna, at=later, purposes=[Purpose.ATTENDANCE], channel=Channel.SELF, by="self-service"
        )
    with sessions() as session:
        assert people.get_person(session, anna).agreed == {Purpose.ACCESS}
        assert len(templates.list_templates(session, anna)) == 1
        assert [*in_force(session, anna)] == [Purpose.ACCESS]
        gone = history(session, anna)[-1]

    assert (gone.purpose, gone.act, gone.at, gone.channel, gone.noted_by) == (
        "attendance", "withdrawn", later, "self", "self-service",
    )  # fmt: skip
    assert (gone.version, gone.language) == (version_of("Ich bin einverstanden."), "de")


def test_other_words_have_another_version_and_the_old_ones_stay(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        consent.give_consent(session, anna, "First words.", at=NOON, purposes=[Purpose.ACCESS])
        consent.give_consent(session, anna, "Other words.", at=NOON + timedelta(days=1), purposes=[Purpose.ACCESS])
    with sessions() as session:
        rows, now = history(session, anna), in_force(session, anna)

    assert [row.words for row in rows] == ["First words.", "Other words."]
    assert rows[0].version != rows[1].version == now[Purpose.ACCESS].version


def test_an_erased_person_leaves_no_consent(sessions: Sessions, anna: int) -> None:
    with sessions.begin() as session:
        consent.give_consent(session, anna, "I agree.", at=NOON)
        people.delete_person(session, anna, at=NOON)
    with sessions() as session:
        assert history(session, anna) == []

"""People and templates, and the gallery that follows every change of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.store import settings
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import Sessions
from attendance.store.tables import people as stored_people
from tests.factories import MODEL, NOON, make_passage, make_template


def enrol(session: Session, keys: Keys, name: str, *seeds: int, model_id: str = MODEL) -> int:
    person = people.create_person(session, name=name, at=NOON)
    for seed in seeds:
        template = make_template(seed, model_id=model_id)
        templates.add_template(session, keys, person.id, template, "upload", {"size": 120.0}, f"sha-{seed}", at=NOON)
    return person.id


def test_a_person_is_found_by_any_part_of_name_number_or_department(sessions: Sessions) -> None:
    with sessions.begin() as session:
        people.create_person(session, name="  Örjan   Åberg ", staff_number="E-100", department="Gießerei", at=NOON)
        people.create_person(session, name="Bert", at=NOON)
    with sessions() as session:
        for text in ("örjan", "ÅBERG", "e-100", "gieß", "åberg örj"):
            assert [one.name for one in people.search_people(session, text)] == ["Örjan Åberg"], text
        assert people.search_people(session, "%") == []
        assert people.count_people(session) == 2


def test_people_come_by_name_in_pages(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for name in ("bert", "Anna", "Carl"):
            people.create_person(session, name=name, at=NOON)
    with sessions() as session:
        assert [one.name for one in people.search_people(session, limit=2)] == ["Anna", "bert"]
        assert [one.name for one in people.search_people(session, limit=2, offset=2)] == ["Carl"]


def test_names_with_marks_are_found_by_plain_letters_and_stand_beside_them(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for name in ("Zoe", "Ömer Yıldız", "Otto", "Łukasz", "Émile", "Ärmel", "Lena"):
            people.create_person(session, name=name, at=NOON)
    with sessions() as session:
        assert [one.name for one in people.search_people(session)] == [
            "Ärmel", "Émile", "Lena", "Łukasz", "Ömer Yıldız", "Otto", "Zoe",
        ]  # fmt: skip
        assert [one.name for one in people.search_people(session, "yildiz omer")] == ["Ömer Yıldız"]
        assert people.count_people(session, "YILDIZ") == 1


def test_inactive_people_can_be_asked_for_or_left_out(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=NOON)
        people.create_person(session, name="Bert", at=NOON)
        people.set_active(session, anna.id, False, at=NOON)
    with sessions() as session:
        assert [one.name for one in people.search_people(session, active=True)] == ["Bert"]
        assert [one.name for one in people.search_people(session, active=False)] == ["Anna"]


@pytest.mark.parametrize(
    ("name", "staff_number", "says"),
    [
        ("  ", None, "needs a name"),
        ("x" * 201, None, "longer"),
        ("Bert", "E-1", "belongs to Anna"),
        ("B", "x" * 101, "longer"),
    ],
)
def test_bad_values_are_refused_with_what_to_do(
    sessions: Sessions, name: str, staff_number: str | None, says: str
) -> None:
    with sessions.begin() as session:
        people.create_person(session, name="Anna", staff_number="E-1", at=NOON)
    with pytest.raises(UserError, match=says), sessions.begin() as session:
        people.create_person(session, name=name, staff_number=staff_number, at=NOON)
    with sessions() as session:
        assert people.count_people(session) == 1


def test_changing_a_person_leaves_what_is_not_given(sessions: Sessions) -> None:
    with sessions.begin() as session:
        anna = people.create_person(session, name="Anna", staff_number="E-1", department="A", at=NOON)
        people.update_person(session, anna.id, department="B", at=NOON)
        assert (anna.name, anna.staff_number, anna.department) == ("Anna", "E-1", "B")
        people.update_person(session, anna.id, staff_number="", at=NOON)
        assert anna.staff_number is None


def test_a_refused_change_changes_nothing_in_memory_either(sessions: Sessions) -> None:
    with sessions.begin() as session:
        people.create_person(session, name="Anna", staff_number="E-1", at=NOON)
        bert = people.create_person(session, name="Bert", at=NOON)
        with pytest.raises(UserError):
            people.update_person(session, bert.id, name="Berta", staff_number="E-1", at=NOON)
        assert bert.name == "Bert"


def test_every_change_of_who_can_be_recognised_counts_the_version_up(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        anna = enrol(session, keys, "Anna", 1)
        template = templates.list_templates(session, anna)[0].id

    def version() -> int:
        with sessions() as session:
            return settings.gallery_version(session)

    changes: list[Callable[[Session], object]] = [
        lambda session: people.set_active(session, anna, False, at=NOON),
        lambda session: people.set_active(session, anna, True, at=NOON),
        lambda session: templates.add_template(session, keys, anna, make_template(9), "upload", {}, None, at=NOON),
        lambda session: templates.delete_template(session, template, at=NOON),
        lambda session: people.delete_person(session, anna, at=NOON),
    ]
    for change in changes:
        before = version()
        with sessions.begin() as session:
            change(session)
        assert version() == before + 1


def test_a_change_of_nothing_does_not_count(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        anna = enrol(session, keys, "Anna", 1)
        before = settings.gallery_version(session)
        people.set_active(session, anna, True, at=NOON)
        people.update_person(session, anna, name="Anne", at=NOON)
        assert settings.gallery_version(session) == before


def test_the_version_is_rolled_back_with_its_change(sessions: Sessions, keys: Keys) -> None:
    with sessions() as session:
        enrol(session, keys, "Anna", 1)
        assert settings.gallery_version(session) == 1
        session.rollback()
    with sessions() as session:
        assert settings.gallery_version(session) == 0
        assert people.count_people(session) == 0


def test_erasing_a_person_erases_templates_and_key_and_keeps_the_passages_nameless(
    sessions: Sessions, keys: Keys
) -> None:
    with sessions.begin() as session:
        anna = enrol(session, keys, "Anna", 1, 2)
        passage = make_passage(person_id=anna)
        events.record_passage(session, passage)
    with sessions.begin() as session:
        people.delete_person(session, anna, at=NOON)
    with sessions() as session:
        for table in (stored_people.Person, stored_people.Template, stored_people.PersonKey):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        left = events.get_passage(session, passage.id)
        assert left is not None
        assert (left.passage.granted, left.passage.person_id, left.person_name) == (True, None, None)


def test_the_number_of_an_erased_person_is_not_given_again(sessions: Sessions, keys: Keys) -> None:
    with sessions.begin() as session:
        erased = enrol(session, keys, "Anna", 1)
        people.delete_person(session, erased, at=NOON)
    with sessions.begin() as session:
        assert enrol(session, keys, "Bert", 2) > erased


def test_people_and_templates_that_are_gone_are_told(sessions: Sessions, keys: Keys) -> None:
    with sessions() as session:
        for call in (
            lambda: people.get_person(session, 5),
            lambda: people.delete_person(session, 5, at=NOON),
            lambda: templates.delete_template(session, 5, at=NOON),
            lambda: templates.add_template(session, keys, 5, make_template(1), "upload", {}, None, at=NOON),
        ):
            with pytest.raises(UserError, match="there is no"):
                call()


def test_letters_and_their_marks_are_stored_as_one_character(sessions: Sessions) -> None:
    apart, composed = "Zoe\u0308", "Zo\u00eb"
    with sessions.begin() as session:
        row = people.create_person(session, name=apart, at=NOON, staff_number=apart, department=apart, notes=apart)
        assert [row.name, row.staff_number, row.department, row.notes] == [composed] * 4
        with pytest.raises(UserError, match="belongs to"):
            people.create_person(session, name="Anna", at=NOON, staff_number=composed)

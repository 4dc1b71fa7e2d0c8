"""What was opened is not opened again, and what is gone is not remembered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from attendance.store.crypto import DataKey, Keys
from attendance.store.people import opened_templates, people, templates
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON, make_template


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Each sealed template that was opened."""
    seen: list[bytes] = []
    inner = DataKey.open

    def noted(self: DataKey, sealed: bytes, model_id: str) -> object:
        seen.append(sealed)
        return inner(self, sealed, model_id)

    monkeypatch.setattr(DataKey, "open", noted)
    yield seen


def add(sessions: Sessions, keys: Keys, name: str, *seeds: int) -> int:
    with sessions.begin() as session:
        person = people.create_person(session, name=name, at=NOON)
        for seed in seeds:
            templates.add_template(session, keys, person.id, make_template(seed), "upload", {}, None, at=NOON)
        return person.id


def test_a_change_opens_only_what_is_new(sessions: Sessions, keys: Keys, opened: list[bytes]) -> None:
    anna = add(sessions, keys, "Anna", 1, 2)
    with sessions() as session:
        first = opened_templates.open_everybody(session, keys, MODEL)
        assert first.owners.tolist() == [anna, anna] and len(opened) == 2
        assert opened_templates.open_everybody(session, keys, MODEL) is first
    bert = add(sessions, keys, "Bert", 3)
    with sessions() as session:
        second = opened_templates.open_everybody(session, keys, MODEL)
    assert second.owners.tolist() == [anna, anna, bert] and len(opened) == 3
    assert [row.tolist() for row in second.photos] == [make_template(seed).vector.tolist() for seed in (1, 2, 3)]
    with sessions.begin() as session:
        people.set_active(session, anna, False, at=NOON)
    with sessions() as session:
        third = opened_templates.open_everybody(session, keys, MODEL)
    assert third.owners.tolist() == [bert] and len(opened) == 3


def test_rows_that_were_rolled_back_are_not_taken_for_those_that_follow(sessions: Sessions, keys: Keys) -> None:
    """The next row has the same number, the same owner and the same version of the gallery."""
    anna = add(sessions, keys, "Anna", 1)
    with sessions() as session:
        templates.add_template(session, keys, anna, make_template(8), "upload", {}, None, at=NOON)
        assert len(opened_templates.open_everybody(session, keys, MODEL).owners) == 2
        session.rollback()
    with sessions.begin() as session:
        templates.add_template(session, keys, anna, make_template(9), "upload", {}, None, at=NOON)
    with sessions() as session:
        photos = opened_templates.open_everybody(session, keys, MODEL).photos
    assert photos[1].tolist() == make_template(9).vector.tolist()


def test_another_model_and_another_key_are_not_mixed_up(sessions: Sessions, keys: Keys) -> None:
    add(sessions, keys, "Anna", 1)
    with sessions() as session:
        assert len(opened_templates.open_everybody(session, keys, MODEL).owners) == 1
        assert len(opened_templates.open_everybody(session, keys, "another").owners) == 0
        assert len(opened_templates.open_everybody(session, keys, MODEL).owners) == 1


def test_an_erasure_leaves_nothing_in_memory(sessions: Sessions, keys: Keys, opened: list[bytes]) -> None:
    anna = add(sessions, keys, "Anna", 1)
    add(sessions, keys, "Bert", 2)
    with sessions() as session:
        opened_templates.open_everybody(session, keys, MODEL)
    opened.clear()
    with sessions.begin() as session:
        people.delete_person(session, anna, at=NOON)
    with sessions() as session:
        assert len(opened_templates.open_everybody(session, keys, MODEL).owners) == 1
    assert len(opened) == 1  # all was forgotten, so Bert's is opened anew


def test_nobody_enrolled_is_an_empty_matrix(sessions: Sessions, keys: Keys) -> None:
    with sessions() as session:
        empty = opened_templates.open_everybody(session, keys, MODEL)
        assert empty.photos.shape[0] == 0 and opened_templates.open_everybody(session, keys, MODEL) is empty

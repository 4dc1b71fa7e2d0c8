"""The list of look-alikes: replaced whole or by person, and daemons hear of every change."""

from __future__ import annotations

import pytest

from attendance.store import settings
from attendance.store.people import look_alikes, people
from attendance.store.session import Sessions
from tests.factories import MODEL, NOON


@pytest.fixture
def three(sessions: Sessions) -> Sessions:
    """People 1, 2, 3."""
    with sessions.begin() as session:
        for name in ("Anna", "Bert", "Cleo"):
            people.create_person(session, name=name, at=NOON)
    return sessions


def test_only_a_change_of_who_is_listed_makes_daemons_load_again(three: Sessions) -> None:
    with three.begin() as session:
        before = settings.gallery_version(session)
        assert look_alikes.replace_pairs(session, MODEL, {(1, 2): 0.6}, at=NOON)
        assert not look_alikes.replace_pairs(session, MODEL, {(1, 2): 0.7}, at=NOON)
        assert settings.gallery_version(session) == before + 1
        assert [pair.score for pair in look_alikes.named_pairs(session, MODEL)] == [0.7]
        assert look_alikes.replace_pairs(session, MODEL, {}, at=NOON)
        assert look_alikes.listed_pairs(session, MODEL) == []


def test_replacing_one_persons_pairs_leaves_the_others(three: Sessions) -> None:
    with three.begin() as session:
        look_alikes.replace_pairs(session, MODEL, {(1, 2): 0.6, (2, 3): 0.7}, at=NOON)
        look_alikes.replace_pairs(session, MODEL, {(1, 3): 0.8}, at=NOON, person_id=1)
        assert look_alikes.listed_pairs(session, MODEL) == [(1, 3), (2, 3)]
        assert [pair.name for pair in look_alikes.named_pairs(session, MODEL)] == ["Anna", "Bert"]
        assert look_alikes.listed_pairs(session, "another-model") == []


def test_a_confirmation_outlives_the_listing(three: Sessions) -> None:
    with three.begin() as session:
        look_alikes.confirm_two_people(session, MODEL, 2, 1, 0.9, at=NOON, by="ada")
        assert look_alikes.listed_pairs(session, MODEL) == []
        look_alikes.replace_pairs(session, MODEL, {(1, 2): 0.9}, at=NOON)
        look_alikes.replace_pairs(session, MODEL, {}, at=NOON)
        assert look_alikes.is_confirmed(session, MODEL, 1, 2)
        assert not look_alikes.is_confirmed(session, MODEL, 1, 3)


def test_pairs_of_the_erased_are_gone_and_of_the_inactive_not_shown(three: Sessions) -> None:
    with three.begin() as session:
        look_alikes.replace_pairs(session, MODEL, {(1, 2): 0.6, (2, 3): 0.7}, at=NOON)
        people.delete_person(session, 1, at=NOON)
        people.set_active(session, 3, False, at=NOON)
        assert look_alikes.named_pairs(session, MODEL) == []
    with three() as session:
        assert look_alikes.listed_pairs(session, MODEL) == [(2, 3)]


def test_nobody_is_a_pair_alone() -> None:
    assert look_alikes.pair_of(2, 1) == (1, 2)
    with pytest.raises(ValueError, match="not a pair"):
        look_alikes.pair_of(1, 1)

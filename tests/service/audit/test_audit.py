"""An act and its entry are committed together; an entry names nobody."""

from __future__ import annotations

import pytest

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.ids import made_at
from attendance.store.audit import entries
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON

ADA = Actor("operator", "ada")


def test_an_entry_says_who_did_what_to_whom_and_when(sessions: Sessions) -> None:
    with sessions.begin() as session:
        audit.record(
            session,
            actor=ADA,
            action=Action.CHANGE_ROLE,
            subject=Subject("operator", 7),
            detail={"role": "viewer"},
            at=NOON,
        )
    with sessions() as session:
        (entry,) = entries.list_entries(session)
    assert (entry.actor_kind, entry.actor_name, entry.action) == ("operator", "ada", "change_role")
    assert (entry.subject_kind, entry.subject_id, entry.detail) == ("operator", "7", {"role": "viewer"})
    assert made_at(entry.id) == entry.at == NOON


def test_an_act_that_fails_leaves_no_entry_and_an_entry_that_fails_no_act(sessions: Sessions) -> None:
    with pytest.raises(ValueError, match="plain values"), sessions.begin() as session:
        people.create_person(session, name="Anna", at=NOON)
        audit.record(
            session,
            actor=ADA,
            action=Action.ERASE_PERSON,
            detail={"template": b"secret"},  # type: ignore[dict-item]
            at=NOON,
        )
    with sessions() as session:
        assert people.count_people(session) == 0
        assert entries.list_entries(session) == []


def test_entries_come_newest_first_and_page_by_the_last_number(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for action in (Action.PAIR_DEVICE, Action.REVOKE_DEVICE, Action.CLOSE_PERIOD):
            audit.record(session, actor=Actor("system", "test"), action=action, at=NOON)
    with sessions() as session:
        newest = entries.list_entries(session, limit=1)
        older = entries.list_entries(session, before_seq=newest[-1].seq)
    assert len(newest) + len(older) == 3


def test_actions_are_verb_and_object_and_nothing_changes_an_entry() -> None:
    assert all(len(action.value.split("_")) >= 2 for action in Action)
    assert {name for name in vars(entries) if name.startswith(("update", "delete", "set_", "remove"))} == set()

"""Whoever changes the trail is found out with nothing but the public key, whatever was changed."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from attendance.service.audit import audit, keeping, trail
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from tests.factories import NOON

ADA = Actor("operator", "ada")


def fill(sessions: Sessions, keys: Keys, heads: Path | None = None) -> Signer:
    """Seven entries; heads after the third and the fifth; two are not signed yet."""
    signer = Signer(keys)
    for number in range(1, 8):
        with sessions.begin() as session:
            subject = Subject("operator", number) if number % 2 else None
            at = NOON + timedelta(days=number)
            audit.record(
                session, actor=ADA, action=Action.CHANGE_ROLE, subject=subject, detail={"role": "viewer"}, at=at
            )
        if number in (3, 5):
            assert keeping.sign_head(sessions, signer, heads, at)
    return signer


@pytest.fixture
def exported(sessions: Sessions, keys: Keys) -> dict[str, Any]:
    signer = fill(sessions, keys)
    found: dict[str, Any] = {"head": [], "entry": [], "end": []}
    with sessions() as session:
        for line in keeping.export_lines(session, signer, NOON):
            ((kind, record),) = json.loads(line).items()
            found[kind].append(record)
    return found


def holds(exported: dict[str, Any], keys: Keys) -> bool:
    return trail.verify(exported["entry"], exported["head"], Signer(keys).public, exported["end"][0]).ok


def test_an_untouched_export_holds(exported: dict[str, Any], keys: Keys) -> None:
    verdict = trail.verify(exported["entry"], exported["head"], Signer(keys).public, exported["end"][0])

    assert (verdict.problems, verdict.signed, verdict.unsigned, verdict.removed) == ((), 5, 2, 0)


def changed(value: Any) -> list[Any]:
    """Other values of the same and of another kind."""
    if isinstance(value, int):
        return [value + 1, str(value), None]
    if isinstance(value, dict):
        return [value | {"role": "admin"}, {}, None]
    if isinstance(value, str):
        return [value + "x", value[1:], value.swapcase() if value.swapcase() != value else "y", 0, None]
    return ["x", 1, {}]


def test_each_field_of_each_record_is_protected(exported: dict[str, Any], keys: Keys) -> None:
    tried = 0
    for kind in ("entry", "head", "end"):
        for number, record in enumerate(exported[kind]):
            for name, value in record.items():
                for other in changed(value):
                    if other == value:
                        continue
                    mutated = copy.deepcopy(exported)
                    mutated[kind][number][name] = other
                    # Whether a segment was removed says removed_at alone; its signature counts only then.
                    if name == "removal" and record["removed_at"] is None:
                        continue
                    tried += 1
                    assert not holds(mutated, keys), (kind, number, name, other)
                without = copy.deepcopy(exported)
                del without[kind][number][name]
                if name not in ("removal", "removed_at"):
                    assert not holds(without, keys), (kind, number, name)
    assert tried > 200


def test_a_deletion_an_insertion_and_another_order_are_found(exported: dict[str, Any], keys: Keys) -> None:
    for kind in ("entry", "head"):
        records = exported[kind]
        for number in range(len(records)):
            less = copy.deepcopy(exported)
            del less[kind][number]
            assert not holds(less, keys), (kind, number)
            twice = copy.deepcopy(exported)
            twice[kind].insert(number, copy.deepcopy(records[number]))
            assert not holds(twice, keys), (kind, number)
            for other in range(number):
                turned = copy.deepcopy(exported)
                turned[kind][number], turned[kind][other] = turned[kind][other], turned[kind][number]
                assert not holds(turned, keys), (kind, number, other)
        for length in range(len(records)):
            cut = copy.deepcopy(exported)
            del cut[kind][length:]
            assert not holds(cut, keys), (kind, length)


def test_another_sites_key_does_not_hold(exported: dict[str, Any]) -> None:
    assert not holds(exported, Keys(bytes(32)))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entries SET actor_name = 'eve' WHERE seq = 2",
        "DELETE FROM audit_entries WHERE seq = 7",
        "DELETE FROM audit_heads WHERE id = 2",
        "UPDATE audit_heads SET removed_at = signed_at WHERE id = 1",
    ],
)
def test_a_change_in_the_database_is_found_and_told(
    sessions: Sessions, keys: Keys, tmp_path: Path, change: str
) -> None:
    heads = tmp_path / "heads.jsonl"
    signer = fill(sessions, keys, heads)
    assert keeping.check(sessions, signer, heads, NOON).ok
    with sessions.begin() as session:
        session.execute(text(change))

    assert not keeping.check(sessions, signer, heads, NOON).ok
    with sessions() as session:
        assert keeping.chain_ok(session) is False


def test_the_newest_entries_cannot_be_cut_off_with_their_heads(sessions: Sessions, keys: Keys, tmp_path: Path) -> None:
    heads = tmp_path / "heads.jsonl"
    signer = fill(sessions, keys, heads)
    with sessions.begin() as session:
        (kept,) = session.execute(text("SELECT hash FROM audit_entries WHERE seq = 3")).one()
        session.execute(text("DELETE FROM audit_entries WHERE seq > 3"))
        session.execute(text("DELETE FROM audit_heads WHERE id > 1"))
        value = json.dumps({"seq": 3, "hash": kept})
        session.execute(text("UPDATE settings SET value = :value WHERE key = 'audit_chain'"), {"value": value})

    assert "head 2" in keeping.check(sessions, signer, heads, NOON).problems[0]


def test_retention_removes_whole_segments_and_their_heads_stay(sessions: Sessions, keys: Keys) -> None:
    signer = fill(sessions, keys)

    assert keeping.forget(sessions, signer, 10, NOON + timedelta(days=14)) == 1

    verdict = keeping.check(sessions, signer, None, NOON)
    assert (verdict.problems, verdict.removed, verdict.signed) == ((), 3, 2)
    with sessions() as session:
        assert [head["head"] for head in keeping.head_records(session)] == [1, 2]
        assert session.scalar(text("SELECT count(*) FROM audit_entries WHERE action = 'forget_audit'")) == 1
    assert not keeping.sign_head(sessions, signer, None, NOON) or keeping.check(sessions, signer, None, NOON).ok

"""The revision of erasures on a database with people, keys and an audit."""

from __future__ import annotations

import hashlib
from pathlib import Path

from attendance.service.audit import audit, keeping
from attendance.store import migrate
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys
from attendance.store.session import make_engine, sessions
from tests.factories import NOON
from tests.store.revisions import do, rows, to


def test_people_and_keys_get_random_ids_and_keys_stay_whose_they_are(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0023")
    person = "INSERT INTO people (id, name, department, active, notes, created_at, updated_at) VALUES "
    entry = "INSERT INTO audit_entries VALUES "
    do(
        engine,
        f"{person} (1, 'Anna', '', 1, '', '2024-05-06', '2024-05-06')",
        f"{person} (7, 'Bert', '', 1, '', '2024-05-06', '2024-05-06')",
        f"{person} (9, 'Gone', '', 1, '', '2024-05-06', '2024-05-06')",
        "DELETE FROM people WHERE id = 9",
        "INSERT INTO person_keys VALUES (7, x'beef')",
        f"{entry} ('a', '2024-05-06', 'operator', 'ada', 'erase_person', 'person', '9', '{{}}')",
        f"{entry} ('b', '2024-05-06', 'operator', 'ada', 'activate_person', 'person', '7', '{{}}')",
        f"{entry} ('c', '2024-05-06', 'operator', 'ada', 'pair_device', 'device', '7', '{{}}')",
    )

    migrate.upgrade(engine, "0024")

    (anna,), (bert,) = rows(engine, "SELECT uid FROM people ORDER BY id")
    assert anna != bert
    assert rows(engine, "SELECT person_id, wrapped_key FROM person_keys JOIN key_material USING (uid)") == [
        (7, b"\xbe\xef")
    ]
    assert rows(engine, "SELECT subject_id FROM audit_entries ORDER BY id") == [("9",), (bert,), ("7",)]
    do(engine, f"{person.replace('id, name', 'uid, name')} ('u', 'New', '', 1, '', '2024-05-06', '2024-05-06')")
    assert rows(engine, "SELECT max(id) FROM people") == [(10,)]  # 9 was somebody else's

    to(engine, "0023", back=True)

    assert rows(engine, "SELECT name FROM people ORDER BY id") == [("Anna",), ("Bert",), ("New",)]
    engine.dispose()


def test_a_consent_from_before_is_to_both_purposes_and_begins_the_history(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0030")
    person = "INSERT INTO people (id, uid, name, department, active, notes, created_at, updated_at, consent_at"
    do(
        engine,
        f"{person}, consent_text) VALUES (1, 'a', 'Anna', '', 1, '', '2024-05-06', '2024-05-06', '2024-05-07', 'Yes.')",
        f"{person}) VALUES (2, 'b', 'Bert', '', 1, '', '2024-05-06', '2024-05-06', NULL)",
        "INSERT INTO person_secrets (person_id, badge_hash) VALUES (1, 'x')",
        "INSERT INTO passages "
        "(id, at, camera, person_id, granted, reason, model_id, gallery_version, frames, direction) VALUES "
        " ('p', '2024-05-07', 'door', 1, 1, 'matched', '', 0, 0, 'in')",
    )

    to(engine, "0031")

    version = hashlib.sha256(b"Yes.").hexdigest()[:12]
    assert rows(engine, "SELECT person_id, purpose, act, at, words, version, channel FROM consents ORDER BY id") == [
        (1, purpose, "given", "2024-05-07", "Yes.", version, "before") for purpose in ("access", "attendance")
    ]
    held = "SELECT id, access_consent_at, attendance_consent_at FROM people ORDER BY id"
    assert rows(engine, held) == [(1, "2024-05-07", "2024-05-07"), (2, None, None)]
    assert rows(engine, "SELECT for_hours, person_id FROM passages") == [(1, 1)]
    assert rows(engine, "SELECT person_id FROM person_secrets") == [(1,)]
    do(engine, "UPDATE people SET attendance_consent_at = NULL WHERE id = 1")

    to(engine, "0030", back=True)

    # Nobody is recognised for what they did not agree to.
    assert rows(engine, "SELECT id, consent_at, consent_text FROM people ORDER BY id") == [
        (1, None, None), (2, None, None),
    ]  # fmt: skip
    engine.dispose()


def test_entries_from_before_the_chain_are_chained_in_order_and_verify(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0029")
    entry = (
        "INSERT INTO audit_entries (id, at, actor_kind, actor_name, action, subject_kind, subject_id, detail) VALUES "
    )
    do(
        engine,
        f"{entry} ('b', '2024-05-06 10:00:00.000000', 'operator', 'ada', 'activate_person', 'person', 'u', '{{}}')",
        f"{entry} ('a', '2024-05-06 09:00:00.000000', 'operator', 'ädä', 'close_period', NULL, NULL, '{{\"n\": 1}}')",
    )

    to(engine, "0030")

    assert rows(engine, "SELECT id, seq FROM audit_entries ORDER BY seq") == [("a", 1), ("b", 2)]
    migrate.upgrade(engine)
    made = sessions(engine)
    with made.begin() as session:  # the next entry goes on where the migration ended
        audit.record(session, actor=audit.Actor("system", "test"), action=audit.Action.BEGIN_LEDGER, at=NOON)
    signer, file = Signer(Keys(b"k" * 32)), tmp_path / "heads.jsonl"
    keeping.sign_head(made, signer, file, NOON)
    assert keeping.check(made, signer, file, NOON).ok
    do(engine, "UPDATE audit_entries SET actor_name = 'eve' WHERE id = 'a'")
    assert not keeping.check(made, signer, file, NOON).ok

    engine.dispose()


def test_the_chain_can_be_taken_back_and_loses_no_entry(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'site.db'}")
    to(engine, "0030")
    do(
        engine,
        "INSERT INTO audit_entries (id, at, actor_kind, actor_name, action, detail, seq, source, hash) "
        "VALUES ('a', '2024-05-06', 'operator', 'ada', 'close_period', '{}', 1, '', 'x')",
    )

    to(engine, "0029", back=True)

    assert rows(engine, "SELECT id, actor_name FROM audit_entries") == [("a", "ada")]
    engine.dispose()

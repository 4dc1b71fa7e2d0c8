"""The revision of erasures on a database with people, keys and an audit."""

from __future__ import annotations

from pathlib import Path

from attendance.store import migrate
from attendance.store.session import make_engine
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

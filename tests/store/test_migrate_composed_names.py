"""The revision after which the same name is the same text, whatever computer it was typed on."""

from __future__ import annotations

from pathlib import Path

from attendance.store.session import make_engine
from tests.store.revisions import do, rows, to

APART, COMPOSED = "Zoe\u0308", "Zo\u00eb"
PERSON = (
    "INSERT INTO people (uid, name, external_id, department, notes, active, created_at, updated_at) "
    "VALUES ('{2}', '{0}', {1}, '{0}', '', true, '2024-05-06 12:00:00', '2024-05-06 12:00:00')"
)


def test_texts_are_composed_and_two_of_the_same_number_stay_for_somebody_to_decide(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/site.db")
    to(engine, "0047")
    do(engine, PERSON.format(APART, f"'{APART}'", "a"))
    do(engine, PERSON.format("Anna", f"'{COMPOSED}'", "b"))
    do(engine, PERSON.format("Bert", "NULL", "c"))
    to(engine, "head")
    assert rows(engine, "SELECT name, external_id, department FROM people ORDER BY id") == [
        (COMPOSED, APART, COMPOSED),
        ("Anna", COMPOSED, "Anna"),
        ("Bert", None, "Bert"),
    ]
    to(engine, "0047", back=True)
    engine.dispose()

"""The ledger of erasures: nothing brings an erased person back, and a start without it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from attendance.errors import UserError
from attendance.service.privacy.erasure import apply_ledger, erase_person, replace_ledger, withdraw
from attendance.store.operations.replaced import ORIGIN
from attendance.store.people import templates
from attendance.store.privacy import erasures
from attendance.store.session import Sessions
from attendance.store.settings import get, put
from tests.factories import MODEL, NOON, make_template
from tests.service.privacy.conftest import ADA, Place


def test_the_ledger_holds_random_ids_and_its_copy_is_the_same(place: Place) -> None:
    anna = place.add("Anna Berg")
    erase_person(place.sessions, place.ledger, anna, ADA, NOON)

    lines = [json.loads(line) for line in place.ledger.path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["begin", "person", "key"]
    assert b"Anna" not in place.ledger.path.read_bytes()
    assert place.ledger.copies[0].read_bytes() == place.ledger.path.read_bytes()
    assert place.ledger.path.stat().st_mode & 0o077 == 0
    assert place.names() == []


def test_whoever_comes_back_is_erased_at_the_next_start(place: Place) -> None:
    anna, bert = place.add("Anna"), place.add("Bert")
    with place.sessions() as session:
        uid = erasures.uid_of(session, anna)
        assert uid is not None
    place.ledger.append(
        [("person", uid)], NOON, 2
    )  # as if the power went before the transaction, or a backup came back

    assert apply_ledger(place.sessions, place.ledger, NOON).people == 1

    assert place.names() == ["Bert"]
    assert apply_ledger(place.sessions, place.ledger, NOON).people == 0
    with place.sessions() as session:
        actor = session.execute(text("SELECT actor_name, subject_id FROM audit_entries")).all()
        assert [tuple(row) for row in actor] == [("ledger of erasures", uid)]
        assert len(erasures.pending(session)) == 1
    assert bert


def test_a_withdrawn_key_comes_back_with_no_template_and_a_new_one_stays(place: Place) -> None:
    anna = place.add("Anna")
    with place.sessions() as session:
        key = session.execute(text("SELECT uid, wrapped_key FROM person_keys JOIN key_material USING (uid)")).one()
        vector = session.execute(text("SELECT vector FROM templates")).scalar_one()
    withdraw(place.sessions, place.ledger, anna, ADA, NOON)
    with place.sessions.begin() as session:  # the rows of before are put back
        session.execute(text("INSERT INTO key_material VALUES (:uid, :key)"), {"uid": key[0], "key": key[1]})
        session.execute(text("INSERT INTO person_keys (person_id, uid) VALUES (1, :uid)"), {"uid": key[0]})
        template = "INSERT INTO templates (person_id, model_id, vector, source, quality, created_at) "
        values = {"model": MODEL, "vector": vector}
        session.execute(text(template + "VALUES (1, :model, :vector, 'upload', '{}', '2024-05-06')"), values)

    assert apply_ledger(place.sessions, place.ledger, NOON).keys == 1

    with place.sessions.begin() as session:
        assert templates.list_templates(session, anna) == []
        templates.add_template(session, place.keys, anna, make_template(9), "upload", {}, None, at=NOON)
    assert apply_ledger(place.sessions, place.ledger, NOON).keys == 0
    with place.sessions() as session:
        assert len(templates.list_templates(session, anna)) == 1


def test_a_start_without_the_ledger_stops_and_says_what_to_do(place: Place) -> None:
    erase_person(place.sessions, place.ledger, place.add("Anna"), ADA, NOON)
    for path in (place.ledger.path, *place.ledger.copies):
        path.unlink()

    with pytest.raises(UserError, match="begin-ledger"):
        apply_ledger(place.sessions, place.ledger, NOON)

    replace_ledger(place.sessions, place.ledger, NOON, ADA)
    assert apply_ledger(place.sessions, place.ledger, NOON).people == 0
    with place.sessions() as session:
        acts = session.scalars(text("SELECT action FROM audit_entries")).all()
    assert set(acts) == {"erase_person", "begin_ledger"}


def test_a_copy_serves_where_the_ledger_is_gone(place: Place) -> None:
    erase_person(place.sessions, place.ledger, place.add("Anna"), ADA, NOON)
    place.ledger.path.unlink()

    apply_ledger(place.sessions, place.ledger, NOON)
    erase_person(place.sessions, place.ledger, place.add("Bert"), ADA, NOON)

    assert place.ledger.head().entries == 5
    assert place.ledger.path.read_bytes() == place.ledger.copies[0].read_bytes()


def test_an_older_ledger_stops_the_start(place: Place) -> None:
    older = place.ledger.path.read_bytes()
    erase_person(place.sessions, place.ledger, place.add("Anna"), ADA, NOON)
    for path in (place.ledger.path, *place.ledger.copies):
        path.write_bytes(older)

    with pytest.raises(UserError, match="older than the database"):
        apply_ledger(place.sessions, place.ledger, NOON)


@pytest.mark.parametrize("line", [0, 1, 2])
@pytest.mark.parametrize("field", ["n", "kind", "id", "at", "issued", "before", "signature"])
def test_a_changed_line_is_found_whatever_was_changed(place: Place, line: int, field: str) -> None:
    erase_person(place.sessions, place.ledger, place.add("Anna"), ADA, NOON)
    lines = [json.loads(one) for one in place.ledger.path.read_text().splitlines()]
    value = lines[line][field]
    lines[line][field] = value + 1 if isinstance(value, int) else ("y" if value[:1] == "x" else "x") + value[1:]
    place.ledger.path.write_text("".join(json.dumps(one) + "\n" for one in lines))

    if field == "signature" and line < 2:
        return  # the last signature is for all lines
    with pytest.raises(UserError, match="changed or damaged"):
        place.ledger.read()


def test_a_ledger_of_another_database_is_not_taken(place: Place) -> None:
    place.add("Anna")
    with place.sessions.begin() as session:
        put(session, ORIGIN, "another", NOON)

    with pytest.raises(UserError, match="belongs to another database"):
        apply_ledger(place.sessions, place.ledger, NOON)


def test_a_new_database_in_the_same_folder_begins_a_ledger_and_keeps_the_old_one(
    place: Place, sessions: Sessions
) -> None:
    with place.sessions.begin() as session:
        session.execute(text("DELETE FROM settings"))

    apply_ledger(place.sessions, place.ledger, NOON)

    with place.sessions() as session:
        assert place.ledger.read()[0].id == get(session, ORIGIN)
    assert len(list(place.ledger.path.parent.glob("erasures.ledger.2*"))) == 1


def test_nothing_is_erased_while_the_ledger_cannot_be_written(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = place.add("Anna")
    monkeypatch.setattr(place.ledger, "path", Path("/proc/no-such-folder/erasures.ledger"))
    monkeypatch.setattr(place.ledger, "copies", ())

    with pytest.raises(UserError, match="nothing was erased"):
        erase_person(place.sessions, place.ledger, anna, ADA, NOON)

    assert place.names() == ["Anna"]


def test_numbers_that_were_ever_issued_are_never_given_again(place: Place) -> None:
    anna = place.add("Anna")
    erase_person(place.sessions, place.ledger, anna, ADA, NOON)
    with place.sessions.begin() as session:
        session.execute(text("DELETE FROM sqlite_sequence"))

    apply_ledger(place.sessions, place.ledger, NOON)

    assert place.add("Bert") > anna

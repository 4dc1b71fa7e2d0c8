"""The revision of templates that grow: nobody has agreed to it, and going back leaves none behind."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from attendance.store.people import people
from attendance.store.session import sessions
from tests.factories import NOON
from tests.store.revisions import do, rows, to

BEFORE = "0045"  # the fixture `before` is taken there
WHEN = "2024-05-06 12:00:00"
PERSON = "INSERT INTO people (uid, name, department, active, notes, created_at, updated_at, access_consent_at) VALUES "
CONSENT = "INSERT INTO consents (person_id, purpose, act, at, version, words, language, channel, noted_by) VALUES "
PURPOSES = "SELECT purpose FROM consents ORDER BY id"


def test_nobody_has_agreed_and_consents_and_numbers_stay(before: Engine) -> None:
    engine = before
    for name in ("Anna", "Bert"):
        do(engine, f"{PERSON} ('{name}', '{name}', 'Lab', true, '', '{WHEN}', '{WHEN}', '{WHEN}')")
    do(engine, f"{CONSENT} (1, 'access', 'given', '{WHEN}', 'abc', 'Yes.', 'en', 'page', 'ada')")
    do(engine, "DELETE FROM people WHERE name = 'Bert'")
    growth = f"{CONSENT} (1, 'growth', 'given', '{WHEN}', 'abc', 'Yes.', 'en', 'page', 'ada')"
    with pytest.raises(IntegrityError):
        do(engine, growth)

    to(engine, "0046")
    assert rows(engine, "SELECT name, growth_consent_at FROM people") == [("Anna", None)]
    assert rows(engine, PURPOSES) == [("access",)]
    do(engine, growth)
    do(engine, "INSERT INTO grown_templates (uid, person_id, model_id, vector, quality, camera, passage_id, grown_at, "
       f"usable_at) VALUES ('u', 1, 'm', '00', '{{}}', 'door', 'p', '{WHEN}', '{WHEN}')")  # fmt: skip
    do(engine, f"INSERT INTO pin_proofs VALUES ('p', 1, '{WHEN}')")

    to(engine, "0045", back=True)
    assert rows(engine, PURPOSES) == [("access",)]
    to(engine, "head")
    assert rows(engine, "SELECT count(*) FROM grown_templates") == [(0,)]
    with sessions(engine).begin() as session:
        added = people.create_person(session, name="Carla", at=NOON)
        assert (added.id, added.growth_consent_at) == (3, None)

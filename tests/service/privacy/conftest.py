"""A site with a ledger of erasures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from attendance.service.audit.audit import Actor
from attendance.service.privacy.erasure import require_ledger
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions
from tests.factories import NOON, make_template

ADA = Actor("operator", "ada")


@dataclass
class Place:
    sessions: Sessions
    keys: Keys
    ledger: Ledger

    def add(self, name: str) -> int:
        with self.sessions.begin() as session:
            person = people.create_person(session, name=name, at=NOON)
            vector = make_template(person.id)
            templates.add_template(session, self.keys, person.id, vector, "upload", {}, None, at=NOON)
            return person.id

    def names(self) -> list[str]:
        with self.sessions() as session:
            return [one.name for one in people.search_people(session)]


@pytest.fixture
def place(sessions: Sessions, keys: Keys, tmp_path: Path) -> Place:
    (tmp_path / "copies").mkdir()
    ledger = Ledger(tmp_path / "erasures.ledger", Signer(keys), [tmp_path / "copies" / "erasures.ledger"])
    require_ledger(sessions, ledger, NOON)
    return Place(sessions, keys, ledger)

"""After an erasure no byte of the person is found in any place where it lay: the table of places, searched one by one.

What is searched for: the name, staff number, notes, leave note and visit as text, the hash of the PIN, the sealed
templates, the wrapped key, the random id of the key.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from attendance.cli.operations.log_output import TEXT
from attendance.config import Settings
from attendance.domain.passage import Direction
from attendance.domain.people.consent import Purpose
from attendance.service.access.edge.deciding import Edge
from attendance.service.access.gallery_watch import GalleryWatch
from attendance.service.alarms.alarms import Recipients, raise_and_notify
from attendance.service.audit.audit import Actor
from attendance.service.ids import new_event_id
from attendance.service.kiosk import sealed_events
from attendance.service.operations import backups
from attendance.service.operations.restore import Apart, restore
from attendance.service.privacy import key_backups
from attendance.service.privacy.erasure import erase_person, ledger_for, require_ledger, withdraw
from attendance.service.privacy.finish import finish_erasures
from attendance.service.privacy.places import PLACES
from attendance.service.privacy.receipts import receipt_of
from attendance.store.access import events
from attendance.store.access.edge_files import RulesFile
from attendance.store.audit.signatures import Signer
from attendance.store.crypto import Keys
from attendance.store.faults import DatabaseLocked
from attendance.store.people import grown, people, pins, templates
from attendance.store.people.grown import GrownTemplate
from attendance.store.people.look_alikes import replace_pairs
from attendance.store.privacy import consent, erasures, person_keys
from attendance.store.privacy.ledger import Ledger
from attendance.store.session import Sessions, engine_of
from attendance.store.tables.cameras import Camera
from attendance.store.tables.hours import LeaveRow
from attendance.store.tables.people import Visit
from tests.factories import MODEL, NOON, make_passage, make_template
from tests.fakes import FakeClock, FakeDoor

NAME, NUMBER, NOTES, LEAVE = "Zwetlana Quastenflosser", "ZQ-4711-XJ", "allergic to wasps", "visits the dentist"
COMPANY, WHY = "Quastenflosser & Hornissen", "smelled of honey"
OTHERS = 40
ADA = Actor("operator", "ada")


@dataclass
class Before:
    """A site with forty people and Zwetlana, whose traces are everywhere."""

    folder: Path
    sessions: Sessions
    keys: Keys
    clock: FakeClock
    settings: Settings
    ledger: Ledger
    person: int = 0
    needles: dict[str, bytes] = field(default_factory=dict)
    log: Path = Path()
    watch: GalleryWatch | None = None
    backup: Path = Path()
    edge: Edge | None = None
    seconds: float = 0.0

    @property
    def database(self) -> Path:
        return self.folder / "attendance.db"


@pytest.fixture
def site(sessions: Sessions, keys: Keys, database: Path, tmp_path: Path) -> Iterator[Before]:
    clock = FakeClock()
    settings = Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{database}"},
            "backup": {"folder": str(tmp_path / "backups"), "key_folder": str(tmp_path / "keys")},
            "models": {"recogniser": MODEL},
        }
    )
    (tmp_path / "backups").mkdir()
    ledger = ledger_for(settings, engine_of(sessions), keys)
    require_ledger(sessions, ledger, NOON)
    before = Before(tmp_path, sessions, keys, clock, settings, ledger, log=tmp_path / "site.log")
    handler = logging.FileHandler(before.log)
    handler.setFormatter(logging.Formatter(TEXT))
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    fill(before)
    yield before
    logging.getLogger().setLevel(level)
    logging.getLogger().removeHandler(handler)
    handler.close()


def fill(site: Before) -> None:
    """Enrol everybody in a random order, with edits, so that the tree's pages split and cells move."""
    order = [*range(OTHERS), -1]
    random.Random(4).shuffle(order)
    for number in order:
        with site.sessions.begin() as session:
            name = NAME if number < 0 else f"Colleague {number} {'x' * (number * 4)}"
            person = people.create_person(
                session, name=name, at=NOON, staff_number=NUMBER if number < 0 else f"C-{number}", notes="later"
            )
            consent.give_consent(session, person.id, "I agree.", at=NOON)
            for photo in range(2):
                seed = 1000 * (number + 2) + photo
                templates.add_template(session, site.keys, person.id, make_template(seed), "upload", {}, None, at=NOON)
            if number < 0:
                site.person = person.id
                grow_two(site, session)
        with site.sessions.begin() as session:
            people.update_person(session, person.id, at=NOON, notes=NOTES if number < 0 else "y" * 30 * number)
    hashed = pins.hashed_pin("258013")
    with site.sessions.begin() as session:
        pins.set_pin(session, site.person, hashed, at=NOON)
        leave = {"kind": "sick", "first": date(2024, 5, 7), "last": date(2024, 5, 8), "half": "whole", "paid": True}
        session.add(
            LeaveRow(
                person_id=site.person, **leave, note=LEAVE, state="requested", requested_by="me", requested_at=NOON
            )
        )
        session.add(
            Visit(
                person_id=site.person, host_id=1, company=COMPANY, begins_at=NOON, ends_at=NOON + timedelta(hours=1),
                invited_at=NOON, invited_by="ada", ended_at=NOON, ended_by="ada", end_reason=WHY,
            )
        )  # fmt: skip
        passage = make_passage(NOON, person_id=site.person, direction=Direction.IN)
        events.record_passage(session, passage)
        other = 1 if site.person != 1 else 2
        pair = (min(other, site.person), max(other, site.person))
        replace_pairs(session, MODEL, {pair: 0.41}, at=NOON)
        picture = b"picture of " + NAME.encode()
        session.add(Camera(name="door", source="0", direction="in", active=True, snapshot=picture, snapshot_at=NOON))
        raise_and_notify(session, "camera lost", "door", {}, NOON, Recipients(mail="ada@example.org"))
    with closing(sqlite3.connect(site.database)) as connection:
        vectors = connection.execute("SELECT vector FROM templates WHERE person_id = ?", (site.person,)).fetchall()
        vectors += connection.execute(
            "SELECT vector FROM grown_templates WHERE person_id = ?", (site.person,)
        ).fetchall()
        assert len(vectors) == 4
        pin = connection.execute("SELECT pin_hash FROM person_secrets WHERE person_id = ?", (site.person,)).fetchone()
        query = "SELECT uid, wrapped_key FROM key_material JOIN person_keys USING (uid) WHERE person_id = ?"
        uid, wrapped = connection.execute(query, (site.person,)).fetchone()
    texts = {"name": NAME, "number": NUMBER, "notes": NOTES, "leave": LEAVE, "company": COMPANY, "why": WHY}
    texts["pin"] = pin[0]
    site.needles = {name: value.encode() for name, value in texts.items()}
    site.needles |= {f"template {number}": row[0] for number, row in enumerate(vectors)} | {"key": wrapped}
    site.needles["key id"] = uid.encode()
    site.watch = GalleryWatch(site.sessions, site.keys, MODEL, site.clock)
    assert site.watch.load().gallery.size == OTHERS + 1
    keep_at_the_door(site)
    site.backup = backups.make(
        engine_of(site.sessions), site.folder / "backups", NOON, key_folder=site.folder / "keys"
    )[0].path


def grow_two(site: Before, session: Session) -> None:
    """Add a template that grew and is in use, one that waits, and the proof of a PIN."""
    consent.give_consent(session, site.person, "I agree.", at=NOON, purposes=[Purpose.GROWTH])
    wrapped = person_keys.wrapped_key(session, site.person)
    assert wrapped is not None
    data_key = site.keys.unwrap(wrapped, site.person)
    for seed, used in ((7001, NOON), (7002, None)):
        session.add(
            GrownTemplate(
                person_id=site.person, model_id=MODEL, vector=data_key.seal(make_template(seed)), quality={},
                camera="door", passage_id="p", grown_at=NOON, usable_at=NOON, used_since=used,
            )
        )  # fmt: skip
    grown.note_pin(session, "p", site.person, NOON)


def erase(site: Before) -> str:
    made = erase_person(site.sessions, site.ledger, site.person, ADA, site.clock.now())
    site.clock.advance(60)
    finish_erasures(site.sessions, site.keys, site.settings, site.clock)
    return made


def keep_at_the_door(site: Before) -> None:
    """A door keeps a copy of the rules, and a passage of hers waits for the database."""
    with site.sessions.begin() as session:
        session.execute(text("UPDATE doors SET offline_s = 300"))
    door, folder = FakeDoor(), site.folder / "edge"
    site.edge = Edge(site.sessions, site.keys, site.clock, door, "door", folder, pause=lambda: site.seconds)
    site.edge.tick()
    assert site.person in people_of_the_copy(site)
    passage = make_passage(NOON, person_id=site.person, direction=Direction.IN)
    assert site.edge.record(passage, DatabaseLocked("")) is not None
    assert site.edge.state.waiting == 2


def people_of_the_copy(site: Before) -> set[int]:
    content = RulesFile(site.keys, site.folder / "edge", "door").read()
    return {number for number, _state in content["rules"]["people"]}


def rules_copy(site: Before) -> bytes:
    assert site.edge is not None
    site.seconds += 5
    site.edge.tick()
    assert site.person not in people_of_the_copy(site)
    return (site.folder / "edge" / "rules").read_bytes()


def offline_passages(site: Before) -> bytes:
    """The waiting passage is in the database now, without a name, and overwritten in its file."""
    assert site.edge is not None
    site.seconds += 5
    site.edge.tick()
    content = (site.folder / "edge" / "passages").read_bytes()
    assert not any(content)
    return content


def found_in(site: Before, content: bytes) -> set[str]:
    return {name for name, needle in site.needles.items() if needle in content}


def database(site: Before) -> bytes:
    return site.database.read_bytes()


def database_log(site: Before) -> bytes:
    log = Path(f"{site.database}-wal")
    return log.read_bytes() if log.exists() else b""


def rows_of(site: Before, query: str) -> bytes:
    with site.sessions() as session:
        return repr(session.execute(text(query)).all()).encode()


def memory(site: Before) -> bytes:
    assert site.watch is not None
    gallery = site.watch.refresh().gallery
    assert site.person not in gallery.person_ids
    return repr(gallery.person_ids).encode()


def all_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def restored_backup(site: Before) -> bytes:
    """The backup of before is put back; what is left of it is a database without the person."""
    engine_of(site.sessions).dispose()
    apart = Apart(site.ledger, site.folder / "keys")
    kept = site.folder / "kept"
    done = restore(engine_of(site.sessions), site.keys, site.backup, kept, site.clock.now(), ADA, 0.5, apart=apart)
    assert (done.erased, done.keyless) == (1, 0)
    site.clock.advance(60)
    finish_erasures(site.sessions, site.keys, site.settings, site.clock)
    with site.sessions() as session:
        assert templates.load_gallery(session, site.keys, MODEL).size == OTHERS
    return database(site) + database_log(site)


def tablet_queue(site: Before) -> bytes:
    """What a tablet keeps is sealed for the server."""
    event = new_event_id(NOON)
    return sealed_events.seal(
        sealed_events.public_key(site.keys), {"number": NUMBER, "pin": "258013"}, event, os.urandom(12)
    )


PROBES: dict[str, Callable[[Before], bytes]] = {
    "database": database,
    "database log": database_log,
    "free pages": database,
    "centre": lambda site: rows_of(site, "SELECT * FROM operating_points"),
    "memory": memory,
    "camera picture": lambda site: rows_of(site, "SELECT snapshot FROM cameras WHERE snapshot IS NOT NULL"),
    "key backups": lambda site: all_of(site.folder / "keys"),
    "restored backup": restored_backup,
    "tablet queue": tablet_queue,
    "rules copy": rules_copy,
    "offline passages": offline_passages,
    "screens": lambda site: rows_of(site, "SELECT * FROM kiosk_devices"),
    "logs": lambda site: site.log.read_bytes(),
    "outbox": lambda site: rows_of(site, "SELECT payload, type, target, last_error FROM outbox"),
    "audit": lambda site: rows_of(site, "SELECT * FROM audit_entries"),
    "ledger": lambda site: site.ledger.path.read_bytes(),
}
# Looked at by a test of their own: here, or where they are made.
ELSEWHERE = {
    "backups": "test_a_backup_holds_names_until_it_ends_and_no_key_at_all",
    "upload folder": "tests/web/enrolment/test_bulk.py",
    "sealed reports": "tests/cli/test_acceptance.py",
    "metrics": "tests/service/operations/test_metrics.py",
}


def test_every_place_of_the_table_is_searched_or_out_of_reach() -> None:
    reached = {name for name, place in PLACES.items() if place.how != "elsewhere"}

    assert PROBES.keys() | ELSEWHERE.keys() == reached


def test_the_search_finds_everything_before_the_erasure(site: Before) -> None:
    everywhere = database(site) + database_log(site)

    assert found_in(site, everywhere) == set(site.needles)
    keys = json.loads(next((site.folder / "keys").iterdir()).read_text())["keys"]
    assert site.needles["key id"].decode() in keys


def test_no_byte_is_left_in_any_place(site: Before) -> None:
    made = erase(site)
    # The ledger has to name the random id of the key: it says nothing to anybody.
    random_ids = {"ledger": {"key id"}}

    with site.sessions() as session:
        assert erasures.pending(session) == []
        assert session.scalar(text("PRAGMA freelist_count")) == 0
        row = erasures.erasure(session, made)
    assert row is not None
    assert {"people": 1, "templates": 2, "leave": 1, "look_alikes": 1, "key_material": 1}.items() <= row.removed.items()
    for name, probe in PROBES.items():
        assert found_in(site, probe(site)) <= random_ids.get(name, set()), name


def test_a_backup_holds_names_until_it_ends_and_no_key_at_all(site: Before) -> None:
    content = site.backup.read_bytes()

    assert {"name", "template 0", "key id"} <= found_in(site, content)
    assert "key" not in found_in(site, content)
    assert backups.prune(site.backup.parent, 30, NOON + timedelta(days=31)) == 0  # the newest one always stays
    later = backups.make(engine_of(site.sessions), site.backup.parent, NOON + timedelta(days=31))[0]
    assert backups.prune(site.backup.parent, 30, NOON + timedelta(days=31)) == 1
    assert (site.backup.exists(), later.path.exists()) == (False, True)


def test_a_reader_keeps_the_log_and_the_receipt_stays_pending_until_it_has_ended(site: Before) -> None:
    reader = sqlite3.connect(site.database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM people").fetchone()
    made = erase(site)
    signer = Signer(site.keys)
    with site.sessions() as session:
        row = erasures.erasure(session, made)
        assert row is not None
        pending = receipt_of(row, site.settings, signer)["content"]
    assert (pending["state"], pending["places"]["database log"]["state"]) == ("pending", "pending")

    reader.close()
    finish_erasures(site.sessions, site.keys, site.settings, site.clock)

    with site.sessions() as session:
        row = erasures.erasure(session, made)
        assert row is not None
        done = receipt_of(row, site.settings, signer)["content"]
    assert (done["state"], done["places"]["database log"]["state"]) == ("done", "done")
    assert found_in(site, database(site) + database_log(site)) == set()


def test_a_withdrawal_leaves_no_template_no_key_and_no_likeness(site: Before) -> None:
    withdraw(site.sessions, site.ledger, site.person, ADA, site.clock.now())
    site.clock.advance(60)
    finish_erasures(site.sessions, site.keys, site.settings, site.clock)

    gone = {"template 0", "template 1", "key"}  # the receipt names the key's random id
    assert found_in(site, database(site) + database_log(site)) & gone == set()
    assert found_in(site, all_of(site.folder / "keys")) == set()
    assert rows_of(site, "SELECT * FROM look_alikes") == b"[]"
    with site.sessions() as session:
        assert person_keys.key_id(session, site.person) is None
        assert people.get_person(session, site.person).name == NAME
    assert key_backups.read_all(site.folder / "keys")

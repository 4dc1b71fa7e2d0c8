"""What the chaos run counts: each thing that may never be is noticed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from attendance.programs.chaos.device import Ledger, Site
from attendance.programs.chaos.verdict import BROKEN, Count, lines, look, look_for_open
from attendance.store.access import events
from attendance.store.access.edge_files import RecordLog, edge_folder
from attendance.store.crypto import Keys
from attendance.store.people import people
from attendance.store.session import Sessions
from tests.factories import NOON, make_passage


class Run:
    """A database, a ledger, and what was told."""

    def __init__(self, sessions: Sessions, keys: Keys, folder: Path) -> None:
        self.sessions, self.site, self.ledger = sessions, Site(folder, keys), Ledger(folder)
        self.let_in: set[str] = set()
        self.pulses: list[dict[str, object]] = []
        with sessions.begin() as session:
            self.person = people.create_person(session, name="Ann", at=NOON).id

    def passage(self, *, noted: int = 1, **changes: object) -> str:
        """Somebody was let in and told so."""
        passage = make_passage(person_id=self.person, **changes)
        with self.sessions.begin() as session:
            events.record_passage(session, passage)
            for number in range(noted):
                name = f"{passage.id[:-2]}{number:02}"
                events.record_door_event(
                    session, event_id=name, passage_id=passage.id, at=NOON, door="front", outcome="done"
                )
        self.let_in.add(passage.id)
        return passage.id

    def pulse(self, passage: str, seconds: float | None = 3.0, on_record: bool = True) -> None:
        self.pulses.append({"passage": passage, "seconds": seconds, "on_record": on_record})

    def broken(self) -> dict[str, int]:
        self.ledger.pulses.write_text("".join(json.dumps(one) + "\n" for one in self.pulses))
        count = Count()
        look(self.site, self.ledger, self.let_in, count)
        look_for_open(self.site, count)
        return {key: number for key, number in count.broken.items() if number}


@pytest.fixture
def run(sessions: Sessions, keys: Keys, database: Path) -> Run:
    assert database.name == "attendance.db"
    return Run(sessions, keys, database.parent)


def test_a_passage_that_was_told_kept_unlocked_once_and_noted_is_well(run: Run) -> None:
    run.pulse(run.passage())
    assert run.broken() == {}


def test_a_passage_that_waits_beside_the_database_is_on_record(run: Run) -> None:
    passage = make_passage()
    log = RecordLog(run.site.keys, edge_folder(run.site.folder, run.site.camera), run.site.camera)
    log.append({"passage": {"id": passage.id, "granted": True}})
    run.let_in.add(passage.id)
    assert (run.site.on_record(passage.id), run.site.on_record(run.passage())) == (True, True)
    assert (run.broken(), run.site.on_record(make_passage().id)) == ({}, False)


def test_each_thing_that_may_never_be_is_counted(run: Run) -> None:
    first = run.passage()
    for seconds, on_record in ((3.0, True), (3.5, True), (None, False)):
        run.pulse(first, seconds, on_record)
    run.let_in.add("gone")
    run.passage(at=NOON)  # the same request, recorded once more under another id
    run.passage(at=NOON.replace(hour=13), noted=2)
    run.passage(at=NOON.replace(hour=14), noted=0)

    assert run.broken() == {"not on record": 1, "lost": 1, "doubled": 3, "too long": 2, "no outcome": 1}


def test_the_table_names_every_fault_and_says_what_broke() -> None:
    well = Count(faults=Counter({"kill -9": 3}), unlocks=4, lives=3)
    text = "\n".join(lines(well))
    assert "kill -9" in text
    assert text.endswith("the door held")
    assert all(words in text for words in BROKEN.values())

    broken = Count(broken=Counter({"lost": 1}), real_disk=False)
    text = "\n".join(lines(broken))
    assert text.endswith("THE DOOR DID NOT HOLD")
    assert "run as root" in text
    assert (well.well, broken.well) == (True, False)

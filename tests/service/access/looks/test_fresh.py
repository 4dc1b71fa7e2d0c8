"""A door opens on a picture of just now, on slow computers too, and on no other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from attendance.domain.faces import Frame, Probe
from attendance.service.access.check_in import CheckIn, Outcome
from attendance.service.access.edge.deciding import Edge
from attendance.store.access import policies
from attendance.store.people import people
from attendance.store.session import database_file, engine_of, make_engine, sessions
from attendance.store.tables.access import Door
from tests.factories import ANNA, BERT, NOBODY, STRANGER, make_frame
from tests.fakes import FakeAnalyser
from tests.service.conftest import Site

SECOND = timedelta(seconds=1)


class Computer:
    """A door's computer with a monotonic clock of its own.  `look_s`: how long it takes to find and embed a face."""

    def __init__(self, site: Site, look_s: float = 0.05, **options: Any) -> None:
        self.site, self.look_s, self.s = site, look_s, 1000.0
        site.analyser = Slow(self.take, lambda: self.look_s)
        self.check_in: CheckIn = site.check_in(since=lambda: self.s, **options)

    def take(self, seconds: float) -> None:
        self.s += seconds
        self.site.clock.advance(seconds)

    def see(self, *colours: tuple[int, int, int], late_s: float = 0.0) -> list[Outcome]:
        """Show pictures five times a second or as fast as it can; each waits for `late_s` before it is looked at."""
        outcomes: list[Outcome] = []
        for colour in colours:
            self.take(max(0.0, 0.2 - self.look_s))
            frame = replace(make_frame(colour, self.site.clock.now()), came=self.s)
            self.take(late_s)
            outcomes += self.check_in.process(frame)
        return outcomes


class Slow(FakeAnalyser):
    def __init__(self, take: Callable[[float], None], look_s: Callable[[], float]) -> None:
        super().__init__()
        self._take, self._look_s = take, look_s

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        self._take(self._look_s())
        return super().analyse(frame, max_faces)


def test_a_picture_that_waited_too_long_opens_nothing_and_the_next_one_does(staffed: Site) -> None:
    computer = Computer(staffed)
    computer.see(ANNA, ANNA)
    assert computer.see(ANNA, late_s=0.3) == []
    assert (staffed.door.unlocked, staffed.log()) == ([], [])

    (passed,) = computer.see(ANNA)
    assert passed.decision.granted and staffed.door.unlocked == [3.0]
    assert passed.passage is not None and passed.passage.at == staffed.clock.now() - 0.05 * SECOND
    assert computer.see(ANNA, ANNA) == [] and len(staffed.door.unlocked) == 1


@pytest.mark.parametrize("then", [STRANGER, BERT, NOBODY], ids=["a stranger", "a colleague", "nobody"])
def test_whoever_took_the_place_meanwhile_does_not_pass_on_it(staffed: Site, then: tuple[int, int, int]) -> None:
    computer = Computer(staffed)
    computer.see(ANNA, ANNA)
    computer.see(ANNA, late_s=1.0)
    computer.see(then, then)
    assert staffed.door.unlocked == []
    computer.see(*[NOBODY] * 15)
    computer.see(ANNA)
    assert (staffed.door.unlocked, [view for view in staffed.log() if view.passage.granted]) == ([], [])


def test_who_is_not_seen_in_a_newer_picture_can_settle_anew(staffed: Site) -> None:
    computer = Computer(staffed)
    computer.see(ANNA, ANNA)
    computer.see(ANNA, late_s=1.0)
    computer.see(*[NOBODY] * 15)
    (passed,) = computer.see(ANNA, ANNA, ANNA)
    assert passed.decision.granted and len(staffed.door.unlocked) == 1


def test_a_slow_computer_lets_people_in_by_its_newest_picture(staffed: Site) -> None:
    """At one look a second each picture is a second old when it is decided about."""
    computer = Computer(staffed, look_s=1.0)
    (passed,) = computer.see(ANNA, ANNA, ANNA)
    assert passed.decision.granted and staffed.door.unlocked == [3.0]

    computer.see(*[NOBODY] * 5)
    assert computer.see(BERT, BERT) == []
    assert computer.see(BERT, late_s=0.6) == []  # a picture that waited beyond what a look takes
    assert len(computer.see(BERT)) == 1


def test_pictures_older_than_two_seconds_open_nothing_anywhere(staffed: Site) -> None:
    computer = Computer(staffed, look_s=2.1)
    computer.see(*[ANNA] * 8)
    assert staffed.door.unlocked == []


def test_who_waited_for_the_database_passes_by_the_next_picture(staffed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program writes for seconds: the request gets its turn, but the picture is old then."""
    computer, lock = Computer(staffed), people.lock_active_person
    waits = [3.0]

    def slow_lock(session: Session, *arguments: Any) -> Any:
        if waits:
            computer.take(waits.pop())
        return lock(session, *arguments)

    monkeypatch.setattr(people, "lock_active_person", slow_lock)
    assert computer.see(ANNA, ANNA, ANNA) == []
    assert (staffed.door.unlocked, staffed.log()) == ([], [])
    (passed,) = computer.see(ANNA)
    assert passed.decision.granted and len(staffed.log()) == 1


def test_a_door_without_its_database_decides_about_the_next_picture_at_once(staffed: Site, tmp_path: Path) -> None:
    """That the database is away shows after seconds only; a grant must neither use so old a picture nor wait again."""
    file = database_file(engine_of(staffed.sessions))
    assert file is not None
    staffed.sessions = sessions(make_engine(f"sqlite:///{file}", busy_timeout_ms=1))
    with staffed.sessions.begin() as session:
        session.query(Door).update({"offline_s": 300})
        policies.bump_version(session, staffed.clock.now())
    edge = Edge(staffed.sessions, staffed.keys, staffed.clock, staffed.door, "door", tmp_path / "edge")
    edge.tick()
    computer = Computer(staffed, edge=edge)
    computer.check_in.start()
    bring_in = edge.bring_in_first

    def slow_bring_in() -> None:
        computer.take(5.0)
        bring_in()

    edge.bring_in_first = slow_bring_in  # type: ignore[method-assign]
    with away(file):
        assert computer.see(ANNA, ANNA, ANNA) == []
        assert staffed.door.unlocked == []
        (passed,) = computer.see(ANNA)
    edge.close()
    assert passed.decision.granted and staffed.door.unlocked == [3.0]


@contextmanager
def away(file: Path) -> Iterator[None]:
    """Another program holds the database for writing."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")

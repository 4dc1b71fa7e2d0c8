"""Chaos at a door: seeded faults against the daemon's own pipeline, and what may never follow from them.

In: how many faults, a seed.  Out: a `Count` of what was done and of what broke.
Does not know: the command line.
Main choice: one fault after another against one site that lives through all of them, so that harm of an early one shows
by the late ones, too.  Each fault ends with a visit that must be let in.  Trade-off: the seed fixes what is tried, and
not the millisecond at which a process is killed.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from attendance.programs.chaos import device, door_program
from attendance.programs.chaos.device import LIES, Ledger, Site
from attendance.programs.chaos.disk import Disk
from attendance.programs.chaos.lives import Program
from attendance.programs.chaos.verdict import RELEASE_S, Count, look, look_for_open
from attendance.store import migrate
from attendance.store.access import policies
from attendance.store.access.edge_files import edge_folder
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import people, templates
from attendance.store.session import make_engine, sessions
from attendance.store.tables.access import AccessGrant, AccessPoint, Door

PEOPLE = 6
STRANGER = 200
OFFLINE_S = 300
INSTANT_S = 3.0  # for a visit to get as far as the door
VISIT_S = 10.0  # from one visit to the next, by the run's clock


class Chaos:
    """A site and what happens to it.  `say`: is called with each line of progress."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], None] = lambda _line: None) -> None:
        self._chance = random.Random(seed)  # noqa: S311  the same faults again, and no secret
        self._say, self.count = say, Count()
        self._disk = Disk(folder)
        self.count.real_disk = self._disk.real
        self._site, self._ledger = Site(self._disk.at, Keys(bytes(range(32)))), Ledger(folder)
        try:
            self._set_up()
            self._device, self._address = device.start(self._site, self._ledger)
        except BaseException:
            self._disk.close()
            raise
        self._since, self._skew, self._away = 0.0, 0.0, False
        self._program: Program | None = None
        self._let_in: set[str] = set()
        self._faults: dict[str, Callable[[], None]] = {
            "kill -9": self._kill,
            "device hangs": lambda: self._device_behaves("hang"),
            "device lies": lambda: self._device_behaves(self._chance.choice(LIES)),
            "device dies": lambda: self._device_behaves("dead"),
            "database locked": self._locked,
            "database server down": self._server_down,
            "clock jumps": self._clock,
            "two programs": self._two,
            "rules too old": self._old_rules,
            "rules forged": self._forged,
        }
        if self._disk.real:
            self._faults |= {"power cut": self._power_cut, "disk full": self._disk_full}

    # --- the run ---

    def run(self, faults: int) -> Count:
        """Try so many faults, each kind as often as any other, in a random order."""
        begun = time.monotonic()
        kinds = [kind for number, kind in zip(range(faults), self._kinds(), strict=False)]
        self._chance.shuffle(kinds)
        for number, kind in enumerate(kinds, start=1):
            before = sum(self.count.broken.values())
            self._faults[kind]()
            self._come_back(kind)
            look(self._site, self._ledger, self._let_in, self.count)
            self.count.faults[kind] += 1
            if sum(self.count.broken.values()) > before:
                self.count.words.append(f"fault {number}, {kind}: {dict(self.count.broken)}")
            if number % 100 == 0:
                self._say(f"{number} faults, {self.count.unlocks} unlocks, broken: {sum(self.count.broken.values())}")
        self._last_look()
        self.count.seconds = time.monotonic() - begun
        return self.count

    def close(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program.close()
        os.kill(self._device, signal.SIGKILL)
        os.waitpid(self._device, 0)
        self._disk.close()

    def _kinds(self) -> Iterator[str]:
        while True:
            yield from self._faults

    def _set_up(self) -> None:
        """Make a site with one door, and people who may pass it at any time."""
        engine = make_engine(f"sqlite:///{self._site.database}")
        migrate.upgrade(engine)
        factory, at = sessions(engine), door_program.BEGIN - timedelta(days=1)
        for number in range(1, PEOPLE + 1):
            with factory.begin() as session:
                words = {"consent_at": at, "consent_text": "Yes."}
                person = people.create_person(session, name=f"Person {number}", at=at, **words)  # type: ignore[arg-type]
                face = door_program.face_of(number)
                templates.add_template(session, self._site.keys, person.id, face, "upload", {}, None, at=at)
                session.add(AccessGrant(level_id=1, person_id=person.id, created_at=at, created_by="chaos"))
        with factory.begin() as session:
            row = session.get_one(Door, 1)
            row.offline_s, row.release_s = OFFLINE_S, RELEASE_S
            session.add(AccessPoint(name=self._site.camera, door_id=1))
            operating_points.set_point(
                session,
                model_id=door_program.MODEL,
                threshold=0.5,
                margin=0.05,
                source="administrator",
                gallery_size=PEOPLE,
                at=at,
            )
            policies.bump_version(session, at)
        engine.dispose()

    # --- visits ---

    def _alive(self) -> Program:
        if self._program is None:
            self._program = Program(self._site, self._ledger, self._address, self._since, self._skew)
            self.count.lives += 1
        return self._program

    def _begin_visit(self, person: int) -> Program:
        self._since += VISIT_S
        program = self._alive()
        program.send({"at": self._since, "skew": self._skew, "away": self._away, "person": person})
        return program

    def _visit(self, person: int | None = None) -> list[dict[str, Any]]:
        """Let somebody stand there; return how each look of theirs ended."""
        program = self._begin_visit(self._visitor() if person is None else person)
        return self._heard(program)

    def _heard(self, program: Program) -> list[dict[str, Any]]:
        found = list(program.reports())
        self._let_in |= {one["passage"] for one in found if one.get("granted")}
        for one in found:
            if "fault" in one or "ended" in one:
                self.count.words.append(f"the program ended: {one}")
        if not found or "done" not in found[-1]:
            self._bury()
        return [one for one in found if "passage" in one]

    def _bury(self) -> None:
        if self._program is not None:
            self._program.kill()
            self._program.close()
            self._program = None

    def _visitor(self) -> int:
        """Choose a person who may pass, or now and then a stranger."""
        return STRANGER if self._chance.random() < 0.1 else self._chance.randint(1, PEOPLE)

    def _come_back(self, kind: str) -> None:
        """Make everything well again: the next person who may pass is let in."""
        self._ledger.behave("well")
        self._away, self._skew = False, 0.0
        for _ in range(3):  # the clock may be in doubt, a claim may be held, for a moment
            if any(one["granted"] for one in self._visit(self._chance.randint(1, PEOPLE))):
                return
        self.count.broken["did not come back"] += 1
        self.count.words.append(f"after {kind} the door did not come back")

    # --- faults ---

    def _kill(self) -> None:
        with self._moment():
            program = self._until_the_instant()
            os.kill(program.process, signal.SIGKILL)
            self._heard(program)

    def _power_cut(self) -> None:
        with self._moment(hold=False):
            program = self._until_the_instant()
            os.kill(program.process, signal.SIGSTOP)
            os.waitid(os.P_PID, program.process, os.WSTOPPED)
            self._disk.copy_as_it_lies()
            os.kill(program.process, signal.SIGKILL)
            self._heard(program)
        self._disk.lose_power()

    def _until_the_instant(self) -> Program:
        """Begin a visit; return at a chance instant of it, or once the door is about to be asked, or has just moved."""
        watched = self._chance.choice((None, self._ledger.announced, self._ledger.pulses))
        size = 0 if watched is None else watched.stat().st_size
        program = self._begin_visit(self._chance.randint(1, PEOPLE))
        if watched is None:
            time.sleep(self._chance.uniform(0.0, 0.15))
            return program
        end = time.monotonic() + INSTANT_S
        while watched.stat().st_size == size and time.monotonic() < end:
            time.sleep(0.0002)
        time.sleep(self._chance.uniform(0.0, 0.003))
        return program

    @contextmanager
    def _moment(self, hold: bool = True) -> Iterator[None]:
        """Choose the moment of a sudden death: with the database, without it, or while passages are brought in."""
        choice = self._chance.choice(("with it", "without it", "bringing in"))
        if choice == "with it":
            yield
            return
        with self._lock():
            self._visit()
            self._visit()
            if choice == "without it" and hold:
                yield
                return
        self._away = choice == "without it"  # a lock would keep a file of the disk open
        yield
        self._away = False

    def _device_behaves(self, mode: str) -> None:
        self._ledger.behave(mode)
        self._away = self._chance.random() < 0.3
        for _ in range(self._chance.randint(1, 2)):
            self._visit()

    def _locked(self) -> None:
        with self._lock():
            for _ in range(self._chance.randint(1, 3)):
                self._visit()

    def _server_down(self) -> None:
        self._away = True
        for _ in range(self._chance.randint(1, 3)):
            self._visit()

    def _disk_full(self) -> None:
        self._alive()
        self._visit()  # the program is there, and its log has its full length
        self._disk.fill()
        try:
            for _ in range(self._chance.randint(1, 3)):
                self._visit()
        finally:
            self._disk.free()

    def _clock(self) -> None:
        """Let the wall clock jump by hours or days, there or back, with or without a new life meanwhile."""
        self._skew = self._chance.choice((-1, 1)) * self._chance.uniform(60, 3 * 86400)
        self._away = self._chance.random() < 0.5
        self._visit()
        if self._chance.random() < 0.3:
            self._bury()
            self._away = False
        self._visit()

    def _two(self) -> None:
        """Start a second program for the same camera, which must not get as far as a visit."""
        self._alive()
        self._visit()
        second = Program(self._site, self._ledger, self._address, self._since, self._skew)
        second.send({"at": self._since + 1, "skew": 0.0, "away": False, "person": 1})
        try:
            found = list(second.reports())
        finally:
            second.kill()
            second.close()
        if not any("held by" in one.get("ended", "") for one in found) or any("passage" in one for one in found):
            self.count.broken["two programs"] += 1
            self.count.words.append(f"a second program: {found}")

    def _old_rules(self) -> None:
        self._alive()
        self._visit()
        self._away = True
        self._since += OFFLINE_S + self._chance.uniform(5, 5000)
        self._must_refuse()

    def _forged(self) -> None:
        self._alive()
        self._visit()
        rules = edge_folder(self._site.folder, self._site.camera) / "rules"
        content = bytearray(rules.read_bytes())
        self._away = True
        self._visit()
        content[self._chance.randrange(len(content))] ^= 1 << self._chance.randrange(8)
        rules.write_bytes(content)
        self._must_refuse()

    def _must_refuse(self) -> None:
        for one in self._visit(self._chance.randint(1, PEOPLE)):
            self.count.broken["by old rules"] += one["granted"]

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let another program write and not end."""
        self._alive()
        self._visit()
        with closing(sqlite3.connect(self._site.database, isolation_level=None, timeout=10)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    # --- what may never be ---

    def _last_look(self) -> None:
        """End the program in good order, start it once more, and look for what nobody noted."""
        program = self._alive()
        self._visit()
        program.end()
        list(program.reports())
        self._bury()
        self._visit()
        look(self._site, self._ledger, self._let_in, self.count)
        look_for_open(self._site, self.count)


def run_chaos(faults: int, seed: int, say: Callable[[str], None] = lambda _line: None) -> Count:
    """Try the faults in a folder of their own, which is removed, also when the run is ended by a signal."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        with tempfile.TemporaryDirectory(prefix="attendance-chaos-") as folder:
            chaos = Chaos(Path(folder), seed, say)
            try:
                return chaos.run(faults)
            finally:
                chaos.close()
    finally:
        signal.signal(signal.SIGTERM, before)

"""Several cameras in one program, before real streams: what happens to one stays with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from attendance.daemon.camera import open_camera
from attendance.daemon.several import SeveralCameras
from attendance.daemon.turns import InTurn, Turns
from attendance.daemon.worker import Worker
from attendance.errors import UserError
from attendance.service.access.check_in import CheckIn
from attendance.service.ports import Clock
from attendance.store.cameras import cameras
from attendance.store.faults import DatabaseReplaced
from tests.daemon.conftest import PATIENCE_S, camera_settings, wait_for
from tests.daemon.daemon_process import WallClock
from tests.daemon.mjpeg import mjpeg_server
from tests.factories import ANNA, BERT, NOBODY
from tests.fakes import FakeDoor
from tests.service.conftest import RULES, Site, site, staffed

__all__ = ["site", "staffed"]


@dataclass
class House:
    """Cameras by name with their addresses; each has a door of its own, all share the analyser."""

    site: Site
    sources: dict[str, str]
    clock: Clock = field(default_factory=WallClock)
    doors: dict[str, FakeDoor] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    error: Exception | None = None
    turns: Turns = field(default_factory=lambda: Turns(1))

    def plans(self) -> dict[str, object]:
        if self.error is not None:
            raise self.error
        return dict(self.sources)

    def make(self, plan: object, turns: Callable[[], None]) -> Worker:
        name = next(name for name, source in self.sources.items() if source == plan)
        self.made.append(name)
        settings = camera_settings(str(plan), name=name, read_timeout_s=2.0)
        door = self.doors.setdefault(name, FakeDoor(name))
        rules = replace(RULES, camera=name)
        analyser = InTurn(self.site.analyser, self.turns)
        check_in = CheckIn(self.site.sessions, self.site.keys, analyser, door, self.clock, rules)
        return Worker(open_camera(settings, self.clock), check_in, self.site.sessions, self.clock, settings, (turns,))

    def lost(self, name: str) -> bool:
        """Whether its daemon wrote down that its pictures have stopped; a busy computer has other troubles, too."""
        with self.site.sessions() as session:
            row = cameras.get_camera(session, name)
            words = "" if row is None else row.last_error or ""
        return any(part in words for part in ("no further pictures", "cannot be opened", "no answer"))

    def granted(self, name: str) -> int:
        return sum(view.passage.camera == name and view.passage.granted for view in self.site.log())


@contextmanager
def running(house: House, alive: Callable[[], None] = lambda: None) -> Iterator[None]:
    stop, failed = threading.Event(), []

    def serve() -> None:
        try:
            SeveralCameras(house.plans, house.make, alive).run(stop)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not failed
    assert not thread.is_alive()


def test_one_dies_one_freezes_and_the_third_keeps_granting(staffed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance.daemon.worker.HEARTBEAT_S", 0.3)
    with mjpeg_server() as dying, mjpeg_server() as freezing, mjpeg_server() as fine:
        dying.colour, freezing.colour, fine.colour = NOBODY, NOBODY, ANNA
        house = House(staffed, {"dying": dying.url, "freezing": freezing.url, "fine": fine.url})
        with running(house):
            wait_for(lambda: house.granted("fine") == 1)
            dying.gone.set()
            dying.shutdown()
            dying.server_close()
            freezing.hang.set()
            wait_for(lambda: house.lost("dying") and house.lost("freezing"))
            fine.colour = BERT
            wait_for(lambda: house.granted("fine") == 2)
            freezing.colour = BERT
            freezing.hang.clear()
            wait_for(lambda: house.granted("freezing") == 1)

    assert len(house.doors["fine"].unlocked) == 2
    assert len(house.doors["freezing"].unlocked) == 1
    assert house.doors["dying"].unlocked == []
    assert sorted(house.made) == ["dying", "fine", "freezing"], "a stream that is lost is waited for by its own camera"


def test_a_camera_that_cannot_start_begins_anew_and_harms_no_other(staffed: Site) -> None:
    with mjpeg_server() as fine:
        fine.colour = ANNA
        house = House(staffed, {"broken": "/no/such/folder", "fine": fine.url})
        with running(house):
            wait_for(lambda: house.granted("fine") == 1 and house.made.count("broken") >= 2)
    assert house.made.count("fine") == 1


def test_cameras_come_go_and_change_while_it_runs(staffed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance.daemon.several.PLANS_EVERY_S", 0.05)
    with mjpeg_server() as first, mjpeg_server() as second:
        first.colour, second.colour = ANNA, BERT
        house = House(staffed, {})
        with running(house):
            house.sources = {"a": first.url}
            wait_for(lambda: house.granted("a") == 1)
            house.error = OSError("the database is away")
            house.error = None
            house.sources = {"a": first.url, "b": second.url}
            wait_for(lambda: house.granted("b") == 1)
            house.sources = {"a": second.url + "?other", "b": second.url}
            wait_for(lambda: house.granted("a") == 2)
            house.sources = {"b": second.url}
            wait_for(lambda: owner_of(house, "a") is None)
            assert owner_of(house, "b") is not None


def owner_of(house: House, name: str) -> str | None:
    with house.site.sessions() as session:
        row = cameras.get_camera(session, name)
        return None if row is None else row.owner


def test_a_single_camera_that_cannot_start_ends_the_program(staffed: Site) -> None:
    house = House(staffed, {"broken": "/no/such/folder"})
    with pytest.raises(UserError, match="no file or folder"):
        SeveralCameras(house.plans, house.make, lambda: None).run(threading.Event())


class Fails:
    """A camera that is removed and then fails by that, or fails at its first start only."""

    def __init__(self, at_once: Callable[[], None] = lambda: None, times: int = 1) -> None:
        self.at_once, self.left = at_once, times
        self.runs = 0

    def run(self, stop: threading.Event, *_: object) -> None:
        self.runs += 1
        self.at_once()
        if self.left:
            self.left -= 1
            raise UserError("the camera was taken over by another daemon")
        stop.wait(PATIENCE_S)


def test_removing_the_only_camera_leaves_the_program_ready_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance.daemon.several.PLANS_EVERY_S", 0.2)
    monkeypatch.setattr("attendance.daemon.several.FIRST_WAIT_S", 0.05)
    plans = {"a": "a"}
    runs = {"a": Fails(plans.clear), "b": Fails()}  # b is not there yet when it is added, such as a webcam

    def alive() -> None:
        if not plans and runs["a"].runs:
            plans["b"] = "b"
        if runs["b"].runs == 2:
            stop_now.set()

    stop_now, failed = threading.Event(), list[str]()
    several = SeveralCameras(
        lambda: dict(plans), lambda plan, _turns: runs[str(plan)], alive, lambda name, _error: failed.append(name)
    )
    several.run(stop_now, PATIENCE_S)
    assert failed == ["b"], "a removed one has not failed"
    assert (runs["a"].runs, runs["b"].runs) == (1, 2)


def test_one_look_of_each_ends_though_one_cannot_start(staffed: Site) -> None:
    with mjpeg_server() as fine:
        house = House(staffed, {"broken": "/no/such/folder", "fine": fine.url})
        with pytest.raises(UserError, match="no file or folder"):
            SeveralCameras(house.plans, house.make, lambda: None).run(threading.Event(), PATIENCE_S, once=True)
    assert sorted(house.made) == ["broken", "fine"]


class Replaced:
    def run(self, *_: object) -> None:
        raise DatabaseReplaced("it was replaced")


class Waits:
    def run(self, stop: threading.Event, *_: object) -> None:
        stop.wait(PATIENCE_S)


def test_what_concerns_all_ends_all() -> None:
    runs = {"a": Replaced(), "b": Waits()}
    several = SeveralCameras(lambda: {"a": "a", "b": "b"}, lambda plan, _turns: runs[str(plan)], lambda: None)
    with pytest.raises(DatabaseReplaced):
        several.run(threading.Event())


def test_the_service_manager_hears_nothing_while_one_loop_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance.daemon.several.HUNG_S", 0.2)
    heard: list[str] = []
    release, stop = threading.Event(), threading.Event()

    class Hangs:
        def __init__(self, turns: Callable[[], None]) -> None:
            self.turns = turns

        def run(self, *_: object) -> None:
            self.turns()
            release.wait(PATIENCE_S)

    several = SeveralCameras(
        lambda: {"a": "a", "b": "b"},
        lambda plan, turns: Hangs(turns) if plan == "a" else Waits(),
        lambda: heard.append("alive"),
    )
    thread = threading.Thread(target=several.run, args=(stop,))
    thread.start()
    wait_for(lambda: heard)
    wait_for(several._hung)
    before = len(heard)
    stop.wait(0.3)
    release.set()
    stop.set()
    thread.join(PATIENCE_S)

    assert len(heard) <= before + 1


def test_the_service_manager_hears_nothing_while_a_camera_hangs_in_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as in a door's device that takes its connection and says nothing."""
    monkeypatch.setattr("attendance.daemon.several.MAKING_S", 0.2)
    release, stop = threading.Event(), threading.Event()

    def make(plan: object, _turns: Callable[[], None]) -> Waits:
        if plan == "a":
            release.wait(PATIENCE_S)
        return Waits()

    several = SeveralCameras(lambda: {"a": "a"}, make, lambda: None)
    thread = threading.Thread(target=several.run, args=(stop,))
    thread.start()
    try:
        wait_for(several._hung)
    finally:
        release.set()
        stop.set()
        thread.join(PATIENCE_S)

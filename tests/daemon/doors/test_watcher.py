"""The thread at a door: it prepares, looks, and lets go."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from attendance.daemon.doors import watcher
from attendance.daemon.doors.watcher import DoorWatcher
from attendance.domain.access.door_state import Inputs, Timings
from attendance.service.access.doors.live import LiveDoor
from attendance.service.ports import DoorFault
from attendance.store.session import Sessions
from tests.fakes import FakeClock, FakeDoor


class Story(FakeDoor):
    """Answers as the script says; the last word stays."""

    def __init__(self, *script: str) -> None:
        super().__init__()
        self.script, self.told, self.done = list(script), list[str](), threading.Event()

    def prepare(self) -> Sequence[str]:
        self.told.append("prepare")
        return ("a note",)

    def inputs(self) -> Inputs:
        word = self.script.pop(0) if self.script else "end"
        self.told.append(word)
        if word == "end":
            self.done.set()
        if word == "away":
            raise DoorFault("away")
        return Inputs()

    def close(self) -> None:
        self.told.append("close")


def test_a_device_that_was_away_is_prepared_again(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_EVERY_S", "SILENT_EVERY_S"):
        monkeypatch.setattr(watcher, name, 0.001)
    door = Story("there", "away", "there")
    watch = DoorWatcher(LiveDoor(door, sessions, FakeClock(), Timings()))
    watch.start()
    assert door.done.wait(10)
    watch.stop()

    assert door.told[:6] == ["prepare", "there", "away", "prepare", "there", "end"]
    assert door.told[-1] == "close"

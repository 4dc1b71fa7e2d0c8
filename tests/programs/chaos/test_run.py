"""The chaos run itself, shortened, and that it notices a door that moves before its passage is on record."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from attendance.domain.passage import Passage
from attendance.programs.chaos.run import run_chaos
from attendance.service.access import recording
from attendance.service.access.recording import Recorded, Recorder


@pytest.mark.long
def test_a_door_holds_through_each_kind_of_fault() -> None:
    count = run_chaos(48, seed=3)

    assert count.well, count.words
    assert sum(count.faults.values()) == 48
    assert count.unlocks > 50
    assert count.offline > 10


@pytest.mark.long
def test_a_door_that_moves_before_the_commit_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Recorder.record

    def careless(
        self: Recorder,
        event_id: str,
        judge: Callable[[Session], Passage | None],
        also: Callable[[Session, Passage], None] | None = None,
    ) -> Recorded | None:
        if self._door is not None:
            recording.unlock_once(self._door, 3.0, event_id)
        return record(self, event_id, judge, also)

    monkeypatch.setattr(Recorder, "record", careless)
    count = run_chaos(3, seed=1)

    assert not count.well
    assert count.broken["not on record"] > 0

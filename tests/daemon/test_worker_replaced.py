"""A daemon whose database is exchanged: it ends, and no door moves by what it knew."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

from attendance.daemon.worker import Worker
from attendance.store.faults import DatabaseReplaced
from attendance.store.operations.replaced import ReplacedWatch
from tests.daemon.watched import SETTINGS, FakeCamera
from tests.factories import ANNA, NOBODY, make_frame
from tests.service.conftest import Site, site, staffed

__all__ = ["site", "staffed"]


def test_a_replaced_database_ends_the_daemon_before_the_door_moves(
    staffed: Site, engine: Engine, database: Path, blank_database: Path
) -> None:
    watch = ReplacedWatch(engine, every_s=0)
    camera = FakeCamera([make_frame(colour) for colour in [NOBODY, *[ANNA] * 9]], staffed.clock)
    turns: list[int] = []

    def replace_at_the_second_turn() -> None:
        turns.append(1)
        if len(turns) == 2:
            other = Path(shutil.copy(blank_database, database.with_name("other.db")))
            other.replace(database)

    every_turn = [replace_at_the_second_turn, watch.check]
    worker = Worker(camera, staffed.check_in(), staffed.sessions, staffed.clock, SETTINGS, every_turn)

    with pytest.raises(DatabaseReplaced, match="was replaced"):
        worker.run(threading.Event())

    assert staffed.door.unlocked == []
    assert camera.closed
    engine.dispose()
    watch.close()


def test_pictures_and_outcomes_are_observed(staffed: Site) -> None:
    seen: list[tuple[int, bool]] = []
    camera = FakeCamera([make_frame(colour) for colour in [NOBODY, *[ANNA] * 6]], staffed.clock)
    worker = Worker(
        camera,
        staffed.check_in(),
        staffed.sessions,
        staffed.clock,
        SETTINGS,
        observe=lambda outcomes, timings: seen.append((len(outcomes), "whole" in timings)),
    )
    worker.run(threading.Event())

    assert len(seen) == worker.frames == 7
    assert sum(number for number, _ in seen) == 1
    assert all(whole for _, whole in seen)

"""The thread beside the camera: the first copy before anybody is looked at, and what waits is brought in."""

from __future__ import annotations

import threading
from pathlib import Path

from attendance.config import Settings
from attendance.daemon.edge import EdgeKeeper, edge_for
from attendance.domain.passage import Passage
from attendance.store.access import events
from attendance.store.access.edge_files import edge_folder
from attendance.store.crypto import Keys
from attendance.store.faults import DatabaseLocked
from attendance.store.session import Sessions
from attendance.store.tables.access import Door
from tests.factories import make_passage
from tests.fakes import FakeClock, FakeDoor


def test_a_copy_is_made_at_the_start_and_what_waits_comes_in_by_itself(
    sessions: Sessions, keys: Keys, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        session.get_one(Door, 1).offline_s = 300
    settings = Settings.model_validate({"camera": {"name": "front"}})
    edge = edge_for(settings, sessions, keys, FakeClock(), FakeDoor(), tmp_path)
    keeper, came = EdgeKeeper(edge), threading.Event()
    bring_in = edge.bring_in

    def watched() -> int:
        new = bring_in()
        if new:
            came.set()
        return new

    edge.bring_in = watched  # type: ignore[method-assign]
    keeper.start()
    try:
        assert (edge_folder(tmp_path, "front") / "rules").exists()
        passage: Passage = make_passage(camera="front")
        assert edge.record(passage, DatabaseLocked("")) is not None
        edge._checked_at = -10.0
        assert came.wait(20)
    finally:
        keeper.stop()
    with sessions() as session:
        assert [view.passage.id for view in events.list_passages(session)] == [passage.id]

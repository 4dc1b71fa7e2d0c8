"""A program that lets people in and tells it: python -m tests.journeys.telling CONFIG NUMBER.

The database, the keys and the recording are those of `manage.py`; only who comes is invented.  At a door the
line is written by the door, as it moves; at a tablet when the answer is known.  Line: `told ID`.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

from attendance import bootstrap
from attendance.config import load_settings
from attendance.domain.passage import Direction, Passage
from attendance.service.access.policy.editing import let_everybody_pass
from attendance.service.access.recording import Recorder
from attendance.service.audit.audit import Actor
from attendance.service.ports import Pulse
from attendance.store.people import people
from tests.factories import make_passage
from tests.fakes import FakeDoor


class TellingDoor(FakeDoor):
    """Says which passage it moves for."""

    def unlock(self, seconds: float, passage: str = "") -> Pulse:
        tell(passage)
        return super().unlock(seconds)


def tell(passage_id: str) -> None:
    os.write(1, f"told {passage_id}\n".encode())


def main(config: Path, number: int) -> None:
    site = bootstrap.installation_for(load_settings(config, environ={}))
    with site.sessions.begin() as session:
        at = site.clock.now()
        person = people.create_person(session, name="Anna", at=at, consent_at=at, consent_text="Yes.").id
    with site.sessions.begin() as session:
        let_everybody_pass(session, Actor("system", "test"), site.clock.now())
    door = TellingDoor()
    at_door = Recorder(site.sessions, site.clock, door, timedelta(0))
    at_tablet = Recorder(site.sessions, site.clock, None, timedelta(0))
    for count in range(number):
        passage: Passage = make_passage(
            site.clock.now(), person_id=person, camera="door" if count % 2 else "canteen", direction=Direction.IN
        )
        recorded = (at_door if count % 2 else at_tablet).record(passage.id, lambda _session, one=passage: one)
        assert recorded is not None and recorded.passage.granted
        if recorded.opening is None:
            tell(passage.id)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

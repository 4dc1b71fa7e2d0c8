"""A door with everything around it that is not the service itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from attendance.domain.access.scoring import Scoring
from attendance.domain.passage import Direction
from attendance.service.access.check_in import CheckIn, Outcome, Rules
from attendance.service.access.liveness.gate import LivenessGate
from attendance.service.enrolment.enrol import PhotoReport, enrol_photo
from attendance.store.access import events
from attendance.store.access.events import PassageView
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import people
from attendance.store.session import Sessions
from attendance.store.tables.people import Person
from tests.factories import ANNA, BERT, MODEL, make_frame, make_photo
from tests.fakes import FakeAnalyser, FakeClock, FakeDoor

RULES = Rules(camera="door", direction=Direction.IN, frames_needed=3, cooldown=timedelta(seconds=30))


@dataclass
class Site:
    """One door, its database and the people in front of it."""

    sessions: Sessions
    keys: Keys
    rules: Rules = RULES
    clock: FakeClock = field(default_factory=FakeClock)
    analyser: FakeAnalyser = field(default_factory=FakeAnalyser)
    door: FakeDoor = field(default_factory=FakeDoor)

    def check_in(self, gate: LivenessGate | None = None, **options: Any) -> CheckIn:
        return CheckIn(self.sessions, self.keys, self.analyser, self.door, self.clock, self.rules, gate, **options)

    def enrol(self, name: str, colour: tuple[int, int, int]) -> int:
        with self.sessions.begin() as session:
            person = self.add(session, name)
            report = self.enrol_photo(session, person.id, make_photo(colour))
            assert report.ok
        return person.id

    def add(self, session: Session, name: str) -> Person:
        """Add a person who agreed."""
        now = self.clock.now()
        return people.create_person(session, name=name, at=now, consent_at=now, consent_text="Yes.")

    def enrol_photo(self, session: Session, person_id: int, data: bytes, **options: Any) -> PhotoReport:
        return enrol_photo(session, self.keys, self.analyser, person_id, data, "upload", self.clock, **options)

    def set_threshold(self, threshold: float = 0.5, margin: float = 0.05, grown: Collection[str] = ()) -> None:
        with self.sessions.begin() as session:
            operating_points.set_point(
                session,
                model_id=MODEL,
                threshold=threshold,
                margin=margin,
                source="administrator",
                gallery_size=2,
                at=self.clock.now(),
                grown=grown,
            )

    def watch(self, check_in: CheckIn, colour: tuple[int, int, int], seconds: float = 3.0) -> list[Outcome]:
        """Return the outcomes of somebody standing there for a while, five frames a second."""
        outcomes: list[Outcome] = []
        for _ in range(int(seconds * 5)):
            self.clock.advance(0.2)
            outcomes += check_in.process(make_frame(colour, self.clock.now()))
        return outcomes

    def log(self) -> list[PassageView]:
        with self.sessions() as session:
            return events.list_passages(session)


def compare_by(site: Site, scoring: Scoring, threshold: float = 0.85) -> CheckIn:
    with site.sessions.begin() as session:
        operating_points.set_point(
            session, model_id=MODEL, threshold=threshold, margin=0.05, source="administrator", gallery_size=2,
            at=site.clock.now(), scoring=scoring,
        )  # fmt: skip
    return site.check_in()


@pytest.fixture
def site(sessions: Sessions, keys: Keys) -> Site:
    """A threshold is set; nobody is enrolled."""
    site = Site(sessions, keys)
    site.set_threshold()
    return site


@pytest.fixture
def staffed(site: Site) -> Site:
    """Anna (1) and Bert (2) are enrolled."""
    site.enrol("Anna", ANNA)
    site.enrol("Bert", BERT)
    return site

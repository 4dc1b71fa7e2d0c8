"""What a screen beside a camera says: nobody is greeted for a voided passage, no direction is claimed in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.passage import Direction, Passage
from attendance.domain.reason import Reason
from attendance.service.hours import corrections
from attendance.service.ids import new_event_id
from attendance.service.kiosk.screen import Screen
from attendance.store.access import events
from tests.service.conftest import Site

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def screen(staffed: Site) -> Screen:
    return Screen(staffed.sessions, staffed.clock, ZONE, "door")


def let_anna_pass(site: Site, at: datetime, direction: Direction) -> str:
    """Record a granted passage of Anna (1) at the door."""
    passage = Passage(
        id=new_event_id(at),
        at=at,
        camera="door",
        person_id=1,
        granted=True,
        reason=Reason.MATCHED,
        score=0.9,
        runner_up=None,
        threshold=0.4,
        model_id="fake",
        gallery_version=1,
        frames=3,
        direction=direction,
    )
    with site.sessions.begin() as session:
        events.record_passage(session, passage)
    return passage.id


def test_a_screen_does_not_greet_for_a_voided_passage(screen: Screen, staffed: Site) -> None:
    now = staffed.clock.now()
    voided = let_anna_pass(staffed, now - timedelta(seconds=3), Direction.IN)
    with staffed.sessions.begin() as session:
        corrections.undo_passage(session, voided, 1, now=now, zone=ZONE, by="kiosk canteen")
    counted = let_anna_pass(staffed, now - timedelta(seconds=1), Direction.IN)

    assert [passage_id for passage_id, _ in screen.news()] == [counted]


@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
def test_a_screen_claims_a_direction_that_its_camera_knows(screen: Screen, staffed: Site, direction: Direction) -> None:
    let_anna_pass(staffed, staffed.clock.now(), direction)
    ((_, answer),) = screen.news()

    assert (answer.state, answer.sense) == ("greet", direction.value)
    assert answer.advice.startswith(f"{direction.value.capitalize()} at ")


def test_a_screen_claims_no_direction_in_doubt_and_asks_for_none(screen: Screen, staffed: Site) -> None:
    # People go both ways past this camera, and Anna came in 20 hours ago: in again, or out at last?
    now = staffed.clock.now()
    let_anna_pass(staffed, now - timedelta(hours=20), Direction.UNKNOWN)
    let_anna_pass(staffed, now, Direction.UNKNOWN)
    ((_, answer),) = screen.news()

    assert (answer.state, answer.sense, answer.ask) == ("greet", None, False)
    assert answer.advice.startswith("Noted at ")

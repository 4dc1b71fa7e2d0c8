"""A backdated check-in leaves a trace and does not count by itself."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.hours.day import Flag
from attendance.domain.passage import Direction, Passage
from attendance.service.hours import days, periods
from attendance.service.hours.corrections import decide_correction
from attendance.service.ids import new_event_id
from attendance.service.kiosk import sealed_events
from attendance.service.kiosk.answers import Answer
from attendance.service.kiosk.kiosk import Kiosk
from attendance.service.kiosk.terminals import Terminal
from attendance.store.hours import corrections
from attendance.store.people import credentials, people
from attendance.store.tables.hours import Correction
from tests.service.conftest import RULES, Site

TABLET, GATE = Terminal(1, "canteen", Direction.IN), Terminal(2, "gate", Direction.IN)
ZONE = ZoneInfo("UTC")
COUNTER = "0123abcd"


@pytest.fixture
def badge(staffed: Site) -> str:
    """Anna's (1)."""
    with staffed.sessions.begin() as session:
        people.update_person(session, 1, staff_number="17", at=staffed.clock.now())
        return credentials.new_badge(session, 1, at=staffed.clock.now())


@pytest.fixture
def kiosk(staffed: Site) -> Kiosk:
    return Kiosk(staffed.sessions, staffed.keys, staffed.analyser, staffed.clock, ZONE, RULES)


def send(kiosk: Kiosk, site: Site, badge: str, minutes_ago: float, tablet: Terminal = TABLET, **said: Any) -> Answer:
    event_id = new_event_id(site.clock.now() - timedelta(minutes=minutes_ago))
    value = {"badge": badge, **said}
    return kiosk.submit(tablet, event_id, sealed_events.seal(kiosk.public_key, value, event_id, os.urandom(12)))


def newest(site: Site) -> Passage:
    return site.log()[0].passage


def waiting(site: Site) -> list[Correction]:
    with site.sessions() as session:
        return list(corrections.corrections(session, state="requested"))


def day_of(site: Site) -> Any:
    now = site.clock.now()
    with site.sessions() as session:
        return days.days_of(session, 1, now.date(), now.date(), ZONE, now)[0]


def test_what_came_within_the_quarter_of_an_hour_counts_and_says_so(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    assert send(kiosk, staffed, badge, 14).state == "greet"

    assert (newest(staffed).late, newest(staffed).received_at) == (False, staffed.clock.now())
    assert Flag.CAME_LATE in day_of(staffed).flags
    assert waiting(staffed) == []


def test_what_came_at_once_says_nothing(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    send(kiosk, staffed, badge, 0.5)

    assert Flag.CAME_LATE not in day_of(staffed).flags


@pytest.mark.parametrize("minutes", [16, 3 * 60, 8 * 24 * 60])
def test_what_came_later_is_kept_and_waits_for_approval(kiosk: Kiosk, staffed: Site, badge: str, minutes: int) -> None:
    answer = send(kiosk, staffed, badge, minutes)

    assert (answer.state, answer.advice, answer.name) == ("done", "It came late and waits for approval.", None)
    passage = newest(staffed)
    assert (passage.person_id, passage.late, passage.granted) == (1, True, True)
    assert staffed.clock.now() - passage.at >= timedelta(minutes=minutes)
    (asked,) = waiting(staffed)
    assert (asked.action, asked.at, asked.direction, asked.requested_by) == ("add", passage.at, "in", "kiosk canteen")
    assert "canteen sent this check-in" in asked.reason
    assert day_of(staffed).spells == ()


def test_once_approved_it_counts(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    send(kiosk, staffed, badge, 60)
    (asked,) = waiting(staffed)
    with staffed.sessions.begin() as session:
        decide_correction(session, asked.id, approve=True, by="ada", now=staffed.clock.now())

    (spell,) = day_of(staffed).spells
    assert spell.start == asked.at


def test_a_closed_period_never_changes_by_it(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    now = staffed.clock.now()
    yesterday = now.date() - timedelta(days=1)
    with staffed.sessions.begin() as session:
        periods.close(session, yesterday, yesterday, grace=timedelta(0), now=now, zone=ZONE, by="ada")
    staffed.clock.advance(1)

    assert send(kiosk, staffed, badge, 24 * 60).state == "done"

    assert newest(staffed).late
    assert waiting(staffed) == []
    with staffed.sessions() as session:
        assert days.days_of(session, 1, yesterday, yesterday, ZONE, now)[0].spells == ()


def test_the_same_late_event_twice_asks_once(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    event_id = new_event_id(staffed.clock.now() - timedelta(hours=2))
    sealed = sealed_events.seal(kiosk.public_key, {"badge": badge}, event_id, os.urandom(12))

    assert [kiosk.submit(TABLET, event_id, sealed).state for _ in range(2)] == ["done"] * 2

    assert len(waiting(staffed)) == 1


def test_a_clock_that_went_back_shows_in_the_tablets_own_count(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    send(kiosk, staffed, badge, 0, counter=COUNTER, sequence=5)
    send(kiosk, staffed, badge, 10, counter=COUNTER, sequence=6)  # after it by count, before it by clock
    send(kiosk, staffed, badge, 12, counter=COUNTER, sequence=4)  # waited, and comes after one that did not
    send(kiosk, staffed, badge, 13, counter=COUNTER, sequence=4)  # the number is taken
    send(kiosk, staffed, badge, 14, tablet=GATE, counter=COUNTER, sequence=6)  # another tablet's

    found = {(one.camera, one.sequence, one.late) for one in (view.passage for view in staffed.log())}
    assert found == {
        ("canteen", 5, False),
        ("canteen", 6, True),
        ("canteen", 4, False),
        ("canteen", 4, True),
        ("gate", 6, False),
    }


@pytest.mark.parametrize(
    "said", [{"counter": "x", "sequence": 1}, {"counter": COUNTER, "sequence": True}, {"counter": COUNTER}]
)
def test_a_count_that_is_none_is_left_out(kiosk: Kiosk, staffed: Site, badge: str, said: dict[str, Any]) -> None:
    assert send(kiosk, staffed, badge, 0, **said).state == "greet"

    assert (newest(staffed).counter, newest(staffed).sequence) == (None, None)


def test_a_late_check_in_joins_no_other_and_none_joins_it(kiosk: Kiosk, staffed: Site, badge: str) -> None:
    assert send(kiosk, staffed, badge, 0, jumped=True).state == "done"  # the tablet saw its clock jump
    assert send(kiosk, staffed, badge, 0).state == "greet"

    assert [view.passage.repeat_of for view in staffed.log()] == [None, None]
    assert len(waiting(staffed)) == 1

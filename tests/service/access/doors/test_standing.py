"""A door that an operator or a schedule unlocks stays released, and locks when that ends."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from attendance.domain.access.rules.doors import Mode
from attendance.domain.access.rules.schedule import weekly
from attendance.service.access.doors.standing import SPAN_S, Standing
from attendance.service.access.policy import door_rows, editing, holding
from attendance.service.access.recording import Recorder
from attendance.service.ids import new_event_id
from attendance.store.access import events
from tests.factories import NOON, make_passage
from tests.service.conftest import Site

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def held(site: Site) -> Standing:
    return Standing(site.sessions, site.clock, site.door, "door", ZONE)


def unlock(site: Site, minutes: int) -> int:
    now = site.clock.now()
    with site.sessions.begin() as session:
        until = now + timedelta(minutes=minutes)
        return holding.hold(session, 1, Mode.UNLOCK, reason="works", until=until, by="ada", at=now)


def test_an_operators_unlock_is_renewed_before_each_span_ends_and_ends_with_it(site: Site, held: Standing) -> None:
    assert not held.step()
    unlock(site, 1)

    for _ in range(20):
        held.step()
        site.clock.advance(1)
    assert site.door.unlocked == [SPAN_S] * 4  # at 0, 6, 12 and 18 s
    assert held.stands_open()

    site.clock.advance(41)
    assert not held.step()
    assert not held.stands_open()


def test_a_lockdown_ends_what_stood_open(site: Site, held: Standing) -> None:
    unlock(site, 10)
    held.step()
    with site.sessions.begin() as session:
        holding.lock_down(session, reason="", by="ada", at=site.clock.now())
    site.clock.advance(7)

    assert not held.step()
    assert site.door.unlocked == [SPAN_S]


def test_a_schedule_unlocks_once_somebody_has_passed(site: Site, held: Standing) -> None:
    with site.sessions.begin() as session:
        site.add(session, "Anna")
        hours = editing.save_schedule(session, None, "hours", weekly(range(7), 0, 1440), NOON)
        door_rows.change(session, 1, "door", {"unlock_schedule_id": hours}, NOON)
    assert not held.step()

    passage = make_passage(site.clock.now(), id=new_event_id(site.clock.now()), person_id=1)
    Recorder(site.sessions, site.clock, site.door, timedelta(0), ZONE).record(passage.id, lambda _session: passage)
    assert held.step()
    assert site.door.unlocked == [3.0, SPAN_S]


def test_what_the_contact_showed_is_written_down_once(site: Site, held: Standing) -> None:
    passage = make_passage(NOON, person_id=None, camera="door", door_id=1)
    with site.sessions.begin() as session:
        events.record_passage(session, passage)
        assert held.note_phase(session, passage.id, True, NOON)
        assert not held.note_phase(session, passage.id, False, NOON)

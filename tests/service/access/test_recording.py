"""One way of recording a check-in for every way in, at doors and at tablets, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from attendance.domain.passage import Direction, Method, Passage
from attendance.domain.people.consent import BOTH, Purpose
from attendance.domain.reason import Reason
from attendance.service.access import recording
from attendance.service.access.policy import door_rows
from attendance.service.access.recording import Recorded, Recorder
from attendance.service.hours import days
from attendance.service.hours.corrections import undo_passage
from attendance.service.kiosk.kiosk import Kiosk
from attendance.service.kiosk.terminals import Terminal
from attendance.service.ports import DoorFault, DoorUnknown, Pulse, PulseOutcome
from attendance.store.access import events
from attendance.store.crypto import Keys
from attendance.store.hours import punches
from attendance.store.people import people
from attendance.store.privacy import consent
from attendance.store.session import Sessions
from attendance.store.tables.access import Door
from tests.factories import ANNA, NOON, make_passage, make_photo
from tests.service.conftest import RULES, Site

WAYS = [Method.FACE, Method.PIN, Method.BADGE]
TABLET = Terminal(1, "canteen", Direction.UNKNOWN)


@pytest.fixture
def one_person(sessions: Sessions, keys: Keys) -> Site:
    """Anna (1)."""
    site = Site(sessions, keys)
    with sessions.begin() as session:
        site.add(session, "Anna")
    return site


def recorder(site: Site, *, at_door: bool = True) -> Recorder:
    return Recorder(site.sessions, site.clock, site.door if at_door else None, timedelta(seconds=30))


def record(with_: Recorder, seconds: float = 0, **changes: object) -> Recorded:
    passage = request(seconds, **changes)
    recorded = with_.record(passage.id, lambda _session: passage)
    assert recorded is not None
    return recorded


def request(seconds: float = 0, **changes: object) -> Passage:
    return make_passage(NOON + timedelta(seconds=seconds), **{"person_id": 1, "direction": Direction.IN} | changes)


@pytest.mark.parametrize("method", WAYS)
def test_at_a_door_each_way_in_is_committed_moves_the_door_and_is_noted(one_person: Site, method: Method) -> None:
    seen: list[int] = []

    def unlock(_seconds: float, _passage: str) -> Pulse:
        seen.append(len(one_person.log()))
        return Pulse(PulseOutcome.PULSED)

    one_person.door.unlock = unlock  # type: ignore[method-assign]
    recorded = record(recorder(one_person), method=method)
    assert recorded.opening is not None and recorded.opening.done
    assert (recorded.person_name, recorded.repeat, seen) == ("Anna", False, [1])
    (view,) = one_person.log()
    assert (view.passage.method, view.door) == (method, "done")


@pytest.mark.parametrize("method", WAYS)
def test_at_a_tablet_no_way_in_has_a_door_event(one_person: Site, method: Method) -> None:
    recorded = record(recorder(one_person, at_door=False), method=method)
    assert recorded.opening is None
    (view,) = one_person.log()
    assert (view.passage.granted, view.door) == (True, None)


@pytest.mark.parametrize(
    ("method", "reason"),
    [(Method.FACE, Reason.UNKNOWN), (Method.PIN, Reason.WRONG_PIN), (Method.BADGE, Reason.UNKNOWN_BADGE)],
)
def test_who_was_deactivated_a_moment_ago_is_refused_by_every_way_in_and_not_named(
    one_person: Site, method: Method, reason: Reason
) -> None:
    with one_person.sessions.begin() as session:
        people.set_active(session, 1, False, at=one_person.clock.now())
    recorded = record(recorder(one_person), method=method)
    assert (recorded.passage.granted, recorded.passage.reason, recorded.person_name) == (False, reason, None)
    (view,) = one_person.log()
    assert (view.passage.person_id, view.passage.score) == (None, None)
    assert one_person.door.unlocked == []


@pytest.mark.parametrize("method", WAYS)
@pytest.mark.parametrize("seconds", [-20, 20])
def test_a_repeat_at_a_door_is_marked_and_moves_the_door(one_person: Site, method: Method, seconds: float) -> None:
    door = recorder(one_person)
    first, again = record(door), record(door, seconds, method=method)
    assert (again.repeat, again.passage.repeat_of) == (True, first.passage.id)
    assert len(one_person.door.unlocked) == 2
    assert [view.door for view in one_person.log()] == ["done", "done"]


@pytest.mark.parametrize("method", WAYS)
def test_a_repeat_at_a_tablet_gives_the_earlier_passage_and_writes_nothing(one_person: Site, method: Method) -> None:
    first = record(recorder(one_person))
    again = record(recorder(one_person, at_door=False), 20, method=method)
    assert (again.repeat, again.passage, again.opening) == (True, first.passage, None)
    assert len(one_person.log()) == 1


def test_a_repeat_of_a_repeat_is_measured_from_the_first(one_person: Site) -> None:
    door = recorder(one_person)
    repeats = [record(door, seconds).repeat for seconds in (0, 20, 40, 60)]
    assert repeats == [False, True, False, True]


@pytest.mark.parametrize("at_door", [True, False])
@pytest.mark.parametrize("direction", [Direction.IN, Direction.OUT])
def test_a_repeat_that_knows_the_direction_gives_it_to_the_first(
    one_person: Site, direction: Direction, at_door: bool
) -> None:
    """Seen at a tablet without a direction and a moment later at the way out: one check-in, and it is a check-out."""
    first = record(recorder(one_person, at_door=False), 0, direction=Direction.UNKNOWN)
    again = record(recorder(one_person, at_door=at_door), 10, direction=direction)
    with one_person.sessions() as session:
        view = events.get_passage(session, first.passage.id)
    assert view is not None and view.passage.direction is direction
    assert again.repeat


def test_an_older_passage_within_the_cooldown_is_found_behind_a_newer_one(one_person: Site) -> None:
    door = recorder(one_person)
    record(door, 0)
    record(door, 3600)  # an event that waited for the connection may come after it
    assert record(door, 10).repeat


def test_the_same_event_again_is_recorded_once_and_moves_no_door(one_person: Site) -> None:
    door, passage = recorder(one_person), request()
    for already in (False, True):
        recorded = door.record(passage.id, lambda _session: passage)
        assert recorded is not None
        assert (recorded.already, recorded.passage.id) == (already, passage.id)
    assert len(one_person.door.unlocked) == 1


def test_what_cannot_be_judged_now_is_not_recorded(one_person: Site) -> None:
    assert recorder(one_person).record("an id", lambda _session: None) is None
    assert one_person.log() == []


def test_if_the_first_is_undone_its_earliest_repeat_counts(one_person: Site) -> None:
    """A tablet joins two entries: whoever takes the first one back has still passed the door."""
    first = record(recorder(one_person, at_door=False))
    second, third = (record(recorder(one_person), seconds) for seconds in (10, 20))
    assert second.passage.repeat_of == third.passage.repeat_of == first.passage.id
    one_person.clock.time = NOON + timedelta(seconds=25)
    with one_person.sessions.begin() as session:
        undo_passage(session, first.passage.id, 1, now=one_person.clock.now(), zone=ZoneInfo("UTC"))
    with one_person.sessions() as session:
        counted = punches.punches(session, NOON - timedelta(hours=1), NOON + timedelta(hours=1))
        (presence,) = events.overview(session, NOON - timedelta(hours=1), NOON + timedelta(hours=1)).present
    assert [punch.id for punch in counted[1]] == [second.passage.id]
    assert (presence.passages, presence.first_in) == (1, second.passage.at)


def test_hours_count_a_repeat_once(one_person: Site) -> None:
    door = recorder(one_person)
    first = record(door)
    record(door, 20)
    record(door, 3600, direction=Direction.OUT)
    record(door, 3620, direction=Direction.OUT)
    with one_person.sessions() as session:
        counted = punches.punches(session, NOON - timedelta(hours=1), NOON + timedelta(hours=2))[1]
        (day,) = days.days_of(session, 1, NOON.date(), NOON.date(), ZoneInfo("UTC"))
    assert len(counted) == 2 and first.passage.id in {punch.id for punch in counted}
    assert day.worked == 3600 and len(day.used) == 2


def test_a_face_at_a_tablet_after_a_door_that_failed_leaves_the_failure_in_the_log(
    sessions: Sessions, keys: Keys
) -> None:
    site = Site(sessions, keys)
    site.set_threshold()
    site.enrol("Anna", ANNA)
    site.door.break_down("no answer from the relay")
    site.watch(site.check_in(), ANNA)
    kiosk = Kiosk(sessions, keys, site.analyser, site.clock, ZoneInfo("UTC"), replace(RULES, direction=Direction.IN))
    answers = []
    for _ in range(6):
        site.clock.advance(0.25)
        answers.append(kiosk.look(replace(TABLET, direction=Direction.IN), make_photo(ANNA)))
    assert [answer.words for answer in answers if answer.repeat] == ["Already checked in, Anna"]
    (view,) = site.log()
    assert (view.door, view.door_detail) == ("failed", "no answer from the relay")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DoorFault("the relay says no"), "failed"),
        (DoorUnknown("no answer in 2 s"), "unknown"),
        (TimeoutError("timed out"), "unknown"),
        (RuntimeError("a driver's own mistake"), "unknown"),
    ],
)
def test_only_what_a_driver_knows_for_certain_is_recorded_as_failed(
    one_person: Site, error: Exception, outcome: str
) -> None:
    one_person.door.broken = error
    door = recorder(one_person)
    recorded = record(door)
    assert recorded.opening is not None and recorded.opening.outcome == outcome
    (view,) = one_person.log()
    assert (view.passage.granted, view.door, view.door_detail) == (True, outcome, str(error))
    one_person.door.broken = None
    again = record(door, 5)
    assert again.opening is not None and again.opening.done, "the next request is a passage of its own"
    assert again.passage.id != recorded.passage.id


@pytest.mark.parametrize(
    ("pulse", "outcome"),
    [
        (Pulse(PulseOutcome.REFUSED, "the password is wrong"), "failed"),
        (Pulse(PulseOutcome.UNKNOWN, "no whole answer"), "unknown"),
        (Pulse(PulseOutcome.PULSED, "it was on already"), "done"),
    ],
)
def test_what_a_door_answers_is_kept_beside_the_passage(one_person: Site, pulse: Pulse, outcome: str) -> None:
    one_person.door.unlock = lambda _seconds, _passage: pulse  # type: ignore[method-assign]
    record(recorder(one_person))
    (view,) = one_person.log()

    assert (view.door, view.door_detail) == (outcome, pulse.detail)


def test_a_passage_tomorrow_does_not_switch_the_cooldown_off(one_person: Site) -> None:
    door = recorder(one_person)
    record(door, 86_400)  # by a clock that was a day ahead
    assert [record(door, seconds).repeat for seconds in range(0, 24, 3)] == [False] + 7 * [True]


def test_a_queue_that_is_sent_late_and_in_any_order_makes_no_further_entries(one_person: Site) -> None:
    tablet = recorder(one_person, at_door=False)
    record(tablet, 3600)
    for seconds in (20, 0, 10, 3610, 3590):
        record(tablet, seconds)
    assert len(one_person.log()) == 2


def test_a_passage_recorded_while_the_clock_is_in_doubt_is_marked(one_person: Site) -> None:
    door = recorder(one_person)
    record(door)
    one_person.clock.doubt = "it jumped"
    record(door, 60)
    record(door, 120, person_id=None, granted=False, reason=Reason.UNKNOWN)
    one_person.clock.doubt = ""
    record(door, 180)
    assert [view.passage.clock_doubt for view in one_person.log()] == [False, True, True, False]
    assert len(one_person.door.unlocked) == 3, "an implausible clock keeps nobody out who may always pass"


def agree(site: Site, *purposes: Purpose) -> None:
    """Leave Anna with consent to these purposes."""
    with site.sessions.begin() as session:
        consent.withdraw_consent(session, 1, at=NOON, purposes=BOTH - frozenset(purposes))


def counted(site: Site) -> int:
    with site.sessions() as session:
        return len(punches.punches(session, NOON - timedelta(days=1), NOON + timedelta(days=1)).get(1, []))


@pytest.mark.parametrize("method", WAYS)
def test_who_agrees_to_access_only_passes_doors_and_has_no_times_by_face(one_person: Site, method: Method) -> None:
    agree(one_person, Purpose.ACCESS)

    recorded = record(recorder(one_person), method=method)

    assert recorded.passage.granted and len(one_person.door.unlocked) == 1
    assert recorded.passage.for_hours is (method is not Method.FACE)
    assert counted(one_person) == (0 if method is Method.FACE else 1)


@pytest.mark.parametrize("method", WAYS)
def test_who_agrees_to_working_time_only_is_refused_at_a_door_by_face_with_the_reason(
    one_person: Site, method: Method
) -> None:
    agree(one_person, Purpose.ATTENDANCE)

    recorded = record(recorder(one_person), method=method)

    if method is Method.FACE:
        assert (recorded.passage.reason, recorded.passage.person_id) == (Reason.NO_CONSENT, 1)
        assert (one_person.door.unlocked, counted(one_person)) == ([], 0)
    else:
        assert recorded.passage.granted and counted(one_person) == 1
    assert record(recorder(one_person, at_door=False), 60, method=method).passage.granted
    assert counted(one_person) == (1 if method is Method.FACE else 2)


def test_a_face_at_a_tablet_needs_the_consent_to_working_time(one_person: Site) -> None:
    agree(one_person, Purpose.ACCESS)
    tablet = recorder(one_person, at_door=False)

    refused, by_pin = record(tablet), record(tablet, 5, method=Method.PIN)

    assert (refused.passage.granted, refused.passage.reason) == (False, Reason.NO_CONSENT)
    assert (by_pin.passage.granted, counted(one_person)) == (True, 1)


def test_a_check_in_that_counts_does_not_repeat_a_face_that_does_not(one_person: Site) -> None:
    agree(one_person, Purpose.ACCESS)
    record(recorder(one_person))

    at_tablet = record(recorder(one_person, at_door=False), 10, method=Method.PIN)

    assert (at_tablet.repeat, counted(one_person)) == (False, 1)


def test_a_withdrawal_counts_from_the_next_check_in_on_and_leaves_the_past(one_person: Site) -> None:
    door = recorder(one_person)  # it runs on, and its rules stay in memory
    assert record(door).passage.granted
    agree(one_person, Purpose.ATTENDANCE)

    assert record(door, 60).passage.reason is Reason.NO_CONSENT
    assert (len(one_person.door.unlocked), counted(one_person)) == (1, 1)


def is_for(site: Site, *purposes: Purpose) -> None:
    """The camera of these passages belongs to the front door, for these purposes."""
    with site.sessions.begin() as session:
        door = session.scalars(select(Door.id)).one()
        door_rows.move_point(session, "door", door, NOON)
        door_rows.change_point(session, "door", {"purposes": "+".join(sorted(purposes))}, NOON)


@pytest.mark.parametrize("method", WAYS)
def test_a_passage_where_nothing_counts_as_working_time_opens_the_door_and_has_no_times(
    one_person: Site, method: Method
) -> None:
    is_for(one_person, Purpose.ACCESS)

    recorded = record(recorder(one_person), method=method)

    assert recorded.passage.granted and len(one_person.door.unlocked) == 1
    assert recorded.passage.for_hours is False
    assert counted(one_person) == 0


@pytest.mark.parametrize("method", WAYS)
def test_a_place_for_working_time_only_needs_the_consent_to_that_and_no_other(one_person: Site, method: Method) -> None:
    is_for(one_person, Purpose.ATTENDANCE)
    agree(one_person, Purpose.ATTENDANCE)
    assert record(recorder(one_person), method=method).passage.granted
    assert counted(one_person) == 1


def test_a_place_for_working_time_only_refuses_the_face_of_who_agreed_to_access_only(one_person: Site) -> None:
    is_for(one_person, Purpose.ATTENDANCE)
    agree(one_person, Purpose.ACCESS)
    recorded = record(recorder(one_person))
    assert (recorded.passage.granted, recorded.passage.reason) == (False, Reason.NO_CONSENT)
    assert record(recorder(one_person), 60, method=Method.PIN).passage.granted


def test_a_database_that_took_long_moves_no_door_for_somebody_who_left(
    one_person: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter((0.0, 3.1, 3.2, 3.3))
    monkeypatch.setattr(recording, "perf_counter", lambda: next(ticks))

    recorded = record(recorder(one_person))

    assert recorded.passage.granted and recorded.opening is not None
    assert one_person.door.unlocked == []
    (view,) = one_person.log()
    assert (view.door, "too late" in view.door_detail) == ("failed", True)

"""A door that asks for two factors: the second one completes the request of the same person, there, once, in time."""

from __future__ import annotations

import pytest

from attendance.domain.access.rules.doors import Antipassback
from attendance.domain.passage import Direction, Method
from attendance.domain.reason import Reason
from attendance.service.access.doors.relay import Relay
from attendance.service.access.policy import door_rows, holding
from attendance.store.access import events
from attendance.store.alarms import alarms
from attendance.store.cameras import cameras
from tests.factories import make_passage
from tests.service.access.doors.asking import ZONE, ask
from tests.service.conftest import Site

TWO = [{"sets": [["face", "pin"], ["badge", "pin"], ["face", "badge"]], "schedule": None}]


def relay(site: Site) -> Relay:
    return Relay(site.sessions, site.clock, site.door, "door", ZONE)


def raised(site: Site) -> list[str]:
    with site.sessions() as session:
        return [alarm.kind for alarm in alarms.open_alarms(session)]


@pytest.fixture
def vault(site: Site) -> Site:
    """Anna (1) and Bert (2) at a door that asks for two factors, with a camera and a tablet on one side."""
    with site.sessions.begin() as session:
        now = site.clock.now()
        for name in ("Anna", "Bert"):
            site.add(session, name)
        cameras.claim(session, "door", source="0", direction=Direction.IN, owner="daemon", at=now)
        for point in ("door", "tablet"):
            door_rows.move_point(session, point, 1, now)
            door_rows.change_point(session, point, {"factors": TWO}, now)
    return site


@pytest.mark.parametrize(
    ("first", "second"),
    [(Method.FACE, Method.PIN), (Method.FACE, Method.BADGE), (Method.BADGE, Method.PIN), (Method.PIN, Method.FACE)],
)
def test_the_second_factor_completes_the_request_in_either_order(vault: Site, first: Method, second: Method) -> None:
    assert ask(vault, 1, first).passage.reason is Reason.SECOND_FACTOR
    assert vault.door.unlocked == []

    done = ask(vault, 1, second)
    assert done.passage.granted

    relay(vault).step()
    assert vault.door.unlocked == [3.0]
    with vault.sessions() as session:
        view = events.get_passage(session, done.passage.id)
    assert view is not None and view.door == "done"


def test_one_first_factor_opens_once(vault: Site) -> None:
    ask(vault, 1, Method.FACE)
    assert ask(vault, 1, Method.PIN).passage.granted

    assert ask(vault, 1, Method.PIN).passage.reason is Reason.SECOND_FACTOR


def test_the_same_factor_again_is_not_a_second_one_and_does_not_extend_the_time(vault: Site) -> None:
    for _ in range(19):
        assert ask(vault, 1, Method.FACE).passage.reason is Reason.SECOND_FACTOR

    vault.clock.advance(1)
    assert ask(vault, 1, Method.PIN).passage.reason is Reason.FACTOR_TIMEOUT
    assert ask(vault, 1, Method.PIN).passage.reason is Reason.SECOND_FACTOR  # begins anew


def test_what_waited_too_long_is_written_down_once_with_its_reason(vault: Site) -> None:
    ask(vault, 1, Method.FACE)
    vault.clock.advance(21)
    for _ in range(2):
        relay(vault).step()

    newest, *others = [view.passage for view in vault.log()]
    assert (newest.reason, newest.person_id, newest.method) == (Reason.FACTOR_TIMEOUT, 1, Method.FACE)
    assert [one.reason for one in others] == [Reason.SECOND_FACTOR]
    assert ask(vault, 1, Method.PIN).passage.reason is Reason.SECOND_FACTOR


@pytest.mark.parametrize("method", [Method.PIN, Method.BADGE])
def test_a_proof_of_somebody_else_is_refused_raises_an_alarm_and_ends_the_request(vault: Site, method: Method) -> None:
    ask(vault, 1, Method.FACE)

    assert ask(vault, 2, method).passage.reason is Reason.WRONG_FACTOR
    assert raised(vault) == ["another's factor"]
    assert ask(vault, 1, Method.PIN).passage.reason is Reason.SECOND_FACTOR
    assert vault.door.unlocked == []


def test_a_face_of_somebody_else_begins_its_own_request(vault: Site) -> None:
    ask(vault, 1, Method.FACE)

    assert ask(vault, 2, Method.FACE).passage.reason is Reason.SECOND_FACTOR
    assert ask(vault, 2, Method.PIN).passage.granted
    assert ask(vault, 1, Method.PIN).passage.granted
    assert raised(vault) == []


def test_the_other_side_of_the_door_is_another_request(vault: Site) -> None:
    with vault.sessions.begin() as session:
        now = vault.clock.now()
        area = door_rows.save_area(session, None, "lab", Antipassback.OFF, {}, now)
        door_rows.change_point(session, "tablet", {"area_to_id": area}, now)
    ask(vault, 1, Method.FACE)

    assert ask(vault, 1, Method.PIN).passage.reason is Reason.SECOND_FACTOR


def test_a_door_in_lockdown_answers_no_second_factor(vault: Site) -> None:
    ask(vault, 1, Method.FACE)
    with vault.sessions.begin() as session:
        holding.lock_down(session, reason="", by="ada", at=vault.clock.now())

    assert ask(vault, 1, Method.PIN).passage.reason is Reason.LOCKDOWN


def test_doubt_about_liveness_asks_for_a_second_factor_where_one_would_do(vault: Site) -> None:
    with vault.sessions.begin() as session:
        for point in ("door", "tablet"):
            door_rows.change_point(session, point, {"factors": []}, vault.clock.now())

    assert ask(vault, 1, Method.FACE, liveness_asks=True).passage.reason is Reason.SECOND_FACTOR
    assert ask(vault, 2, Method.PIN).passage.reason is Reason.WRONG_FACTOR
    assert ask(vault, 1, Method.FACE, liveness_asks=True).passage.reason is Reason.SECOND_FACTOR
    assert ask(vault, 1, Method.PIN).passage.granted


def test_doubt_about_liveness_refuses_where_no_rules_ask_for_more(vault: Site) -> None:
    refused = ask(vault, 1, Method.FACE, camera="a tablet without a door", liveness_asks=True).passage

    assert (refused.reason, refused.person_id) == (Reason.LIVENESS_STEP_UP, None)


def test_after_several_strangers_a_door_asks_for_more(vault: Site) -> None:
    with vault.sessions.begin() as session:
        door_rows.change_point(session, "door", {"factors": []}, vault.clock.now())
        door_rows.change(session, 1, "vault", {"step_up": ["repeated_failures"]}, vault.clock.now())
    assert ask(vault, 1, Method.FACE).passage.granted
    for _ in range(3):
        ask(vault, None, Method.FACE)

    assert ask(vault, 1, Method.FACE).passage.reason is Reason.SECOND_FACTOR
    vault.clock.advance(301)
    assert ask(vault, 1, Method.FACE).passage.granted


def test_a_tablets_grant_moves_the_door_once_whoever_looks(vault: Site) -> None:
    ask(vault, 1, Method.BADGE)
    ask(vault, 1, Method.PIN)

    assert [relay(vault).step(), relay(vault).step()] == [1, 0]
    assert vault.door.unlocked == [3.0]


def test_an_old_grant_of_a_tablet_moves_nothing_and_says_so(vault: Site) -> None:
    ask(vault, 1, Method.BADGE)
    done = ask(vault, 1, Method.PIN)
    vault.clock.advance(4)
    relay(vault).step()

    assert vault.door.unlocked == []
    with vault.sessions() as session:
        view = events.get_passage(session, done.passage.id)
    assert view is not None and view.door == "failed"


def test_what_another_cameras_daemon_moves_itself_is_left_to_it(vault: Site) -> None:
    passage = make_passage(vault.clock.now(), person_id=1, camera="door", door_id=1)
    with vault.sessions.begin() as session:
        events.record_passage(session, passage)

    assert relay(vault).step() == 0
    assert vault.door.unlocked == []


def test_duress_opens_and_raises_an_alarm_in_silence(vault: Site) -> None:
    ask(vault, 1, Method.FACE)

    done = ask(vault, 1, Method.PIN, duress=True)

    assert done.passage.granted
    assert raised(vault) == ["duress"]

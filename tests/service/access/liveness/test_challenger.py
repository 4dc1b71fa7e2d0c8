"""Somebody is asked to move before the door opens: a real check-in, a real database, a face that moves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from attendance.config import Settings
from attendance.domain.access.consensus import Settled
from attendance.domain.access.decision import Decision
from attendance.domain.access.liveness.challenge import Ended, Step, Who, orders
from attendance.domain.access.liveness.fusion import LivenessPoint, Policy
from attendance.domain.access.rules.factors import ANY_ONE, Factor
from attendance.domain.faces import Box, Frame, Probe
from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn
from attendance.service.access.liveness.challenger import Answered, Challenger, ChallengeRules, _Waiting, _who
from attendance.service.access.liveness.gates import gates
from attendance.service.access.policy import door_rows
from attendance.store.access import challenges, liveness, policies
from tests.factories import ANNA, BERT, NOBODY, NOON, make_image, make_probe, near, vector_of
from tests.service.access.doors.asking import ask
from tests.service.access.liveness.movers import Moving, analyser_of, follow, gate, show
from tests.service.access.liveness.networks import Network
from tests.service.conftest import Site

ALL = [sorted(str(factor) for factor in one) for one in ANY_ONE]


@pytest.fixture
def moving(staffed: Site) -> Moving:
    return analyser_of(staffed)


def ask_every_face(site: Site, sets: Sequence[Sequence[str]] = ALL) -> None:
    """The rule of the door's camera: each face has to move."""
    with site.sessions.begin() as session:
        [door] = policies.load_rules(session, site.rules.zone).doors
        door_rows.move_point(session, "door", door, site.clock.now())
        rule = {"sets": [list(one) for one in sets], "schedule": None, "challenge": True}
        door_rows.change_point(session, "door", {"factors": [rule]}, site.clock.now())


def kept(site: Site, passage_id: str) -> challenges.Kept:
    with site.sessions() as session:
        return challenges.of_passages(session, [passage_id])[passage_id]


def begun(site: Site, check_in: CheckIn) -> challenges.Asked:
    """Stand there until something is asked; what the screen shows then."""
    for _ in range(20):
        assert show(site, check_in, ANNA) == []
        if check_in.challenge is not None:
            with site.sessions() as session:
                asked = challenges.asked_at(session, "door", site.clock.now())
            assert asked is not None
            return asked
    raise AssertionError("nobody was asked")


def test_whoever_moves_as_asked_passes_and_what_was_asked_is_kept(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    (outcome,) = follow(staffed, staffed.check_in(), ANNA)
    assert (outcome.decision.granted, outcome.challenge) == (True, Ended.PASSED)
    assert len(staffed.door.unlocked) == 1
    assert outcome.passage is not None
    found = kept(staffed, outcome.passage.id)
    assert (found.ended, found.why, len(found.done)) == (Ended.PASSED, "rule", 2)
    assert found.steps in orders(2)
    with staffed.sessions() as session:
        assert challenges.asked_at(session, "door", staffed.clock.now()) is None


def test_whoever_does_not_move_is_refused_without_a_name(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    (outcome,) = follow(staffed, staffed.check_in(), ANNA, obeys=False)
    assert (outcome.decision.reason, outcome.challenge) == (Reason.CHALLENGE_FAILED, Ended.TOO_LATE)
    assert outcome.passage is not None and outcome.passage.person_id is None
    assert kept(staffed, outcome.passage.id).ended is Ended.TOO_LATE
    assert staffed.door.unlocked == []


def test_a_picture_that_is_moved_as_asked_opens_nothing(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    moving.flat = True
    (outcome,) = follow(staffed, staffed.check_in(), ANNA)
    assert outcome.decision.reason is Reason.CHALLENGE_FAILED
    assert staffed.door.unlocked == []


def test_another_face_in_its_place_ends_it(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    check_in = staffed.check_in()
    begun(staffed, check_in)
    outcomes = [outcome for _ in range(3) for outcome in show(staffed, check_in, BERT)]
    assert [outcome.challenge for outcome in outcomes if outcome.challenge] == [Ended.OTHER_FACE]
    assert staffed.door.unlocked == []


def test_a_face_that_jumps_or_goes_ends_it(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    check_in = staffed.check_in()
    begun(staffed, check_in)
    outcomes = [outcome for _ in range(10) for outcome in show(staffed, check_in, NOBODY)]
    assert [outcome.challenge for outcome in outcomes] == [Ended.GONE]


def test_in_doubt_the_policy_asks_and_a_clear_answer_does_not(staffed: Site, moving: Moving) -> None:
    (sure,) = staffed.watch(staffed.check_in(gate(Network(3.0), Policy.CHALLENGE)), ANNA)
    assert (sure.decision.granted, sure.challenge) == (True, None)
    staffed.clock.advance(60)
    (doubted,) = follow(staffed, staffed.check_in(gate(Network(0.0), Policy.CHALLENGE)), ANNA, seconds=25)
    assert (doubted.decision.granted, doubted.challenge) == (True, Ended.PASSED)
    assert doubted.passage is not None
    assert kept(staffed, doubted.passage.id).why == "doubt"


def test_what_is_clearly_a_picture_is_not_even_asked(staffed: Site, moving: Moving) -> None:
    outcomes = staffed.watch(staffed.check_in(gate(Network(-3.0), Policy.CHALLENGE)), ANNA, seconds=4)
    assert [(one.decision.reason, one.challenge) for one in outcomes] == [(Reason.LIVENESS_STEP_UP, None)]


def test_a_movement_that_the_rule_asks_for_replaces_no_second_factor_that_the_camera_asks_for(
    staffed: Site, moving: Moving
) -> None:
    ask_every_face(staffed)
    check_in = staffed.check_in(gate(Network(0.0), Policy.STEP_UP))

    (outcome,) = follow(staffed, check_in, ANNA, seconds=25)

    assert (outcome.challenge, outcome.decision.reason) == (Ended.PASSED, Reason.SECOND_FACTOR)
    assert staffed.door.unlocked == []
    pin = ask(staffed, 1, Method.PIN)
    assert pin.passage.granted  # with the face, or alone: the rule accepts any one


def test_where_no_second_factor_could_follow_an_unsure_camera_asks_nobody_to_move(
    staffed: Site, moving: Moving
) -> None:
    ask_every_face(staffed, [["face"], ["badge", "pin"]])
    (outcome,) = staffed.watch(staffed.check_in(gate(Network(0.0), Policy.STEP_UP)), ANNA, seconds=6)
    assert (outcome.decision.reason, outcome.challenge) == (Reason.LIVENESS_STEP_UP, None)


def drilled(site: Site) -> None:
    """A drill at the door gave an operating point: with "auto" the door steps up from now on."""
    point = LivenessPoint(1.0, 0.0, 1.0, -1.0)
    with site.sessions.begin() as session:
        values: dict[str, Any] = {"camera": "door", "model_id": Network.model_id, "at": site.clock.now(), "by": None}
        liveness.add_drill(session, result={}, point=point, **values)


@pytest.mark.parametrize(
    ("drill", "logit", "reason", "challenge"),
    [
        (False, 3.0, Reason.MATCHED, Ended.PASSED),
        (False, 0.0, Reason.MATCHED, Ended.PASSED),  # "auto" only watches yet, and the rule asks
        (True, 3.0, Reason.MATCHED, Ended.PASSED),
        (True, 0.0, Reason.SECOND_FACTOR, Ended.PASSED),  # it steps up, and a movement replaces no second proof
    ],
)
def test_the_policy_auto_and_a_rule_that_asks_to_move(
    staffed: Site, moving: Moving, drill: bool, logit: float, reason: Reason, challenge: Ended | None
) -> None:
    ask_every_face(staffed)
    if drill:
        drilled(staffed)
    settings = Settings.model_validate({"models": {"liveness": Network.model_id}})
    assert settings.liveness.policy == "auto"
    at_door = gates(settings, staffed.sessions, lambda: Network(logit))("door")
    (outcome, *_more) = follow(staffed, staffed.check_in(at_door), ANNA, seconds=25)
    assert (outcome.decision.reason, outcome.challenge) == (reason, challenge)
    assert len(staffed.door.unlocked) == int(reason is Reason.MATCHED)


def test_a_camera_that_challenges_does_so_under_the_policy_auto_and_without_a_drill(
    staffed: Site, moving: Moving
) -> None:
    values = {"liveness": {"cameras": "door = challenge"}, "models": {"liveness": Network.model_id}}
    at_door = gates(Settings.model_validate(values), staffed.sessions, lambda: Network(0.0))("door")
    (outcome,) = follow(staffed, staffed.check_in(at_door), ANNA, seconds=25)
    assert (outcome.decision.granted, outcome.challenge) == (True, Ended.PASSED)


def test_at_a_door_that_is_held_nobody_is_asked_to_move(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    with staffed.sessions.begin() as session:
        [door] = policies.load_rules(session, staffed.rules.zone).doors
        from attendance.store.tables.access import Door

        row = session.get(Door, door)
        assert row is not None
        row.standing = "lock"
        policies.bump_version(session, staffed.clock.now())
    (outcome,) = staffed.watch(staffed.check_in(), ANNA)
    assert (outcome.decision.reason, outcome.challenge) == (Reason.DOOR_LOCKED, None)


def test_the_button_ends_it_at_once(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    check_in = staffed.check_in()
    asked = begun(staffed, check_in)
    with staffed.sessions.begin() as session:
        assert not challenges.decline(session, asked.id, "another camera")
        assert not challenges.decline(session, "another challenge", "door")
        assert challenges.decline(session, asked.id, "door")
    (outcome,) = show(staffed, check_in, ANNA)
    assert (outcome.decision.reason, outcome.challenge) == (Reason.CHALLENGE_FAILED, Ended.DECLINED)
    with staffed.sessions.begin() as session:
        assert not challenges.decline(session, asked.id, "door")  # it has one use


def test_three_orders_that_were_not_answered_and_the_face_waits(staffed: Site, moving: Moving) -> None:
    ask_every_face(staffed)
    check_in = staffed.check_in()
    ends = []
    for _ in range(4):
        outcomes = follow(staffed, check_in, ANNA, obeys=False)
        ends.append((outcomes[-1].challenge, outcomes[-1].decision.reason) if outcomes else None)
        for _ in range(15):
            show(staffed, check_in, NOBODY)  # leaves
    assert [end[0] for end in ends[:3] if end] == [Ended.TOO_LATE] * 3
    assert ends[3] == (None, Reason.TOO_MANY_ATTEMPTS)


def test_whoever_cannot_move_uses_as_many_factors_as_the_face_would_need(staffed: Site, moving: Moving) -> None:
    """Where face and PIN are asked for, a face that did not move counts for nothing: badge and PIN are left."""
    ask_every_face(staffed, [["face", "pin"], ["badge", "pin"]])
    (outcome,) = follow(staffed, staffed.check_in(), ANNA, obeys=False)
    assert outcome.decision.reason is Reason.CHALLENGE_FAILED
    assert outcome.passage is not None
    from attendance.domain.access.rules.decide import Outcome as Verdicts
    from attendance.domain.access.rules.decide import Request, decide
    from attendance.service.access.doors import second_factor
    from attendance.service.access.doors.judging import state_for

    with staffed.sessions() as session:
        now = staffed.clock.now() + timedelta(seconds=2)
        policy = policies.for_person(session, policies.load_rules(session, staffed.rules.zone), 1)
        request = Request("door", Reason.MATCHED, 1, frozenset({Factor.PIN}))
        joined = second_factor.joined(session, policy, request, outcome.passage, now)
        assert joined.proven == {Factor.PIN}
        assert decide(policy, state_for(session, policy, joined, now), joined, now).outcome is Verdicts.STEP_UP


def test_a_challenge_that_cannot_be_shown_refuses(
    staffed: Site, moving: Moving, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_every_face(staffed)
    check_in = staffed.check_in()

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(challenges, "put", full)
    (outcome,) = follow(staffed, check_in, ANNA)
    assert (outcome.decision.reason, outcome.challenge) == (Reason.CHALLENGE_FAILED, Ended.NOT_SHOWN)


def test_whoever_waits_for_a_turn_has_the_whole_patience_then(staffed: Site) -> None:
    """The first person stands there until the time is over; the second is not recognised at once after that."""
    challenger = Challenger(staffed.sessions, ChallengeRules("door"))
    first, second = (
        make_probe(vector_of((1,)), box=Box(100, 100, 200, 240)),
        make_probe(vector_of((2,)), box=Box(400, 100, 500, 240)),
    )
    looks_since = 0

    def decide(probe: Probe) -> Decision:
        known = probe.box == first.box or looks_since > 2
        person = 1 if probe.box == first.box else 2
        return Decision(Reason.MATCHED if known else Reason.UNKNOWN, person if known else None, None, None, None)

    for person, probe in ((1, first), (2, second)):
        settled = Settled(Decision(Reason.MATCHED, person, 0.9, None, 0.5), probe.box, 3, NOON, NOON)
        challenger.ask(NOON, settled, None, "rule")
    ended: list[Answered] = []
    for number in range(1, 100):
        frame = Frame(make_image(NOBODY, 640, 480), NOON + timedelta(seconds=0.2 * number), "door")
        ended += challenger.add(frame, [first, second], decide, lambda *_: False)
        looks_since += len(ended) > 0
        if looks_since == 10:
            break
    assert [answered.settled.decision.person_id for answered in ended] == [1]
    assert challenger.progress is not None


@pytest.mark.parametrize(
    ("alike", "named", "who"),
    [
        (0.7, 1, Who.SAME),
        (0.6, 1, Who.UNSURE),  # the person by the threshold, and turned as far as a bent print has to be
        (0.2, 1, Who.UNSURE),
        (0.7, 2, Who.OTHER),
        (0.6, None, Who.UNSURE),
        (0.2, None, Who.UNLIKE),
        (0.2, 2, Who.OTHER),
    ],
)
def test_a_look_counts_only_if_it_is_like_the_first(alike: float, named: int | None, who: Who) -> None:
    first = make_probe(vector_of((1,)))
    probe = make_probe(near(vector_of((1,)), alike))
    settled = Settled(Decision(Reason.MATCHED, 1, 0.9, None, 0.5), first.box, 3, NOON, NOON)
    waiting = _Waiting(settled, None, "rule", 1, first.box, NOON, NOON, first.template)

    def decide(asked: Probe) -> Decision:
        person = named if asked is probe else 1  # the pool of both is the person
        return Decision(Reason.UNKNOWN if person is None else Reason.MATCHED, person, None, None, None)

    assert _who(waiting, probe, decide) is who


def test_a_look_that_is_less_alike_but_of_the_pool_counts() -> None:
    first, probe = make_probe(vector_of((1,))), make_probe(near(vector_of((1,)), 0.7))
    settled = Settled(Decision(Reason.MATCHED, 1, 0.9, None, 0.5), first.box, 3, NOON, NOON)
    waiting = _Waiting(settled, None, "rule", 1, first.box, NOON, NOON, first.template)

    def decide(asked: Probe) -> Decision:
        return Decision(*((Reason.UNKNOWN, None) if asked is probe else (Reason.MATCHED, 1)), None, None, None)

    assert _who(waiting, probe, decide) is Who.SAME


def test_who_only_walks_by_has_not_failed_a_challenge(staffed: Site, moving: Moving) -> None:
    """They were asked nothing yet and saw no order, so that nothing was tried."""
    ask_every_face(staffed)
    check_in = staffed.check_in()
    for _ in range(4):
        outcomes = []
        while not outcomes and not check_in._asking.waiting:
            outcomes += show(staffed, check_in, ANNA)
        assert check_in.challenge is None
        for _ in range(20):
            outcomes += show(staffed, check_in, NOBODY)
        assert [one.challenge for one in outcomes] == [Ended.GONE]
    assert begun(staffed, check_in)


def test_a_poor_look_before_the_order_is_put_does_not_keep_the_person_out(staffed: Site) -> None:
    """The first look after the grant is blurred, and so unlike all that follow."""
    challenger = Challenger(staffed.sessions, ChallengeRules("door"))
    clear = make_probe(vector_of((1,)), box=Box(100, 100, 200, 240))
    poor = make_probe(near(vector_of((1,)), 0.5), box=clear.box)
    settled = Settled(Decision(Reason.MATCHED, 1, 0.9, None, 0.5), clear.box, 3, NOON, NOON)
    challenger.ask(NOON, settled, None, "rule")

    def decide(probe: Probe) -> Decision:
        known = probe is clear
        return Decision(Reason.MATCHED if known else Reason.UNKNOWN, 1 if known else None, None, None, None)

    for number in range(1, 10):
        frame = Frame(make_image(NOBODY, 640, 480), NOON + timedelta(seconds=0.2 * number), "door")
        assert challenger.add(frame, [poor if number <= 4 else clear], decide, lambda *_: False) == []
    assert challenger.progress is not None


def test_orders_come_from_the_systems_source(staffed: Site) -> None:
    import secrets

    challenger = Challenger(staffed.sessions, ChallengeRules("door"))
    assert challenger._draw == secrets.choice
    drawn = {secrets.choice(orders(2)) for _ in range(300)}
    assert drawn == set(orders(2))
    assert {order[0] for order in drawn} == set(Step)

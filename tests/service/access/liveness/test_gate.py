"""The gate before a grant: whom it holds back, for how long, and what it writes down."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.access.liveness.fusion import LivenessPoint, Policy, Verdict
from attendance.domain.faces import Box
from attendance.domain.reason import Reason
from attendance.service.access.liveness.gate import LivenessGate, LivenessRules
from attendance.store.access import liveness
from tests.factories import ANNA, NOBODY
from tests.service.access.liveness.networks import Network
from tests.service.conftest import Site

POINT = LivenessPoint(slope=1.0, offset=0.0, live_from=1.0, attack_below=-1.0, source="drill 7")


def gate(network: Network, policy: Policy = Policy.REFUSE, wait: float = 2.0) -> LivenessGate:
    return LivenessGate(network, POINT, LivenessRules(policy, wait=timedelta(seconds=wait)))


def test_a_living_person_is_let_in_without_a_further_frame_and_the_ruling_is_written(staffed: Site) -> None:
    network = Network(3.0)
    plain = staffed.watch(staffed.check_in(), ANNA)
    staffed.watch(staffed.check_in(), NOBODY, seconds=40)
    judged = staffed.watch(staffed.check_in(gate(network)), ANNA)
    assert [o.decision.granted for o in (*plain, *judged)] == [True, True]
    assert plain[0].settled is not None
    assert judged[0].settled is not None
    assert judged[0].settled.frames == plain[0].settled.frames
    assert network.asked == 1
    passage = judged[0].passage
    assert passage is not None
    with staffed.sessions() as session:
        found = liveness.rulings_of(session, [passage.id])[passage.id]
    assert (found.policy, found.judgement.verdict, found.source) == (Policy.REFUSE, Verdict.LIVE, "drill 7")
    assert found.judgement.network == 3.0


@pytest.mark.parametrize(
    ("policy", "reason"), [(Policy.REFUSE, Reason.NOT_LIVE), (Policy.STEP_UP, Reason.LIVENESS_STEP_UP)]
)
def test_a_picture_is_refused_with_the_policys_own_reason_and_the_door_stays_shut(
    staffed: Site, policy: Policy, reason: Reason
) -> None:
    (outcome,) = staffed.watch(staffed.check_in(gate(Network(-3.0), policy)), ANNA, seconds=4)
    assert (outcome.decision.granted, outcome.decision.reason) == (False, reason)
    assert staffed.door.unlocked == []
    assert outcome.passage is not None
    with staffed.sessions() as session:
        assert liveness.rulings_of(session, [outcome.passage.id])[outcome.passage.id].judgement.verdict is (
            Verdict.ATTACK
        )


def test_doubt_asks_for_a_second_factor_of_the_person_who_was_recognised(staffed: Site) -> None:
    (outcome,) = staffed.watch(staffed.check_in(gate(Network(0.0), Policy.STEP_UP)), ANNA, seconds=4)

    assert outcome.decision.reason is Reason.SECOND_FACTOR
    assert outcome.passage is not None and outcome.passage.person_id is not None
    assert staffed.door.unlocked == []


def test_watching_lets_a_picture_in_and_notes_what_would_have_happened(staffed: Site) -> None:
    (outcome,) = staffed.watch(staffed.check_in(gate(Network(-3.0), Policy.WATCH)), ANNA)
    assert outcome.decision.granted
    assert outcome.ruling is not None
    assert outcome.ruling.judgement.verdict is Verdict.ATTACK
    assert len(staffed.door.unlocked) == 1


def test_an_unclear_answer_waits_for_more_looks_at_every_third_one(staffed: Site) -> None:
    network = Network(0.0, 6.0)
    (outcome,) = staffed.watch(staffed.check_in(gate(network)), ANNA, seconds=4)
    assert outcome.decision.granted
    assert network.asked == 2
    assert outcome.ruling is not None
    assert outcome.ruling.judgement.looks == 2


@pytest.mark.parametrize(
    ("logits", "granted", "asked"),
    [((2.0, 0.5, 0.2), False, 3), ((2.0, 2.5, 2.0), True, 3), ((-2.0, 3.0, 2.5), True, 3), ((-3.5, 9.0), False, 1)],
)
def test_a_look_just_beyond_a_limit_does_not_decide_alone(
    staffed: Site, logits: tuple[float, ...], granted: bool, asked: int
) -> None:
    network = Network(*logits)
    (outcome,) = staffed.watch(staffed.check_in(gate(network, wait=60)), ANNA, seconds=6)[:1]
    assert (outcome.decision.granted, network.asked) == (granted, asked)
    assert len(staffed.door.unlocked) == int(granted)


def test_an_answer_that_stays_unclear_ends_as_a_refusal(staffed: Site) -> None:
    network = Network(0.0)
    (outcome,) = staffed.watch(staffed.check_in(gate(network)), ANNA, seconds=6)
    assert outcome.decision.reason is Reason.NOT_LIVE
    assert network.asked <= 3
    assert staffed.door.unlocked == []


def test_whoever_leaves_before_the_answer_is_clear_is_recorded_as_refused(staffed: Site) -> None:
    check_in = staffed.check_in(gate(Network(0.0), wait=60))
    assert staffed.watch(check_in, ANNA, seconds=0.6) == []
    (outcome,) = staffed.watch(check_in, NOBODY, seconds=4)
    assert outcome.decision.reason is Reason.NOT_LIVE
    assert staffed.door.unlocked == []


def test_a_fault_of_the_network_refuses(staffed: Site) -> None:
    class Broken(Network):
        def look(self, image: NDArray[np.uint8], box: Box) -> float:
            raise ValueError("not a number")

    outcomes = staffed.watch(staffed.check_in(gate(Broken(0.0))), ANNA, seconds=4)
    assert outcomes
    assert all(o.decision.reason is Reason.FAULT for o in outcomes)
    assert staffed.door.unlocked == []


def test_nobody_else_passes_on_the_looks_of_another_person(staffed: Site) -> None:
    network = Network(3.0, -3.0)
    check_in = staffed.check_in(gate(network))
    from tests.factories import BERT

    first = staffed.watch(check_in, ANNA)
    second = staffed.watch(check_in, BERT, seconds=6)
    assert [o.decision.reason for o in first] == [Reason.MATCHED]
    assert Reason.NOT_LIVE in [o.decision.reason for o in second]
    assert len(staffed.door.unlocked) == 1


@pytest.mark.parametrize(
    ("policy", "waits"),
    [(Policy.REFUSE, True), (Policy.STEP_UP, True), (Policy.CHALLENGE, True), (Policy.WATCH, False)],
)
def test_a_picture_that_is_shown_again_and_again_does_not_pass_at_last(
    staffed: Site, policy: Policy, waits: bool
) -> None:
    """Five tries look like a picture, the sixth like a living person: that face waits, and others do not."""
    network = Network(*[-5.0] * 5, 5.0)
    check_in = staffed.check_in(gate(network, policy))
    tries = []
    for _ in range(7):
        tries += [one for one in staffed.watch(check_in, ANNA, seconds=2) if one.settled is not None]
        if len(tries) == 6:
            refused = tries[5].decision
            assert (refused.granted, refused.reason is Reason.TOO_MANY_ATTEMPTS) == (not waits, waits)
            assert refused.granted or refused.person_id is None
            staffed.clock.advance(301)
        else:
            staffed.watch(check_in, NOBODY, seconds=4)
    assert [one.decision.granted for one in tries] == [not waits] * 6 + [True]


def test_whoever_was_refused_too_often_keeps_nobody_else_out(staffed: Site) -> None:
    from tests.factories import BERT

    check_in = staffed.check_in(gate(Network(*[-5.0] * 5, 5.0)))
    for _ in range(5):
        staffed.watch(check_in, ANNA, seconds=2)
        staffed.watch(check_in, NOBODY, seconds=4)
    assert [one.decision.granted for one in staffed.watch(check_in, BERT, seconds=3)] == [True]

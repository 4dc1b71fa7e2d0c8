"""How people, hands and recordings move when a challenge is measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from attendance.domain.access.liveness.challenge import Challenge, Done, Hint, Progress, Step, Who, begin, orders
from attendance.programs.liveness.actors import _by_hand, _by_person, _Move, _Mover, recording
from attendance.programs.liveness.moving_faces import Pose
from tests.domain.access.liveness.solid import look
from tests.factories import NOON

LASTS_S = 2.4  # each step of a recording


def shown(order: tuple[Step, ...], done: int = 0) -> Progress:
    asked = Challenge("c", "door", order, NOON, timedelta(seconds=12))
    progress = begin(asked, look(0.0, who=Who.SAME))
    return replace(progress, done=tuple(Done(step, 1.0, 0.2) for step in order[:done]))


def step_of(pose: Pose) -> Step | None:
    if abs(pose.yaw) > 12:
        return Step.LEFT if pose.yaw > 0 else Step.RIGHT
    return Step.NEARER if pose.nearer > 1.2 else None


@pytest.mark.parametrize("order", orders(2))
def test_a_person_does_what_is_asked_and_a_recording_something_else(order: tuple[Step, ...]) -> None:
    random = np.random.default_rng(1)
    person = _by_person(random)
    assert step_of(person(0.0, None)) is None
    seen = [step_of(person(0.25 * n, shown(order, done=n // 16))) for n in range(1, 32)]
    assert [seen[14], seen[30]] == list(order)

    for seed in range(6):
        other = _by_person(np.random.default_rng(seed), other_order=True)
        poses = [step_of(other(0.1 * n, shown(order))) for n in range(60)]
        seen = [step for step in poses if step is not None]
        followed = [seen[0], *(after for before, after in pairwise(seen) if after is not before)]
        assert tuple(followed) in orders(2)
        assert tuple(followed) != order


def test_a_hand_turns_a_picture_to_the_side_that_is_asked_for() -> None:
    hand = _by_hand("tilted", np.random.default_rng(2))
    for n in range(12):
        pose = hand(0.25 * n, shown((Step.RIGHT, Step.LEFT)))
    assert step_of(pose) is Step.RIGHT


def test_a_recording_shows_each_picture_once_and_ends() -> None:
    pictures = [np.full((2, 2, 3), n, np.uint8) for n in range(3)]
    at = recording(pictures, 4)
    seen = [at(n / 4, None) for n in range(5)]
    assert [None if image is None else int(image[0, 0, 0]) for image in seen] == [0, 1, 2, None, None]


def mover() -> _Mover:
    """Somebody who turns by 30 degrees within a second, and reads for half a second."""
    turn = {Step.LEFT: Pose(yaw=30.0), None: Pose()}
    return _Mover(
        lambda step: turn[step], np.random.default_rng(0), (0.5, 0.5), (1.0, 1.0), _Move(Pose(), Pose(), 0, 1)
    )


def test_who_is_told_to_be_slow_looks_ahead_until_that_was_seen_and_turns_again_slower() -> None:
    person = mover()
    turned = [person.do(n / 4, Step.LEFT, 0, None).yaw for n in range(8)]
    told = [person.do(n / 4, Step.LEFT, 0, Hint.SLOWLY).yaw for n in range(8, 24)]
    again = [person.do(n / 4, Step.LEFT, 0, None).yaw for n in range(24, 36)]
    assert (turned[-1], told[-1], again[-1]) == (30.0, 0.0, 30.0)
    assert max(np.diff(again)) < max(np.diff(turned))


def test_who_went_too_far_goes_back_by_less_and_comes_to_rest_between() -> None:
    person = mover()
    yaw, seen = 0.0, []
    for n in range(120):
        hint = None if n < 8 or 34 < yaw < 37 else Hint.FURTHER if yaw <= 34 else Hint.NOT_SO_FAR
        yaw = person.do(n / 4, Step.LEFT, 0, hint).yaw
        seen.append(yaw)
    assert max(seen) == pytest.approx(30 * 1.35)
    assert 34 < seen[-1] < 37
    assert seen[-1] == seen[-20]

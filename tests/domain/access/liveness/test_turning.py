"""Whether a head turned, or a picture was moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.liveness.challenge import TURNED
from attendance.domain.access.liveness.turning import size_of, turn_between
from tests.domain.access.liveness.solid import points

angles = st.floats(-50, 50)


@pytest.mark.parametrize(("yaw", "least", "most"), [(10, 0.05, 0.12), (20, 0.14, 0.2), (30, 0.2, 0.3), (40, 0.27, 0.4)])
def test_a_nose_leaves_the_plane_the_further_the_head_turns(yaw: float, least: float, most: float) -> None:
    left, right = turn_between(points(), points(yaw)), turn_between(points(), points(-yaw))
    assert least < left.depth < most
    assert left.depth == pytest.approx(-right.depth, abs=0.01)
    assert left.depth <= left.seems + 0.01


@given(angles, st.floats(-40, 40), st.floats(-60, 60), st.floats(0.6, 1.6), st.floats(-150, 150))
def test_a_flat_picture_has_no_depth_however_it_is_held(
    yaw: float, pitch: float, roll: float, nearer: float, x: float
) -> None:
    start = points(flat=True)
    held = points(yaw, pitch=pitch, roll=roll, nearer=nearer, x=320 + x, flat=True, away=8)
    assert abs(turn_between(start, held).depth) < 1e-6


@given(angles, st.floats(-30, 30), st.floats(-30, 30), st.floats(0, 2 * np.pi), st.integers(0, 2**31))
def test_landmarks_that_are_a_little_wrong_do_not_make_a_picture_solid(
    yaw: float, pitch: float, roll: float, _way: float, seed: int
) -> None:
    wrong = np.random.default_rng(seed).normal(0, 1.2, (2, 5, 2))  # px, of 60 between the eyes
    start, held = points(flat=True) + wrong[0], points(yaw, pitch=pitch, roll=roll, flat=True) + wrong[1]
    assert abs(turn_between(start, held).depth) < TURNED


@given(st.floats(-35, 35), st.floats(0.5, 2), st.floats(-30, 30))
def test_size_and_a_tilted_camera_do_not_change_how_far_a_head_turned(yaw: float, nearer: float, roll: float) -> None:
    plain = turn_between(points(), points(yaw)).depth
    other = turn_between(points(roll=roll), points(yaw, roll=roll, nearer=nearer)).depth
    assert other == pytest.approx(plain, abs=0.02)


def test_nodding_is_not_turning() -> None:
    assert abs(turn_between(points(), points(pitch=25)).depth) < 0.02


@pytest.mark.parametrize("broken", [np.zeros((5, 2)), np.tile([3.0, 4.0], (5, 1))])
def test_points_that_coincide_say_nothing(broken: np.ndarray) -> None:  # type: ignore[type-arg]
    assert turn_between(points(), broken).depth == 0
    assert turn_between(broken, points()).depth == 0


def test_eyes_and_mouth_on_one_line_say_nothing_of_depth() -> None:
    line = np.array([[0.0, 0], [10, 0], [5, 1], [2, 0], [8, 0]])
    assert turn_between(points(), line).depth == 0


def test_the_size_of_a_face_does_not_shrink_when_the_head_turns() -> None:
    assert size_of(points(40)) == pytest.approx(size_of(points()), rel=0.03)

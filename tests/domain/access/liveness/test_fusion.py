"""Several cues, one verdict: who abstains, who decides, and in which direction it fails."""

from __future__ import annotations

import math

import pytest

from attendance.domain.access.liveness.fusion import LivenessPoint, Verdict, attempt, is_sure, judge, point_of

POINT = LivenessPoint(slope=1.0, offset=0.0, live_from=1.0, attack_below=-1.0)


@pytest.mark.parametrize(
    ("logits", "ring", "plane", "verdict"),
    [
        ([3.0], None, None, Verdict.LIVE),
        ([0.0], None, None, Verdict.UNCLEAR),
        ([-3.0], None, None, Verdict.ATTACK),
        ([3.0], 0.8, None, Verdict.UNCLEAR),
        ([2.0], 0.8, None, Verdict.ATTACK),
        ([0.8], -0.8, None, Verdict.LIVE),
        ([2.0], None, 0.1, Verdict.UNCLEAR),
        ([3.0], 0.0, 0.45, Verdict.LIVE),
    ],
)
def test_cues_add_up_and_an_abstaining_cue_adds_nothing(
    logits: list[float], ring: float | None, plane: float | None, verdict: Verdict
) -> None:
    assert judge(logits, ring, plane, POINT).verdict is verdict


def test_nobody_is_alive_without_a_look_of_the_network() -> None:
    generous = LivenessPoint(slope=1.0, offset=0.0, live_from=0.2, attack_below=0.1)
    assert judge([], -0.9, 0.9, generous).verdict is Verdict.UNCLEAR


def test_many_looks_at_one_face_count_as_one_witness() -> None:
    once, often = judge([0.5], None, None, POINT), judge([0.5] * 9, None, None, POINT)
    assert (once.ratio, once.verdict) == (often.ratio, often.verdict)


@pytest.mark.parametrize(
    ("logits", "looks", "verdict"),
    [
        ([3.0, -9.0, -9.0], 1, Verdict.LIVE),
        ([-3.1, 9.0, 9.0], 1, Verdict.ATTACK),
        ([2.9, 3.5, -9.0], 2, Verdict.LIVE),
        ([2.0, 0.0, -0.5], 3, Verdict.UNCLEAR),  # one look alone would have let it in
        ([-2.0, 2.5, 2.5], 3, Verdict.LIVE),  # one look alone would have refused
        ([2.0, 1.5, 1.5, -9.0], 3, Verdict.LIVE),
        ([2.0], 1, Verdict.LIVE),
    ],
)
def test_one_look_decides_only_well_beyond_a_limit(logits: list[float], looks: int, verdict: Verdict) -> None:
    found = attempt(logits, POINT)
    assert (found.looks, found.verdict) == (looks, verdict)


def test_whoever_is_unclear_is_never_sure() -> None:
    wide = LivenessPoint(slope=1.0, offset=0.0, live_from=6.0, attack_below=-6.0)
    assert not is_sure(judge([0.0], None, None, wide), wide)
    with pytest.raises(ValueError, match="a look"):
        attempt([], POINT)


def test_one_cue_never_says_more_than_its_cap() -> None:
    assert judge([1e9], None, None, POINT).ratio == 6.0
    assert judge([-1e9], None, None, POINT).ratio == -6.0


@pytest.mark.parametrize(
    "values", [(0.0, 0.0, 1.0, -1.0), (1.0, math.nan, 1.0, -1.0), (1.0, 0.0, -1.0, 1.0), (1.0, 0.0, math.inf, 0.0)]
)
def test_an_impossible_operating_point_is_refused(values: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"finite|slope|above"):
        LivenessPoint(*values)


def test_a_card_without_a_number_gives_no_operating_point() -> None:
    assert point_of({"slope": 1.0, "offset": 0.0, "live_from": 1.0}) is None
    whole = point_of({"slope": 1, "offset": 0, "live_from": 1, "attack_below": -1}, "drill 3")
    assert whole == LivenessPoint(1.0, 0.0, 1.0, -1.0, "drill 3")

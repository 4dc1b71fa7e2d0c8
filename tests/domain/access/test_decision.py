"""One look: in which order reasons are given, and that every doubt is nobody."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.domain.access.decision import Decision, decide
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint, look_alike_margin, stands_out
from attendance.domain.faces import Quality, Template
from attendance.domain.reason import POOR_PICTURE, Reason
from tests.factories import MODEL, NOON, make_probe, vector_of

POINT = OperatingPoint(threshold=0.5, margin=0.1, model_id=MODEL, source="administrator", created_at=NOON)


ANNA = vector_of((1,), dim=8)


PROBE = make_probe(ANNA)


def gallery_with_scores(*scores: float) -> Gallery:
    """People 1, 2, … at these cosines from ANNA."""
    side = vector_of((2,), dim=8)
    side = side - (side @ ANNA) * ANNA
    side = side / np.linalg.norm(side)
    rows = [Template((s * ANNA + math.sqrt(1 - s * s) * side).astype(np.float32), MODEL) for s in scores]
    return Gallery(list(range(1, len(rows) + 1)), rows, MODEL, 1)


def test_a_near_person_is_matched_with_the_raw_scores() -> None:
    decision = decide(PROBE, gallery_with_scores(0.8, 0.3), POINT)
    assert (decision.reason, decision.person_id, decision.granted) == (Reason.MATCHED, 1, True)
    assert decision.score == pytest.approx(0.8, abs=1e-5)
    assert decision.runner_up == pytest.approx(0.3, abs=1e-5)
    assert decision.threshold == 0.5


def test_a_stranger_is_unknown_and_not_named() -> None:
    decision = decide(PROBE, gallery_with_scores(0.45, 0.44), POINT)
    assert (decision.reason, decision.person_id) == (Reason.UNKNOWN, None)
    assert decision.score == pytest.approx(0.45, abs=1e-5)


def test_the_only_person_has_no_runner_up() -> None:
    decision = decide(PROBE, gallery_with_scores(0.8), POINT)
    assert (decision.granted, decision.runner_up) == (True, None)


@pytest.mark.parametrize(("second", "reason"), [(0.75, Reason.AMBIGUOUS), (0.65, Reason.MATCHED)])
def test_a_second_within_the_margin_makes_it_nobody(second: float, reason: Reason) -> None:
    assert decide(PROBE, gallery_with_scores(0.8, second), POINT).reason is reason


def test_a_second_below_the_threshold_but_within_the_margin_is_a_doubt_too() -> None:
    assert decide(PROBE, gallery_with_scores(0.52, 0.48), POINT).reason is Reason.AMBIGUOUS


def test_an_exact_tie_is_nobody_even_without_a_margin() -> None:
    gallery = Gallery([1, 2], [Template(ANNA, MODEL)] * 2, MODEL, 1)
    assert decide(PROBE, gallery, replace(POINT, margin=0)).reason is Reason.AMBIGUOUS


def test_two_templates_of_one_person_are_no_tie() -> None:
    gallery = Gallery([1, 1], [Template(ANNA, MODEL)] * 2, MODEL, 1)
    assert decide(PROBE, gallery, POINT).granted


@given(
    st.lists(st.floats(-0.99, 0.99), max_size=5),
    st.floats(0.01, 1),
    st.floats(0, 1),
)
def test_whoever_passes_is_above_the_threshold_and_beyond_the_margin(
    scores: list[float], threshold: float, margin: float
) -> None:
    decision = decide(PROBE, gallery_with_scores(*scores), replace(POINT, threshold=threshold, margin=margin))
    if decision.granted:
        best, *others = sorted(scores, reverse=True)
        assert best >= threshold - 1e-5
        assert all(best - other >= margin - 1e-5 for other in others)
        assert decision.person_id == scores.index(best) + 1 or (len(others) > 0 and best - others[0] < 1e-5)
    else:
        assert decision.person_id is None


def test_a_flaw_comes_before_everything_else() -> None:
    probe = make_probe(ANNA, flaws=(Reason.TOO_SMALL, Reason.BLURRED))
    assert decide(probe, gallery_with_scores(), None).reason is Reason.TOO_SMALL


def test_a_flawed_probe_does_not_match_though_it_has_a_template() -> None:
    probe = replace(PROBE, flaws=(Reason.BLURRED,))
    assert decide(probe, gallery_with_scores(1.0), POINT).reason is Reason.BLURRED


def test_without_an_operating_point_nobody_is_recognised() -> None:
    assert decide(PROBE, gallery_with_scores(1.0), None).reason is Reason.NO_OPERATING_POINT


def test_a_probe_without_flaws_and_without_a_template_is_a_fault() -> None:
    assert decide(replace(PROBE, template=None), gallery_with_scores(1.0), POINT).reason is Reason.FAULT


def test_an_empty_gallery_is_told_apart_from_an_unknown_face() -> None:
    assert decide(PROBE, gallery_with_scores(), POINT).reason is Reason.EMPTY_GALLERY


@pytest.mark.parametrize("foreign", ["probe", "gallery", "point"])
def test_one_part_of_another_model_and_nothing_is_compared(foreign: str) -> None:
    probe = make_probe(ANNA, model_id="old" if foreign == "probe" else MODEL)
    gallery = Gallery([], [], "old", 1) if foreign == "gallery" else gallery_with_scores(1.0)
    point = replace(POINT, model_id="old") if foreign == "point" else POINT
    assert decide(probe, gallery, point).reason is Reason.FOREIGN_MODEL


@pytest.mark.parametrize(("reason", "person_id"), [(Reason.MATCHED, None), (Reason.UNKNOWN, 1), (Reason.FAULT, 1)])
def test_a_decision_names_a_person_exactly_when_matched(reason: Reason, person_id: int | None) -> None:
    with pytest.raises(ValueError, match="exactly when matched"):
        Decision(reason, person_id, None, None, None)


def test_people_on_the_look_alike_list_need_the_larger_margin_and_others_do_not() -> None:
    plain = gallery_with_scores(0.8, 0.65)
    rows = [Template(row.copy(), MODEL) for row in plain._matrix]
    listed = Gallery([1, 2], rows, MODEL, 1, look_alikes=[(2, 1), (7, 1)])
    assert look_alike_margin(POINT.margin) == 0.2
    assert decide(PROBE, plain, POINT).granted
    refused = decide(PROBE, listed, POINT)
    assert (refused.reason, refused.runner_up) == (Reason.AMBIGUOUS, pytest.approx(0.65, abs=1e-5))


def test_a_look_alike_counts_wherever_it_ranks() -> None:
    plain = gallery_with_scores(0.8, 0.68, 0.66)
    rows = [Template(row.copy(), MODEL) for row in plain._matrix]
    assert decide(PROBE, Gallery([1, 2, 3], rows, MODEL, 1, look_alikes=[(1, 3)]), POINT).reason is Reason.AMBIGUOUS
    assert decide(PROBE, Gallery([1, 2, 3], rows, MODEL, 1, look_alikes=[(2, 3)]), POINT).granted


@given(
    st.lists(st.floats(-0.99, 0.99), min_size=1, max_size=5),
    st.floats(0.01, 1),
    st.floats(0, 0.5),
    st.sets(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=3),
)
def test_the_numbers_of_the_record_alone_tell_the_decision_again(
    scores: list[float], threshold: float, margin: float, alike: set[tuple[int, int]]
) -> None:
    plain = gallery_with_scores(*scores)
    rows = [Template(row.copy(), MODEL) for row in plain._matrix]
    listed = Gallery(list(range(1, len(rows) + 1)), rows, MODEL, 1, look_alikes=alike)
    told = decide(PROBE, listed, replace(POINT, threshold=threshold, margin=margin))

    assert told.score is not None
    assert told.threshold is not None
    assert told.margin is not None
    clear = stands_out(told.score, told.runner_up, told.margin)
    again = Reason.UNKNOWN if told.score < told.threshold else Reason.MATCHED if clear else Reason.AMBIGUOUS
    assert told.reason is again


def test_a_poor_picture_is_recorded_with_what_was_measured() -> None:
    quality = Quality(size=54, sharpness=9, brightness=20, contrast=3, yaw=-0.7, visible=0.4, roll=31, pitch=0.6)
    expected = {
        Reason.TOO_SMALL: 54,
        Reason.CUT_OFF: 0.4,
        Reason.BLURRED: 9,
        Reason.TOO_DARK: 20,
        Reason.TOO_BRIGHT: 20,
        Reason.TURNED_AWAY: 0.7,
        Reason.LOW_CONTRAST: 3,
        Reason.TILTED: 31,
        Reason.LOOKING_UP_OR_DOWN: 0.6,
        Reason.COVERED: 1.0,
    }
    assert set(expected) == POOR_PICTURE - {Reason.NO_TEMPLATE}  # nothing of that can be measured
    for flaw, value in expected.items():
        probe = replace(make_probe(ANNA, flaws=(flaw,)), quality=quality)
        assert decide(probe, gallery_with_scores(1.0), POINT).measured == pytest.approx(value)
    broken = replace(make_probe(ANNA, flaws=(Reason.TOO_SMALL,)), quality=replace(quality, size=math.nan))
    assert decide(broken, gallery_with_scores(1.0), POINT).measured is None
    assert decide(PROBE, gallery_with_scores(1.0), POINT).measured is None

"""Every way a look can end is told in words that hold no number and no other name."""

from __future__ import annotations

import re

import pytest

from attendance.domain.access.decision import decide
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint, look_alike_margin
from attendance.domain.passage import Method, Passage
from attendance.domain.reason import Reason
from attendance.service.access.explain import Doubt, doubt_of, explain
from attendance.service.access.reason_forms import OTHER_WAY
from attendance.service.access.rule_reasons import RULE_REASONS
from tests.factories import MODEL, NOON, make_passage, make_probe, make_template, near, vector_of

POINT = OperatingPoint(0.5, 0.05, MODEL, "administrator", NOON)
FACE = vector_of((1,))


def refused(reason: Reason, **changes: object) -> Passage:
    values = {"score": 0.4567, "runner_up": 0.4321, "threshold": 0.5123, "margin": 0.0511, "frames": 3} | changes
    return make_passage(granted=False, reason=reason, **values)


def decided(score: float, second: float, **gallery: object) -> Passage:
    """What the rule of the door makes of a face at these cosines from two people."""
    rows = [make_template(1).__class__(near(FACE, cosine, seed), MODEL) for seed, cosine in ((3, score), (4, second))]
    decision = decide(make_probe(FACE), Gallery([1, 2], rows, MODEL, 1, **gallery), POINT)  # type: ignore[arg-type]
    return make_passage(
        granted=decision.granted,
        reason=decision.reason,
        score=decision.score,
        runner_up=decision.runner_up,
        threshold=decision.threshold,
        margin=decision.margin,
    )


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.MATCHED])
def test_each_reason_has_its_words_and_none_of_them_is_a_number(reason: Reason) -> None:
    told = explain(refused(reason), 0.05)
    text = " ".join((told.headline, *told.seen, told.rule, *told.steps))

    assert told.steps
    assert told.seen
    assert re.findall(r"\d+", text) in ([], ["3"])  # the number of looks, and no score
    assert "  " not in text
    assert all(sentence.endswith((".", "?")) for sentence in (*told.seen, told.rule, *told.steps))


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.MATCHED and one not in RULE_REASONS])
def test_who_is_refused_by_face_hears_of_another_way(reason: Reason) -> None:
    told = explain(refused(reason))

    assert re.search(r"PIN|badge|enrolled|correction", " ".join(told.steps))


@pytest.mark.parametrize("reason", list(RULE_REASONS))
def test_who_is_refused_by_a_rule_hears_what_to_do_and_not_of_another_way(reason: Reason) -> None:
    """No PIN helps against a locked door."""
    told = explain(refused(reason))

    assert OTHER_WAY not in told.steps
    assert re.search(r"[Aa]sk|try again|[Ww]ait|[Bb]egin again|Enter|Use|second person", " ".join(told.steps))


@pytest.mark.parametrize("method", list(Method))
def test_who_was_let_in_reads_by_what(method: Method) -> None:
    told = explain(make_passage(method=method))

    words = {"pin": "pin", "terminal": "another terminal"}.get(method.value, method.value)
    assert told.headline.lower().endswith(words)


def test_the_rule_behind_a_doubt_is_read_back_from_the_record() -> None:
    second = decided(0.6, 0.57)
    alike = decided(0.6, 0.52, look_alikes=[(1, 2)])
    passing = decided(0.6, 0.3)
    disagreed = refused(
        Reason.AMBIGUOUS, score=passing.score, runner_up=passing.runner_up, threshold=0.5, margin=passing.margin
    )

    assert passing.granted
    assert doubt_of(second, POINT.margin) is Doubt.SECOND
    assert alike.margin == look_alike_margin(POINT.margin)
    assert doubt_of(alike, POINT.margin) is Doubt.LOOK_ALIKE
    assert doubt_of(disagreed, POINT.margin) is Doubt.DISAGREED
    assert "known to look alike" in " ".join(explain(alike, POINT.margin).seen)
    assert "did not agree" in " ".join(explain(disagreed, POINT.margin).seen)


def test_without_the_margin_of_then_the_doubt_is_not_guessed() -> None:
    old = refused(Reason.AMBIGUOUS, margin=None)

    assert doubt_of(old, 0.05) is Doubt.UNCLEAR
    assert "not clear" in " ".join(explain(old).seen)


def test_what_the_system_did_is_not_blamed_on_the_person() -> None:
    for reason in (Reason.FAULT, Reason.STALE_GALLERY, Reason.NO_OPERATING_POINT, Reason.FOREIGN_MODEL):
        assert not explain(refused(reason)).about_person
    assert explain(refused(Reason.UNKNOWN)).about_person

"""A camera that sends few pictures decides by what there is, as safely, and says so."""

from __future__ import annotations

import logging

import pytest

from attendance.domain.access.scoring import ATTEMPT_MEAN, BEST_PHOTO, Scoring
from attendance.domain.reason import Reason
from attendance.service.access.check_in import CheckIn, Outcome
from tests.factories import ANNA, BERT, NOBODY, STRANGER, make_frame
from tests.service.conftest import Site, compare_by


def slowly(site: Site, check_in: CheckIn, every_s: float, *colours: tuple[int, int, int]) -> list[Outcome]:
    """Show one picture after the other, after enough empty ones that the pace is known."""
    outcomes: list[Outcome] = []
    for colour in (*[NOBODY] * 5, *colours):
        site.clock.advance(every_s)
        outcomes += check_in.process(make_frame(colour, site.clock.now()))
    return outcomes


@pytest.mark.parametrize("scoring", [BEST_PHOTO, ATTEMPT_MEAN], ids=["look by look", "pooled"])
@pytest.mark.parametrize("every_s", [0.7, 1.0, 1.5, 2.0])
def test_at_few_pictures_a_second_people_pass_and_strangers_are_refused(
    staffed: Site, every_s: float, scoring: Scoring
) -> None:
    (passes,) = slowly(staffed, compare_by(staffed, scoring), every_s, ANNA, ANNA, ANNA)
    (refused,) = slowly(staffed, compare_by(staffed, scoring), every_s, STRANGER, STRANGER, STRANGER, STRANGER)

    assert passes.decision.granted and passes.settled is not None and passes.settled.frames == 3
    assert refused.decision.reason is Reason.UNKNOWN
    assert staffed.door.unlocked == [3.0]


@pytest.mark.parametrize("scoring", [BEST_PHOTO, ATTEMPT_MEAN], ids=["look by look", "pooled"])
@pytest.mark.parametrize(
    "colours",
    [
        (ANNA, ANNA),
        (ANNA, ANNA, STRANGER),
        (ANNA, BERT, ANNA, BERT),
        (ANNA, ANNA, NOBODY, NOBODY, NOBODY, NOBODY, ANNA),
    ],
    ids=["two looks", "a stranger takes the place", "two people in turns", "nobody for a while"],
)
def test_what_lets_nobody_in_at_the_usual_pace_lets_nobody_in_slowly(
    staffed: Site, colours: tuple[tuple[int, int, int], ...], scoring: Scoring
) -> None:
    slowly(staffed, compare_by(staffed, scoring), 1.5, *colours)

    assert staffed.door.unlocked == []


def test_the_camera_says_that_its_pictures_are_few_once_and_when_they_are_enough(
    staffed: Site, caplog: pytest.LogCaptureFixture
) -> None:
    check_in = staffed.check_in()
    staffed.watch(check_in, NOBODY)
    assert check_in.trouble == ""
    slowly(staffed, check_in, 1.5, *[NOBODY] * 10)
    assert "only every 1.5 s, so people must stand still" in check_in.trouble
    staffed.watch(check_in, NOBODY)
    assert check_in.trouble == ""

    said = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(said) == 2 and "stand still" in said[0] and "enough pictures" in said[1]


def test_pictures_too_far_apart_let_nobody_in_and_say_so(staffed: Site) -> None:
    check_in = staffed.check_in()
    slowly(staffed, check_in, 9.0, *[ANNA] * 6)

    assert staffed.door.unlocked == []
    assert "nobody can be recognised" in check_in.trouble

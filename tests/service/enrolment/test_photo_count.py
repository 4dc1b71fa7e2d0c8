"""Five photos are recommended, three suffice: everywhere the same."""

from __future__ import annotations

import pytest

from attendance.service.enrolment.photo_count import Coverage, coverage_of, has_too_few
from attendance.service.operations.overview import Steps


@pytest.mark.parametrize(
    ("photos", "coverage"),
    [
        (0, Coverage.NONE),
        (1, Coverage.TOO_FEW),
        (2, Coverage.TOO_FEW),
        (3, Coverage.ENOUGH),
        (4, Coverage.ENOUGH),
        (5, Coverage.PLENTY),
        (9, Coverage.PLENTY),
    ],
)
def test_three_photos_suffice_and_five_are_plenty(photos: int, coverage: Coverage) -> None:
    assert coverage_of(photos) is coverage
    assert has_too_few(photos) is (coverage in (Coverage.NONE, Coverage.TOO_FEW))


def test_the_first_steps_name_the_same_numbers() -> None:
    steps = Steps(people=True, faces=False, threshold=True, camera=True)

    assert (steps.recommended, steps.sufficient) == (5, 3)
    assert not steps.complete

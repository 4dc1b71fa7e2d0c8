"""How many photos of a person are enough: five are recommended, three suffice.

In: how many usable photos a person has.  Out: whether that is plenty, enough or too few.
Does not know: pages, what is on a photo.
Main choice: two numbers, since they answer two questions.  Light, glasses and beard change a face, so that
fewer than three different photos make a person unknown; more than five help little.
"""

from __future__ import annotations

from enum import StrEnum

RECOMMENDED = 5
SUFFICIENT = 3


class Coverage(StrEnum):
    """How well the photos of one person cover the face."""

    NONE = "none"
    TOO_FEW = "too few"
    ENOUGH = "enough"
    PLENTY = "plenty"


def coverage_of(photos: int) -> Coverage:
    """Return how well this many different photos, which the present model can compare, cover a person's face."""
    if photos >= RECOMMENDED:
        return Coverage.PLENTY
    if photos >= SUFFICIENT:
        return Coverage.ENOUGH
    return Coverage.TOO_FEW if photos else Coverage.NONE


def has_too_few(photos: int) -> bool:
    """Return whether further photos are needed before this person is recognised dependably."""
    return photos < SUFFICIENT

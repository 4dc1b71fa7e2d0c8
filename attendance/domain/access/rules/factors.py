"""Factors: what a person proves with, which sets of them are enough, and when one more is needed.

In: the factors of an access point, the proven ones, doubts.  Out: what is missing.
Does not know: how a factor is proven, whose it is; the clock.
Main choice: an OR of AND-sets, as ONVIF's security levels.  Equal rank is an equal number of factors: a doubt asks
for sets of at least two and never falls back to one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Factor(StrEnum):
    FACE = "face"
    PIN = "pin"
    BADGE = "badge"


class Doubt(StrEnum):
    """Why one factor may not be enough."""

    LOOK_ALIKE = "look_alike"
    THIN_MARGIN = "thin_margin"
    LIVENESS = "liveness"
    ODD_HOUR = "odd_hour"
    REPEATED_FAILURES = "repeated_failures"
    UNPROVEN_WEIGHTS = "unproven_weights"


FactorSet = frozenset[Factor]
ANY_ONE: tuple[FactorSet, ...] = tuple(frozenset({factor}) for factor in Factor)
ANY_TWO: tuple[FactorSet, ...] = (
    frozenset({Factor.FACE, Factor.PIN}),
    frozenset({Factor.BADGE, Factor.PIN}),
    frozenset({Factor.FACE, Factor.BADGE}),
)


@dataclass(frozen=True, slots=True)
class FactorRule:
    """Sets of factors, of which one must be proven whole.  `schedule`: when; None: always.

    `challenge`: a face counts only after the person moved as asked.  That is not a factor, and replaces none.
    Raises ValueError without a set, and for an empty one, which would let everybody pass.
    """

    sets: tuple[FactorSet, ...]
    schedule: int | None = None
    challenge: bool = False

    def __post_init__(self) -> None:
        if not self.sets or not all(self.sets):
            raise ValueError("a set of factors is empty: name at least one factor in each")


def needed(sets: Collection[FactorSet], doubtful: bool) -> tuple[FactorSet, ...]:
    """Return the sets of which one must be proven; with a doubt those of two and more, any two if there are none."""
    if not doubtful:
        return tuple(sets)
    return tuple(each for each in sets if len(each) > 1) or ANY_TWO


def missing(sets: Collection[FactorSet], proven: FactorSet) -> tuple[FactorSet, ...] | None:
    """Return what would complete each set that is begun: () when one is whole, None when none is begun.

    A face at a door that takes badge and PIN only begins nothing.
    """
    if any(each <= proven for each in sets):
        return ()
    begun = {each - proven for each in sets if each & proven}
    return tuple(sorted(begun, key=lambda each: (len(each), sorted(each)))) or None

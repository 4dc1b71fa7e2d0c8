"""Chances in words that need no arithmetic: "1 in 5,000", "2 in 100", "0.3 a year".

In: numbers.  Out: short texts.
Does not know: where a number comes from, or how sure it is.
Main choice: two digits and no more, since the intervals beside them are wide; a chance of nothing is never
rounded up from a small one, nor the other way round.
"""

from __future__ import annotations

import math

from attendance.domain.calibration.risk import MIN_PEOPLE, MIN_STRANGERS, Calibration, Verdict

# Positions of the slider: at most one stranger in so many passes.
RISKS = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


def one_in(chance: float | None) -> str:
    """0.0002 → "1 in 5,000"; above a third as a share of a hundred."""
    if chance is None:
        return "not known"
    if chance <= 0:
        return "none seen"
    if chance > 0.34:
        return f"{_digits(100 * min(chance, 1.0))} in 100"
    return f"1 in {_digits(1 / chance)}"


def stranger(found: Calibration) -> str:
    """The chance that a stranger passes, or why there is no number for it."""
    if found.fpir is not None:
        return one_in(found.fpir)
    plenty = found.strangers >= MIN_STRANGERS and found.people >= MIN_PEOPLE
    return "too rare to say" if plenty and found.verdict is Verdict.NOT_ENOUGH else "not known"


def out_of(share: float | None) -> str:
    """0.02 → "2 in 100", 0.004 → "4 in 1,000"."""
    if share is None:
        return "not known"
    if share <= 0:
        return "none seen"
    whole = next((one for one in (100, 1_000, 10_000) if share * one >= 0.995), None)
    return f"1 in {_digits(1 / share)}" if whole is None else f"{_digits(share * whole)} in {whole:,}"


def a_year(number: float | None) -> str:
    """0.3 → "0.3 a year"; rarer than one in twenty years as "1 in 250 years"."""
    if number is None:
        return "not known yet"
    if number <= 0:
        return "none"
    if number < 0.05:
        return f"1 in {_digits(1 / number)} years"
    return f"{_digits(number)} a year"


def nearest_step(risk: float) -> int:
    """The slider's position that comes nearest to a risk of one in so many."""
    return min(range(len(RISKS)), key=lambda step: abs(math.log(RISKS[step]) - math.log(max(risk, 1.0))))


def _digits(value: float) -> str:
    """Two digits, or the whole number below a hundred where it is one: 4,876 → 4,900, 1.54 → 1.5, 3.0 → 3."""
    if value >= 1e12:
        return "a million million"
    places = 1 - math.floor(math.log10(value))
    rounded = round(value, places)
    return (
        f"{rounded:,.0f}" if rounded >= 10 or rounded == int(rounded) else f"{rounded:.{max(1, places)}f}".rstrip("0")
    )

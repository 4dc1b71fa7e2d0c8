"""Chances in words that need no arithmetic: "1 in 5,000", "2 in 100", "0.3 a year"; for pages and the command line.

In: numbers, and the locale that writes them.  Out: short texts, in the language of the request.
Does not know: where a number comes from, or how sure it is.
Main choice: two digits and no more, since the intervals beside them are wide; a chance of nothing is never
rounded up from a small one, nor the other way round.
"""

from __future__ import annotations

import math

from babel.numbers import format_decimal

from attendance.domain.calibration.risk import MIN_PEOPLE, MIN_STRANGERS, Calibration, Verdict
from attendance.texts import gettext as _

# The command line is English; pages pass the site's locale.
ENGLISH = "en_GB"


def one_in(chance: float | None, locale: str = ENGLISH) -> str:
    """Return 0.0002 as "1 in 5,000", and a chance above a third as a share of a hundred."""
    if chance is None:
        return _("not known")
    if chance <= 0:
        return _("none seen")
    if chance > 0.34:
        return _share(_digits(100 * min(chance, 1.0), locale), 100, locale)
    return _("1 in %(number)s", number=_digits(1 / chance, locale))


def stranger(calibration: Calibration, locale: str = ENGLISH) -> str:
    """Return the chance that a stranger passes, or why there is no number for it."""
    if calibration.fpir is not None:
        return one_in(calibration.fpir, locale)
    plenty = calibration.strangers >= MIN_STRANGERS and calibration.people >= MIN_PEOPLE
    return _("too rare to say") if plenty and calibration.verdict is Verdict.NOT_ENOUGH else _("not known")


def out_of(share: float | None, locale: str = ENGLISH) -> str:
    """Return 0.02 as "2 in 100", and 0.004 as "4 in 1,000"."""
    if share is None:
        return _("not known")
    if share <= 0:
        return _("none seen")
    whole = next((size for size in (100, 1_000, 10_000) if share * size >= 0.995), None)
    if whole is None:
        return _("1 in %(number)s", number=_digits(1 / share, locale))
    return _share(_digits(share * whole, locale), whole, locale)


def a_year(number: float | None, locale: str = ENGLISH) -> str:
    """Return 0.3 as "0.3 a year"; a number below one in twenty years as "1 in 250 years"."""
    if number is None:
        return _("not known yet")
    if number <= 0:
        return _("none")
    if number < 0.05:
        return _("1 in %(number)s years", number=_digits(1 / number, locale))
    return _("%(number)s a year", number=_digits(number, locale))


def _share(part: str, whole: int, locale: str) -> str:
    return _("%(part)s in %(whole)s", part=part, whole=format_decimal(whole, "#,##0", locale=locale))


def _digits(value: float, locale: str) -> str:
    """Return two digits, without zeros after the point: 4,876 → 4,900, 1.54 → 1.5, 3.0 → 3."""
    if value >= 1e12:
        return _("a million million")
    rounded = round(value, 1 - math.floor(math.log10(value)))
    return format_decimal(rounded, "#,##0.###", locale=locale)

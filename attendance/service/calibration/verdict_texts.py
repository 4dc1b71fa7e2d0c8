"""The words of a verdict, for pages, the record and the command line.

In: a verdict of the domain.  Out: a short name, a sentence; in the language of the request.
Does not know: numbers, pages.
"""

from __future__ import annotations

from attendance.domain.calibration.risk import Calibration, Verdict
from attendance.texts import N_, ngettext
from attendance.texts import gettext as _

# A name for a label, and what it means.
_TEXTS: dict[Verdict, tuple[str, str]] = {
    Verdict.MEASURED: (
        N_("measured"),
        N_("Enough strangers reached this threshold: the rate is a measurement."),
    ),
    Verdict.EXTRAPOLATED: (
        N_("extrapolated"),
        N_("Too few strangers reached this threshold; the rate is extrapolated from lower ones."),
    ),
    Verdict.ESTIMATED: (
        N_("estimated"),
        N_("You have too few people for a measurement; this is a careful estimate from packaged faces."),
    ),
    Verdict.NOT_ENOUGH: (
        N_("not enough data"),
        N_("There are too few people or too few strangers to say anything at this risk."),
    ),
    Verdict.BROKEN: (
        N_("broken scores"),
        N_("Some scores are not numbers, so all are rejected: check the weights and enrol again."),
    ),
    Verdict.FOREIGN: (
        N_("another model’s scores"),
        N_("These scores come from another model: make a reference for this one, or enrol again."),
    ),
    Verdict.ALIKE: (
        N_("faces not distinguished"),
        N_("Different people score as if they were one: look for people enrolled twice, or by one photo."),
    ),
}


def verdict_name(verdict: Verdict | str) -> str:
    """Return the verdict's name for a label; a stored value that is not a verdict stays as it is."""
    try:
        return _(_TEXTS[Verdict(verdict)][0])
    except ValueError:
        return verdict


def why_no_number(calibration: Calibration) -> str:
    """Return what the verdict means, and how many people are missing for a number."""
    sentence = verdict_sentence(calibration.verdict)
    if not calibration.missing:
        return sentence
    more = ngettext(
        "Enrol at least %(number)s more person for a number at this risk.",
        "Enrol at least %(number)s more people for a number at this risk.",
        calibration.missing,
    )
    return f"{sentence} {more}"


def verdict_sentence(verdict: Verdict) -> str:
    """Return what the verdict means."""
    return _(_TEXTS[verdict][1])

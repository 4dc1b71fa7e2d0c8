"""Why somebody was refused, in words for that person.

In: a passage.  Out: an `Explanation`: what was seen, which rule refused it, what to do next.
Does not know: pages, names, the database; what a reason says alone (`reason_table.py`).
Main choice: the words are for the employee, so they hold no score and nobody else's name, whoever reads
them; the numbers are shown beside them, to operators only (web/access/why.py).  Trade-off: "like two people"
cannot say which two, and a refusal keeps no candidate from which it could.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from attendance.domain.access.operating_point import stands_out
from attendance.domain.passage import Method, Passage
from attendance.domain.reason import Reason
from attendance.service.access.reason_forms import BETTER_PHOTOS, OTHER_WAY, Explanation
from attendance.service.access.reason_texts import explanation_of
from attendance.texts import N_, ngettext
from attendance.texts import gettext as _


class Doubt(StrEnum):
    """Which of the rules against doubt refused a face that was like somebody's."""

    SECOND = "second"  # another person was nearly as near
    LOOK_ALIKE = "look-alike"  # nearer than most pairs may be, and not far enough for two who look alike
    DISAGREED = "disagreed"  # the looks named two people, or one person was in two places
    UNCLEAR = "unclear"  # the record does not say


def explain(passage: Passage, usual_margin: float | None = None) -> Explanation:
    """Explain in words.  `usual_margin`: between most people when it happened, None if that is not known."""
    explanation = explanation_of(passage.reason)
    if passage.granted:
        return _granted(passage, explanation)
    if passage.reason is Reason.AMBIGUOUS:
        explanation = _ambiguous(explanation, doubt_of(passage, usual_margin))
    if passage.reason in (Reason.UNKNOWN, Reason.AMBIGUOUS):
        return replace(explanation, seen=(_looks(passage), *explanation.seen))
    return explanation


def doubt_of(passage: Passage, usual_margin: float | None = None) -> Doubt:
    """Return which rule refused an ambiguous look, read back from the numbers of the record."""
    if passage.margin is None or passage.score is None:
        return Doubt.UNCLEAR
    if stands_out(passage.score, passage.runner_up, passage.margin):
        return Doubt.DISAGREED  # alone it would have passed
    # Between look-alikes the record holds the larger margin that was asked of them.
    wider = usual_margin is not None and passage.margin > usual_margin + 1e-9
    return Doubt.LOOK_ALIKE if wider else Doubt.SECOND


def _looks(passage: Passage) -> str:
    return ngettext("One look was compared.", "%(number)s looks were compared.", max(passage.frames, 1))


def _granted(passage: Passage, by_face: Explanation) -> Explanation:
    if passage.method is Method.FACE:
        return replace(by_face, seen=(" ".join((_looks(passage), *by_face.seen)),))
    if passage.method is Method.TERMINAL:
        taken = _("This check-in was taken in from the file of another terminal.")
        rule = _("The terminal's user has this person's staff number.")
        return replace(by_face, headline=_("Check-in of another terminal"), seen=(taken,), rule=rule)
    headline, seen = (
        (_("Let in, by PIN"), _("The PIN identified the person."))
        if passage.method is Method.PIN
        else (_("Let in, by badge"), _("The badge identified the person."))
    )
    return replace(
        by_face, headline=headline, seen=(seen,), rule=_("The staff number or badge belongs to an active person.")
    )


def _ambiguous(explanation: Explanation, doubt: Doubt) -> Explanation:
    if doubt not in _DOUBTS:
        return explanation
    seen, rule, again = _DOUBTS[doubt]
    return replace(explanation, seen=(_(seen),), rule=_(rule), steps=(_(again), _(OTHER_WAY), _(BETTER_PHOTOS)))


_CLOSER = N_("Come a little closer, look straight at the camera and try again.")
# What was seen, the rule, and how to try again.
_DOUBTS = {
    Doubt.SECOND: (
        N_("Your face was like the photos of two people, and the difference was small."),
        N_(
            "The nearest person must be clearly ahead of the second. Otherwise nobody is identified: better no "
            "entry than the wrong name."
        ),
        _CLOSER,
    ),
    Doubt.LOOK_ALIKE: (
        N_("Your face was like the photos of two people who are known to look alike."),
        N_(
            "Between two people who look alike the difference must be larger than between others. Otherwise nobody "
            "is identified: better no entry than the wrong name."
        ),
        _CLOSER,
    ),
    Doubt.DISAGREED: (
        N_("The looks did not agree on one person; perhaps two people came together."),
        N_(
            "Several looks in a row must match the same person and nobody else. Otherwise nobody is identified: "
            "better no entry than the wrong name."
        ),
        N_("Step up alone, stop for a moment and look straight at the camera."),
    ),
}

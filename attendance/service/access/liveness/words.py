"""What the cues of liveness said about a passage, in words for operators.

In: what is stored about a passage.  Out: a headline and a row for each cue.
Does not know: pages, the database.
Main choice: each cue says what it saw or that it abstained, and what that weighed, so that nobody has to believe one
number.
"""

from __future__ import annotations

from dataclasses import dataclass

from attendance.domain.access.liveness.fusion import Policy, Verdict, plane_ratio, ring_ratio
from attendance.store.access.liveness import Found
from attendance.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Cue:
    """One row: what it is, its value as text, what it means."""

    label: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class LivenessWords:
    """`headline`: the verdict and what followed."""

    headline: str
    cues: tuple[Cue, ...]


def liveness_words(found: Found) -> LivenessWords:
    """Return the verdict, what followed from it, and what each cue said."""
    judgement = found.judgement
    network = judgement.network
    cues = (
        Cue(
            _("Network"),
            "–" if network is None else f"{network:+.2f}",
            _("Mean of %(number)s answers; above 0 looks alive.", number=judgement.looks)
            if network is not None
            else _("It did not look."),
        ),
        Cue(
            _("Surroundings of the face"),
            "–" if judgement.ring is None else f"{judgement.ring:+.2f}",
            _step(ring_ratio(judgement.ring), judgement.ring, _("They moved with the face, as a held picture’s do.")),
        ),
        Cue(
            _("Depth of the face"),
            "–" if judgement.plane is None else f"{judgement.plane:.2f}",
            _step(plane_ratio(judgement.plane), judgement.plane, _("Its points moved as points of one plane do.")),
        ),
        Cue(_("Together"), f"{judgement.ratio:+.1f}", _("Log-likelihood ratio: higher means a living person.")),
    )
    return LivenessWords(f"{_verdict(judgement.verdict)} {_policy(found.policy, judgement.verdict)}", cues)


def verdict_words(verdict: Verdict) -> str:
    """Return the verdict in a few words, for a table."""
    return {
        Verdict.LIVE: _("looks alive"),
        Verdict.UNCLEAR: _("liveness unclear"),
        Verdict.ATTACK: _("looks like a picture"),
    }[verdict]


def _step(ratio: float, value: float | None, against: str) -> str:
    if value is None:
        return _("It abstained: the face moved too little.")
    if ratio < 0:
        return against
    return _("It speaks for a living person.") if ratio > 0 else _("It says nothing either way.")


def _verdict(verdict: Verdict) -> str:
    return {
        Verdict.LIVE: _("A living person, by all cues together."),
        Verdict.UNCLEAR: _("The cues did not decide."),
        Verdict.ATTACK: _("Rather a picture of a person."),
    }[verdict]


def _policy(policy: Policy, verdict: Verdict) -> str:
    if policy is Policy.WATCH:
        if verdict is Verdict.LIVE:
            return _("This camera only watches.")
        return _("This camera only watches: the person was let in. With “refuse” the door would have stayed closed.")
    if verdict is Verdict.LIVE:
        return ""
    return _("This door asks for a second factor then.") if policy is Policy.STEP_UP else _("This door refuses then.")

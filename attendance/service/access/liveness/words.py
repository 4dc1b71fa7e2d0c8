"""What the cues of liveness said about a passage, and how a person moved who was asked to, in words for operators.

In: what is stored about a passage.  Out: a headline and a row for each cue, and for each movement.
Does not know: pages, the database.
Main choice: each cue says what it saw or that it abstained, and what that weighed, so that nobody has to believe one
number.
"""

from __future__ import annotations

from dataclasses import dataclass

from attendance.domain.access.liveness.challenge import NEARER, TURNED, Ended, Step
from attendance.domain.access.liveness.fusion import Policy, Verdict, plane_ratio, ring_ratio
from attendance.store.access.challenges import Kept
from attendance.store.access.liveness import Found
from attendance.texts import gettext as _


@dataclass(frozen=True, slots=True)
class Cue:
    """One row: what it is, its value as text, what it means."""

    label: str
    value: str
    words: str


@dataclass(frozen=True, slots=True)
class ChallengeWords:
    """`headline`: why the person was asked, and how it ended · `steps`: a row for each movement."""

    headline: str
    steps: tuple[Cue, ...]


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


def challenge_words(kept: Kept) -> ChallengeWords:
    """Return what was asked of the person, what was seen of each step, and how it ended."""
    why = _("The door’s rule asks every face.") if kept.why == "rule" else _("The cues did not decide.")
    rows = []
    for number, step in enumerate(kept.steps):
        done = kept.done[number] if number < len(kept.done) else None
        if done is None:
            rows.append(Cue(step_name(step), "–", _("Not seen.")))
            continue
        nearer = step is Step.NEARER
        amount = f"{float(done['amount']):.2f}"
        words = (
            _("Times the size before; %(limit)s is enough.", limit=NEARER)
            if nearer
            else _(
                "How far the nose left the plane of the face, in distances of the eyes; %(limit)s is enough.",
                limit=TURNED,
            )
        )
        after = _("After %(seconds)s s.", seconds=f"{float(done['seconds']):.1f}")
        rows.append(Cue(step_name(step), amount, f"{words} {after}"))
    return ChallengeWords(f"{why} {ended_words(kept.ended)}", tuple(rows))


def step_name(step: Step) -> str:
    """Return a step in a few words, for a table."""
    return {
        Step.LEFT: _("Head to the left"),
        Step.RIGHT: _("Head to the right"),
        Step.NEARER: _("Closer to the camera"),
    }[step]


def ended_words(ended: Ended) -> str:
    """Return how a challenge ended, as a sentence."""
    return {
        Ended.PASSED: _("The person moved as asked."),
        Ended.TOO_LATE: _("The time was over before all was done."),
        Ended.OTHER_MOVE: _("The face moved otherwise than asked: by mistake, or a recording made for another order."),
        Ended.FLAT: _("The face moved as a flat picture does."),
        Ended.OTHER_FACE: _("Another face came into its place."),
        Ended.JUMPED: _("The face jumped to another place."),
        Ended.GONE: _("The face was gone."),
        Ended.DECLINED: _("The person preferred a PIN or badge."),
        Ended.NOT_SHOWN: _("It could not be shown what to do."),
    }[ended]


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
    if policy is Policy.CHALLENGE and verdict is Verdict.UNCLEAR:
        return _("This door asks the person to move then.")
    if policy is Policy.REFUSE:
        return _("This door refuses then.")
    return _("This door asks for a second factor then.")

"""Is the face of a track a living person's?  Several cues, one log-likelihood ratio, one operating point.

In: the network's logits and the two geometric cues of a track, a `LivenessPoint`.  Out: a `Judgement`.
Does not know: pixels, doors, where a point comes from.
Main choice: a sum of log-likelihood ratios in which a cue that abstains adds nothing.  Between the two limits the
answer is «unclear», and more looks are taken; so they are where one look lies just beyond a limit.  Trade-off: looks of
one track are alike, so the network's looks count as one look, their mean, and never as several witnesses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST = 6.0  # one cue alone never says more than e^6 to one
# Beyond a limit by so much, one look decides; of the attacks that fix the card's limit (0) one look in a hundred lies
# above 1.8 (docs/LOG.md).
SURE = 2.0
MOST_LOOKS = 3  # of the network, until the verdict


class Policy(StrEnum):
    """What follows at a door.  Stored by value: never rename one."""

    OFF = "off"
    WATCH = "watch"  # record what would have happened, and let the person in
    CHALLENGE = "challenge"  # in doubt, ask the person to turn the head or come nearer
    STEP_UP = "step_up"  # ask for a second factor
    REFUSE = "refuse"


AUTO = "auto"  # the settings' word for: depends on the drills at this camera


def policy_in_force(choice: str, *, drilled: bool, upgraded: bool) -> Policy:
    """Return what follows at a camera.  `choice`: a policy, which always holds, or AUTO.

    `drilled`: whether a drill there gave the point in force.  `upgraded`: the site was in use before it could choose,
    so that an upgrade does not ask its people for more.
    """
    if choice != AUTO:
        return Policy(choice)
    return Policy.STEP_UP if drilled and not upgraded else Policy.WATCH


class Verdict(StrEnum):
    """What the cues say together.  Stored by value: never rename one."""

    LIVE = "live"
    UNCLEAR = "unclear"
    ATTACK = "attack"


@dataclass(frozen=True, slots=True)
class LivenessPoint:
    """The operating point.  The network's ratio is `slope` × logit + `offset`.

    `live_from`, `attack_below`: limits of the sum, natural logarithm.  ValueError unless attack_below ≤ live_from and
    all are finite.
    """

    slope: float
    offset: float
    live_from: float
    attack_below: float
    source: str = "card"

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.slope, self.offset, self.live_from, self.attack_below)):
            raise ValueError("an operating point is finite")
        if self.slope <= 0:
            raise ValueError("a higher logit means a living face: the slope is positive")
        if self.attack_below > self.live_from:
            raise ValueError("attack_below is not above live_from")


def point_of(values: Mapping[str, object], source: str = "card") -> LivenessPoint | None:
    """Return the point of a card's or a drill's numbers; None if one is missing."""
    names = ("slope", "offset", "live_from", "attack_below")
    numbers = [values.get(name) for name in names]
    if not all(isinstance(number, int | float) for number in numbers):
        return None
    slope, offset, live_from, attack_below = (float(number) for number in numbers)  # type: ignore[arg-type]
    return LivenessPoint(slope, offset, live_from, attack_below, source)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found.  `ratio`: the sum · `network`: mean logit of `looks` looks · `ring`, `plane`: the cues' values.

    None: that cue abstained.
    """

    verdict: Verdict
    ratio: float
    looks: int
    network: float | None
    ring: float | None
    plane: float | None


# The geometric cues' ratios.  They are steps: values between them come from motion that was too small to tell.
RING_MOVES, RING_STAYS = 0.25, -0.25
FLAT, SOLID = 0.3, 0.6


def ring_ratio(value: float | None) -> float:
    """Return the ring's ratio.  A ring that stays says little: a picture may be smaller than the ring."""
    if value is None:
        return 0.0
    if value >= RING_MOVES:
        return -4.0
    return 0.5 if value <= RING_STAYS else 0.0


def plane_ratio(value: float | None) -> float:
    """Return the ratio of flat motion; five points are few, so it never decides alone."""
    if value is None:
        return 0.0
    if value <= FLAT:
        return -1.5
    return 0.5 if value >= SOLID else 0.0


def network_ratio(logits: Sequence[float], point: LivenessPoint) -> float:
    """Return the ratio of the mean logit; 0 without a look."""
    if not logits:
        return 0.0
    mean = sum(logits) / len(logits)
    return max(-MOST, min(MOST, point.slope * mean + point.offset))


def judge(logits: Sequence[float], ring: float | None, plane: float | None, point: LivenessPoint) -> Judgement:
    """Fuse what was seen so far.  Without a look of the network the answer is «unclear» or «attack», never «live»."""
    ratio = network_ratio(logits, point) + ring_ratio(ring) + plane_ratio(plane)
    verdict = Verdict.UNCLEAR
    if ratio < point.attack_below:
        verdict = Verdict.ATTACK
    elif logits and ratio >= point.live_from:
        verdict = Verdict.LIVE
    mean = sum(logits) / len(logits) if logits else None
    return Judgement(verdict, ratio, len(logits), mean, ring, plane)


def is_sure(judgement: Judgement, point: LivenessPoint) -> bool:
    """Return whether no further look is needed: the sum lies well beyond a limit."""
    if judgement.verdict is Verdict.LIVE:
        return judgement.ratio >= point.live_from + SURE
    return judgement.verdict is Verdict.ATTACK and judgement.ratio < point.attack_below - SURE


def attempt(logits: Sequence[float], point: LivenessPoint) -> Judgement:
    """Return the judgement on somebody of whom the network answered so, one look after the other; ValueError for none.

    Looks that are not needed are not taken.
    """
    if not logits:
        raise ValueError("an attempt has a look")
    judgement = judge(logits[:1], None, None, point)
    for count in range(2, min(len(logits), MOST_LOOKS) + 1):
        if is_sure(judgement, point):
            break
        judgement = judge(logits[:count], None, None, point)
    return judgement


def guess_of(judgement: Judgement) -> str:
    """Return which kind of attack the cues point to: "still picture", or "unknown" where motion said nothing.

    The network does not tell a print from a screen or a replay, so nothing finer is claimed.
    """
    still = ring_ratio(judgement.ring) < 0 or plane_ratio(judgement.plane) < 0
    return "still picture" if still else "unknown"

"""The result of a liveness drill at a camera: attacks and living people, their rates, an operating point.

In: trials with what the cues said.  Out: APCER by species and BPCER with counts and exact 95 % bounds; a point.
Does not know: cameras, networks, databases, paper.
Main choice: a bound counts people and instruments, too, and not only trials, since ten tries with one photo are hardly
more than one.  Trade-off: few people give wide bounds, however often they try.

APCER: trials with an attack that the cues took for a living person.  BPCER: trials of living people that they did not.
A trial in which no face settled is counted apart, and not as an error.  Words: ISO/IEC 30107-3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from attendance.domain.access.liveness.calibrating import DOUBT, calibration, limit_at
from attendance.domain.access.liveness.fusion import Judgement, LivenessPoint, Verdict, judge
from attendance.domain.calibration.error_rates import clopper_pearson

LEAST_PEOPLE, LEAST_LIVE = 5, 20  # for a point
LEAST_ATTACKS = 10  # of a species, for its rate and for a point
TARGET_BPCER = 0.05


class Species(StrEnum):
    """Who or what comes before the camera, in the order of the drill.  Stored by value: never rename one."""

    LIVE = "live"
    PRINT = "print"
    PHONE = "phone"
    TABLET = "tablet"
    REPLAY = "replay"


ATTACKS = tuple(one for one in Species if one is not Species.LIVE)


@dataclass(frozen=True, slots=True)
class Trial:
    """One time before the camera.  `who`: the living person or the instrument, the same text for the same one ·
    `judgement`: None if no face settled."""

    species: Species
    who: str
    at: datetime
    judgement: Judgement | None

    @property
    def alive(self) -> bool:
        """Return whether the cues took it for a living person."""
        return self.judgement is not None and self.judgement.verdict is Verdict.LIVE


@dataclass(frozen=True, slots=True)
class DrillRate:
    """`errors` of `trials` of `things` people or instruments, with 95 % bounds; `unseen`: trials without a face.

    `enough`: whether the number of trials says anything.
    """

    species: Species
    errors: int
    trials: int
    things: int
    unseen: int
    low: float
    high: float
    enough: bool

    @property
    def rate(self) -> float | None:
        """Return errors per trial; None without trials."""
        return self.errors / self.trials if self.trials else None


def rates_of(trials: Sequence[Trial]) -> tuple[DrillRate, ...]:
    """Return BPCER and then the APCER of each species, also of those that were not tried."""
    return tuple(_rate(species, [one for one in trials if one.species is species]) for species in Species)


def missing(trials: Sequence[Trial]) -> dict[Species, int]:
    """Return how many trials each species still lacks for its rate; living people also count as people."""
    lacks = {}
    for rate in rates_of(trials):
        least = LEAST_LIVE if rate.species is Species.LIVE else LEAST_ATTACKS
        people = LEAST_PEOPLE - rate.things if rate.species is Species.LIVE else 0
        lacks[rate.species] = max(0, least - rate.trials, people)
    return lacks


def point_from(trials: Sequence[Trial], source: str) -> LivenessPoint | None:
    """Return the point that these trials give; None if they are too few or the network does not tell them apart.

    It lets at least 95 % of the living people's trials pass, and nobody who looks more like an attack than alive.
    Enough: LEAST_LIVE of LEAST_PEOPLE people, LEAST_ATTACKS prints and as many attacks with some screen.
    """
    seen = [(one, one.judgement) for one in trials if one.judgement is not None and one.judgement.network is not None]
    live = np.array([j.network for one, j in seen if one.species is Species.LIVE], np.float64)
    prints = sum(one.species is Species.PRINT for one, _ in seen)
    attacks = np.array([j.network for one, j in seen if one.species is not Species.LIVE], np.float64)
    people = {one.who for one, _ in seen if one.species is Species.LIVE}
    enough = len(people) >= LEAST_PEOPLE and len(live) >= LEAST_LIVE and prints >= LEAST_ATTACKS
    if not enough or len(attacks) - prints < LEAST_ATTACKS or live.mean() <= attacks.mean():
        return None
    slope, offset = calibration(live, attacks)
    plain = LivenessPoint(slope, offset, 0.0, -DOUBT, source)
    sums = np.array([again(j, plain).ratio for one, j in seen if one.species is Species.LIVE])
    # Never below an even chance, however alive the people of the drill looked.
    limit = max(limit_at(sums, TARGET_BPCER), 0.0)
    return LivenessPoint(slope, offset, limit, limit - DOUBT, source)


def again(judgement: Judgement, point: LivenessPoint) -> Judgement:
    """Judge the same cues by another point; «looks» counts the network's answers as before."""
    logits = [] if judgement.network is None else [judgement.network] * max(1, judgement.looks)
    return judge(logits, judgement.ring, judgement.plane, point)


def judged_again(trials: Sequence[Trial], point: LivenessPoint) -> tuple[Trial, ...]:
    """Return the trials as this point would have judged them."""
    return tuple(
        Trial(one.species, one.who, one.at, None if one.judgement is None else again(one.judgement, point))
        for one in trials
    )


def _rate(species: Species, trials: Sequence[Trial]) -> DrillRate:
    seen = [one for one in trials if one.judgement is not None]
    wrong = [one for one in seen if one.alive is (species is not Species.LIVE)]
    things = len({one.who for one in seen})
    low, high = clopper_pearson(len(wrong), len(seen))
    if seen:  # as if each person or instrument were one trial; rounded before it is cut: 0.3 of 10 are 3
        share = round(len(wrong) / len(seen) * things, 9)
        low = min(low, clopper_pearson(math.floor(share), things)[0])
        high = max(high, clopper_pearson(math.ceil(share), things)[1])
    least = LEAST_LIVE if species is Species.LIVE else LEAST_ATTACKS
    enough = len(seen) >= least and (species is not Species.LIVE or things >= LEAST_PEOPLE)
    return DrillRate(species, len(wrong), len(seen), things, len(trials) - len(seen), low, high, enough)

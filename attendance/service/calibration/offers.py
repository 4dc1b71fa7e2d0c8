"""Thresholds that are offered for a risk: what each means for this site's people, and putting one in force.

In: `SiteScores`; an accepted risk, or a threshold.  Out: `Offer`s, a curve, an outlook for each person; a new
operating point.
Does not know: pages, pictures; how a rate is computed (`domain/calibration`).
Main choice: everything of one `SiteScores` is computed with the same random draws, so that the same people give the
same numbers, on every page and in the record.  Trade-off: its 95 % are one draw of what chance could have given.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import BEST_PHOTO
from attendance.domain.calibration import site_calibration
from attendance.domain.calibration.false_rejections import Share, share_refused
from attendance.domain.calibration.risk import MIN_STRANGERS, Calibration, Ints, Verdict
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Actor, ActorKind, Value, record
from attendance.service.calibration.site_scores import SiteScores
from attendance.service.calibration.verdict_texts import verdict_sentence
from attendance.store.calibration import operating_points
from attendance.store.calibration.operating_points import Basis, PointRow
from attendance.store.crypto import Keys
from attendance.texts import gettext as _

log = logging.getLogger(__name__)
RISK = 1000
CURVE = tuple(round(0.05 + 0.01 * step, 2) for step in range(91))
# Refused in so large a share of looks, and in so much larger a share than people on average: enrol again.
_OFTEN, _MORE = 0.25, 0.2
# So many times more strangers reach this person than people on average.
_TIMES = 5.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A threshold and what it means here.

    `calibration`: chance that a stranger passes, with its verdict.  `threshold`: the one to use; if the verdict
    gives no number the weights' conservative default (`fallback`), None without either.  `refused`: how often one's
    own people are refused at it.
    """

    calibration: Calibration
    threshold: float | None
    fallback: bool
    refused: Share

    @property
    def verdict(self) -> Verdict:
        return self.calibration.verdict


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What one position of a slider means; `fpir` with `low`..`high` is None where nothing can be said."""

    threshold: float
    fpir: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    refused: float | None
    refused_low: float
    refused_high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """One person at a threshold: how often refused of `tries`, the lowest and the middle score; None without tries.

    `strangers`: how many of the strangers would be taken for this person.  `advice`: "" when nothing is to do.
    """

    person_id: int
    name: str
    templates: int
    tries: int
    refused: int
    lowest: float | None
    middle: float | None
    strangers: int
    advice: str

    @property
    def enrol_again(self) -> bool:
        return bool(self.advice)


def calibrate_site(site_scores: SiteScores, risk: float = RISK, people: int | None = None) -> Offer:
    """Offer the lowest threshold at which at most one stranger in `risk` passes; `people`: not today's number.

    Raises UserError unless 2 ≤ risk ≤ 10,000,000.
    """
    target, number = _target(risk), site_scores.people if people is None else people
    calibration = site_calibration.calibrate_site(
        site_scores.strangers,
        site_scores.model_id,
        number,
        target / site_scores.tries,
        np.random.default_rng(site_scores.seed),
    )
    calibration = _of_an_attempt(calibration, site_scores.tries, target)
    default, lowest = site_scores.default, calibration.threshold
    if site_scores.people < MIN_STRANGERS and lowest is not None and default is not None and lowest < default:
        # Few people never loosen the weights' own.  Where it is too rare to say, the lower threshold's rate bounds it.
        higher = at(site_scores, default, risk, people=people)
        return higher if higher.verdict.usable else _offer(site_scores, calibration, default, False)
    fallback = calibration.threshold is None
    return _offer(site_scores, calibration, site_scores.default if fallback else calibration.threshold, fallback)


def at(
    site_scores: SiteScores, threshold: float, risk: float = RISK, draws: int = 400, people: int | None = None
) -> Offer:
    """Return what a given threshold risks today; `people`: among so many instead."""
    if not (math.isfinite(threshold) and 0 < threshold < 1):
        raise UserError("a threshold is a cosine between 0 and 1, not %(threshold)s", threshold=threshold)
    random = np.random.default_rng(site_scores.seed)
    number = site_scores.people if people is None else people
    (calibration,) = site_calibration.curve_site(
        site_scores.strangers, site_scores.model_id, number, [threshold], _target(risk), random, draws
    )
    calibration = _of_an_attempt(calibration, site_scores.tries, _target(risk))
    return _offer(site_scores, calibration, threshold, False)


def curve(site_scores: SiteScores, thresholds: Sequence[float] = CURVE, draws: int = 100) -> list[CurvePoint]:
    """Return `at` for each position of a slider, ascending.

    Where the estimate changes its kind (measured, extrapolated) it may jump; a lower threshold is then never said to
    risk less than a higher one.
    """
    points: list[CurvePoint] = []
    floor: tuple[float, float, float] | None = None
    falling = sorted(thresholds, reverse=True)
    random = np.random.default_rng(site_scores.seed)
    rates = site_calibration.curve_site(
        site_scores.strangers, site_scores.model_id, site_scores.people, falling, 1 / RISK, random, draws
    )
    for threshold, first in zip(falling, rates, strict=True):
        calibration = _of_an_attempt(first, site_scores.tries, 1 / RISK)
        share = _offer(site_scores, calibration, threshold, False).refused
        if calibration.fpir is not None and calibration.low is not None and calibration.high is not None:
            here = (calibration.fpir, calibration.low, calibration.high)
            floor = here if floor is None else tuple(map(max, here, floor))  # type: ignore[assignment]
        fpir, low, high = floor if calibration.fpir is not None and floor is not None else (None, None, None)
        points.append(CurvePoint(threshold, fpir, low, high, calibration.verdict, share.value, share.low, share.high))
    return points[::-1]


def _of_an_attempt(first: Calibration, tries: float, target: float) -> Calibration:
    """Return what an attempt risks, from what its first looks do: its best score is one of several tries."""
    if tries == 1:
        return first

    def best(chance: float | None) -> float | None:
        return None if chance is None else min(1.0, tries * chance)

    # From below as if the further looks gave nothing: nobody knows how much they differ here.
    trial = None if first.trial is None else (first.trial[0], min(1.0, tries * first.trial[1]))
    return replace(
        first,
        target=target,
        formula=best(first.formula),
        direct=best(first.direct),
        high=best(first.high),
        trial=trial,
    )


def outlook(site_scores: SiteScores, threshold: float) -> list[Outlook]:
    """Return everybody at this threshold: first those to enrol again, then those who are refused most.

    Only people who are worse off than the others get advice: if a threshold refuses everybody, new photos of one
    person do not help.
    """
    taken = _taken_for(site_scores, threshold)
    everybody = [_outlook(site_scores, column, threshold, int(taken[column])) for column in range(site_scores.people)]
    shares = [outlook.refused / outlook.tries for outlook in everybody if outlook.tries]
    often = max(_OFTEN, (sum(shares) / len(shares) if shares else 0.0) + _MORE)
    many = max(3.0, _TIMES * float(taken.mean()) if everybody else 0.0)
    return sorted((replace(outlook, advice=_advice(outlook, often, many)) for outlook in everybody), key=_worst_first)


def _outlook(site_scores: SiteScores, column: int, threshold: float, taken: int) -> Outlook:
    person = site_scores.person_ids[column]
    scores = site_scores.genuine[site_scores.owners == person]
    refused = int((scores < np.float64(threshold)).sum())
    lowest, middle = (float(scores.min()), float(np.median(scores))) if len(scores) else (None, None)
    name, templates = site_scores.names[person], site_scores.templates[person]
    return Outlook(person, name, templates, len(scores), refused, lowest, middle, taken, "")


def _worst_first(outlook: Outlook) -> tuple[bool, float, float, str]:
    share = outlook.refused / outlook.tries if outlook.tries else 0.0
    return (not outlook.advice, -share, 2.0 if outlook.lowest is None else outlook.lowest, outlook.name)


def _advice(outlook: Outlook, often: float, many: float) -> str:
    if outlook.templates == 1:
        return _("Only one photo: add two more, to know how well this person is recognised.")
    if outlook.tries and outlook.refused / outlook.tries >= often:
        return _("Often refused: enrol again, at the door’s camera, in good light.")
    if outlook.strangers >= many:
        return _("Many strangers resemble these photos: replace poor ones by sharp, frontal ones.")
    return ""


def _taken_for(site_scores: SiteScores, threshold: float) -> Ints:
    """Count [N] the strangers and other people at or above the threshold with each person."""
    counts = np.zeros(site_scores.people, np.int64)
    for strangers in (site_scores.strangers.own, site_scores.strangers.outside):
        if strangers is not None:
            reached = strangers.scores >= np.float64(threshold)
            rows = np.flatnonzero(strangers.own >= 0)
            reached[rows, strangers.own[rows]] = False
            counts += reached.sum(axis=0)
    return counts


def _offer(site_scores: SiteScores, calibration: Calibration, threshold: float | None, fallback: bool) -> Offer:
    random = np.random.default_rng(site_scores.seed)
    refused = Share(None, 0.0, 1.0, 0, 0)
    if threshold is not None:
        refused = share_refused(site_scores.genuine, site_scores.owners, threshold, random)
    return Offer(calibration, threshold, fallback, refused)


def _target(risk: float) -> float:
    if not (math.isfinite(risk) and 2 <= risk <= 10_000_000):
        raise UserError("a risk is one stranger in 2 to 10,000,000, not in %(risk)s", risk=f"{risk:g}")
    return 1 / risk


def risk_of(in_force: PointRow | None, usual: float) -> float:
    """Return the accepted risk, 1 stranger in so many: of the threshold in force if it came from one, else `usual`."""
    if in_force is not None and in_force.target and in_force.source == "calibration":
        return 1 / in_force.target
    return usual


def loosens(before: OperatingPoint | None, threshold: float, margin: float, scoring: str = BEST_PHOTO.version) -> bool:
    """Return whether somebody could pass who could not before; without any threshold nobody could.

    Scores of another kind (`scoring`) cannot be compared: somebody always could.
    """
    if before is not None and before.scoring != scoring:
        return True
    return before is None or threshold < before.threshold - 1e-9 or margin < before.margin - 1e-9


def apply(
    session: Session,
    site_scores: SiteScores,
    offer: Offer,
    *,
    margin: float,
    by: str | None,
    reason: str,
    at: datetime,
    source: Literal["calibration", "administrator"] = "calibration",
    keys: Keys | None = None,
) -> OperatingPoint:
    """Put an offer in force, with everything it rests on; the caller commits.  A site's centre is sealed with `keys`.

    `source`: "calibration" for a threshold that came from a risk and follows it from now on, "administrator" for one
    that somebody chose.  Where the risk led to no number, the weights' own threshold stays under its own name, "card
    default", and follows no risk.  A new row is the audit: who, when, why, what was in force before.  Raises UserError
    for an offer without a threshold, for a fallback below what is in force, and for loosening without a reason.
    """
    rate, reason = offer.calibration, " ".join(reason.split())
    before, kind = operating_points.current(session, site_scores.model_id), site_scores.scoring.version
    threshold = _threshold_to_apply(offer, before, margin, kind, reason)
    came_from: str = source
    if offer.fallback:
        came_from = "card default" if threshold == site_scores.default else "administrator"
    log.warning("%s sets the threshold of %s to %.4f: %s", by or "the program", site_scores.model_id, threshold, reason)
    point = operating_points.set_point(
        session,
        model_id=site_scores.model_id,
        threshold=threshold,
        margin=margin,
        source=came_from,
        gallery_size=site_scores.people,
        at=at,
        created_by=by,
        reason=reason or None,
        scoring=site_scores.scoring,
        keys=keys,
        grown=site_scores.grown,
        basis=Basis(rate.target, rate.people, rate.verdict.value, site_scores.words, rate.fpir, rate.low, rate.high),
        details={
            "reason": reason,
            "before": None if before is None else before.threshold,
            "fallback": offer.fallback,
            "strangers_seen": [rate.seen, rate.strangers],
            "own_refused": [offer.refused.value, offer.refused.low, offer.refused.high],
            "own_people": offer.refused.people,
            "grown": len(site_scores.grown),
        },
    )
    actor_kind: ActorKind = "system" if by is None else "command line" if by == "command line" else "operator"
    detail: dict[str, Value] = {"model": site_scores.model_id, "threshold": point.threshold, "source": came_from}
    if before is None or before.scoring != kind:
        detail["scoring"] = kind
    if site_scores.grown:
        detail["grown"] = len(site_scores.grown)
    actor = Actor(actor_kind, by or "threshold")
    record(session, actor=actor, action=Action.APPLY_THRESHOLD, detail=detail, at=at)
    return point


def _threshold_to_apply(offer: Offer, before: OperatingPoint | None, margin: float, kind: str, reason: str) -> float:
    """Return the offer's threshold, or raise UserError: none, below what is in force, or loosening without a reason."""
    sentence = verdict_sentence(offer.verdict)
    if offer.threshold is None:
        raise UserError("no threshold can be given: %(why)s", why=sentence)
    if offer.fallback and before is not None and offer.threshold < before.threshold and before.scoring == kind:
        raise UserError(
            "%(why)s The threshold in force, %(threshold)s, is higher and stays.",
            why=sentence,
            threshold=f"{before.threshold:.3f}",
        )
    if loosens(before, offer.threshold, margin, kind) and not reason:
        raise UserError("this lets other faces in than before: say why (it stays in the history)")
    return offer.threshold

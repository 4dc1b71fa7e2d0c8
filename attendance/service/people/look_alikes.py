"""What a new photo means for the whole gallery, and the standing list of people who look alike.

In: enrolled templates, the operating point in force.  Out: a `Judgement`; the list in the database.
Does not know: photos, pages.
Main choice: two people are listed when a photo of the one, held up as a face at the door, would come
within the margin of being taken for the other (score ≥ threshold - margin); so the list follows the
threshold, and with a weak network it is long.  The price: nobody's own opinion of who looks alike
counts, and every change of templates or threshold must be followed by `refresh_person` or `refresh_all`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.faces import Template
from attendance.service.ports import Clock
from attendance.store import settings
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import look_alikes, templates
from attendance.store.people.look_alikes import Pair, pair_of
from attendance.store.people.templates import Enrolled
from attendance.store.session import Sessions

_ROWS = 512  # templates a step: with 10,000 enrolled a step's scores are 20 MB
_DONE = "look_alikes_of"  # for which gallery and threshold the list was made as a whole


@dataclass(frozen=True, slots=True)
class Judgement:
    """`duplicates`: the other people whom the threshold takes the photo for, with their scores, highest first.

    `own_score`: the highest score with the person's own templates, None without any; `unlike_own`:
    the threshold would not take the photo for that person.  Without a threshold nothing is judged.
    """

    duplicates: tuple[tuple[int, float], ...]
    own_score: float | None
    unlike_own: bool


def judge(enrolled: Sequence[Enrolled], template: Template, person_id: int, point: OperatingPoint | None) -> Judgement:
    """A template that is about to be added to `person_id`; `enrolled`: everybody's, of the same model."""
    own_score: float | None = None
    others: dict[int, float] = {}
    if enrolled:
        scores = np.stack([one.template.vector for one in enrolled]) @ template.vector
        for one, score in zip(enrolled, scores.tolist(), strict=True):
            if one.person_id == person_id:
                own_score = score if own_score is None else max(own_score, score)
            else:
                others[one.person_id] = max(score, others.get(one.person_id, -1.0))
    if point is None:
        return Judgement((), own_score, False)
    near = [(other, score) for other, score in others.items() if score >= point.threshold]
    unlike = own_score is not None and own_score < point.threshold
    return Judgement(tuple(sorted(near, key=lambda one: -one[1])), own_score, unlike)


def least_score(point: OperatingPoint) -> float:
    """From which score on two people are listed; never below half the threshold, however wide the margin."""
    return max(point.threshold - point.margin, point.threshold / 2)


def pairs_above(enrolled: Sequence[Enrolled], least: float, person_id: int | None = None) -> dict[Pair, float]:
    """Pairs of two people with any two templates scoring `least` or more, and the highest such score.

    `person_id`: only that person's pairs.  Every pair is compared, none sampled.
    """
    if not enrolled:
        return {}
    owners = np.array([one.person_id for one in enrolled], dtype=np.int64)
    matrix = np.stack([one.template.vector for one in enrolled])
    rows = np.arange(len(owners)) if person_id is None else np.flatnonzero(owners == person_id)
    found: dict[Pair, float] = {}
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        _collect(found, owners, part, matrix[part] @ matrix.T, least)
    return found


def _collect(
    found: dict[Pair, float],
    owners: NDArray[np.int64],
    part: NDArray[np.int64],
    scores: NDArray[np.float32],
    least: float,
) -> None:
    first, second = np.nonzero(scores >= least)
    for row, column in zip(first.tolist(), second.tolist(), strict=True):
        one, other = int(owners[part[row]]), int(owners[column])
        if one != other:
            pair = pair_of(one, other)
            found[pair] = max(found.get(pair, -1.0), float(scores[row, column]))


def refresh_person(session: Session, keys: Keys, model_id: str, person_id: int, at: datetime) -> bool:
    """Compare one person's templates with everybody's anew; whether the list changed.  The caller commits.

    Without an operating point nobody passes anyway, and nobody is listed.
    """
    settings.lock_gallery(session, at)
    point = operating_points.current(session, model_id)
    enrolled = [] if point is None else templates.enrolled_templates(session, keys, model_id)
    found = {} if point is None else pairs_above(enrolled, least_score(point), person_id)
    return look_alikes.replace_pairs(session, model_id, found, at=at, person_id=person_id)


def refresh_now(session: Session, keys: Keys, model_id: str, at: datetime) -> bool:
    """The whole list in the caller's transaction, after many people were enrolled in it."""
    settings.lock_gallery(session, at)
    point = operating_points.current(session, model_id)
    enrolled = [] if point is None else templates.enrolled_templates(session, keys, model_id)
    found = {} if point is None else pairs_above(enrolled, least_score(point))
    return look_alikes.replace_pairs(session, model_id, found, at=at)


def refresh_all(sessions: Sessions, keys: Keys, model_id: str, clock: Clock) -> bool:
    """Make the whole list anew, if the gallery or the threshold changed since; whether the list changed.

    Compares before it writes, so that a large gallery holds nobody up; when the gallery changes
    meanwhile, nothing is written and the next call does it.
    """
    with sessions() as session:
        mark = _mark(session, model_id)
        if settings.get(session, _DONE) == mark:
            return False
        point = operating_points.current(session, model_id)
        enrolled = [] if point is None else templates.enrolled_templates(session, keys, model_id)
    found: Mapping[Pair, float] = {} if point is None else pairs_above(enrolled, least_score(point))
    with sessions.begin() as session:
        settings.lock_gallery(session, clock.now())
        if _mark(session, model_id) != mark:
            return False
        changed = look_alikes.replace_pairs(session, model_id, found, at=clock.now())
        settings.put(session, _DONE, _mark(session, model_id), clock.now())
    return changed


def consistency(session: Session, keys: Keys, model_id: str, person_id: int) -> dict[int, float]:
    """Of each of an active person's templates, the highest score with the person's other ones; {} below two."""
    own = [one for one in templates.enrolled_templates(session, keys, model_id) if one.person_id == person_id]
    if len(own) < 2:
        return {}
    matrix = np.stack([one.template.vector for one in own])
    scores = matrix @ matrix.T
    np.fill_diagonal(scores, -np.inf)
    return {one.template_id: float(best) for one, best in zip(own, scores.max(axis=1), strict=True)}


def _mark(session: Session, model_id: str) -> list[object]:
    point = operating_points.current(session, model_id)
    numbers = [None, None] if point is None else [point.threshold, point.margin]
    return [model_id, settings.gallery_version(session), *numbers]

"""What a new photo means for the whole gallery, and the standing list of people who look alike.

In: enrolled templates, the operating point in force.  Out: a `Judgement`; the list in the database.
Does not know: photos, pages.
Main choice: two people are listed if a photo of one of them, held up as a face at the door, would come
within the margin of being taken for the other (score ≥ threshold - margin).  So the list follows the
threshold, and with a weak network it is long.  Trade-off: nobody's opinion of who looks alike counts, and
every change of templates or threshold must be followed by `refresh_person` or `refresh_all`.
`Comparison` is the one place that looks for look-alikes: for a photo, for many people at once, for the list.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint
from attendance.domain.access.scoring import BEST_PHOTO, Scoring
from attendance.domain.faces import Template
from attendance.service.ports import Clock
from attendance.store import settings
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import look_alikes, opened_templates, templates
from attendance.store.people.look_alikes import Pair, pair_of
from attendance.store.people.opened_templates import Opened
from attendance.store.people.templates import Enrolled
from attendance.store.session import Sessions

_ROWS = 512  # templates a step: with 10,000 enrolled a step's scores are 20 MB
Owners: TypeAlias = NDArray[np.int64]
_DONE = "look_alikes_of"  # for which gallery and threshold the list was made as a whole


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gallery says of a new template.

    `duplicates`: the other people whom the threshold takes the photo for, with their scores, highest first.
    `own_score`: the highest score with the person's own templates, None without any; `unlike_own`:
    the threshold would not take the photo for that person.  Without a threshold nothing is judged.
    """

    duplicates: tuple[tuple[int, float], ...]
    own_score: float | None
    unlike_own: bool


class Comparison:
    """Templates of many people side by side, so that a new one is compared with all of them at once.

    `owners` [M] and the unit rows `photos` [M,D] belong together, in any order.
    """

    def __init__(
        self, owners: Owners, photos: NDArray[np.float32], model_id: str, scoring: Scoring = BEST_PHOTO
    ) -> None:
        self._owners, self._photos = owners, photos
        # Scored as at the door, so that whoever is listed is somebody whom the door could take for the other.
        self._gallery = Gallery(owners, photos, model_id, 0, scoring=scoring)

    @classmethod
    def of(cls, enrolled: Sequence[Enrolled], scoring: Scoring = BEST_PHOTO) -> Comparison:
        """Return the comparison of these templates, all of one model."""
        owners = np.array([row.person_id for row in enrolled], np.int64)
        photos = np.stack([row.template.vector for row in enrolled]) if enrolled else np.empty((0, 0), np.float32)
        return cls(owners, photos, enrolled[0].template.model_id if enrolled else "none", scoring)

    def judge(self, template: Template, own: Collection[int], point: OperatingPoint | None) -> Judgement:
        """Judge a template that is about to be added to the person with one of the ids `own`."""
        scores = self._gallery.person_scores(template.vector[None])[0]
        best = dict(zip(self._gallery.person_ids, scores.tolist(), strict=True))
        own_score = max((best.pop(person) for person in own if person in best), default=None)
        if point is None:
            return Judgement((), own_score, False)
        near = [(person, score) for person, score in best.items() if score >= point.threshold]
        unlike = own_score is not None and own_score < point.threshold
        return Judgement(tuple(sorted(near, key=lambda row: -row[1])), own_score, unlike)

    def pairs_above(
        self, least: float, person_id: int | None = None, added: Template | None = None
    ) -> dict[Pair, float]:
        """Return the pairs of two people with any two templates scoring `least` or more, and the highest such score.

        `person_id`: only that person's pairs; `added`: a template of that person which is not here yet.
        Every pair is compared, none sampled.
        """
        found: dict[Pair, float] = {}
        if person_id is None:
            self._search(found, least, self._owners, self._photos, self._gallery)
            return found
        own = self._photos[self._owners == person_id]
        if added is not None:
            own = np.vstack([own, added.vector[None]]) if len(own) else added.vector[None]
        whose = np.full(len(own), person_id, np.int64)
        self._search(found, least, whose, own, self._gallery)
        # The others' photos with this person, too: a photo of one with the mean of the other is not the reverse.
        alone = Gallery(whose, own, self._gallery.model_id, 0, scoring=self._gallery.scoring)
        self._search(found, least, self._owners, self._photos, alone)
        return found

    @staticmethod
    def _search(
        found: dict[Pair, float], least: float, owners: Owners, photos: NDArray[np.float32], gallery: Gallery
    ) -> None:
        """Add the pairs of which one of `photos` [N,D], of `owners` [N], scores `least` or more with the other."""
        people = gallery.person_ids
        for start in range(0, len(photos), _ROWS):
            scores = gallery.person_scores(photos[start : start + _ROWS])
            for row, column in zip(*(axis.tolist() for axis in np.nonzero(scores >= least)), strict=True):
                person, other = int(owners[start + row]), people[column]
                if person != other:
                    pair = pair_of(person, other)
                    found[pair] = max(found.get(pair, -1.0), float(scores[row, column]))


_COMPARISONS: weakref.WeakKeyDictionary[Opened, dict[str, Comparison]] = weakref.WeakKeyDictionary()


def comparison_of(opened: Opened, scoring: Scoring) -> Comparison:
    """Return the comparison of everybody, made once for the same templates and the same way of comparing."""
    made = _COMPARISONS.setdefault(opened, {})
    if scoring.version not in made:
        made.clear()
        made[scoring.version] = Comparison(opened.owners, opened.photos, opened.model_id, scoring)
    return made[scoring.version]


def least_score(point: OperatingPoint) -> float:
    """Return the score from which two people are listed; never below half the threshold, however wide the margin."""
    return max(point.threshold - point.margin, point.threshold / 2)


def refresh_person(
    session: Session,
    keys: Keys,
    model_id: str,
    person_id: int,
    at: datetime,
    known: Comparison | None = None,
    added: Template | None = None,
) -> bool:
    """Compare one person's templates with everybody's anew; whether the list changed.  The caller commits.

    `known`: the comparison of everybody that the caller made under the gallery's lock, and `added`: the active
    person's template that has come since.
    """
    return _refresh(session, keys, model_id, at, person_id, known, added)


def refresh_now(session: Session, keys: Keys, model_id: str, at: datetime) -> bool:
    """Make the whole list in the caller's transaction, after many people were enrolled in it."""
    return _refresh(session, keys, model_id, at)


def _refresh(
    session: Session,
    keys: Keys,
    model_id: str,
    at: datetime,
    person_id: int | None = None,
    known: Comparison | None = None,
    added: Template | None = None,
) -> bool:
    """Replace the pairs; without an operating point nobody passes anyway, and nobody is listed."""
    settings.lock_gallery(session, at)
    point = operating_points.current(session, model_id)
    found: dict[Pair, float] = {}
    if point is not None:
        if known is None:
            scoring = operating_points.scoring_in_force(session, keys, model_id)
            known = comparison_of(opened_templates.open_everybody(session, keys, model_id), scoring)
        found = known.pairs_above(least_score(point), person_id, added)
    return look_alikes.replace_pairs(session, model_id, found, at=at, person_id=person_id)


def refresh_all(sessions: Sessions, keys: Keys, model_id: str, clock: Clock) -> bool:
    """Make the whole list anew if the gallery or the threshold changed since; return whether the list changed.

    Compares before it writes, so that a large gallery holds nobody up; when the gallery changes
    meanwhile, nothing is written and the next call does it.
    """
    with sessions() as session:
        mark = _mark(session, model_id)
        if settings.get(session, _DONE) == mark:
            return False
        point = operating_points.current(session, model_id)
        scoring = operating_points.scoring_in_force(session, keys, model_id)
        opened = None if point is None else opened_templates.open_everybody(session, keys, model_id)
    found: dict[Pair, float] = {}
    if point is not None and opened is not None:
        found = comparison_of(opened, scoring).pairs_above(least_score(point))
    with sessions.begin() as session:
        settings.lock_gallery(session, clock.now())
        if _mark(session, model_id) != mark:
            return False
        changed = look_alikes.replace_pairs(session, model_id, found, at=clock.now())
        settings.put(session, _DONE, _mark(session, model_id), clock.now())
    return changed


def consistency(session: Session, keys: Keys, model_id: str, person_id: int) -> dict[int, float]:
    """Return for each template of an active person, by itself, the score with the person's others; {} below two."""
    own = templates.enrolled_templates(session, keys, model_id, person_id)
    if len(own) < 2:
        return {}
    scoring = operating_points.scoring_in_force(session, keys, model_id)
    likeness = scoring.own_scores(np.stack([row.template.vector for row in own]), most_looks=1)
    return {row.template_id: float(best) for row, best in zip(own, likeness, strict=True)}


def _mark(session: Session, model_id: str) -> list[object]:
    point = operating_points.current(session, model_id)
    numbers = [None] * 3 if point is None else [point.threshold, point.margin, point.scoring]
    return [model_id, settings.gallery_version(session), *numbers]

"""The scores of one model at this site: its people, and strangers compared with them.

In: a session, the keys, the packaged strangers of the model.  Out: `SiteScores`.
Does not know: risks and thresholds.
Main choice: strangers are compared with the very people of this site, by the gallery's own scoring, so that a
gallery of people whom many resemble shows it.  Each of its people also stands in as a stranger to the others, since
they come through the same door.  Trade-off: photos are better than looks at a door, so what is said of the site's
people is hopeful; passages may be added, of faces that were granted or that a PIN or badge confirmed, but those know
only who was let in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from attendance.config import Settings
from attendance.domain.access.gallery import Gallery
from attendance.domain.access.scoring import BEST_PHOTO, MEAN_PHOTO, Scoring
from attendance.domain.access.track import TRIES
from attendance.domain.calibration.risk import Ints, Strangers
from attendance.domain.calibration.site_calibration import StrangerScores
from attendance.domain.calibration.stranger_scores import stranger_scores
from attendance.errors import Phrase, UserError
from attendance.service.calibration.impostors import Reference, load
from attendance.service.enrolment.confirmed import confirmed_scores
from attendance.service.people.growth import NOTHING, Ready, with_ready
from attendance.store.access import events
from attendance.store.calibration.operating_points import card_default, compared_so_since, current, scoring_in_force
from attendance.store.crypto import Keys
from attendance.store.people import templates as stored_templates
from attendance.store.people.templates import Enrolled, with_grown
from attendance.texts import gettext as _

_NO_REFERENCE = Phrase(
    "there is no reference of strangers for this model, so fewer than 50 people give no number, and a small risk takes "
    "far more: make one with: python manage.py weights impostors"
)
_OTHER_FLIP = Phrase(
    "the packaged strangers were made with another setting of models.flip: make them again with: "
    "python manage.py weights impostors"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people of this site and the highest score between their templates."""

    one: str
    other: str
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class SiteScores:
    """The scores of one model at this site.

    `scoring`: how faces are compared.  `strangers`: this site's people compared with each other, and the reference's
    strangers with them; columns are `person_ids`.  `genuine` [G]: each template with the person's other templates, then
    confirmed passages; `owners` [G]: whose.  `nearest`: the people of this site who look most alike.  `default`: the
    conservative threshold that came with the weights, None where it is for scores of another kind.  `trouble`: why
    there is no reference, "" when there is one.  `grown`: the random ids of the grown templates that strangers stood
    before, `ready` of them only wait for the threshold.
    """

    model_id: str
    person_ids: tuple[int, ...]
    names: Mapping[int, str]
    templates: Mapping[int, int]
    strangers: StrangerScores
    genuine: NDArray[np.float32]
    owners: Ints
    passages: int
    nearest: tuple[Pair, ...]
    default: float | None
    reference: Reference | None
    trouble: str = ""
    seed: int = field(default=0, repr=False)
    scoring: Scoring = BEST_PHOTO
    grown: frozenset[str] = frozenset()
    ready: int = 0

    @property
    def people(self) -> int:
        """Return N: how many people can be recognised today."""
        return len(self.person_ids)

    @property
    def tries(self) -> float:
        """Return how many times more strangers pass by the best of an attempt than by its first looks; 1 for a look."""
        return TRIES if self.scoring.attempt else 1.0

    @property
    def words(self) -> str:
        """Return what the numbers rest on, for the record."""
        own = len(self.genuine) - self.passages
        parts = [_("%(people)s people with %(photos)s photos", people=self.people, photos=sum(self.templates.values()))]
        if self.reference is not None:
            parts.append(_("strangers: %(sets)s", sets=self.reference.words))
        parts.append(_("each of the people compared with all others, as a stranger"))
        if self.scoring.attempt:
            parts.append(_("the photos of one person together for an attempt; chances are of an attempt"))
        parts.append(_("%(own)s comparisons of photos of one person", own=own))
        if self.grown:
            parts.append(_("%(number)s templates that grew, before which strangers stood, too", number=len(self.grown)))
        if self.passages:
            parts.append(
                _("%(passages)s passages of the last weeks (only of people who were let in)", passages=self.passages)
            )
        return "; ".join(parts)


def score_site(
    session: Session,
    keys: Keys,
    model_id: str,
    reference: Reference | None,
    *,
    passages_since: datetime | None = None,
    trouble: str = "",
    scoring: Scoring = BEST_PHOTO,
    enrolled: Sequence[Enrolled] | None = None,
    ready: Ready = NOTHING,
) -> SiteScores:
    """Compute the scores of today.  `passages_since`: opt-in, take the scores of those who were let in since, too.

    `enrolled`: the gallery, if the caller has just opened it.  `ready`: grown templates that wait.  Strangers stand
    before them, too, so that a threshold is computed with them before they count.

    Raises UserError for damaged templates and for a reference of another length.  A reference of another model is
    taken, and the verdict says so.
    """
    enrolled = stored_templates.enrolled_templates(session, keys, model_id) if enrolled is None else enrolled
    owners = np.array([one.person_id for one in enrolled], dtype=np.int64)
    gallery = Gallery(owners.tolist(), [one.template for one in enrolled], model_id, 0, scoring=scoring)
    matrix = np.stack([one.template.vector for one in enrolled]) if enrolled else np.empty((0, 0), np.float32)
    names = {one.person_id: one.name for one in enrolled}
    if reference is not None and enrolled and reference.vectors.shape[1] != matrix.shape[1]:
        raise UserError(
            "the reference of strangers has %(theirs)s numbers a face and %(model_id)s %(ours)s: make it again "
            "with: python manage.py weights impostors",
            theirs=reference.vectors.shape[1],
            model_id=model_id,
            ours=matrix.shape[1],
        )
    # A stranger stands before the doors' gallery, with what grew; own people are judged by confirmed photos alone.
    grown = with_ready(session, model_id, ready)
    all_owners, rows = with_grown(session, keys, model_id, owners, matrix, grown if ready.fits else None)
    doors = gallery if len(rows) == len(matrix) else Gallery(all_owners, rows, model_id, 0, scoring=scoring)
    outside = (None, "") if reference is None else (reference.vectors, reference.model_id)
    strangers = stranger_scores(doors, matrix, owners, MEAN_PHOTO.people(rows, all_owners)[0], *outside)
    genuine, whose = _genuine(matrix, owners, scoring)
    granted: list[tuple[int, float]] = []
    if passages_since is not None:
        granted = [one for one in _of_passages(session, passages_since, model_id) if one[0] in names]
    return SiteScores(
        model_id=model_id,
        person_ids=gallery.person_ids,
        names=names,
        templates={person: int((owners == person).sum()) for person in gallery.person_ids},
        strangers=strangers,
        genuine=np.append(genuine, np.array([score for _, score in granted], np.float32)),
        owners=np.append(whose, np.array([person for person, _ in granted], np.int64)),
        passages=len(granted),
        nearest=_nearest(strangers.own, gallery.person_ids, names),
        default=card_default(session, model_id, scoring.version),
        reference=reference,
        trouble=trouble or ("" if reference is not None else _NO_REFERENCE),
        scoring=scoring,
        grown=grown,
        ready=len(ready.fits),
    )


def site_scores_of(
    session: Session,
    keys: Keys,
    settings: Settings,
    model_id: str,
    now: datetime,
    scoring: Scoring | None = None,
    enrolled: Sequence[Enrolled] | None = None,
    ready: Ready = NOTHING,
) -> SiteScores:
    """Call `score_site` by the settings; `trouble` says what is wrong with the packaged strangers.

    `scoring`: the way of comparing; None: the one in force.  Of another way no passage has scores.
    """
    reference, trouble = None, ""
    try:
        reference = load(settings.models.weights, model_id)
        if reference is not None and reference.flip != settings.models.flip:
            reference, trouble = None, _OTHER_FLIP
    except UserError as error:
        trouble = error.words
    if scoring is None:
        scoring = scoring_in_force(session, keys, model_id)
    point, start = current(session, model_id), since(now, settings.calibration.passages_days)
    if start is not None:
        start = max(start, compared_so_since(session, model_id) or start)
    if point is None or point.scoring != scoring.version:
        start = None
    return score_site(
        session,
        keys,
        model_id,
        reference,
        passages_since=start,
        trouble=trouble,
        scoring=scoring,
        enrolled=enrolled,
        ready=ready,
    )


def since(now: datetime, days: int) -> datetime | None:
    """Return the time from which passages count; None for 0 days: they do not."""
    return now - timedelta(days=days) if days else None


def _of_passages(session: Session, since: datetime, model_id: str) -> list[tuple[int, float]]:
    """Return (person, score) of whom a face let in, by itself or completed by the person's own PIN or badge."""
    return events.granted_scores(session, since, model_id) + confirmed_scores(session, since, model_id)


def _genuine(matrix: NDArray[np.float32], owners: Ints, scoring: Scoring) -> tuple[NDArray[np.float32], Ints]:
    """Compare each template with the person's other ones, as the gallery would; a person with one has no scores."""
    several = [person for person, photos in zip(*np.unique(owners, return_counts=True), strict=True) if photos > 1]
    scores = [scoring.own_scores(matrix[owners == person]) for person in several]
    whose = owners[np.isin(owners, several)]
    return np.concatenate(scores) if scores else np.empty(0, np.float32), whose


def _nearest(own: Strangers, person_ids: Sequence[int], names: Mapping[int, str], most: int = 5) -> tuple[Pair, ...]:
    if len(person_ids) < 2:
        return ()
    both = np.maximum(own.scores, own.scores.T)[np.triu_indices(len(person_ids), k=1)]
    first, second = np.triu_indices(len(person_ids), k=1)
    order = np.argsort(-both, kind="stable")[:most]
    return tuple(
        Pair(names[person_ids[first[index]]], names[person_ids[second[index]]], float(both[index])) for index in order
    )

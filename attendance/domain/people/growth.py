"""Which looks of a confirmed passage may become templates, and which of a person's goes when there are too many.

In: looks, the gallery of what operators confirmed, the gallery of the doors, the operating point.  Out: chosen looks.
Does not know: passages, PINs, consent, databases.
Main choice: a look is compared with what an operator confirmed and never with what grew.  Templates so stay around the
enrolled photos and cannot wander off, look by look, to another face.  Trade-off: a face that ages away from its photos
stops growing, and has to be enrolled again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attendance.domain.access.gallery import Gallery
from attendance.domain.access.operating_point import OperatingPoint, look_alike_margin, stands_out
from attendance.domain.access.scoring import Vectors
from attendance.domain.access.track import SAME_PERSON, differs
from attendance.domain.faces import Probe, Template

# A look that is this near to a template that is there already says nothing new.
REDUNDANT = 0.95


def confirms(template: Template, person_id: int, confirmed: Gallery, doors: Gallery, point: OperatingPoint) -> bool:
    """Return whether a look shows this person and nobody else.

    It reaches the threshold against the person's photos of `confirmed`, with the margin that a door asks for, and
    nobody else reaches the threshold, neither there nor in the gallery of the `doors`.
    """
    if not template.model_id == confirmed.model_id == doors.model_id == point.model_id:
        return False
    if not confirmed.scoring.version == doors.scoring.version == point.scoring:
        return False
    best, *others = confirmed.search(template, limit=2) or (None,)
    if best is None or best.person_id != person_id or not best.score >= point.threshold:
        return False
    runner_up = others[0].score if others else None
    if not stands_out(best.score, runner_up, point.margin):
        return False
    like = confirmed.look_alike_of(person_id, template)
    if like is not None and not best.score - like.score >= look_alike_margin(point.margin):
        return False
    near = (*others, *(one for one in doors.search(template, limit=2) if one.person_id != person_id))
    return all(one.score < point.threshold for one in near)


def chosen(
    looks: Sequence[Probe],
    person_id: int,
    own: Vectors,
    confirmed: Gallery,
    doors: Gallery,
    point: OperatingPoint,
    most: int,
) -> list[Probe]:
    """Return at most `most` good looks that differ from each other and from the person's templates `own` [N,D].

    The sharpest first.
    """
    found: list[Probe] = []
    for look in sorted(looks, key=lambda look: -look.quality.sharpness):
        if len(found) == most:
            break
        template = look.template
        if template is None or look.flaws or look.rested:
            continue
        if len(own) and float((own @ template.vector).max()) >= REDUNDANT:
            continue
        if not all(differs(one, look) and _same_person(one, template) for one in found):
            continue
        if confirms(template, person_id, confirmed, doors, point):
            found.append(look)
    return found


def spare(grown: Vectors, photos: Vectors, most: int) -> list[int]:
    """Return which of a person's templates [N,D] that grew, oldest first, go so that at most `most` are left.

    Each time the one that is nearest to another of the person's templates or `photos` [M,D]; the older of two alike.
    """
    left, gone = list(range(len(grown))), []
    while len(left) > most:
        among = np.vstack([grown[left], photos]) if len(photos) else grown[left]
        scores = grown[left] @ among.T
        scores[np.arange(len(left)), np.arange(len(left))] = -np.inf
        gone.append(left.pop(int(np.argmax(np.round(scores.max(axis=1), 6)))))
    return sorted(gone)


def _same_person(one: Probe, template: Template) -> bool:
    return one.template is not None and one.template.score(template) >= SAME_PERSON

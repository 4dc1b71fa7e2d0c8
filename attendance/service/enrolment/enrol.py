"""From an uploaded photo to a template, or to a reason why not.

In: the bytes of a file; the analyser, keys and session.  Out: a `PhotoReport`; a sealed template.
Does not know: the web, nor how a face is found.
Main choice: the same analyser and the same quality gate as at the door, so that what enrols can be
recognised.  Trade-off: a photo that a human can still read may be refused.  The photo itself is
never stored, only a salted digest, which identifies a second upload of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy.orm import Session

from attendance.domain.faces import SECOND_FACE, Box, Frame, Probe, Quality, Template
from attendance.domain.reason import Reason
from attendance.errors import problem_and_advice
from attendance.service.access.reason_texts import reason_advice, reason_words
from attendance.service.enrolment.pictures import ONE_PHOTO, EnrolRefused, decode_picture
from attendance.service.people import look_alikes
from attendance.service.ports import Analyser, Clock
from attendance.store import settings
from attendance.store.calibration import operating_points
from attendance.store.crypto import Keys
from attendance.store.people import look_alikes as pairs
from attendance.store.people import opened_templates, people, templates
from attendance.texts import gettext as _
from attendance.texts import translated


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """The verdict on one photo, for immediate feedback.

    `reason` is None when `ok`, and when the file could not be read as an image (then `words` says
    why).  `box` in pixels of the upright photo.  `template` never leaves the server.
    `looks_like`: an other enrolled person whose score reaches the threshold, if any (perhaps the
    same person under two names).  `own_score`: the likeness to the person's other photos, None for the
    first; `unlike_own`: it is below the threshold.  `template_id`: the row, once added.
    `already_enrolled`: this very photo was there before, so nothing was added.
    """

    ok: bool
    reason: Reason | None
    words: str
    advice: str
    box: Box | None = None
    quality: Quality | None = None
    template: Template | None = field(default=None, repr=False)
    looks_like: tuple[int, float] | None = None
    own_score: float | None = None
    unlike_own: bool = False
    template_id: int | None = None
    already_enrolled: bool = False


def check_photo(analyser: Analyser, data: bytes, clock: Clock) -> PhotoReport:
    """Return whether the photo is good, and if not, why; changes nothing.  Does not raise for any bytes."""
    # The turn lasts until the picture is let go of, so that several uploads at once take the memory of one.
    try:
        with ONE_PHOTO:
            picture = decode_picture(data)
            probes = analyser.analyse(Frame(picture.image, clock.now(), camera="photo"))
            probes = [replace(probe, box=_enlarged(probe.box, picture.shrunk)) for probe in probes]
            del picture
    except EnrolRefused as refusal:
        return PhotoReport(False, None, *problem_and_advice(translated(refusal)))
    if not probes:
        return _refused(Reason.NO_FACE, None)
    first = probes[0]
    if len(probes) > 1 and probes[1].box.area > SECOND_FACE * first.box.area:
        return _refused(Reason.SEVERAL_FACES, first)
    if first.flaws:
        return _refused(first.flaws[0], first)
    if first.template is None:
        return _refused(Reason.FAULT, first)
    return PhotoReport(True, None, _("good"), _("Nothing to do."), first.box, first.quality, first.template)


def enrol_photo(
    session: Session,
    keys: Keys,
    analyser: Analyser,
    person_id: int,
    data: bytes,
    source: str,
    clock: Clock,
    *,
    two_people: Collection[int] | None = (),
    confirmed_by: str | None = None,
) -> PhotoReport:
    """Check the photo and, only when it is good, add its template; the caller commits.

    Without recorded consent nothing is even looked at.  A photo that the threshold in force takes for
    another enrolled person is refused as MAY_BE_ANOTHER, from the first one on: it would let the one in as
    the other.  `two_people`: ids of those of whom somebody (`confirmed_by`) looked and says that they are
    somebody else, None for everybody; that is kept, and not asked again for this pair.  The same photo of
    the same person twice adds nothing and is allowed.  Raises UserError for an unknown person,
    WrongMasterKey, DatabaseLocked.
    """
    person = people.get_person(session, person_id)
    if person.consent_at is None:
        return without_consent()
    report = check_photo(analyser, data, clock)
    if not report.ok or report.template is None or report.quality is None:
        return report
    digest = hashlib.sha256(data).hexdigest()
    for known in templates.list_templates(session, person_id):
        if templates.is_photo(keys, known, digest) and known.model_id == report.template.model_id:
            return replace(report, template_id=known.id, already_enrolled=True)
    template, quality = report.template, report.quality
    # A write first: the gallery is opened once and stays as it is until the end.
    settings.lock_gallery(session, clock.now())
    if (twin := templates.whose_photo(session, keys, digest, person_id)) is not None:
        return _same_file(report, twin.name)
    everybody = opened_templates.open_everybody(session, keys, template.model_id)
    point = operating_points.current(session, template.model_id)
    scoring = operating_points.scoring_in_force(session, keys, template.model_id)
    comparison = look_alikes.comparison_of(everybody, scoring)
    judged = comparison.judge(template, [person_id], point)
    report = _judged(report, judged)
    for other, score in judged.duplicates:
        if two_people is None or other in two_people:
            pairs.confirm_two_people(
                session, template.model_id, person_id, other, score, at=clock.now(), by=confirmed_by
            )
        elif not pairs.is_confirmed(session, template.model_id, person_id, other):
            name, refused = people.get_person(session, other).name, Reason.MAY_BE_ANOTHER
            words = _("this may be %(name)s, %(score)s", name=name, score=f"{score:.2f}")
            report = replace(report, ok=False, reason=refused, words=words, advice=reason_advice(refused))
            return replace(report, template=None, looks_like=(other, score))
    row = templates.add_template(session, keys, person_id, template, source, numbers(quality), digest, at=clock.now())
    added = template if person.active else None
    look_alikes.refresh_person(session, keys, template.model_id, person_id, clock.now(), comparison, added)
    return replace(report, template_id=row.id)


def _same_file(report: PhotoReport, name: str) -> PhotoReport:
    """Return the refusal of a file that is enrolled for somebody else: no confirmation makes it two people's."""
    words = _("this very file is a photo of %(name)s", name=name)
    advice = _("One photo cannot show two people. Use another one, or delete the template where it is wrong.")
    return replace(report, ok=False, reason=None, words=words, advice=advice, template=None)


def _judged(report: PhotoReport, judged: look_alikes.Judgement) -> PhotoReport:
    """Return the report with what its template is like; one unlike the person's others is never called good."""
    like = next(iter(judged.duplicates), None)
    report = replace(report, looks_like=like, own_score=judged.own_score, unlike_own=judged.unlike_own)
    if not judged.unlike_own:
        return report
    # It is added all the same: the others may be the wrong ones.
    advice = _("Check whose photo it is. If it is this person’s, add photos between the two, else remove it.")
    return replace(report, words=_("unlike this person’s other photos"), advice=advice)


def _enlarged(box: Box, times: int) -> Box:
    """Return the box in pixels of the photo as it was uploaded."""
    return box if times == 1 else Box(*(side * times for side in (box.x1, box.y1, box.x2, box.y2)))


def without_consent() -> PhotoReport:
    """Return what is said of any photo of somebody whose consent is not noted; the photo itself is not looked at."""
    return _refused(Reason.NO_CONSENT, None)


def _refused(reason: Reason, probe: Probe | None) -> PhotoReport:
    box, quality = (None, None) if probe is None else (probe.box, probe.quality)
    return PhotoReport(False, reason, reason_words(reason), reason_advice(reason), box, quality)


def numbers(quality: Quality) -> Mapping[str, float]:
    """Return the measurements as they are kept with the template."""
    return {name: round(float(value), 4) for name, value in asdict(quality).items()}

"""Photos of a person, from files and from the browser's camera, each answered at once.

In: image files; one by one from scripts, or several in a form.  Out: JSON or a page with the verdict
on each; templates.
Does not know: how a photo is judged.
Main choice: every photo goes to the server, so that there is one judge.  Trade-off: some hundred
milliseconds a photo.
"""

from __future__ import annotations

import base64
import logging
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from attendance.config import Quality as Limits
from attendance.domain.faces import Box, Quality
from attendance.domain.reason import Reason
from attendance.errors import headline
from attendance.service.audit.audit import Action, Subject
from attendance.service.calibration.auto_tighten import after_enrolment
from attendance.service.enrolment.enrol import PhotoReport, check_photo, enrol_photo, without_consent
from attendance.service.enrolment.pictures import thumbnail
from attendance.service.privacy.erasure import take_back_grown
from attendance.store.people import templates
from attendance.texts import N_, ngettext
from attendance.texts import gettext as _
from attendance.web.forms import clean_line, whole_number
from attendance.web.people.people import existing, person_context
from attendance.web.security import operator, permission, record_act
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("enrol", __name__, url_prefix="/people/<int:person_id>")

SOURCES = ("upload", "browser")
MOST_FILES = 20


@blueprint.post("/photos/one")
@permission("enrol_person")
def add_photo(person_id: int) -> ResponseReturnValue:
    """Check one photo from a script, add its template if it is good, and answer the verdict."""
    photo = request.files.get("photo")
    if photo is None:
        abort(400)
    report = _enrol(person_id, photo, request.form.get("source", ""))
    return _shown(person_id, report), 409 if report.reason is Reason.NO_CONSENT else 200


@blueprint.post("/photos/check")
@permission("enrol_person")
def try_photo(person_id: int) -> ResponseReturnValue:
    """Judge one picture of the running camera; nothing is kept."""
    photo = request.files.get("photo")
    if photo is None:
        abort(400)
    site = current_site()
    with site.sessions() as session:
        consented = existing(session, person_id).consent_at is not None
    report = check_photo(site.analyser, photo.read(), site.clock) if consented else without_consent()
    return _shown(person_id, report), 200 if consented else 409


@blueprint.post("/photos")
@permission("enrol_person")
def upload(person_id: int) -> ResponseReturnValue:
    """Enrol several photos from a form, for browsers without scripts."""
    photos = [photo for photo in request.files.getlist("photo") if photo.filename]
    if not photos:
        flash(_("Choose one or more photos first."), "warning")
        return redirect(url_for("people.show", person_id=person_id, _anchor="photos"))
    results = []
    for photo in photos[:MOST_FILES]:
        report = _enrol(person_id, photo, "upload")
        if report.reason is Reason.NO_CONSENT:
            flash(report.advice, "warning")
            return redirect(url_for("people.show", person_id=person_id))
        results.append({"file": _file_name(photo), "thumbnail": _thumbnail(photo), **_shown(person_id, report)})
    if len(photos) > MOST_FILES:
        flash(_("Only the first %(most)s photos were judged.", most=MOST_FILES), "warning")
    return render_template("people/person.html", **person_context(person_id) | {"results": results})


@blueprint.get("/templates", endpoint="templates")
@permission("read_person")
def template_list(person_id: int) -> ResponseReturnValue:
    """Answer the list of templates alone, for the script that adds to it."""
    return render_template("enrolment/_templates.html", **person_context(person_id))


@blueprint.post("/templates/<int:template_id>/delete")
@permission("enrol_person")
def delete_template(person_id: int, template_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions.begin() as session:
        existing(session, person_id)
        if template_id not in {row.id for row in templates.list_templates(session, person_id)}:
            abort(404)
        templates.delete_template(session, template_id, at=site.clock.now())
        record_act(session, Action.DELETE_TEMPLATE, Subject("person", person_id), template=template_id)
    log.info("%s deleted template %d of person %d", current_user.username, template_id, person_id)
    flash(_("The template is deleted."), "success")
    return redirect(url_for("people.show", person_id=person_id, _anchor="templates"))


@blueprint.post("/grown/take-back")
@permission("enrol_person")
def take_back(person_id: int) -> ResponseReturnValue:
    """Take back the template with the random id `uid` that grew, or all of them."""
    site = current_site()
    with site.sessions() as session:
        existing(session, person_id)
    only = clean_line(request.form.get("uid", "")) or None
    number = take_back_grown(site.sessions, site.ledger, person_id, operator(), site.clock.now(), only)
    log.info("%s took back %d grown templates of person %d", current_user.username, number, person_id)
    if number:
        flash(ngettext("%(number)s template is taken back.", "%(number)s templates are taken back.", number), "success")
    else:
        flash(_("It was taken back already."), "warning")
    return redirect(url_for("people.show", person_id=person_id, _anchor="grown"))


def _enrol(person_id: int, photo: FileStorage, source: str) -> PhotoReport:
    site = current_site()
    with site.sessions.begin() as session:
        existing(session, person_id)
        report = enrol_photo(
            session,
            site.keys,
            site.analyser,
            person_id,
            photo.read(),
            source if source in SOURCES else "upload",
            site.clock,
            two_people=request.form.getlist("two_people", type=whole_number),
            confirmed_by=current_user.username,
        )
        if report.ok and report.template_id is not None and not report.already_enrolled:
            record_act(session, Action.ENROL_PHOTO, Subject("person", person_id), template=report.template_id)
    if report.ok and report.looks_like is not None:
        log.info("%s: person %d and person %d are two people", current_user.username, person_id, report.looks_like[0])
    if report.template_id is not None and not report.already_enrolled:
        log.info("%s enrolled template %d of person %d", current_user.username, report.template_id, person_id)
        after_enrolment(site.sessions, site.keys, site.settings, site.model_id, site.clock)
    return report


def _shown(person_id: int, report: PhotoReport) -> dict[str, Any]:
    """Return the report in words and numbers; the template stays on the server."""
    site = current_site()
    with site.sessions() as session:
        like = None
        if report.looks_like is not None:
            other, score = report.looks_like
            like = {
                "id": other,
                "name": existing(session, other).name,
                "score": round(score, 3),
                "url": url_for("people.show", person_id=other),
            }
        usable = templates.template_counts(session, [person_id], site.model_id)[person_id]
    words = _("this photo is enrolled already") if report.already_enrolled else report.words
    return {
        "ok": report.ok,
        "added": report.ok and report.template_id is not None and not report.already_enrolled,
        "reason": report.reason.value if report.reason else None,
        "words": headline(words),
        "advice": "" if report.ok and not report.unlike_own else report.advice,
        "box": _corners(report.box),
        "quality": _measured(report.quality, site.settings.quality),
        "looks_like": like,
        "own_score": None if report.own_score is None else round(report.own_score, 3),
        "unlike_own": report.unlike_own,
        "templates": usable,
    }


def _corners(box: Box | None) -> list[float] | None:
    return None if box is None else [round(float(side), 1) for side in (box.x1, box.y1, box.x2, box.y2)]


def _measured(quality: Quality | None, limits: Limits) -> list[dict[str, Any]]:
    """Return each measurement beside what the settings ask for."""
    if quality is None:
        return []
    rows = [
        (_("Face"), "{:.0f} px", quality.size, limits.min_size, None),
        (_("Sharpness"), "{:.0f}", quality.sharpness, limits.min_sharpness, None),
        (_("Brightness"), "{:.0f}", quality.brightness, limits.min_brightness, limits.max_brightness),
        (_("Contrast"), "{:.0f}", quality.contrast, limits.min_contrast, None),
        (_("Turned"), "{:.2f}", abs(quality.yaw), None, limits.max_yaw),
        (_("Up or down"), "{:.2f}", quality.pitch, None, limits.max_pitch),
        (_("Tilted"), "{:.0f}°", quality.roll, None, limits.max_roll),
        (_("Uncovered"), "{:.0%}", min(quality.uncovered, 1.0), limits.min_uncovered, None),
        (_("Visible"), "{:.0%}", quality.visible, limits.min_visible, None),
    ]
    return [
        {
            "label": label,
            "text": form.format(value),
            "ok": bool((least is None or value >= least) and (most is None or value <= most)),
            "wanted": _wanted(form, least, most),
        }
        for label, form, value, least, most in rows
    ]


def _wanted(form: str, least: float | None, most: float | None) -> str:
    parts = [(N_("at least %(value)s"), least), (N_("at most %(value)s"), most)]
    return ", ".join(_(text, value=form.format(value)) for text, value in parts if value is not None)


def _thumbnail(photo: FileStorage) -> str:
    """Return the photo, small, as a data address for this answer only; "" if it is not a picture."""
    photo.seek(0)
    small = thumbnail(photo.read())
    return f"data:image/jpeg;base64,{base64.b64encode(small).decode()}" if small else ""


def _file_name(photo: FileStorage) -> str:
    name = clean_line(photo.filename)
    return name if len(name) <= 60 else name[:40] + "…" + name[-15:]

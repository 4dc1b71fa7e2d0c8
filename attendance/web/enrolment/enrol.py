"""Photos of a person, from files and from the browser's camera, each answered at once.

In: image files; one by one from scripts, or several in a form.  Out: JSON or a page with what is
thought of each; templates.
Does not know: how a photo is judged.
Main choice: the photo goes to the server for every judgement, so that there is one judge; the price
is some hundred milliseconds a photo.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from attendance.config import Quality as Limits
from attendance.domain.faces import Box, Quality
from attendance.errors import headline
from attendance.service.calibration.auto_tighten import after_enrolment
from attendance.service.enrolment.enrol import PhotoReport, check_photo, enrol_photo
from attendance.store.people import templates as stored_templates
from attendance.web.forms import clean_line
from attendance.web.people.people import existing, person_context
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("enrol", __name__, url_prefix="/people/<int:person_id>")

SOURCES = ("upload", "browser")
MOST_FILES = 20


@blueprint.post("/photos/one")
def add_photo(person_id: int) -> ResponseReturnValue:
    """One photo from a script: check it, add its template when good, say what was thought of it."""
    photo = request.files.get("photo")
    if photo is None:
        abort(400)
    if not _consented(person_id):
        return {"ok": False, "words": "no consent noted", "advice": "Note the person's consent first."}, 409
    return _told(person_id, _enrol(person_id, photo, request.form.get("source", "")))


@blueprint.post("/photos/check")
def try_photo(person_id: int) -> ResponseReturnValue:
    """One picture of the running camera: only say how it looks; nothing is kept."""
    photo = request.files.get("photo")
    if photo is None:
        abort(400)
    if not _consented(person_id):
        return {"ok": False, "words": "no consent noted", "advice": "Note the person's consent first."}, 409
    site = current_site()
    return _told(person_id, check_photo(site.analyser, photo.read(), site.clock))


@blueprint.post("/photos")
def upload(person_id: int) -> ResponseReturnValue:
    """Several photos from a form, for browsers without scripts."""
    photos = [one for one in request.files.getlist("photo") if one.filename]
    if not _consented(person_id):
        flash("Note the person's consent first.", "warning")
        return redirect(url_for("people.show", person_id=person_id))
    if not photos:
        flash("Choose one or more photos first.", "warning")
        return redirect(url_for("people.show", person_id=person_id, _anchor="photos"))
    results = []
    for photo in photos[:MOST_FILES]:
        report = _enrol(person_id, photo, "upload")
        results.append({"file": _file_name(photo), **_told(person_id, report)})
    if len(photos) > MOST_FILES:
        flash(f"Only the first {MOST_FILES} photos were looked at.", "warning")
    return render_template("people/person.html", **person_context(person_id) | {"results": results})


@blueprint.get("/templates")
def templates(person_id: int) -> ResponseReturnValue:
    """The list of templates alone, for the script that adds to it."""
    return render_template("enrolment/_templates.html", **person_context(person_id))


@blueprint.post("/templates/<int:template_id>/delete")
def delete_template(person_id: int, template_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions.begin() as session:
        existing(session, person_id)
        if template_id not in {one.id for one in stored_templates.list_templates(session, person_id)}:
            abort(404)
        stored_templates.delete_template(session, template_id, at=site.clock.now())
    log.info("%s deleted template %d of person %d", current_user.username, template_id, person_id)
    flash("The template is deleted.", "success")
    return redirect(url_for("people.show", person_id=person_id, _anchor="templates"))


def _consented(person_id: int) -> bool:
    with current_site().sessions() as session:
        return existing(session, person_id).consent_at is not None


def _enrol(person_id: int, photo: FileStorage, source: str) -> PhotoReport:
    site = current_site()
    with site.sessions.begin() as session:
        report = enrol_photo(
            session,
            site.keys,
            site.analyser,
            person_id,
            photo.read(),
            source if source in SOURCES else "upload",
            site.clock,
            two_people=request.form.getlist("two_people", type=int),
            confirmed_by=current_user.username,
        )
    if report.ok and report.looks_like is not None:
        log.info("%s: person %d and person %d are two people", current_user.username, person_id, report.looks_like[0])
    if report.template_id is not None and not report.already_enrolled:
        log.info("%s enrolled template %d of person %d", current_user.username, report.template_id, person_id)
        after_enrolment(site.sessions, site.keys, site.settings, site.model_id, site.clock)
    return report


def _told(person_id: int, report: PhotoReport) -> dict[str, Any]:
    """The report in words and numbers; the template stays here."""
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
        usable = stored_templates.template_counts(session, [person_id], site.model_id)[person_id]
    words = "this photo is enrolled already" if report.already_enrolled else report.words
    return {
        "ok": report.ok,
        "added": report.ok and report.template_id is not None and not report.already_enrolled,
        "reason": report.reason.value if report.reason else None,
        "words": headline(words),
        "advice": "" if report.ok else report.advice,
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
    """Each measurement beside what the settings ask for."""
    if quality is None:
        return []
    rows = [
        ("Face", "{:.0f} px", quality.size, limits.min_size, None),
        ("Sharpness", "{:.0f}", quality.sharpness, limits.min_sharpness, None),
        ("Brightness", "{:.0f}", quality.brightness, limits.min_brightness, limits.max_brightness),
        ("Contrast", "{:.0f}", quality.contrast, limits.min_contrast, None),
        ("Turned", "{:.2f}", abs(quality.yaw), None, limits.max_yaw),
        ("Up or down", "{:.2f}", quality.pitch, None, limits.max_pitch),
        ("Tilted", "{:.0f}°", quality.roll, None, limits.max_roll),
        ("Uncovered", "{:.0%}", min(quality.uncovered, 1.0), limits.min_uncovered, None),
        ("Visible", "{:.0%}", quality.visible, limits.min_visible, None),
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
    parts = [("at least ", least), ("at most ", most)]
    return ", ".join(words + form.format(value) for words, value in parts if value is not None)


def _file_name(photo: FileStorage) -> str:
    name = clean_line(photo.filename)
    return name if len(name) <= 60 else name[:40] + "…" + name[-15:]

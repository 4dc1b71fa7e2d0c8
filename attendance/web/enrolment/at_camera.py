"""Photos of a person at a camera's entrance: ask for them, look at them, enrol those that are right.

In: a camera's name; the operator's choice.  Out: a part of the person's page; photos; templates.
Does not know: how the daemon takes the photos.
Main choice: a confirmed photo is enrolled as an uploaded one is.  Trade-off: it is judged a second time.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import headline
from attendance.service.calibration.auto_tighten import after_enrolment
from attendance.service.enrolment.at_camera_state import state_of, watched_cameras
from attendance.service.enrolment.enrol import PhotoReport, enrol_photo
from attendance.store.enrolment import camera_enrolments
from attendance.store.enrolment.camera_enrolments import Stage, Standing
from attendance.texts import gettext as _
from attendance.texts import ngettext
from attendance.web.forms import whole_number
from attendance.web.people.people import existing
from attendance.web.security import permission
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("at_camera", __name__, url_prefix="/people/<int:person_id>/at-camera")


@blueprint.get("")
@permission("enrol_person")
def standing(person_id: int) -> ResponseReturnValue:
    """Answer the part of the person's page that shows how far the photos are."""
    site = current_site()
    with site.sessions() as session:
        person = existing(session, person_id)
        state = state_of(session, person_id, site.clock.now())
    return render_template("enrolment/_at_camera.html", person=person, at_camera=state)


@blueprint.post("")
@permission("enrol_person")
def ask(person_id: int) -> ResponseReturnValue:
    """Ask a camera's daemon for photos of the person."""
    site, camera = current_site(), request.form.get("camera", "")
    with site.sessions.begin() as session:
        person, now = existing(session, person_id), site.clock.now()
        if person.consent_at is None:
            flash(_("Note the consent first; then you can add photos here."), "warning")
            return _back(person_id)
        if camera not in [name for name, _title in watched_cameras(session, now)]:
            flash(_("This camera is not watched at the moment: start its daemon, or choose another one."), "warning")
            return _back(person_id)
        if not person.active:
            flash(_("This person is deactivated: activate the person first."), "warning")
            return _back(person_id)
        found = camera_enrolments.of_person(session, person_id, now)
        if found is not None and found.stage is Stage.TAKEN:
            flash(_("Photos of this person wait already: choose among them, or discard them."), "warning")
            return _back(person_id)
        if camera_enrolments.ask(session, person_id, camera, by=current_user.username, at=now) is None:
            flash(_("This camera is taking photos of somebody else. Try again in a minute."), "warning")
            return _back(person_id)
    log.info("%s asked the camera %s for photos of person %d", current_user.username, camera, person_id)
    return _back(person_id)


@blueprint.get("/photos/<int:photo_id>.jpg")
@permission("enrol_person")
def photo(person_id: int, photo_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        found = camera_enrolments.of_person(session, person_id, site.clock.now())
        jpeg = None if found is None else camera_enrolments.photo(session, site.keys, found.id, photo_id)
    if jpeg is None:
        abort(404)
    return Response(jpeg, content_type="image/jpeg", headers={"Cache-Control": "no-store"})


@blueprint.post("/confirm")
@permission("enrol_person")
def confirm(person_id: int) -> ResponseReturnValue:
    """Enrol the chosen photos and delete all of them."""
    site, chosen = current_site(), request.form.getlist("photo", type=whole_number)
    with site.sessions() as session:
        existing(session, person_id)
        found = camera_enrolments.of_person(session, person_id, site.clock.now())
        photos = [] if found is None else _opened(session, found, chosen)
    if found is None or not photos:
        flash(_("No photo was chosen, or they are gone: photos wait for ten minutes."), "warning")
        return _back(person_id)
    reports = [_enrol(person_id, jpeg) for jpeg in photos]
    with site.sessions.begin() as session:
        camera_enrolments.drop(session, found.id)
    _say(reports)
    if any(report.template_id is not None for report in reports):
        after_enrolment(site.sessions, site.keys, site.settings, site.model_id, site.clock)
    return _back(person_id)


@blueprint.post("/discard")
@permission("enrol_person")
def discard(person_id: int) -> ResponseReturnValue:
    """End the taking, and delete the photos."""
    site = current_site()
    with site.sessions.begin() as session:
        existing(session, person_id)
        if (found := camera_enrolments.of_person(session, person_id, site.clock.now())) is not None:
            camera_enrolments.drop(session, found.id)
    return _back(person_id)


def _opened(session: Session, found: Standing, chosen: list[int]) -> list[bytes]:
    keys = current_site().keys
    photos = (camera_enrolments.photo(session, keys, found.id, number) for number in chosen)
    return [jpeg for jpeg in photos if jpeg is not None]


def _enrol(person_id: int, jpeg: bytes) -> PhotoReport:
    site = current_site()
    with site.sessions.begin() as session:
        report = enrol_photo(session, site.keys, site.analyser, person_id, jpeg, "camera", site.clock)
    if report.template_id is not None:
        log.info("%s enrolled template %d of person %d", current_user.username, report.template_id, person_id)
    return report


def _say(reports: list[PhotoReport]) -> None:
    added = sum(report.template_id is not None for report in reports)
    if added:
        flash(ngettext("%(number)s photo is enrolled.", "%(number)s photos are enrolled.", added), "success")
    for report in reports:
        if report.template_id is None or report.unlike_own:
            flash(f"{headline(report.words)}. {report.advice}", "warning")


def _back(person_id: int) -> ResponseReturnValue:
    return redirect(url_for("people.show", person_id=person_id, _anchor="at-camera"))

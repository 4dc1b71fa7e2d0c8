"""People: search, list, add, edit, deactivate, erase.

In: forms.  Out: pages; changed rows.
Does not know: photos (enrol.py), how consents are noted (consents.py).
Main choice: erasing asks on a separate page and not in a dialog, so that it works without scripts
and says what will be gone; deactivating asks nothing, because it can be undone.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.people.consent import Purpose
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.enrolment import photo_count
from attendance.service.enrolment.at_camera_state import state_of
from attendance.service.people import employment, look_alikes
from attendance.service.privacy import erasure
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.store.people import credentials, grown, people, templates
from attendance.store.people.employment import employment_of
from attendance.store.people.look_alikes import named_pairs
from attendance.store.privacy import consent_history
from attendance.store.session import DatabaseError
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import ConsentForm, PersonForm
from attendance.web.listing import Column, listing_of
from attendance.web.privacy.consent_words import ACTS, CHANNELS, PURPOSES
from attendance.web.security import operator, permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("people", __name__, url_prefix="/people")

MOST = 20_000
COLUMNS = (
    Column[people.Person]("person", N_("Person"), lambda one: one.name),
    Column[people.Person]("number", N_("Staff number"), lambda one: one.staff_number),
    Column[people.Person]("department", N_("Department"), lambda one: one.department or None),
    Column[people.Person]("consent", N_("Consent"), lambda one: one.consent_at),
)
SHOWN = {"active": True, "inactive": False, "all": None}
# Translated where it is shown, with the site's name.
CONSENT_WORDS = N_(
    "I agree that %(site)s stores a mathematical description of my face (no photo) for each purpose that is ticked: "
    "access, to let me in, and working time, to note when I come and go. It is encrypted, used for nothing else and "
    "erased when I take this back, which I may do for each purpose by itself, at any time and without giving a "
    "reason. I can use another way in instead."
)
# Added where templates may grow.
GROWTH_WORDS = N_(
    "Where templates that grow is ticked, I also agree that looks of passages which I confirmed with my PIN become "
    "further descriptions of my face after some days. I can see each one and have it removed."
)


# For enrol.js, which fills {name} and the like.
SCRIPT_TEXTS = {
    "unclear": N_("The site did not understand"),
    "unclearAdvice": N_("Reload the page and try again."),
    "offline": N_("The site does not answer"),
    "offlineAdvice": N_("Check the connection, then try this photo again."),
    "judging": N_("Judging…"),
    "looksLike": N_("Looks like {name} (score {score})."),
    "compare": N_("Compare with {name} (score {score})."),
    "unlike": N_("Unlike this person’s other photos (score {score}). Is it the right person?"),
    "twoPeople": N_("They are two people: add it"),
    "wanted": N_("wanted: {wanted}"),
    "tooLarge": N_("The file is too large"),
    "tooLargeAdvice": N_("Use a copy of at most {most} MB."),
    "added": N_("Added"),
    "good": N_("Good. Take the photo."),
    "notAllowed": N_("The browser may not use the camera. Allow it in the address line, then start again."),
    "notFound": N_("This device has no camera. Use files instead."),
    "notReadable": N_("Another program uses the camera. Close it, then start again."),
    "notStarted": N_("The camera did not start. Use files instead."),
    "insecure": N_(
        "Browsers allow the camera only on sites opened by https or on this computer itself. Use files here."
    ),
    "fromCamera": N_("From the camera"),
}


@blueprint.get("")
@permission("read_person")
def index() -> ResponseReturnValue:
    site = current_site()
    shown = request.args.get("show", "active")
    shown = shown if shown in SHOWN else "active"
    with site.sessions() as session:
        everybody = people.search_people(session, active=SHOWN[shown], limit=MOST)
        counts = templates.counts_by_person(session, site.model_id)
        foreign = templates.ids_of_other_models(session, site.model_id)
        anybody = bool(everybody) or people.count_people(session) > 0
    columns = (
        *COLUMNS,
        Column[people.Person]("templates", N_("Templates"), lambda one: counts.get(one.id, 0), numeric=True),
    )

    def texts(person: people.Person) -> tuple[str, ...]:
        return person.name, person.staff_number or "", person.department

    listing = listing_of(everybody, columns, texts, sort="person")
    return render_template(
        "people/people.html", listing=listing, counts=counts, foreign=foreign, shown=shown, anybody=anybody
    )


@blueprint.route("/new", methods=["GET", "POST"])
@permission("edit_person")
def new() -> ResponseReturnValue:
    form, site = PersonForm(), current_site()
    if form.validate_on_submit():
        try:
            with site.sessions.begin() as session:
                person = people.create_person(session, at=site.clock.now(), **_values(form))
                _save_employment(session, person.id, form)
        except UserError as error:
            form.form_errors.append(error_sentence(error))
        else:
            log.info("%s added person %d", current_user.username, person.id)
            flash(_("%(name)s is added. Next: note the consent, then add photos.", name=person.name), "success")
            return redirect(url_for("people.show", person_id=person.id))
    return render_template("people/person_form.html", form=form, person=None), 400 if form.errors else 200


@blueprint.get("/<int:person_id>")
@permission("read_person")
def show(person_id: int) -> ResponseReturnValue:
    return render_template("people/person.html", **person_context(person_id))


@blueprint.route("/<int:person_id>/edit", methods=["GET", "POST"])
@permission("edit_person")
def edit(person_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        person = existing(session, person_id)
        employed = employment_of(session, person_id)[-1]
    form = PersonForm(obj=person, first_day=employed.first, last_day=employed.last)
    if form.validate_on_submit():
        try:
            with site.sessions.begin() as session:
                people.update_person(session, person_id, at=site.clock.now(), **_values(form))
                _save_employment(session, person_id, form)
        except UserError as error:
            form.form_errors.append(error_sentence(error))
        else:
            log.info("%s changed person %d", current_user.username, person_id)
            flash(_("The changes are saved."), "success")
            return redirect(url_for("people.show", person_id=person_id))
    return render_template("people/person_form.html", form=form, person=person), 400 if form.errors else 200


@blueprint.post("/<int:person_id>/active")
@permission("edit_person")
def set_active(person_id: int) -> ResponseReturnValue:
    site, active = current_site(), request.form.get("active") == "yes"
    with site.sessions.begin() as session:
        existing(session, person_id)
        person = employment.set_active(session, person_id, active, now=site.clock.now(), zone=site.zone)
        action = Action.ACTIVATE_PERSON if active else Action.DEACTIVATE_PERSON
        record_act(session, action, Subject("person", person_id))
        if active:  # look-alikes of inactive people are not looked for
            look_alikes.refresh_person(session, site.keys, site.model_id, person_id, site.clock.now())
    log.info("%s %s person %d", current_user.username, "activated" if active else "deactivated", person_id)
    text = N_("%(name)s is recognised again.") if active else N_("%(name)s is no longer recognised at any door.")
    flash(_(text, name=person.name), "success")
    return redirect(url_for("people.show", person_id=person_id))


@blueprint.route("/<int:person_id>/delete", methods=["GET", "POST"])
@permission("erase_person")
@sudo()
def delete(person_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        person = existing(session, person_id)
        photos = templates.list_templates(session, person_id)
    if request.method == "GET":
        return render_template("people/person_delete.html", person=person, templates=photos)
    erased = erasure.erase_person(site.sessions, site.ledger, person_id, operator(), site.clock.now())
    log.info("%s erased person %d", current_user.username, person_id)
    flash(_("%(name)s is erased, with all templates. Past passages stay without a name.", name=person.name), "success")
    return redirect(url_for("privacy.erasure", erasure_id=erased))


def existing(session: Session, person_id: int) -> people.Person:
    """Return the person, or show the 404 page."""
    try:
        return people.get_person(session, person_id)
    except DatabaseError:
        raise
    except (UserError, OverflowError):  # SQLite's integers end at 64 bits
        abort(404)


def person_context(person_id: int, form: ConsentForm | None = None) -> dict[str, Any]:
    """Return what the person's page shows."""
    site = current_site()
    with site.sessions() as session:
        person = existing(session, person_id)
        photos = templates.list_templates(session, person_id)
        passages = events.list_passages(session, person_id=person_id, limit=8)
        secret = credentials.secret_of(session, person_id)
        waiting_link = credentials.open_link(session, person_id, at=site.clock.now())
        alike = named_pairs(session, site.model_id, person_id, limit=10)
        point = operating_points.current(session, site.model_id)
        consents = consent_history.history(session, person_id)
        grew = grown.of_person(session, person_id)
        at_camera = state_of(session, person_id, site.clock.now())
        try:
            agreement = look_alikes.consistency(session, site.keys, site.model_id, person_id)
        except DatabaseError:
            raise
        except UserError:  # a damaged template must not hide the page on which it is deleted
            agreement = {}
    if form is None:
        form = ConsentForm(formdata=None)
        form.text.data = _(CONSENT_WORDS, site=site.settings.site.name)
        if site.settings.growth.enabled and not person.visitor:
            form.text.data += " " + _(GROWTH_WORDS)
        form.language.data = str(get_locale() or "en").replace("_", "-")
        for purpose in Purpose:
            # A visitor has no working time.  That templates grow is never ticked beforehand.
            asked = purpose is Purpose.ACCESS or (purpose is Purpose.ATTENDANCE and not person.visitor)
            getattr(form, purpose.value).data = asked and purpose not in person.agreed
    return {
        "person": person,
        "at_camera": at_camera,
        "grown": grew,
        "now": site.clock.now(),
        "grows": site.settings.growth.enabled,
        "templates": photos,
        "usable": (usable := sum(photo.model_id == site.model_id for photo in photos)),
        "coverage": photo_count.coverage_of(usable).value,
        "model_id": site.model_id,
        "recommended": photo_count.RECOMMENDED,
        "sufficient": photo_count.SUFFICIENT,
        "passages": passages,
        "consent_form": form,
        "consents": consents,
        "PURPOSES": PURPOSES,
        "CHANNELS": CHANNELS,
        "ACTS": ACTS,
        "max_upload_mb": site.settings.web.max_upload_mb,
        "texts": {name: _(text) for name, text in SCRIPT_TEXTS.items()},
        "results": [],
        "look_alikes": alike,
        "agreement": agreement,
        "point": point,
        "secret": secret,
        "waiting_link": waiting_link,
    }


def _save_employment(session: Session, person_id: int, form: PersonForm) -> None:
    """Save the first and last day; a last day that is over deactivates the person at once."""
    if not {"first_day", "last_day"} & set(request.form):
        return  # a client that does not know them leaves them as they are
    site = current_site()
    first, last, now = form.first_day.data, form.last_day.data, site.clock.now()
    if employment.set_days(session, person_id, first, last, now=now, zone=site.zone):
        record_act(session, Action.DEACTIVATE_PERSON, Subject("person", person_id))


def _values(form: PersonForm) -> dict[str, Any]:
    return {name: getattr(form, name).data or "" for name in ("name", "staff_number", "department", "notes")}

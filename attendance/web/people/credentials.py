"""What a person proves themselves with instead of the face: PIN, badge, a one-time link; given by administrators.

In: buttons on a person's page.  Out: a page that shows a secret once; changed rows.
Does not know: how a secret is kept or checked (store/kiosk.py), what a person does with it (me.py, kiosk.py).
Main choice: a secret is answered to the button's own request and stands in no cookie and no log, and in no address
that is sent: a link's token is behind #.  Who loses it gets a new one.  PINs are random: what an administrator
would choose, others guess.
"""

from __future__ import annotations

import logging
from typing import Any

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError
from attendance.store.people import credentials
from attendance.store.people.people import Person
from attendance.web.errors import error_sentence
from attendance.web.people.people import existing
from attendance.web.security import admin_required
from attendance.web.site import current_site, works_here_only

log = logging.getLogger(__name__)
blueprint = Blueprint("credentials", __name__, url_prefix="/people/<int:person_id>")


@blueprint.post("/pin")
@admin_required
def pin(person_id: int) -> ResponseReturnValue:
    """A random PIN, or none any more."""
    site = current_site()
    try:
        with site.sessions.begin() as session:
            person = existing(session, person_id)
            if request.form.get("what") == "take":
                credentials.revoke_pin(session, person_id)
                return _taken(person, "The PIN is taken away. It opens nothing any more.", "PIN")
            made = credentials.reset_pin(session, person_id, at=site.clock.now())
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("people.show", person_id=person_id))
    log.info("%s set the PIN of person %d", current_user.username, person_id)
    return _once("pin", person, pin=made)


@blueprint.post("/badge")
@admin_required
def badge(person_id: int) -> ResponseReturnValue:
    """A new badge to print, instead of an older one, or none any more."""
    site = current_site()
    with site.sessions.begin() as session:
        person = existing(session, person_id)
        if request.form.get("what") == "take":
            credentials.revoke_badge(session, person_id)
            return _taken(person, "The badge is taken away. It opens nothing any more.", "badge")
        made = credentials.new_badge(session, person_id, at=site.clock.now())
    log.info("%s made a badge for person %d", current_user.username, person_id)
    # Error correction "high": a badge is scratched and held at an angle.
    return _once("badge", person, text=made, picture=_qr(made, error="h"))


@blueprint.post("/link")
@admin_required
def link(person_id: int) -> ResponseReturnValue:
    """A link to the person's own pages, good once, or none any more."""
    site = current_site()
    with site.sessions.begin() as session:
        person = existing(session, person_id)
        if request.form.get("what") == "take":
            credentials.revoke_links(session, person_id)
            return _taken(person, "The link works no more.", "link")
        token = credentials.make_link(session, person_id, at=site.clock.now(), by=current_user.username)
    log.info("%s made a link for person %d", current_user.username, person_id)
    address = f"{url_for('me.link', _external=True)}#{token}"
    return _once(
        "link", person, address=address, picture=_qr(address, error="m"), days=credentials.LINK_VALID.days,
        here_only=works_here_only(),
    )  # fmt: skip


def _once(kind: str, person: Person, **shown: Any) -> ResponseReturnValue:
    return render_template("people/credential.html", kind=kind, person=person, **shown)


def _taken(person: Person, words: str, what: str) -> ResponseReturnValue:
    log.info("%s took the %s of person %d away", current_user.username, what, person.id)
    flash(words, "success")
    return redirect(url_for("people.show", person_id=person.id))


def _qr(text: str, error: str) -> str:
    return segno.make(text, error=error, micro=False).svg_data_uri(scale=6, border=4, light="#fff")

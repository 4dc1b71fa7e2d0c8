"""What identifies a person without the face: PIN, badge, a one-time link; administrators issue them.

In: buttons on a person's page.  Out: a page that shows a secret once; changed rows.
Does not know: how a secret is kept or checked (store/people/credentials.py), what a person does with it (web/me,
web/kiosk).
Main choice: the page answers the button's request with the secret.  No cookie and no log holds it, and no address
that is sent: a link's token is behind #.  A person who loses a secret gets a new one.  PINs are random, since people
guess what an administrator would choose.
"""

from __future__ import annotations

import logging
from typing import Any

import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.store import slow_hash
from attendance.store.people import credentials, pins
from attendance.store.people.people import Person
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.people.people import existing
from attendance.web.security import permission, record_act
from attendance.web.site import current_site, public_address, works_here_only

log = logging.getLogger(__name__)
blueprint = Blueprint("credentials", __name__, url_prefix="/people/<int:person_id>")


@blueprint.post("/pin")
@permission("issue_credential")
def pin(person_id: int) -> ResponseReturnValue:
    """Set a random PIN, or the one for duress, or revoke either."""
    site, made, what = current_site(), pins.random_pin(), request.form.get("what", "")
    try:
        if what in ("duress", "take duress"):
            return _duress(person_id, made, what == "duress")
        while pins.is_taken(site.sessions, person_id, made, slow_hash.SITE):
            made = pins.random_pin()
        hashed = pins.hashed_pin(made, lane=slow_hash.SITE)
        with site.sessions.begin() as session:
            person = existing(session, person_id)
            if what == "take":
                pins.revoke_pin(session, person_id)
                _record(session, person_id, Action.REVOKE_CREDENTIAL, "PIN")
                return _revoked(person, _("The PIN is revoked. It no longer works."), "PIN")
            pins.set_pin(session, person_id, hashed, at=site.clock.now())
            _record(session, person_id, Action.ISSUE_CREDENTIAL, "PIN")
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("people.show", person_id=person_id))
    log.info("%s set the PIN of person %d", current_user.username, person_id)
    return _once("pin", person, pin=made)


def _duress(person_id: int, made: str, give: bool) -> ResponseReturnValue:
    """Set a random PIN for duress, or take it away; UserError for a person without a PIN."""
    site = current_site()
    while give and pins.is_taken(site.sessions, person_id, made, slow_hash.SITE):
        made = pins.random_pin()
    hashed = pins.hashed_pin(made, lane=slow_hash.SITE) if give else None
    with site.sessions.begin() as session:
        person = existing(session, person_id)
        pins.set_duress_pin(session, person_id, hashed)
        record_act(session, Action.CHANGE_PERSON_ACCESS, Subject("person", person_id), duress_pin=give)
    return _once("duress", person, pin=made) if give else _revoked(person, _("It no longer works."), "PIN for duress")


@blueprint.post("/badge")
@permission("issue_credential")
def badge(person_id: int) -> ResponseReturnValue:
    """Make a badge to print, which replaces an older one, or revoke the badge."""
    site = current_site()
    with site.sessions.begin() as session:
        person = existing(session, person_id)
        if request.form.get("what") == "take":
            credentials.revoke_badge(session, person_id)
            _record(session, person_id, Action.REVOKE_CREDENTIAL, "badge")
            return _revoked(person, _("The badge is revoked. It no longer works."), "badge")
        made = credentials.new_badge(session, person_id, at=site.clock.now())
        _record(session, person_id, Action.ISSUE_CREDENTIAL, "badge")
    log.info("%s made a badge for person %d", current_user.username, person_id)
    # Error correction "high": a badge is scratched and held at an angle.
    return _once("badge", person, text=made, picture=_qr(made, error="h"))


@blueprint.post("/link")
@permission("issue_credential")
def link(person_id: int) -> ResponseReturnValue:
    """Make a link to the person's own pages that works once, or revoke it."""
    site = current_site()
    with site.sessions.begin() as session:
        person = existing(session, person_id)
        if request.form.get("what") == "take":
            credentials.revoke_links(session, person_id)
            _record(session, person_id, Action.REVOKE_CREDENTIAL, "link")
            return _revoked(person, _("The link is revoked. It no longer works."), "link")
        token = credentials.make_link(session, person_id, at=site.clock.now(), by=current_user.username)
        _record(session, person_id, Action.ISSUE_CREDENTIAL, "link")
    log.info("%s made a link for person %d", current_user.username, person_id)
    address = f"{public_address('me.link')}#{token}"
    return _once(
        "link", person, address=address, picture=_qr(address, error="m"), days=credentials.LINK_VALID.days,
        here_only=works_here_only(),
    )  # fmt: skip


def _record(session: Session, person_id: int, action: Action, which: str) -> None:
    record_act(session, action, Subject("person", person_id), credential=which)


def _once(kind: str, person: Person, **shown: Any) -> ResponseReturnValue:
    return render_template("people/credential.html", kind=kind, person=person, **shown)


def _revoked(person: Person, words: str, what: str) -> ResponseReturnValue:
    log.info("%s revoked the %s of person %d", current_user.username, what, person.id)
    flash(words, "success")
    return redirect(url_for("people.show", person_id=person.id))


def _qr(text: str, error: str) -> str:
    return segno.make(text, error=error, micro=False).svg_data_uri(scale=6, border=4, light="#fff")

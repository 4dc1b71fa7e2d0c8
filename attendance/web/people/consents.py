"""Consents of a person: noted and withdrawn by an operator, purpose by purpose.

In: forms.  Out: pages; changed rows.
Does not know: what the doors make of it.
"""

from __future__ import annotations

import logging

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.domain.people.consent import BOTH, Channel, Purpose
from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.privacy import erasure
from attendance.store.privacy import consent
from attendance.store.session import DatabaseError
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import ConsentForm
from attendance.web.people.people import blueprint, existing, person_context
from attendance.web.security import operator, permission, record_act
from attendance.web.site import current_site

__all__ = ["blueprint"]

log = logging.getLogger(__name__)


@blueprint.post("/<int:person_id>/consent")
@permission("record_consent")
def give_consent(person_id: int) -> ResponseReturnValue:
    """Note to which words and purposes the person agreed, and how."""
    form, site = ConsentForm(), current_site()
    if not form.validate_on_submit():
        return render_template("people/person.html", **person_context(person_id, form)), 400
    try:
        with site.sessions.begin() as session:
            existing(session, person_id)
            consent.give_consent(
                session, person_id, form.text.data or "", at=site.clock.now(), purposes=form.purposes(),
                language=form.language.data or "", channel=Channel(form.channel.data), by=current_user.username,
            )  # fmt: skip
            purposes = "+".join(sorted(form.purposes()))
            record_act(session, Action.GIVE_CONSENT, Subject("person", person_id), purposes=purposes)
    except DatabaseError:
        raise
    except UserError as error:
        form.form_errors.append(error_sentence(error))
        return render_template("people/person.html", **person_context(person_id, form)), 400
    log.info("%s noted the consent of person %d to %s", current_user.username, person_id, purposes)
    flash(_("The consent is noted. You can add photos now."), "success")
    return redirect(url_for("people.show", person_id=person_id))


@blueprint.post("/<int:person_id>/consent/withdraw")
@permission("record_consent")
def withdraw_consent(person_id: int) -> ResponseReturnValue:
    """Withdraw one purpose, or without `purpose` all; templates are erased with the last one of recognition."""
    site = current_site()
    with site.sessions() as session:
        person = existing(session, person_id)
    wanted = [purpose for purpose in Purpose if purpose.value == request.form.get("purpose")] or BOTH
    erasure.withdraw(site.sessions, site.ledger, person_id, operator(), site.clock.now(), wanted, Channel.PAGE)
    with site.sessions() as session:
        left = existing(session, person_id).agreed
    log.info("%s noted that person %d withdrew the consent to %s", current_user.username, person_id, "+".join(wanted))
    if left and wanted == [Purpose.GROWTH]:
        flash(
            _("This consent is withdrawn. The templates of %(name)s that grew are erased.", name=person.name), "success"
        )
    elif left:
        flash(_("This consent is withdrawn. %(name)s is no longer recognised for it.", name=person.name), "success")
    else:
        flash(_("The consent is withdrawn, and every template of %(name)s is erased.", name=person.name), "success")
    return redirect(url_for("people.show", person_id=person_id))

"""Who may sign in: a list, adding viewers and administrators, one's own password.

In: forms.  Out: pages; changed operators.
Does not know: how passwords are kept.
"""

from __future__ import annotations

import logging

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError
from attendance.store import operators
from attendance.web.auth import begin_session
from attendance.web.errors import answer, for_the_form
from attendance.web.forms import OperatorForm, PasswordForm
from attendance.web.security import admin_required, limiter
from attendance.web.site import the_site

log = logging.getLogger(__name__)
blueprint = Blueprint("operators", __name__)


@blueprint.route("/operators", methods=["GET", "POST"])
@admin_required
def index() -> ResponseReturnValue:
    form, site = OperatorForm(), the_site()
    if form.validate_on_submit():
        try:
            with site.sessions.begin() as session:
                made = operators.create_operator(
                    session,
                    form.username.data or "",
                    form.password.data or "",
                    role="admin" if form.admin.data else "viewer",
                    at=site.clock.now(),
                )
        except UserError as error:
            form.form_errors.append(for_the_form(error))
        else:
            log.info("%s added the %s %s", current_user.username, made.role, made.username)
            flash(f"{made.username} can sign in now.", "success")
            return redirect(url_for("operators.index"))
    with site.sessions() as session:
        known = operators.list_operators(session)
    page = render_template("admin/operators.html", form=form, operators=known, minimum=operators.MIN_PASSWORD)
    return page, 400 if form.errors else 200


@blueprint.post("/operators/<int:operator_id>/active")
def set_active(operator_id: int) -> ResponseReturnValue:
    site, active = the_site(), request.form.get("active") == "yes"
    with site.sessions() as session:
        if operator_id not in {one.id for one in operators.list_operators(session)}:
            return answer(404)
    try:
        with site.sessions.begin() as session:
            operators.set_operator_active(session, operator_id, active)
    except UserError as error:
        flash(f"{for_the_form(error)}.", "danger")
    else:
        log.info("%s %s operator %d", current_user.username, "activated" if active else "deactivated", operator_id)
        flash("The operator can sign in again." if active else "The operator is signed out for good.", "success")
    return redirect(url_for("operators.index"))


@blueprint.route("/password", methods=["GET", "POST"])
@limiter.limit("10/minute", methods=["POST"])
def password() -> ResponseReturnValue:
    """One's own password; every other session of this operator ends."""
    form, site = PasswordForm(), the_site()
    if form.validate_on_submit():
        with site.sessions.begin() as session:
            known = operators.authenticate(session, current_user.username, form.present.data or "", at=site.clock.now())
            if known is not None:
                operators.set_password(session, known.id, form.password.data or "")
        if known is not None:
            begin_session(known)
            flash("Your password is changed. You are signed out everywhere else.", "success")
            return redirect(url_for("overview.page"))
        form.present.errors = ["This is not your present password."]
    page = render_template("auth/password.html", form=form, minimum=operators.MIN_PASSWORD)
    return page, 400 if form.errors else 200

"""Who may sign in: a list, adding operators, their role, departments and person, changing the password.

In: forms.  Out: pages; changed operators.
Does not know: how passwords are kept, what a role may do (security.py).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.store import slow_hash
from attendance.store.hours import rosters
from attendance.store.operators import oidc_accounts, operators, second_factors
from attendance.texts import gettext as _
from attendance.web.auth import begin_session
from attendance.web.errors import answer, error_sentence
from attendance.web.forms import OperatorForm, PasswordForm, RoleForm
from attendance.web.roles import NAMES, WORDS
from attendance.web.security import allowed, limiter, permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("operators", __name__)


@blueprint.route("/operators", methods=["GET", "POST"])
@permission("manage_operator")
@sudo()
def index() -> ResponseReturnValue:
    form, site = OperatorForm(), current_site()
    if form.validate_on_submit():
        try:
            username = form.username.data or ""
            hashed = operators.hashed_password(form.password.data or "", slow_hash.SITE, [username])
            with site.sessions.begin() as session:
                require_owner(session, form.role.data or "")
                made = operators.create_operator(
                    session,
                    form.username.data or "",
                    hashed,
                    at=site.clock.now(),
                    **_chosen(form),
                )
                record_act(session, Action.CREATE_OPERATOR, Subject("operator", made.id), role=made.role)
        except UserError as error:
            form.form_errors.append(error_sentence(error))
        else:
            log.info("%s added the %s %s", current_user.username, made.role, made.username)
            flash(_("%(name)s can sign in now.", name=made.username), "success")
            return redirect(url_for("operators.index"))
    with site.sessions() as session:
        known, departments = operators.list_operators(session), operators.all_departments(session)
        names = {person.id: person.name for person in rosters.list_staff(session, active=None)}
    page = render_template(
        "operators/operators.html", form=form, operators=known, departments=departments, names=names,
        minimum=operators.MIN_PASSWORD, ticked=request.form.getlist("departments"), **_offered(),
    )  # fmt: skip
    return page, 400 if form.errors else 200


@blueprint.route("/operators/<int:operator_id>", methods=["GET", "POST"])
@permission("manage_operator")
@sudo()
def role(operator_id: int) -> ResponseReturnValue:
    """Change role and departments; they apply from the operator's next request."""
    site = current_site()
    with site.sessions() as session:
        known = {operator.id: operator for operator in operators.list_operators(session)}.get(operator_id)
        if known is None:
            return answer(404)
        present = operators.departments_of(session, operator_id)
        has_second_factor = second_factors.is_on(session, operator_id)
    form = RoleForm(role=known.role, person=str(known.person_id or ""), email=known.email or "")
    if form.validate_on_submit():
        try:
            with site.sessions.begin() as session:
                require_owner(session, form.role.data or "", known.role)
                changed = operators.set_role(session, operator_id, **_chosen(form))
                record_act(session, Action.CHANGE_ROLE, Subject("operator", operator_id), role=changed.role)
        except UserError as error:
            form.form_errors.append(error_sentence(error))
        else:
            log.info("%s made %s a %s", current_user.username, changed.username, changed.role)
            flash(_changed(changed.role, changed.username), "success")
            return redirect(url_for("operators.index"))
    ticked = request.form.getlist("departments") if form.is_submitted() else present
    page = render_template(
        "operators/operator.html", form=form, operator=known, ticked=ticked, has_second_factor=has_second_factor,
        **_offered(present),
    )  # fmt: skip
    return page, 400 if form.errors else 200


def _changed(role: str, name: str) -> str:
    return _("The role of %(name)s: %(role)s.", name=name, role=_(NAMES[role]))


def require_owner(session: Session, *roles: str) -> None:
    """Refuse what only an owner may: to make one, or to change one.  The first owner any administrator appoints."""
    if "owner" in roles and not allowed("manage_owner") and operators.count_owners(session):
        raise UserError("only an owner appoints or changes an owner")


def _chosen(form: RoleForm) -> dict[str, Any]:
    """Return role, departments and person of the form, for the store."""
    return {
        "role": form.role.data,
        "departments": request.form.getlist("departments"),
        "person_id": int(form.person.data) if form.person.data else None,
        "email": form.email.data or "",
    }


def _offered(present: Collection[str] = ()) -> dict[str, Any]:
    """Return what the fields offer; a supervisor's department stays on offer when nobody is in it any more."""
    with current_site().sessions() as session:
        departments = {*rosters.departments(session), *present}
        return {
            "roles": {role: _(text) for role, text in WORDS.items()},
            "every_department": sorted(departments),
            "everybody": rosters.list_staff(session),
        }


@blueprint.post("/operators/<int:operator_id>/active")
@permission("manage_operator")
@sudo()
def set_active(operator_id: int) -> ResponseReturnValue:
    site, active = current_site(), request.form.get("active") == "yes"
    with site.sessions() as session:
        if operator_id not in {operator.id for operator in operators.list_operators(session)}:
            return answer(404)
    try:
        with site.sessions.begin() as session:
            require_owner(session, operators.get_operator(session, operator_id).role)
            operators.set_operator_active(session, operator_id, active)
            action = Action.ACTIVATE_OPERATOR if active else Action.DEACTIVATE_OPERATOR
            record_act(session, action, Subject("operator", operator_id))
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        log.info("%s %s operator %d", current_user.username, "activated" if active else "deactivated", operator_id)
        flash(_("The operator can sign in again.") if active else _("The operator can no longer sign in."), "success")
    return redirect(url_for("operators.index"))


@blueprint.route("/password", methods=["GET", "POST"])
@limiter.limit("10/minute", methods=["POST"])
@permission("use_own_account")
def password() -> ResponseReturnValue:
    """Change the operator's password; every other session of this operator ends."""
    form, site = PasswordForm(), current_site()
    with site.sessions() as session:
        by_provider = oidc_accounts.has_account(session, current_user.operator_id)
    if not by_provider and form.validate_on_submit():
        known = operators.authenticate(site.sessions, current_user.username, form.present.data or "")
        if known is not None:
            try:
                hashed = operators.hashed_password(form.password.data or "", slow_hash.SITE, [known.username])
            except UserError as error:
                form.password.errors = [error_sentence(error)]
                return _password_page(form)
            with site.sessions.begin() as session:
                operators.set_password(session, known.id, hashed)
                known = operators.get_operator(session, known.id)
                record_act(session, Action.CHANGE_PASSWORD, Subject("operator", known.id))
            begin_session(known)
            flash(_("Your password is changed. You are signed out everywhere else."), "success")
            return redirect(url_for("overview.page"))
        form.present.errors = [_("This is not your present password.")]
    return _password_page(form, by_provider)


def _password_page(form: PasswordForm, by_provider: bool = False) -> ResponseReturnValue:
    page = render_template(
        "operators/password.html", form=form, minimum=operators.MIN_PASSWORD, by_provider=by_provider
    )  # fmt: skip
    refused = form.errors or (by_provider and request.method == "POST")
    return page, 400 if refused else 200

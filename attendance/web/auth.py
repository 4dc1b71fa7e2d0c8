"""Signing in and out, and the first sign-in by a one-time token.

In: forms.  Out: a session cookie that names an operator.
Does not know: how a password is hashed, what an operator may see.
Main choice: the cookie carries a fingerprint of the password's hash and the time of signing in; a
changed password or a deactivated operator ends every session at its next request, without a table
of sessions.  Trade-off: one small query a request.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from datetime import datetime, timedelta

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Actor, Subject, Value, record
from attendance.service.ports import age_since, mark_of
from attendance.store.operators import operators
from attendance.store.session import DatabaseError
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import LoginForm, SetupForm
from attendance.web.security import limiter, permission, safe_next
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("auth", __name__)

_SIGNED_IN_AT, _MARK = "signed_in_at", "mark"


ROLE_NAMES = {"viewer": N_("viewer"), "supervisor": N_("supervisor"), "admin": N_("administrator")}


class SignedIn(UserMixin):
    """The operator of this request.  `departments`: a supervisor's; `person_id`: who that is, if known."""

    def __init__(self, operator: operators.Operator, departments: frozenset[str] = frozenset()) -> None:
        self.operator_id, self.username, self.role = operator.id, operator.username, operator.role
        self.departments, self.person_id = departments, operator.person_id
        self._proof = _fingerprint(operator.password_hash)

    @property
    def is_supervisor(self) -> bool:
        return self.role == "supervisor"

    def get_id(self) -> str:
        return f"{self.operator_id}:{self._proof}"


def init_app(app: Flask) -> None:
    manager = LoginManager()
    # Addresses of phones change while they walk; the cookie is HttpOnly and signed.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app)
    app.context_processor(lambda: {"role_names": {role: _(name) for role, name in ROLE_NAMES.items()}})


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("overview.page"))
    return _login_page(LoginForm(formdata=None))


@blueprint.post("/login")
@limiter.limit("60/hour;12/minute", deduct_when=lambda response: response.status_code == 401)
@limiter.limit(
    "8/minute",
    key_func=lambda: f"{get_remote_address()}|{request.form.get('username', '')[:100].strip().casefold()}",
    deduct_when=lambda response: response.status_code == 401,
)
def sign_in() -> ResponseReturnValue:
    form, site = LoginForm(), current_site()
    if not form.validate_on_submit():
        return _login_page(form, 400)
    with site.sessions.begin() as database:
        operator = operators.authenticate(
            database, form.username.data or "", form.password.data or "", at=site.clock.now()
        )
    if operator is None:
        log.warning("a sign-in from %s failed", request.remote_addr)
        flash(_("User name or password is wrong."), "danger")
        return _login_page(form, 401)
    _begin(operator, site.clock.now())
    return redirect(safe_next(request.args.get("next")) or url_for("overview.page"))


@blueprint.post("/logout")
@permission("use_own_account")
def logout() -> ResponseReturnValue:
    logout_user()
    session.clear()
    flash(_("You are signed out."), "success")
    return redirect(url_for("auth.login"))


@blueprint.route("/setup", methods=["GET", "POST"])
@limiter.limit("20/minute", methods=["POST"])
def setup() -> ResponseReturnValue:
    """Make the first administrator; the token comes from the terminal, by link or by hand."""
    form, site = SetupForm(), current_site()
    if request.method == "GET":
        form.token.data = request.args.get("token", "")[:200]
        return render_template("operators/setup.html", form=form, minimum=operators.MIN_PASSWORD)
    if form.validate_on_submit():
        now = site.clock.now()
        try:
            with site.sessions.begin() as database:
                operator = operators.create_with_token(
                    database, form.token.data or "", form.username.data or "", form.password.data or "", at=now
                )
                actor, subject = Actor("operator", operator.username), Subject("operator", operator.id)
                detail: dict[str, Value] = {"role": operator.role}
                record(database, actor=actor, action=Action.CREATE_OPERATOR, subject=subject, detail=detail, at=now)
        except UserError as error:
            form.form_errors.append(error_sentence(error))
        else:
            log.info("administrator %s was made with a setup token", operator.username)
            _begin(operator, now)
            flash(_("Welcome, %(name)s. You are signed in as administrator.", name=operator.username), "success")
            return redirect(url_for("overview.page"))
    return render_template("operators/setup.html", form=form, minimum=operators.MIN_PASSWORD), 400


def _login_page(form: LoginForm, status: int = 200) -> ResponseReturnValue:
    with current_site().sessions() as database:
        nobody_yet = operators.count_operators(database) == 0
    return render_template("operators/login.html", form=form, nobody_yet=nobody_yet), status


def begin_session(operator: operators.Operator) -> None:
    """Sign this browser in anew, such as after its operator changed the password."""
    _begin(operator, current_site().clock.now())


def _begin(operator: operators.Operator, at: datetime) -> None:
    session.clear()  # nothing of a session before the sign-in survives it
    session.permanent = True
    session[_SIGNED_IN_AT] = at.isoformat()
    session[_MARK] = mark_of(current_site().clock)
    login_user(SignedIn(operator))


def _load(cookie_id: str) -> SignedIn | None:
    """Return the cookie's operator if still active, with the same password, and signed in recently enough."""
    site = current_site()
    number, _colon, proof = cookie_id.partition(":")
    try:
        signed_in_at = datetime.fromisoformat(session.get(_SIGNED_IN_AT, ""))
        with site.sessions() as database:
            operator = operators.get_operator(database, int(number))
            departments = operators.departments_of(database, operator.id)
    except DatabaseError:
        raise  # nobody is signed out because a disk is slow
    except (ValueError, TypeError, UserError):
        return None
    age = age_since(site.clock, str(session.get(_MARK, "")), signed_in_at)
    if age is None:
        return None  # how old the session is only an implausible clock could tell
    if not operator.active or not timedelta(minutes=-5) <= age <= timedelta(hours=site.settings.web.session_hours):
        return None
    return SignedIn(operator, departments) if hmac.compare_digest(proof, _fingerprint(operator.password_hash)) else None


def _fingerprint(password_hash: str) -> str:
    return hashlib.sha256(b"session of " + password_hash.encode()).hexdigest()[:24]

"""Signing in and out, and the first sign-in by a one-time token.

In: forms.  Out: a session cookie that names an operator.
Does not know: how a password is hashed, what an operator may see, how a second factor is set up.
Main choice: the cookie carries a random token and nothing else; the sign-in itself is a row
(store/operators/sign_ins.py).  Signing out, another password, another role and a deactivated operator end it.
Between password and code, or passkey, the cookie names a half sign-in, which opens nothing.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Actor, Subject, Value, record
from attendance.service.ports import age_since, mark_of
from attendance.store import slow_hash
from attendance.store.operators import half_sign_ins, operators, second_factors, sign_ins
from attendance.store.session import DatabaseError
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import CodeForm, LoginForm, SetupForm
from attendance.web.operators import guesses, passkey_check
from attendance.web.roles import NAMES
from attendance.web.security import caller_address, limiter, permission, safe_next, wants_json
from attendance.web.site import Site, current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("auth", __name__)

# Where the cookie of a browser names its half sign-in.
_HALF = "half"
# What a browser calls itself, most telling first: many name others, too.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")


class SignedIn(UserMixin):
    """The operator of this request.

    `departments`: a supervisor's; `person_id`: who that is, if known; `sign_in`: of this browser;
    `lacks_second_factor`: the settings ask for one that the operator has not set up.
    """

    def __init__(
        self,
        operator: operators.Operator,
        token: str,
        sign_in: sign_ins.SignIn | None,
        departments: frozenset[str] = frozenset(),
        lacks_second_factor: bool = False,
    ) -> None:
        self.operator_id, self.username, self.role = operator.id, operator.username, operator.role
        self.departments, self.person_id = departments, operator.person_id
        self.sign_in, self.lacks_second_factor = sign_in, lacks_second_factor
        self._token = token

    def get_id(self) -> str:
        return self._token


def init_app(app: Flask) -> None:
    manager = LoginManager()
    # Addresses of phones change while they walk; the cookie is HttpOnly and signed.
    manager.session_protection = None
    manager.user_loader(_load)
    manager.init_app(app)
    app.context_processor(lambda: {"role_names": {role: _(name) for role, name in NAMES.items()}})


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("overview.page"))
    return _login_page(LoginForm(formdata=None))


@blueprint.post("/login")
@guesses.of_addresses
@guesses.of_accounts(
    lambda: request.form.get("username", ""), exempt_when=lambda: _is_known_here(request.form.get("username", ""))
)
@limiter.limit(
    "8/minute",
    key_func=lambda: f"{caller_address()}|{guesses.plain(request.form.get('username', ''))}",
    deduct_when=guesses.was_wrong,
)
def sign_in() -> ResponseReturnValue:
    form, site = LoginForm(), current_site()
    if not form.validate_on_submit():
        return _login_page(form, 400)
    operator = operators.authenticate(site.sessions, form.username.data or "", form.password.data or "")
    if operator is None:
        log.warning("a sign-in from %s failed", request.remote_addr)
        flash(_("User name or password is wrong."), "danger")
        return _login_page(form, 401)
    with site.sessions.begin() as database:
        if second_factors.is_on(database, operator.id):
            half = half_sign_ins.begin(database, operator.id, at=site.clock.now(), mark=mark_of(site.clock))
        else:
            half = None
    if half is not None:
        session.clear()
        session[_HALF] = half
        return redirect(url_for("auth.code", next=safe_next(request.args.get("next"))))
    _begin(operator, site.clock.now())
    return redirect(safe_next(request.args.get("next")) or url_for("overview.page"))


@blueprint.route("/login/code", methods=["GET", "POST"])
@guesses.of_addresses
@guesses.of_accounts(lambda: half_signed_in()[1])
def code() -> ResponseReturnValue:
    """Ask whoever gave the password for a code or a passkey; the sign-in begins with it, under another token."""
    form, site, answer = CodeForm(), current_site(), request.form.get("passkey", "")
    operator_id, _username = half_signed_in()
    if operator_id is None:
        session.pop(_HALF, None)
        flash(_("That took too long, or too many codes were wrong. Sign in again."), "warning")
        return redirect(url_for("auth.login", next=safe_next(request.args.get("next"))))
    if not answer and not form.validate_on_submit():
        return _code_page(form, operator_id, 400 if form.errors else 200)
    operator, left = _completed(operator_id, form.code.data or "", answer)
    if operator is None:
        log.warning("a code or passkey of operator %d from %s was wrong", operator_id, request.remote_addr)
        wrong_code = _("This code is wrong, or it was used already. Wait for the next one.")
        form.code.errors = [_("This passkey does not fit. Try again.") if answer else wrong_code]
        return _code_page(form, operator_id, 401)
    _begin(operator, site.clock.now())
    if left is not None:
        flash(_("That was a recovery code. You have %(number)s left.", number=left), "warning")
    return redirect(safe_next(request.args.get("next")) or url_for("overview.page"))


def _code_page(form: CodeForm, operator_id: int, status: int) -> ResponseReturnValue:
    with current_site().sessions() as database:
        has_app = second_factors.has_app(database, operator_id)
    offered = passkey_check.offered(operator_id)
    return render_template("operators/code.html", form=form, has_app=has_app, passkeys=offered), status


def half_signed_in() -> tuple[int | None, str]:
    """Return who gave the password in this browser and owes the code: id and user name; (None, "") for nobody."""
    if "half_signed_in" not in g:
        g.half_signed_in = None, ""
        with current_site().sessions() as database:
            found = half_sign_ins.find(database, session.get(_HALF, ""))
            if found is not None and _is_within(found.begun_mark, found.begun_at, half_sign_ins.LASTS):
                g.half_signed_in = found.operator_id, operators.get_operator(database, found.operator_id).username
    whose: tuple[int | None, str] = g.half_signed_in
    return whose


def _completed(operator_id: int, typed: str, answer: str) -> tuple[operators.Operator | None, int | None]:
    """Use up the code, or a passkey's answer, and the half sign-in; return the operator, None if it is wrong.

    Beside it: how many recovery codes are left, if it was one of them.
    """
    site, token = current_site(), session.get(_HALF, "")
    held = passkey_check.held(answer, f"code {operator_id}", operator_id) if answer else None
    at, left, used = site.clock.now(), None, ""
    with site.sessions.begin() as database:
        if not answer:
            used = second_factors.use(database, site.keys, operator_id, typed, at=at) or ""
        elif held is not None and passkey_check.use(database, held, at=at):
            used = "passkey"
        if not used:
            half_sign_ins.note_wrong(database, token)
            return None, None
        operator = operators.get_operator(database, operator_id)
        if not half_sign_ins.end(database, token) or not operator.active:
            return None, None
        if used == "recovery code":
            left = second_factors.recovery_codes_left(database, operator_id)
            subject, action = Subject("operator", operator_id), Action.USE_RECOVERY_CODE
            actor = Actor("operator", operator.username)
            record(database, actor=actor, action=action, subject=subject, detail={"left": left}, at=at)
    return operator, left


@blueprint.post("/logout")
@permission("use_own_account")
def logout() -> ResponseReturnValue:
    """End the sign-in itself: a copy of the cookie is worth nothing from now on."""
    with current_site().sessions.begin() as database:
        sign_ins.end(database, current_user.get_id())
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
    now = site.clock.now()
    if _setup_is_right(form, now):
        try:
            password = operators.hashed_password(form.password.data or "", slow_hash.SITE, [form.username.data or ""])
            with site.sessions.begin() as database:
                operator = operators.create_with_token(
                    database, form.token.data or "", form.username.data or "", password, at=now
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


def _setup_is_right(form: SetupForm, now: datetime) -> bool:
    """Check all fields, so that one answer names every mistake; each stands at its field."""
    right = form.validate_on_submit()
    token, username, password = form.token.data or "", form.username.data or "", form.password.data or ""
    with current_site().sessions() as database:
        if token and not operators.token_is_valid(database, token, at=now):
            words = _("This setup token is unknown, used or too old; get a new one: python manage.py init")
            form.token.errors = [*form.token.errors, words]
        # Who may not set up learns no user names.
        elif username and operators.name_is_taken(database, username):
            form.username.errors = [*form.username.errors, _("The user name %(username)s is taken.", username=username)]
    if password and not form.password.errors:
        try:
            operators.check_password(password, [username])
        except UserError as error:
            form.password.errors = [*form.password.errors, error_sentence(error)]
    return right and not form.errors


def _login_page(form: LoginForm, status: int = 200) -> ResponseReturnValue:
    with current_site().sessions() as database:
        nobody_yet = operators.count_operators(database) == 0
    offered = passkey_check.offered(None)
    return render_template("operators/login.html", form=form, nobody_yet=nobody_yet, passkeys=offered), status


def begin_session(operator: operators.Operator, way: str = "password") -> None:
    """Sign this browser in anew, such as after its operator changed the password."""
    _begin(operator, current_site().clock.now(), way)


def _begin(operator: operators.Operator, at: datetime, way: str = "password") -> None:
    site = current_site()
    with site.sessions.begin() as database:
        token = sign_ins.begin(
            database, operator_id=operator.id, way=way, at=at, mark=mark_of(site.clock), caller=caller()
        )
        operators.note_login(database, operator.id, at=at)
        found = sign_ins.find(database, token)
    session.clear()  # nothing of a session before the sign-in survives it
    session.permanent = True
    login_user(SignedIn(operator, token, found))


def caller() -> sign_ins.Caller:
    """Return what a list of sign-ins says about the browser of this request."""
    agent = request.user_agent.string
    system = next((name for name in _SYSTEMS if name.lower() in agent.lower()), "")
    program = next((name for mark, name in _BROWSERS if mark in agent), "")
    return sign_ins.Caller(request.remote_addr or "", ", ".join(filter(None, (program, system))))


def _load(token: str) -> SignedIn | None:
    """Return the operator of this token if the sign-in was not ended, is young enough and was used recently."""
    site = current_site()
    try:
        with site.sessions() as database:
            found = sign_ins.find(database, token)
            if found is None or found.operator_id is None:
                return None
            operator = operators.get_operator(database, found.operator_id)
            departments = operators.departments_of(database, operator.id)
            lacks = _must_have_second_factor(operator, found) and not second_factors.is_on(database, operator.id)
    except DatabaseError:
        raise  # nobody is signed out because a disk is slow
    except UserError:
        return None
    longest, idle = timedelta(hours=site.settings.web.session_hours), timedelta(minutes=site.settings.web.idle_minutes)
    if not operator.active or not _is_within(found.begun_mark, found.begun_at, longest):
        return None
    if not _is_within(found.seen_mark, found.seen_at, idle):
        return None
    _note_use(site, found)
    return SignedIn(operator, token, found, departments, lacks)


def _must_have_second_factor(operator: operators.Operator, found: sign_ins.SignIn) -> bool:
    """Return whether the settings ask this operator for one; a passkey or an OpenID provider is one by itself."""
    wanted = current_site().settings.web.second_factor
    whose = wanted == "everybody" or (wanted == "administrators" and operator.role in operators.MANAGERS)
    return whose and found.way == "password"


def _is_known_here(username: str) -> bool:
    """Return whether the operator of this name is signed in at this address."""
    with current_site().sessions() as database:
        return sign_ins.is_known_at(database, username, request.remote_addr or "")


def _is_within(mark: str, at: datetime, longest: timedelta) -> bool:
    """Return whether that is no longer ago; False if only an implausible clock could tell."""
    age = age_since(current_site().clock, mark, at)
    return age is not None and timedelta(minutes=-5) <= age <= longest


def _note_use(site: Site, found: sign_ins.SignIn) -> None:
    """Note once a minute that somebody used the site; what a page asks for by itself does not count."""
    if wants_json() or "X-Live" in request.headers or request.endpoint in ("static", "bootstrap.static"):
        return
    if _is_within(found.seen_mark, found.seen_at, sign_ins.SEEN_EVERY):
        return
    with suppress(DatabaseError), site.sessions.begin() as database:  # a page is not refused because a disk is slow
        sign_ins.see(database, found, at=site.clock.now(), mark=mark_of(site.clock))

"""What protects every page: headers, CSRF tokens, roles, rate limits, safe redirects.

In: an application; requests.  Out: guards that run before each view, headers after it.
Does not know: passwords (auth.py), what a page does.
Main choice: guards are global and the exceptions are listed, so that a view somebody forgets to mark
is closed and not open; a viewer's POST is refused before any view sees it.
"""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import Flask, Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from attendance.web.site import current_site

P = ParamSpec("P")
R = TypeVar("R")

# Reachable without signing in.
PUBLIC = {"auth.login", "auth.sign_in", "auth.setup", "health.check", "static", "bootstrap.static"}
# What a viewer may change: only their own things.
OWN = {"auth.sign_in", "auth.setup", "auth.logout", "operators.password"}
# All that a supervisor sees, of their departments only (store/department_scope.py), and what they may change of it.
SUPERVISED = {
    "working_time.today", "working_time.calendar", "working_time.day_page", "corrections.inbox", "corrections.decide",
    "rostering.leave", "report_pages.index", "report_pages.page", "report_pages.file", "report_pages.check_ins",
}  # fmt: skip
SUPERVISORS_CHANGE = {"corrections.decide"}
# Rooms for people who are no operators; each guards itself, and what it does not open is closed.
SELF_GUARDED = {"me", "kiosk"}
# Names the tablet that a browser was paired as; whoever has it gets no further than the kiosk's room.
KIOSK_COOKIE = "attendance_kiosk"

limiter = Limiter(get_remote_address)
csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_keep_kiosk_in_its_room)
    app.before_request(_require_sign_in)
    app.before_request(_require_role)
    app.before_request(_narrow)
    app.after_request(_add_headers)
    app.context_processor(lambda: {"csp_nonce": csp_nonce})


def csp_nonce() -> str:
    """Return the nonce that inline scripts of this answer must carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def admin_required(view: Callable[P, R]) -> Callable[P, R]:
    """Limit a page to administrators; viewers cannot change anything anyway."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not current_user.is_admin:
            abort(403)
        return view(*args, **kwargs)

    return guarded


def record_act(session: Session, action: Action, subject: Subject, **detail: Value) -> None:
    """Add an entry to the audit for the operator of this request, in the transaction of the act."""
    actor, at = Actor("operator", current_user.username), current_site().clock.now()
    audit.record(session, actor=actor, action=action, subject=subject, detail=detail, at=at)


def wants_json() -> bool:
    """Whether a script asked, which can do nothing with a page."""
    return request.accept_mimetypes.best == "application/json"


def safe_next(target: str | None) -> str | None:
    """Return the path of this site to go on to, else None: our login must not redirect to another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    return target if target.isprintable() and "\\" not in target else None


def _keep_kiosk_in_its_room() -> ResponseReturnValue | None:
    """Keep a tablet on its kiosk pages: it is unattended, whoever was signed in there."""
    outside = KIOSK_COOKIE in request.cookies and request.blueprint != "kiosk"
    if not outside or request.endpoint is None or request.endpoint in ("static", "bootstrap.static", "health.check"):
        return None
    if request.method != "GET" or wants_json():
        abort(403)
    return redirect(url_for("kiosk.page"))


def _require_sign_in() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in PUBLIC or request.blueprint in SELF_GUARDED:
        return None  # no endpoint: there is no such page, and that is all a stranger learns
    if current_user.is_authenticated:
        return None
    if wants_json():
        return {"words": "You are signed out.", "advice": "Sign in again, then repeat this."}, 401
    after = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("auth.login", next=after))


def _require_role() -> ResponseReturnValue | None:
    reading = request.method in ("GET", "HEAD", "OPTIONS")
    if request.endpoint is None or request.endpoint in OWN | PUBLIC or request.blueprint in SELF_GUARDED:
        return None
    if current_user.is_authenticated and current_user.is_supervisor:
        if request.endpoint == "overview.page":  # what a sign-in leads to
            return redirect(url_for("working_time.today"))
        if request.endpoint not in (SUPERVISED if reading else SUPERVISORS_CHANGE):
            abort(403)
        return None
    if not reading and not (current_user.is_authenticated and current_user.is_admin):
        abort(403)
    return None


def _narrow() -> None:
    """Limit every query of a supervisor's request to their departments."""
    if request.blueprint not in SELF_GUARDED and current_user.is_authenticated and current_user.is_supervisor:
        g.departments = current_user.departments


def _add_headers(response: Response) -> Response:
    policy = (
        f"default-src 'none'; script-src 'self' 'nonce-{csp_nonce()}'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    if request.endpoint not in ("static", "bootstrap.static"):
        response.headers["Cache-Control"] = "no-store"  # names and times of people do not belong into a browser's cache
    return response

"""What protects every page: headers, CSRF tokens, roles, rate limits, safe redirects.

In: an application; requests.  Out: guards that run before each view, headers after it.
Does not know: passwords (auth.py), what a page does.
Main choice: one guard for all views asks for the permission that the view names, and views without one are refused
to everybody, so that a view somebody forgets to mark is closed and not open.  Public views are listed here.
"""

from __future__ import annotations

import ipaddress
import logging
import secrets
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session

from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject, Value
from attendance.service.audit.reading import Readings
from attendance.store.session import DatabaseError
from attendance.web.forms import whole_number
from attendance.web.permissions import Permission, is_allowed, is_narrow, only_reads
from attendance.web.site import current_site, site_of

P = ParamSpec("P")
R = TypeVar("R")
_NEEDS = "needed_permissions"  # the attribute of a view: what it takes to read, and to change

# Reachable without signing in.
PUBLIC = {
    "auth.login",
    "auth.sign_in",
    "auth.code",
    "auth.setup",
    "oidc.begin",
    "oidc.back",
    "passkeys.options",
    "passkeys.sign_in",
    "health.check",
    "health.alive",
    "health.ready",
    "static",
    "bootstrap.static",
}
# What an operator reaches who must set up a second factor first.
_BEFORE_SECOND_FACTOR = {
    "second_factor.page",
    "second_factor.begin",
    "second_factor.confirm",
    "passkeys.new",
    "passkeys.new_options",
    "passkeys.add",
    "auth.logout",
    "proof.check",
}
# Rooms for people who are not operators: employees (web/me/guard.py) and paired tablets (web/kiosk/tablet.py).  Each
# has a guard of its own before every view.
SELF_GUARDED = {"me", "kiosk"}
# Names the tablet that a browser was paired as; whoever has it gets no further than the kiosk's room.
KIOSK_COOKIE = "attendance_kiosk"
_READING = ("GET", "HEAD", "OPTIONS")

log = logging.getLogger(__name__)
# What is read under these is about people: views and exports leave an entry in the audit.
PERSONAL: frozenset[Permission] = frozenset(
    {
        "read_log",
        "export_log",
        "read_person",
        "export_person",
        "read_working_time",
        "read_report",
        "export_report",
        "read_correction",
        "read_leave",
        "read_roster",
        "read_visit",
        "read_audit",
        "read_muster",
        "read_lockout",
        "read_right",
    }
)
_READINGS = "views noted"
# Where a sign-in leads if the role does not have the overview.
LANDING: tuple[tuple[str, Permission], ...] = (
    ("working_time.today", "read_working_time"),
    ("people.index", "read_person"),
    ("audit.page", "read_audit"),
    ("report_pages.index", "read_report"),
)


def caller_address() -> str:
    """Return the caller's address for limits, as `address_group` has it."""
    return address_group(request.remote_addr or "")


def address_group(text: str) -> str:
    """Return an address as limits count it; of IPv6 its /64, since whoever has one address has them all."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False))


limiter = Limiter(caller_address)
csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    csrf.init_app(app)
    limiter.init_app(app)
    app.extensions[_READINGS] = Readings()
    app.before_request(_require_host)
    app.before_request(_note_source)
    app.before_request(_keep_kiosk_in_its_room)
    app.before_request(_require_sign_in)
    app.before_request(_require_second_factor)
    app.before_request(_require_permission)
    app.before_request(_narrow)
    app.after_request(_note_reading)
    app.after_request(_add_headers)
    app.context_processor(lambda: {"csp_nonce": csp_nonce, "allowed": allowed})
    app.jinja_env.tests["allowed"] = allowed


def csp_nonce() -> str:
    """Return the nonce that inline scripts of this answer must carry."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def permission(name: Permission, *, change: Permission | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Name what an operator needs for a view; the guard before every view asks for it.

    `change`: for a view that shows under one permission and changes under another.
    """

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, _NEEDS, (name, change or name))
        return view

    return mark


def needed_permission(view: Callable[..., object], method: str) -> Permission | None:
    """Return the permission for a view and a method.

    None, which nobody has: the view names none, or only one to read for a method that changes.
    """
    needed: tuple[Permission, Permission] | None = getattr(view, _NEEDS, None)
    if needed is None:
        return None
    if method in _READING:
        return needed[0]
    return None if only_reads(needed[1]) else needed[1]


def allowed(name: Permission) -> bool:
    """Return whether the operator of this request has the permission; templates ask it, too."""
    return bool(current_user.is_authenticated) and is_allowed(current_user.role, name)


def operator() -> Actor:
    """Return the operator of this request, for the audit."""
    return Actor("operator", current_user.username)


def record_act(session: Session, action: Action, subject: Subject, **detail: Value) -> None:
    """Add an entry to the audit for the operator of this request, in the transaction of the act."""
    actor, at = operator(), current_site().clock.now()
    audit.record(session, actor=actor, action=action, subject=subject, detail=detail, at=at)


def wants_json() -> bool:
    """Whether a script asked, which can do nothing with a page."""
    return request.accept_mimetypes.best == "application/json"


def safe_next(target: str | None) -> str | None:
    """Return the path of this site to go on to, else None: our login must not redirect to another host."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    return target if target.isprintable() and "\\" not in target else None


def _require_host() -> ResponseReturnValue | None:
    """Refuse a request for another host than the site's own, so that no link is ever made of a forged one."""
    public = current_site().settings.web.public_url
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    allowed_hosts = {urlsplit(public).hostname, "127.0.0.1", "localhost", "[::1]"}
    if public and host not in allowed_hosts:
        abort(421)
    return None


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


def _require_second_factor() -> ResponseReturnValue | None:
    """Lead an operator who must have a second factor to setting it up, before anything else."""
    if request.endpoint is None or request.endpoint in PUBLIC or request.blueprint in SELF_GUARDED:
        return None
    if not current_user.lacks_second_factor or request.endpoint in _BEFORE_SECOND_FACTOR:
        return None
    if wants_json():
        return {"words": "Set up your second factor first.", "advice": "Reload the page."}, 403
    return redirect(url_for("second_factor.page"))


def _require_permission() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in PUBLIC or request.blueprint in SELF_GUARDED:
        return None
    needed = needed_permission(current_app.view_functions[request.endpoint], request.method)
    if needed is None or not allowed(needed):
        if request.endpoint == "overview.page":  # what a sign-in leads to
            for endpoint, wanted in LANDING:
                if allowed(wanted):
                    return redirect(url_for(endpoint))
        abort(403)
    return None


def _narrow() -> None:
    """Limit every query of the request to the operator's departments, unless the role has the whole site."""
    if request.blueprint not in SELF_GUARDED and current_user.is_authenticated and is_narrow(current_user.role):
        g.departments = current_user.departments


def _note_source() -> None:
    """Say from where the acts of this request come."""
    audit.came_from(request.remote_addr or "")


def _note_reading(response: Response) -> Response:
    """Note that an operator saw or exported data of people.  An export that cannot be noted is not given out."""
    if request.method != "GET" or response.status_code != 200 or request.blueprint in SELF_GUARDED:
        return response
    view = current_app.view_functions.get(request.endpoint or "")
    needed = needed_permission(view, "GET") if view is not None else None
    if needed not in PERSONAL or not current_user.is_authenticated or wants_json():
        return response
    export = response.headers.get("Content-Disposition", "").startswith("attachment")
    person = (request.view_args or {}).get("person_id") or request.args.get("person", type=whole_number)
    site = current_site()
    sessions, at = site_of(current_app).sessions, site.clock.now()
    try:
        current_app.extensions[_READINGS].note(sessions, operator(), str(request.endpoint), person, at, export)
    except DatabaseError:
        if export:
            abort(503)
        log.exception("a view of personal data was not noted")
    return response


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
    if current_site().settings.web.https_only:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    if request.endpoint not in ("static", "bootstrap.static"):
        response.headers["Cache-Control"] = "no-store"  # names and times of people do not belong into a browser's cache
    return response

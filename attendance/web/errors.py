"""The pages for errors.

In: exceptions.  Out: a page (or JSON for scripts) with one sentence on what to do, and the right status.
Does not know: what was tried.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from attendance.errors import UserError, headline, problem_and_advice, sentence
from attendance.service.operations.readiness import Trouble, trouble_of
from attendance.store.session import DatabaseError
from attendance.store.slow_hash import Busy
from attendance.texts import N_, translated
from attendance.texts import gettext as _
from attendance.web.security import wants_json
from attendance.web.site import current_site

log = logging.getLogger(__name__)

_TEXTS = {
    400: (N_("This cannot be done"), N_("The request is not complete. Go back, reload the page and try again.")),
    403: (N_("Not for your role"), N_("Your role does not allow this. Ask an administrator.")),
    404: (N_("Nothing here"), N_("The page does not exist, or what it showed was deleted.")),
    405: (N_("Not that way"), N_("Use the buttons of the site instead of the address line.")),
    413: (N_("Too large"), N_("Send fewer or smaller photos at once.")),
    429: (N_("Too many attempts"), N_("Wait a minute, then try again.")),
    500: (
        N_("Something broke"),
        N_("Details are in the site's log. Try again; if it happens again, ask your administrator."),
    ),
    503: (
        N_("The database does not answer"),
        N_("Wait a moment and try again; nothing was saved. If it happens again, see the log."),
    ),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DatabaseError, _no_database)
    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(Busy, _busy)
    app.register_error_handler(Exception, _fault)


def answer(code: int, title: str | None = None, advice: str | None = None) -> ResponseReturnValue:
    """Return the error page or its JSON."""
    usual_title, usual_advice = _TEXTS.get(code, (HTTPStatus(code).phrase, N_("Go back and try again.")))
    title, advice = title or _(usual_title), advice or _(usual_advice)
    if wants_json():
        return {"ok": False, "words": title, "advice": advice}, code
    return render_template("errors/error.html", code=code, title=title, advice=advice), code


def error_sentence(error: Exception) -> str:
    """Return what a form or a notice says about the user's mistake; trouble with the database goes to its own page."""
    if isinstance(error, DatabaseError):
        raise error
    return sentence(translated(error))


def _forged(error: CSRFError) -> ResponseReturnValue:
    log.info("a form without a valid token: %s", error.description)
    return answer(
        400, _("This form is out of date"), _("You were signed out meanwhile. Go back, reload it, try again.")
    )


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:  # a redirect of the router
        return error
    if code == 413:
        limit = current_site().settings.web.max_upload_mb
        return answer(413, advice=_("Send at most %(limit)s MB at once: fewer photos, or smaller ones.", limit=limit))
    if isinstance(error, RateLimitExceeded) and error.limit is not None and error.limit.limit.get_expiry() > 60:
        return answer(429, advice=_("Wait up to an hour, then try again."))
    return answer(code)


def _no_database(error: DatabaseError) -> ResponseReturnValue:
    log.error("%s", error)  # it names files: for the log only
    return _out_of_service(trouble_of(error))


def _out_of_service(trouble: Trouble | None) -> ResponseReturnValue:
    """Answer 503 with what is wrong.  The database is not asked again, not even who is signed in."""
    if "_login_user" not in g:  # else the page's menu would load the operator
        g._login_user = AnonymousUserMixin()
    if trouble is None or trouble.key in ("unreachable", "fault", "locked"):
        return answer(503)
    return answer(503, trouble.words, trouble.advice)


def _busy(error: Busy) -> ResponseReturnValue:
    log.warning("%s %s: %s", request.method, request.path, error)
    return answer(429, _("Many people are signing in"), _("Wait a few seconds, then try again."))


def _user_error(error: UserError) -> ResponseReturnValue:
    log.warning("%s %s: %s", request.method, request.path, error)
    problem, advice = problem_and_advice(translated(error))
    return answer(409, headline(problem), advice or None)


def _fault(error: Exception) -> ResponseReturnValue:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    if (trouble := trouble_of(error)) is not None:  # such as an upload that no longer fits on the disk
        return _out_of_service(trouble)
    if "_login_user" not in g:  # what broke may be what would say who is signed in
        g._login_user = AnonymousUserMixin()
    return answer(500)

"""What is shown when something is wrong.

In: exceptions.  Out: a page (or JSON for scripts) with one sentence on what to do, and the right status.
Does not know: what was tried.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from attendance.errors import UserError, headline, problem_and_advice, sentence
from attendance.store.session import DatabaseError
from attendance.web.security import wants_json
from attendance.web.site import current_site

log = logging.getLogger(__name__)

_TEXTS = {
    400: ("This cannot be done", "The request is not complete. Go back, reload the page and try again."),
    403: ("Not for your role", "Your role does not allow this. Ask an administrator."),
    404: ("Nothing here", "The page does not exist, or what it showed was deleted."),
    405: ("Not that way", "Use the buttons of the site instead of the address line."),
    413: ("Too large", "Send fewer or smaller photos at once."),
    429: ("Too many attempts", "Wait a minute, then try again."),
    500: ("Something broke", "It stands in the site's log. Try again; if it stays, show it to who runs this computer."),
    503: ("The database does not answer", "Wait a moment and try again; nothing was saved. If it stays, see the log."),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DatabaseError, _no_database)
    app.register_error_handler(UserError, _user_error)
    app.register_error_handler(Exception, _fault)


def answer(code: int, title: str | None = None, advice: str | None = None) -> ResponseReturnValue:
    """The error page or its JSON."""
    own_title, own_advice = _TEXTS.get(code, (HTTPStatus(code).phrase, "Go back and try again."))
    title, advice = title or own_title, advice or own_advice
    if wants_json():
        return {"ok": False, "words": title, "advice": advice}, code
    return render_template("errors/error.html", code=code, title=title, advice=advice), code


def error_sentence(error: Exception) -> str:
    """Return what a form or a notice says about the user's mistake; trouble with the database goes to its own page."""
    if isinstance(error, DatabaseError):
        raise error
    return sentence(error)


def _forged(error: CSRFError) -> ResponseReturnValue:
    log.info("a form without a valid token: %s", error.description)
    return answer(400, "This form is out of date", "You were signed out meanwhile. Go back, reload it, try again.")


def _http(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    if code < 400:  # a redirect of the router
        return error
    if code == 413:
        limit = current_site().settings.web.max_upload_mb
        return answer(413, advice=f"Send at most {limit} MB at once: fewer photos, or smaller ones.")
    if isinstance(error, RateLimitExceeded) and error.limit is not None and error.limit.limit.get_expiry() > 60:
        return answer(429, advice="Wait up to an hour, then try again.")
    return answer(code)


def _no_database(error: DatabaseError) -> ResponseReturnValue:
    log.error("%s", error)  # it names files: for the log only
    return answer(503)


def _user_error(error: UserError) -> ResponseReturnValue:
    log.warning("%s %s: %s", request.method, request.path, error)
    problem, advice = problem_and_advice(error)
    return answer(409, headline(problem), advice or None)


def _fault(error: Exception) -> ResponseReturnValue:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answer(500)

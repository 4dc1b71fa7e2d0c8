"""The admin site as a Flask application.

In: settings, sessions, keys, analyser, clock, all wired by the caller.  Out: `create_app(…) -> Flask`.
Does not know: how a face is found, what the tables look like, who serves the application.
Main choice: pages are made on the server, and scripts only save a click; everything but the
browser's camera works without them.  Trade-off: every click loads a whole page.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from flask_babel import Babel, get_translations
from flask_bootstrap import Bootstrap5
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from attendance import paths, texts
from attendance.config import Settings
from attendance.service.ports import Analyser, Clock
from attendance.store.crypto import Keys
from attendance.store.session import Sessions
from attendance.web import auth, errors, formats, security, sudo
from attendance.web.access import (
    door_settings,
    doors,
    levels,
    locked_out,
    log,
    muster,
    schedules,
    visitors,
    who_passes,
    why,
)
from attendance.web.audit import audit
from attendance.web.calibration import comparing, threshold
from attendance.web.cameras import camera_settings, cameras
from attendance.web.enrolment import at_camera, bulk, enrol
from attendance.web.hours import corrections, holidays, imports, leave, premiums, report_pages, rostering, working_time
from attendance.web.kiosk import pairing, screen, tablet
from attendance.web.me import leave as me_leave
from attendance.web.me import me, sign_in
from attendance.web.operations import health, overview, system
from attendance.web.operators import oidc, operators, passkeys, proof, second_factor, sign_ins
from attendance.web.people import consents, credentials, departments, look_alikes, people
from attendance.web.privacy import privacy
from attendance.web.site import EXTENSION, Site

__all__ = ["create_app"]

# What a form has besides its photo: names, notes, the consent's words, multipart borders.
_FORM_SLACK = 1 << 20


class _Id(IntegerConverter):
    """A number in an address that is larger than any row's names nothing: 404 before a database chokes on it."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**31 - 1)


def create_app(settings: Settings, sessions: Sessions, keys: Keys, analyser: Analyser, clock: Clock) -> Flask:
    """Return the site, ready to serve.  `settings.web.secret_key` empty: cookies are signed by the master key."""
    app = Flask(__name__, template_folder=str(paths.templates_dir()))
    web = settings.web
    app.config.update(
        SECRET_KEY=web.secret_key or keys.cookie_secret,
        # Such a name is taken by browsers from https and this very host only.
        SESSION_COOKIE_NAME="__Host-attendance_session" if web.https_only else "attendance_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=web.https_only,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=web.session_hours),
        MAX_CONTENT_LENGTH=(web.max_upload_mb << 20) + _FORM_SLACK,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(hours=1),
        WTF_CSRF_TIME_LIMIT=None,  # a form is valid for as long as its session
        RATELIMIT_STORAGE_URI="memory://",
        RATELIMIT_HEADERS_ENABLED=True,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.url_map.converters["int"] = _Id
    app.url_map.strict_slashes = False  # an address typed with a slash at its end, or without, is the same page
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions[EXTENSION] = site = Site(settings, sessions, keys, analyser, clock)
    if web.trusted_proxies:  # else the headers are ignored: anybody may send them
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=web.trusted_proxies, x_proto=web.trusted_proxies)  # type: ignore[method-assign]
    Bootstrap5(app)
    # Texts are English so far; dates and numbers are written as the site's locale has them.
    Babel(app, default_locale=settings.site.locale, default_timezone=settings.site.timezone)
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.before_request(lambda: texts.use(get_translations(), lambda day: formats.local_forms().medium_date(day)))
    security.init_app(app)
    sudo.init_app(app)
    auth.init_app(app)
    formats.init_app(app)
    errors.init_app(app)
    tablet.init_app(app, site)
    for room in (auth, overview, bulk, enrol, look_alikes, log, why, threshold, cameras, operators, health):
        app.register_blueprint(room.blueprint)
    for room in (at_camera, audit, camera_settings, comparing, credentials, departments, privacy, system):
        app.register_blueprint(room.blueprint)
    for room in (oidc, passkeys, proof, second_factor, sign_ins):
        app.register_blueprint(room.blueprint)
    for room in (working_time, corrections, rostering, leave, holidays, premiums, imports, report_pages):
        app.register_blueprint(room.blueprint)
    for room in (doors, door_settings, schedules, levels, locked_out, muster, visitors, who_passes):
        app.register_blueprint(room.blueprint)
    # Each of the two is one blueprint, to which several modules add their pages.
    for blueprint in {me.blueprint, sign_in.blueprint, me_leave.blueprint, people.blueprint, consents.blueprint}:
        app.register_blueprint(blueprint)
    for room in (screen, pairing):  # the screen's routes are in the tablets' room
        app.register_blueprint(room.blueprint)
    return app

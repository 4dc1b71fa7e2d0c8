"""The tablet's side of a kiosk: its page, pictures, PINs and badges, undo; pairing and leaving.

In: requests of a paired tablet.  Out: pages, `Answer`s as JSON.
Does not know: who is signed in; how a face, PIN or badge is judged (`service/kiosk`).
Main choice: a tablet is a device and not an operator.  Its cookie (SameSite=Strict, HttpOnly) names a device and opens
this room only, and the same cookie closes every other room of the site to that browser (security.py).
Instead of a session's token each POST carries a header of its own, which another site's page cannot
set.  Trade-off: an administrator who pairs the browser at hand is locked in, too, until signing in on `leave`.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from attendance.deprecation import warn_renamed
from attendance.domain.passage import Direction
from attendance.service.access.rules import kiosk_rules_for
from attendance.service.audit import audit
from attendance.service.audit.audit import Action, Actor, Subject
from attendance.service.kiosk import sealed_events
from attendance.service.kiosk.answers import Answer
from attendance.service.kiosk.kiosk import Kiosk
from attendance.service.kiosk.terminals import Terminal
from attendance.store.kiosk import devices as stored
from attendance.texts import gettext as _
from attendance.web.errors import answer
from attendance.web.kiosk import texts
from attendance.web.kiosk.leaving import unpair
from attendance.web.kiosk.pace import Pace as Pace
from attendance.web.operators import guesses
from attendance.web.security import KIOSK_COOKIE, csrf, limiter, wants_json
from attendance.web.site import Site, current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("kiosk", __name__, url_prefix="/kiosk")
csrf.exempt(blueprint)  # see HEADER

HEADER = "X-Kiosk"
EXTENSION = "attendance kiosk"
MAX_PICTURE, MAX_WORDS = 400_000, 8_000  # bytes of a body
_COOKIE_DAYS = 400  # the most that browsers keep; each visit of the page begins them anew
# What a browser may ask for before it is paired.
UNPAIRED = {"kiosk.pair", "kiosk.use_code", "kiosk.leave", "kiosk.let_go", "kiosk.manifest"}
# All that a display-only screen may ask for: whoever takes its token can show passages, and check nobody in.
OF_SCREENS = UNPAIRED | {"kiosk.page", "kiosk.state", "kiosk.screen", "kiosk.stream", "kiosk.decline"}
# What the page needs without a connection.
SCRIPTS = ("kiosk-texts.js", "kiosk-line.js", "kiosk-sound.js", "kiosk-camera.js", "kiosk-challenge.js", "kiosk.js")
ASSETS = ("kiosk.css", *SCRIPTS, "favicon.svg")


@dataclass(frozen=True, slots=True)
class Device:
    """The tablet of this request; `screen_of`: the camera that it shows, None for a tablet."""

    terminal: Terminal
    screen_of: str | None


@dataclass
class Parts:
    """What all tablets and screens of a site share.  `closing` ends the streams."""

    kiosk: Kiosk
    pace: Pace
    streams: threading.Semaphore
    closing: threading.Event = field(default_factory=threading.Event)


def init_app(app: Flask, site: Site) -> None:
    settings = site.settings
    rules, late_after = kiosk_rules_for(settings), timedelta(minutes=settings.kiosk.late_after_min)
    kiosk = Kiosk(
        site.sessions, site.keys, site.analyser, site.clock, site.zone, rules, lambda camera: site.gates(camera),
        late_after, site.growing,
    )  # fmt: skip
    app.extensions[EXTENSION] = Parts(
        kiosk,
        Pace(settings.kiosk.max_fps),
        threading.Semaphore(settings.kiosk.max_streams),
    )


def the_parts() -> Parts:
    parts = current_app.extensions[EXTENSION]
    assert isinstance(parts, Parts)
    return parts


def locale_tag(site: Site) -> str:
    """Return the site's locale as browsers name it, such as en-GB."""
    return site.settings.site.locale.replace("_", "-")


def current_device() -> Device:
    device = g.kiosk_device
    assert isinstance(device, Device)
    return device


def device_of(site: Site, token: str) -> Device | None:
    """Return the paired, not revoked device of this token, if there is one; note that it is alive."""
    if not token:
        return None
    with site.sessions.begin() as database:
        row = stored.device_of(database, token)
        if row is None:
            return None
        stored.saw_device(database, row, at=site.clock.now())
        return Device(Terminal(row.id, row.name, Direction(row.direction)), row.screen_of)


@blueprint.before_request
def _guard() -> ResponseReturnValue | None:
    if request.method == "POST":
        if request.headers.get(HEADER) != "1":
            return answer(403, _("Not from this page"), _("A kiosk takes requests from its own page only. Reload it."))
        request.max_content_length = MAX_PICTURE if request.endpoint == "kiosk.look" else MAX_WORDS
    g.kiosk_device = device_of(current_site(), request.cookies.get(KIOSK_COOKIE, ""))
    if g.kiosk_device is not None:
        return None if g.kiosk_device.screen_of is None or request.endpoint in OF_SCREENS else _not_of_screens()
    if request.endpoint in UNPAIRED:
        return None
    if request.method == "GET" and not wants_json():
        return redirect(url_for("kiosk.pair"))
    return {"ok": False, "words": _("This tablet is not paired"), "advice": _("Ask an administrator to pair it.")}, 401


def _not_of_screens() -> ResponseReturnValue:
    return answer(403, _("This device is a screen"), _("It shows check-ins and takes none. Pair it as a tablet."))


@blueprint.after_request
def _allow_manifest(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )
    return response


def _caller() -> str:
    """Return the key of one tablet for limits, so that several behind one address do not slow each other down."""
    return "kiosk " + hashlib.sha256(request.cookies.get(KIOSK_COOKIE, "").encode()).hexdigest()


# --- pages -----------------------------------------------------------------------------------------


@blueprint.get("/")
def page() -> ResponseReturnValue:
    """Show camera, PIN and badge at once.  Nothing in the page is about people, so that it may be kept for later."""
    device, site = current_device(), current_site()
    if device.screen_of is not None:
        return redirect(url_for("kiosk.screen"))
    made = make_response(
        render_template(
            "kiosk/page.html",
            terminal=device.terminal,
            key=base64.b64encode(the_parts().kiosk.public_key).decode(),
            fps=site.settings.kiosk.max_fps,
            zone=site.settings.site.timezone,
            locale=locale_tag(site),
            texts=texts.translated(texts.TABLET),
            scripts=SCRIPTS,
        )
    )
    _give_cookie(made, request.cookies[KIOSK_COOKIE])
    return made


@blueprint.get("/worker.js")
def worker() -> ResponseReturnValue:
    """Return the service worker, which serves the page while there is no connection."""
    made = make_response(render_template("kiosk/worker.js", assets=ASSETS))
    made.mimetype = "text/javascript"
    return made


@blueprint.get("/app.webmanifest")
def manifest() -> ResponseReturnValue:
    """Return the manifest, by which a tablet's home screen opens the page without an address line."""
    name = current_site().settings.site.name
    icons = [{"src": url_for("static", filename="favicon.svg"), "sizes": "any", "type": "image/svg+xml"}]
    described = {"name": _("%(site)s kiosk", site=name), "short_name": name, "display": "fullscreen", "icons": icons}
    made = make_response(described | {"start_url": url_for("kiosk.page"), "scope": url_for("kiosk.page")})
    made.mimetype = "application/manifest+json"
    return made


# --- what the page asks for ------------------------------------------------------------------------


@blueprint.get("/state")
def state() -> ResponseReturnValue:
    """Say that the line is there, with the server's clock, by which a tablet's events are dated."""
    key = base64.b64encode(the_parts().kiosk.public_key).decode()
    return {
        "now": round(current_site().clock.now().timestamp() * 1000),
        "key": key,
        "name": current_device().terminal.name,
    }


@blueprint.post("/look")
def look() -> ResponseReturnValue:
    """Judge one picture (JPEG) → what to show; `challenge`: the id of the one that the tablet shows.

    429 for more than the settings allow.
    """
    parts, terminal = the_parts(), current_device().terminal
    if not parts.pace.allows(terminal.id):
        return answer(429)
    return asdict(parts.kiosk.look(terminal, request.get_data(), request.args.get("challenge", "")))


@blueprint.post("/event")
@limiter.limit("240/minute", key_func=_caller)
@limiter.limit("30/minute;200/hour", key_func=_caller, deduct_when=lambda _: bool(g.get("kiosk_refused")))
def event() -> ResponseReturnValue:
    """Record a PIN or badge: {"event": id, "sealed": base64}, or {"event", "said"} from a page without https."""
    kiosk, body = the_parts().kiosk, _json()
    event_id = _text(body, "event")
    if isinstance(said := body.get("said"), dict):
        clear: dict[str, Any] = {
            name: str(said[name])[:100] for name in ("number", "pin", "badge", "say", "counter") if said.get(name)
        }
        clear |= {name: said[name] for name in ("sequence", "jumped") if isinstance(said.get(name), int)}
        sealed = sealed_events.seal(kiosk.public_key, clear, event_id, os.urandom(12))
    else:
        try:
            sealed = base64.b64decode(_text(body, "sealed"), validate=True)
        except ValueError:  # also for letters that base64 does not have
            abort(400)
    shown = kiosk.submit(current_device().terminal, event_id, sealed)
    g.kiosk_refused = shown.state == "refused"
    return asdict(shown)


@blueprint.post("/decline")
def decline() -> ResponseReturnValue:
    """Take note that the person prefers a PIN or badge to moving before the camera: {"challenge": id}."""
    device = current_device()
    return asdict(the_parts().kiosk.decline(device.screen_of or device.terminal.name, _text(_json(), "challenge")))


@blueprint.post("/direction")
@blueprint.post("/tell")  # the old name; a tablet asks by it until it loads the page again
def choose_direction() -> ResponseReturnValue:
    """Record the direction that the person chose (in, out, break): {"event": id, "choice": …}."""
    if request.path.endswith("/tell"):
        warn_renamed("a request of a tablet", "/kiosk/tell", "/kiosk/direction")
    return _afterwards(
        lambda kiosk, terminal, body: kiosk.choose_direction(terminal, _text(body, "event"), _text(body, "choice"))
    )


@blueprint.post("/undo")
def undo() -> ResponseReturnValue:
    return _afterwards(lambda kiosk, terminal, body: kiosk.undo(terminal, _text(body, "event")))


def _afterwards(change: Callable[[Kiosk, Terminal, dict[str, Any]], Answer]) -> ResponseReturnValue:
    return asdict(change(the_parts().kiosk, current_device().terminal, _json()))


def _json() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400)
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        abort(400)
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can write and no database keeps
        abort(400)
    return value


# --- pairing and leaving ---------------------------------------------------------------------------


@blueprint.get("/pair")
def pair() -> ResponseReturnValue:
    """Ask for the one-time code; a scanned link holds it behind #, which browsers keep to themselves."""
    if g.kiosk_device is not None:
        return redirect(url_for("kiosk.page"))
    return render_template(
        "kiosk/pair.html", texts=texts.translated(texts.FORMS), was_paired=KIOSK_COOKIE in request.cookies
    )


@blueprint.post("/pair")
@limiter.limit("60/hour;10/minute", deduct_when=lambda response: response.status_code == 409)
def use_code() -> ResponseReturnValue:
    """Turn this browser into the kiosk and sign out anybody who is signed in on it."""
    site = current_site()
    with site.sessions.begin() as database:
        paired = stored.pair(database, _text(_json(), "code")[:40], at=site.clock.now())
        name = None if paired is None else paired[0].name
        if paired is not None:  # by the code's holder; an administrator made it
            paired_by = Actor("operator", paired[0].created_by)
            device = Subject("device", paired[0].id)
            audit.record(database, actor=paired_by, action=Action.PAIR_DEVICE, subject=device, at=site.clock.now())
    if paired is None:
        log.warning("a pairing code from %s was wrong", request.remote_addr)
        return answer(
            409, _("This code is wrong or too old"), _("Codes work once and for 15 minutes. Ask for a new one.")
        )
    log.info("kiosk %s was paired", name)
    session.clear()
    made = make_response({"ok": True, "page": url_for("kiosk.page")})
    _give_cookie(made, paired[1])
    return made


@blueprint.get("/leave")
def leave() -> ResponseReturnValue:
    if g.kiosk_device is None:
        return redirect(url_for("kiosk.pair"))
    forms = texts.translated(texts.FORMS)
    return render_template("kiosk/leave.html", texts=forms, terminal=current_device().terminal)


def _named() -> str:
    body = request.get_json(silent=True)
    return str(body.get("username", "")) if isinstance(body, dict) else ""


def _stays_locked(response: Response) -> bool:
    """Return whether a guess failed: 401 would tell the page that its tablet is not paired."""
    return response.status_code == 409


@blueprint.post("/leave")
@limiter.limit("60/hour;8/minute", deduct_when=_stays_locked)
@guesses.of_accounts(_named, wrong=_stays_locked)
def let_go() -> ResponseReturnValue:
    """Unpair this browser: as an administrator signs in, or without asking if it was revoked already.

    Whoever has a second factor gives a code of the app or a recovery code, too: a tablet holds no passkeys.
    """
    if g.kiosk_device is not None:
        body, device, site = _json(), current_device(), current_site()
        code = _text(body, "code")[:40] if body.get("code") else ""  # the form sends it empty
        who = _text(body, "username"), _text(body, "password"), code
        if not unpair(site.sessions, site.keys, *who, device.terminal.id, site.clock.now()):
            log.warning("a wrong password or code was entered to leave kiosk %s", device.terminal.name)
            advice = _("Enter an administrator's user name and password, and the code if that operator has one.")
            return answer(409, _("The kiosk stays locked"), advice)
        log.info("kiosk %s was unpaired on the spot", device.terminal.name)
    made = make_response({"ok": True, "page": "/"})
    made.delete_cookie(KIOSK_COOKIE, path="/", httponly=True, samesite="Strict")
    return made


def _give_cookie(response: Response, token: str) -> None:
    response.set_cookie(
        KIOSK_COOKIE,
        token,
        max_age=_COOKIE_DAYS * 86400,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=current_site().settings.web.https_only or request.is_secure,
    )

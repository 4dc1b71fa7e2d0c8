"""Signing in at an OpenID Connect provider: the way there and the way back.

In: requests of browsers that leave and come back.  Out: a sign-in like any other, or a fresh proof.
Does not know: tokens and claims (service/operators/oidc.py), accounts (store).
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import asdict

from flask import Blueprint, Flask, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.service.audit.audit import Action, Actor, Subject, record
from attendance.service.operators.oidc import Begun, Identity, Provider, ProviderFault, Refusal
from attendance.service.ports import mark_of
from attendance.store.operators import oidc_accounts, operators, sign_ins
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.auth import begin_session
from attendance.web.errors import error_sentence
from attendance.web.security import limiter, safe_next
from attendance.web.site import current_site, public_address, site_of

log = logging.getLogger(__name__)
blueprint = Blueprint("oidc", __name__)
_PENDING = "oidc"  # where the cookie of a browser says for what it left
_EXTENSION = "oidc"
_WAY_S = 600
_REFUSED = {
    Refusal.NOT_VALID: N_("The answer of the sign-in provider is not valid. Sign in again."),
    Refusal.NO_ROLE: N_("You may not use this site: the provider gives you no role here. Ask an administrator."),
    Refusal.NO_DEPARTMENT: N_("You are a supervisor, and the provider names no department of yours."),
    Refusal.NAME_TAKEN: N_("Another operator has your user name. Ask an administrator."),
    Refusal.INACTIVE: N_("Your account here is deactivated. Ask an administrator."),
}


@blueprint.get("/login/oidc")
@limiter.limit("20/minute")
def begin() -> ResponseReturnValue:
    """Send the browser to the provider; `proof`: to sign in there anew, before a dangerous act here."""
    site, provider = current_site(), _provider()
    again = "proof" in request.args and bool(current_user.is_authenticated)
    at = site.clock.now()
    try:
        begun = provider.begin(public_address("oidc.back"), at=at, again=again)
    except ProviderFault as error:
        return _refused(error_sentence(error))
    # The cookie is signed, and this entry of it is good for one way back.
    session[_PENDING] = asdict(begun) | {
        "address": "", "at": at.timestamp(), "again": again, "next": safe_next(request.args.get("next")),
    }  # fmt: skip
    return redirect(begun.address)


@blueprint.get("/login/oidc/back")
@limiter.limit("20/minute")
def back() -> ResponseReturnValue:
    """Take the browser back from the provider and sign its operator in."""
    site, provider, pending = current_site(), _provider(), session.pop(_PENDING, None)
    at = site.clock.now()
    state, code = request.args.get("state", ""), request.args.get("code", "")
    if (
        not pending
        or not code
        or not hmac.compare_digest(pending["state"].encode(), state.encode())
        or not 0 <= at.timestamp() - pending["at"] <= _WAY_S
        or request.args.get("iss", provider.settings.issuer) != provider.settings.issuer
    ):
        return _refused(_(_REFUSED[Refusal.NOT_VALID]))
    begun = Begun("", pending["state"], pending["nonce"], pending["verifier"])
    try:
        found = provider.finish(begun, code, public_address("oidc.back"), at=at, again=pending["again"])
    except ProviderFault as error:
        return _refused(error_sentence(error))
    if isinstance(found, Refusal):
        return _refused(_(_REFUSED[found]))
    if pending["again"]:
        return _proven(found)
    operator = _admitted(found)
    if isinstance(operator, Refusal):
        return _refused(_(_REFUSED[operator]))
    begin_session(operator, way="oidc")
    return redirect(safe_next(pending["next"]) or url_for("overview.page"))


def _admitted(who: Identity) -> operators.Operator | Refusal:
    site = current_site()
    at = site.clock.now()
    with site.sessions.begin() as database:
        before = oidc_accounts.find(database, who.issuer, who.subject)
        role = None if before is None else before.role
        found = oidc_accounts.admit(
            database, who.issuer, who.subject, who.username, who.role, who.departments, at=at
        )  # fmt: skip
        if isinstance(found, str):
            return Refusal(found)
        if role != found.role:
            action = Action.CREATE_OPERATOR if role is None else Action.CHANGE_ROLE
            actor, subject = Actor("system", "sign-in provider"), Subject("operator", found.id)
            record(database, actor=actor, action=action, subject=subject, detail={"role": found.role}, at=at)
    return found


def _proven(who: Identity) -> ResponseReturnValue:
    """Note the proof if the same operator signed in at the provider; the page that asked waits in another tab."""
    site = site_of(current_app)
    with site.sessions.begin() as database:
        operator = oidc_accounts.find(database, who.issuer, who.subject)
        same = operator is not None and current_user.is_authenticated and operator.id == current_user.operator_id
        if same:
            sign_ins.prove(database, current_user.sign_in.id, at=site.clock.now(), mark=mark_of(site.clock))
    if not same:
        return _refused(_("Somebody else signed in at the provider. Nothing is proven by that."))
    return render_template("operators/proven.html")


def _refused(words: str) -> ResponseReturnValue:
    log.warning("a sign-in by the provider from %s was refused: %s", request.remote_addr, words)
    flash(words, "danger")
    return redirect(url_for("overview.page" if current_user.is_authenticated else "auth.login"))


def _provider() -> Provider:
    found = current_app.extensions.get(_EXTENSION)
    if found is None:
        abort(404)
    assert isinstance(found, Provider)
    return found


def use_provider(app: Flask) -> None:
    """Give the application the provider of its settings, if they name one."""
    settings = site_of(app).settings.oidc
    if settings.issuer:
        app.extensions[_EXTENSION] = Provider(settings)


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    assert isinstance(state.app, Flask)
    use_provider(state.app)
    state.app.context_processor(lambda: {"oidc_name": site_of(current_app).settings.oidc.shown_name()})

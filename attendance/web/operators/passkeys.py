"""Passkeys: signing in with one; an operator's passkeys: added, named, removed.

In: browsers' answers, forms.  Out: pages, what a browser is asked, sign-ins.
Does not know: how an answer is checked (passkey_check.py and below), the page that lists them (second_factor.py).
"""

from __future__ import annotations

import logging

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.operators import passkeys as protocol
from attendance.store.operators import oidc_accounts, operators, passkeys, sign_ins
from attendance.texts import gettext as _
from attendance.web.auth import begin_session, half_signed_in
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.operators import guesses, passkey_check
from attendance.web.security import limiter, permission, record_act, safe_next
from attendance.web.site import current_site, site_of
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("passkeys", __name__)
_SIGN_IN = "sign in"


@blueprint.post("/login/passkey/options")
@limiter.limit("60/minute")
def options() -> ResponseReturnValue:
    """Say what the browser asks its passkeys: to sign in, to complete a sign-in, or to prove who is signed in."""
    half, _username = half_signed_in()
    if current_user.is_authenticated:
        asked = passkey_check.options(f"prove {current_user.sign_in.id}", current_user.operator_id)
    elif half is not None:
        asked = passkey_check.options(f"code {half}", half)
    else:
        asked = passkey_check.options(_SIGN_IN, None)
    return _asked(asked)


@blueprint.post("/login/passkey")
@guesses.of_addresses
def sign_in() -> ResponseReturnValue:
    """Sign in with a passkey alone, which checked who held it: it is both factors."""
    site, after = current_site(), safe_next(request.args.get("next"))
    held = passkey_check.held(request.form.get("passkey", ""), _SIGN_IN)
    if held is not None and not held.user_verified:
        flash(_("This passkey did not check who holds it. Sign in with your password, then use it."), "warning")
        return redirect(url_for("auth.login", next=after))
    operator = None
    if held is not None:
        at = site.clock.now()
        with site.sessions.begin() as database:
            if passkey_check.use(database, held, at=at):
                operator = operators.get_operator(database, held.operator_id)
    if operator is None:
        log.warning("a sign-in with a passkey from %s failed", request.remote_addr)
        flash(_("This passkey does not open the site, or it took too long. Try again."), "danger")
        return render_template("operators/passkey_refused.html"), 401
    begin_session(operator, way="passkey")
    return redirect(after or url_for("overview.page"))


@blueprint.get("/second-factor/passkeys/new")
@permission("use_own_account")
@sudo(method="GET")
def new() -> ResponseReturnValue:
    """Ask for a name and the browser for a passkey."""
    why = passkey_check.why_not() or _of_a_provider()
    if why:
        flash(why, "warning")
        return redirect(url_for("second_factor.page"))
    return render_template("operators/passkey.html", longest=passkeys.MAX_NAME)


@blueprint.post("/second-factor/passkeys/options")
@limiter.limit("60/minute")
@permission("use_own_account")
def new_options() -> ResponseReturnValue:
    """Say what the browser asks of whatever makes the passkey."""
    site, own, here = current_site(), current_user.operator_id, passkey_check.party()
    if here is None or _of_a_provider():
        return _asked(None)
    with site.sessions() as database:
        known = [one.credential_id for one in passkeys.list_of(database, own)]
    challenge = passkey_check.begin(f"add {current_user.sign_in.id}")
    handle = site.keys.passkey_handle(own)
    return _asked(protocol.to_add(here, challenge, handle, current_user.username, known))


@blueprint.post("/second-factor/passkeys")
@limiter.limit("20/minute")
@permission("use_own_account")
@sudo()
def add() -> ResponseReturnValue:
    """Add the passkey that the browser made; whoever is signed in without it elsewhere is signed out."""
    site, own = site_of(current_app), current_user.operator_id
    found = passkey_check.added(request.form.get("passkey", ""), f"add {current_user.sign_in.id}")
    if found is None or _of_a_provider():
        flash(_("The browser’s answer does not fit, or it took too long. Try again."), "danger")
        return redirect(url_for("passkeys.new"))
    (made, here), at = found, site.clock.now()
    name = clean_line(request.form.get("name")) or _("Passkey")
    try:
        with site.sessions.begin() as session:
            codes = passkeys.add(
                session, own, credential_id=made.credential_id, public_key=made.public_key,
                sign_count=made.sign_count, rp_id=here.rp_id, name=name, at=at,
            )  # fmt: skip
            sign_ins.end_all(session, operator_id=own, but=current_user.sign_in.id)
            record_act(session, Action.ADD_PASSKEY, Subject("operator", own))
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("second_factor.page"))
    log.info("%s added a passkey", current_user.username)
    flash(_("The passkey is added."), "success")
    if codes:
        return render_template("operators/recovery_codes.html", codes=codes, first=False)
    return redirect(url_for("second_factor.page"))


@blueprint.post("/second-factor/passkeys/<int:passkey_id>/name")
@permission("use_own_account")
def rename(passkey_id: int) -> ResponseReturnValue:
    """Name one of the operator's passkeys anew."""
    own, name = current_user.operator_id, clean_line(request.form.get("name"))
    if not name:
        flash(_("Enter a name."), "danger")
        return redirect(url_for("second_factor.page"))
    with site_of(current_app).sessions.begin() as session:
        if not passkeys.rename(session, own, passkey_id, name):
            abort(404)
        record_act(session, Action.RENAME_PASSKEY, Subject("operator", own), passkey=passkey_id)
    flash(_("The passkey has a new name."), "success")
    return redirect(url_for("second_factor.page"))


@blueprint.post("/second-factor/passkeys/<int:passkey_id>/remove")
@permission("use_own_account")
@sudo()
def remove(passkey_id: int) -> ResponseReturnValue:
    """Remove one of the operator's passkeys."""
    own = current_user.operator_id
    with site_of(current_app).sessions.begin() as session:
        if not passkeys.remove(session, own, passkey_id):
            abort(404)
        record_act(session, Action.REMOVE_PASSKEY, Subject("operator", own), passkey=passkey_id)
    log.warning("%s removed a passkey", current_user.username)
    flash(_("The passkey is removed."), "success")
    return redirect(url_for("second_factor.page"))


def _of_a_provider() -> str:
    """Return why an operator of a sign-in provider has no passkeys here, "" for any other."""
    with site_of(current_app).sessions() as session:
        if oidc_accounts.has_account(session, current_user.operator_id):
            return _("You sign in at a provider: it asks for the second factor.")
    return ""


def _asked(options: dict[str, object] | None) -> ResponseReturnValue:
    if options is None:
        return {"words": passkey_check.why_not()}, 409
    return {"publicKey": options}

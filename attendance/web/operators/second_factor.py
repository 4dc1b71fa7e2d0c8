"""An operator's second factor: its page, setting up an authenticator app, recovery codes, resetting another's.

In: forms.  Out: pages; a secret as a QR picture, recovery codes shown once.
Does not know: how passkeys are added (passkeys.py), how a code is computed, how a sign-in asks for one (auth.py).
"""

from __future__ import annotations

import logging

import segno
from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.store.operators import oidc_accounts, operators, passkeys, second_factors, sign_ins
from attendance.texts import gettext as _
from attendance.web.errors import error_sentence
from attendance.web.forms import CodeForm
from attendance.web.operators import passkey_check
from attendance.web.operators.operators import require_owner
from attendance.web.security import limiter, permission, record_act
from attendance.web.site import current_site, site_of
from attendance.web.sudo import sudo

log = logging.getLogger(__name__)
blueprint = Blueprint("second_factor", __name__)


@blueprint.get("/second-factor")
@permission("use_own_account")
def page() -> ResponseReturnValue:
    return _page(CodeForm(formdata=None))


@blueprint.post("/second-factor/begin")
@permission("use_own_account")
@sudo()
def begin() -> ResponseReturnValue:
    """Make a secret and show it, until a code confirms it."""
    site = site_of(current_app)
    try:
        with site.sessions.begin() as session:
            if oidc_accounts.has_account(session, current_user.operator_id):
                raise UserError("you sign in at a provider: it asks for the second factor")
            second_factors.begin(session, site.keys, current_user.operator_id, at=site.clock.now())
    except UserError as error:
        flash(error_sentence(error), "danger")
    return redirect(url_for("second_factor.page"))


@blueprint.post("/second-factor/confirm")
@limiter.limit("20/minute")
@permission("use_own_account")
def confirm() -> ResponseReturnValue:
    """Turn the second factor on with a right code; whoever is signed in without it elsewhere is signed out."""
    form, site = CodeForm(), site_of(current_app)
    if not form.validate_on_submit():
        return _page(form, 400)
    own, at = current_user.operator_id, site.clock.now()
    with site.sessions.begin() as session:
        codes = second_factors.confirm(session, site.keys, own, form.code.data or "", at=at)
        if codes is not None:
            sign_ins.end_all(session, operator_id=own, but=current_user.sign_in.id)
            record_act(session, Action.ADD_SECOND_FACTOR, Subject("operator", own))
    if codes is None:
        form.code.errors = [_("This code does not fit. Does the clock of your phone show the right time?")]
        return _page(form, 400)
    log.info("%s set up a second factor", current_user.username)
    return render_template("operators/recovery_codes.html", codes=codes, first=True)


@blueprint.post("/second-factor/recovery-codes")
@permission("use_own_account")
@sudo()
def renew_codes() -> ResponseReturnValue:
    """Show new recovery codes in place of the old ones."""
    own = current_user.operator_id
    with site_of(current_app).sessions.begin() as session:
        if not second_factors.is_on(session, own):
            return redirect(url_for("second_factor.page"))
        codes = second_factors.new_recovery_codes(session, own)
        record_act(session, Action.RENEW_RECOVERY_CODES, Subject("operator", own))
    return render_template("operators/recovery_codes.html", codes=codes, first=False)


@blueprint.post("/second-factor/remove")
@permission("use_own_account")
@sudo()
def remove() -> ResponseReturnValue:
    own = current_user.operator_id
    with site_of(current_app).sessions.begin() as session:
        if second_factors.remove_app(session, own):
            record_act(session, Action.REMOVE_SECOND_FACTOR, Subject("operator", own))
    log.warning("%s removed the second factor", current_user.username)
    flash(_("The authenticator app is removed."), "success")
    return redirect(url_for("second_factor.page"))


@blueprint.post("/operators/<int:operator_id>/second-factor/reset")
@permission("manage_operator")
@sudo()
def reset(operator_id: int) -> ResponseReturnValue:
    """Remove another operator's second factor, such as of a lost phone, and sign that operator out everywhere."""
    with current_site().sessions.begin() as session:
        require_owner(session, operators.get_operator(session, operator_id).role)
        had = second_factors.remove(session, operator_id)
        if had:
            sign_ins.end_all(session, operator_id=operator_id, but=current_user.sign_in.id)
            record_act(session, Action.RESET_SECOND_FACTOR, Subject("operator", operator_id))
    if had:
        log.warning("%s reset the second factor of operator %d", current_user.username, operator_id)
        flash(_("The second factor is reset: the operator signs in with the password and sets it up anew."), "success")
    else:
        flash(_("This operator has no second factor."), "info")
    return redirect(url_for("operators.role", operator_id=operator_id))


def _page(form: CodeForm, status: int = 200) -> ResponseReturnValue:
    site, own = site_of(current_app), current_user.operator_id
    with site.sessions() as session:
        secret = second_factors.begun(session, site.keys, own, at=site.clock.now())
        on, left = second_factors.is_on(session, own), second_factors.recovery_codes_left(session, own)
        has_app, known = second_factors.has_app(session, own), passkeys.list_of(session, own)
        by_provider = oidc_accounts.has_account(session, own)
    picture = None
    if secret is not None:
        address = second_factors.address(secret, current_user.username, site.settings.site.name)
        picture = segno.make(address, micro=False, error="m").svg_data_uri(scale=6, border=4, light="#fff")
    answer = render_template(
        "operators/second_factor.html", form=form, on=on, has_app=has_app, left=left, secret=secret, picture=picture,
        required=current_user.lacks_second_factor, passkeys=known, by_provider=by_provider,
        why_no_passkeys=passkey_check.why_not(), longest=passkeys.MAX_NAME,
    )  # fmt: skip
    return answer, status

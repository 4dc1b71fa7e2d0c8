"""The page that asks an operator to prove again who they are, before a dangerous act.

In: the password, and the code where there is a second factor, or a passkey's answer; the act's own fields.
Out: a proof, and the act.
Does not know: which acts are dangerous (sudo.py and its marks).
"""

from __future__ import annotations

import logging

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.service.audit.audit import Action, Subject
from attendance.service.ports import mark_of
from attendance.store.operators import operators, second_factors, sign_ins
from attendance.texts import gettext as _
from attendance.web.operators import guesses, passkey_check
from attendance.web.security import permission, record_act, safe_next
from attendance.web.site import site_of
from attendance.web.sudo import ask, is_proven

log = logging.getLogger(__name__)
blueprint = Blueprint("proof", __name__)


@blueprint.post("/prove")
@guesses.of_addresses
@guesses.of_accounts(lambda: current_user.username if current_user.is_authenticated else "")
@permission("use_own_account")
def check() -> ResponseReturnValue:
    """Check password and code, then go on to the act with what was typed for it."""
    target = safe_next(request.form.get("proof_target")) or url_for("overview.page")
    posts = request.form.get("proof_method") == "POST"
    # It may be proven already: at the sign-in provider, in another tab.
    answer = request.form.get("proof_passkey", "")
    typed = request.form.get("proof_password", "")[:1024], request.form.get("proof_code", "")[:40]
    if not is_proven() and not (_is_by_passkey(answer, typed[0]) if answer else _is_right(*typed)):
        log.warning("a proof of %s from %s failed", current_user.username, request.remote_addr)
        return ask(_("That does not prove it yet. Try again."), target, "POST" if posts else "GET")
    # 307: the browser posts the same fields again, to the act.
    return redirect(target, 307 if posts else 303)


def _is_by_passkey(answer: str, password: str) -> bool:
    """Check a passkey's answer and note the proof; one that did not check who held it needs the password, too."""
    site, own = site_of(current_app), current_user.operator_id
    held = passkey_check.held(answer, f"prove {current_user.sign_in.id}", own)
    if held is None:
        return False
    if not held.user_verified:
        known = operators.authenticate(site.sessions, current_user.username, password)
        if known is None or known.id != own:
            return False
    at = site.clock.now()
    with site.sessions.begin() as session:
        if not passkey_check.use(session, held, at=at):
            return False
        sign_ins.prove(session, current_user.sign_in.id, at=at, mark=mark_of(site.clock))
    return True


def _is_right(password: str, code: str) -> bool:
    """Check what was typed and note the proof; the password before the code, so that none is used up in vain."""
    site = site_of(current_app)
    at = site.clock.now()
    known = operators.authenticate(site.sessions, current_user.username, password)
    if known is None or known.id != current_user.operator_id:
        return False
    with site.sessions.begin() as session:
        if second_factors.is_on(session, known.id):
            used = second_factors.use(session, site.keys, known.id, code, at=at)
            if used is None:
                return False
            if used == "recovery code":
                left = second_factors.recovery_codes_left(session, known.id)
                record_act(session, Action.USE_RECOVERY_CODE, Subject("operator", known.id), left=left)
        sign_ins.prove(session, current_user.sign_in.id, at=at, mark=mark_of(site.clock))
    return True

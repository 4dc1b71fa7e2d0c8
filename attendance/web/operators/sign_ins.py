"""Where an operator is signed in: a list, and ending each.

In: a request of the operator, or of an administrator about another one.  Out: pages; ended sign-ins.
Does not know: cookies, how a sign-in begins (auth.py).
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.service.audit.audit import Action, Subject
from attendance.store.operators import sign_ins
from attendance.texts import gettext as _
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

blueprint = Blueprint("sign_ins", __name__)


@blueprint.get("/sign-ins")
@permission("use_own_account")
def index() -> ResponseReturnValue:
    with current_site().sessions() as session:
        known = sign_ins.list_of(session, current_user.operator_id)
    return render_template("operators/sign_ins.html", sign_ins=known, here=current_user.sign_in.id)


@blueprint.post("/sign-ins/end")
@permission("use_own_account")
def end() -> ResponseReturnValue:
    """End one of the operator's sign-ins by its id, or all but this one."""
    chosen = request.form.get("id", "")[:16]
    with current_site().sessions.begin() as session:
        if chosen:
            sign_ins.end_one(session, current_user.operator_id, chosen)
        else:
            sign_ins.end_all(session, operator_id=current_user.operator_id, but=current_user.sign_in.id)
        record_act(session, Action.END_SIGN_IN, Subject("operator", current_user.operator_id), all=not chosen)
    flash(_("That sign-in is ended.") if chosen else _("You are signed out everywhere else."), "success")
    return redirect(url_for("sign_ins.index"))


@blueprint.post("/operators/<int:operator_id>/sign-ins/end")
@permission("manage_operator")
def end_of_operator(operator_id: int) -> ResponseReturnValue:
    """Sign another operator out everywhere."""
    with current_site().sessions.begin() as session:
        sign_ins.end_all(session, operator_id=operator_id, but=current_user.sign_in.id)
        record_act(session, Action.END_SIGN_IN, Subject("operator", operator_id), all=True)
    flash(_("The operator is signed out everywhere."), "success")
    return redirect(url_for("operators.index"))

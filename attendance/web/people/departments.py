"""Departments: a list with people and supervisors, and another name for one.

In: a form.  Out: a page; renamed departments.
Does not know: what a supervisor sees (store/operators/department_scope.py).
Main choice: joining two departments needs a tick, because the supervisors of each see the people of both then.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.service.audit.audit import Action, Subject
from attendance.store.people import departments
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

blueprint = Blueprint("departments", __name__, url_prefix="/people/departments")


@blueprint.get("")
@permission("read_person")
def index() -> ResponseReturnValue:
    with current_site().sessions() as session:
        known = departments.list_departments(session)
    return render_template("people/departments.html", departments=known)


@blueprint.post("")
@permission("manage_operator")
def rename() -> ResponseReturnValue:
    """Rename a department; its supervisors stay its supervisors."""
    form = request.form
    before, after = form.get("department", ""), clean_line(form.get("name", ""))
    joined = form.get("join") == "yes"

    def work(session: Session, now: datetime) -> str:
        count = departments.rename(session, before, after, at=now, join=joined)
        # A department may be named here: it is not a person, so no erasure has to reach it.
        record_act(
            session, Action.RENAME_DEPARTMENT, Subject("department", after[:36]),
            before=before, after=after, people=count, joined=joined,
        )  # fmt: skip
        return _("%(before)s is called %(after)s now. Its supervisors stay.", before=before, after=after)

    return done(work, url_for("departments.index"))

"""People who are locked out: who, why, since when and until when; locking out and unlocking.

In: forms.  Out: the page; a changed person.
Does not know: how a door judges it.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.access.policy import person_states
from attendance.service.audit.audit import Action, Subject
from attendance.store.hours import rosters
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, instant_from, is_id
from attendance.web.security import permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("locked_out", __name__, url_prefix="/doors/locked-out")


@blueprint.get("")
@permission("read_lockout")
def page() -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        locked = person_states.locked_out(session, site.clock.now())
        people = rosters.list_staff(session, visitors=True)
    ids = {one.person_id for one in locked}
    free = [person for person in people if person.id not in ids]
    return render_template("access/locked_out.html", locked=locked, people=free)


@blueprint.post("")
@permission("edit_access")
@sudo()
def lock() -> ResponseReturnValue:
    """Lock a person out of every door, until a time or until somebody unlocks them."""
    form = request.form

    def work(session: Session, now: datetime) -> str:
        if not is_id(form.get("person", "")):
            raise UserError("choose a person")
        person_id, day = int(form["person"]), form.get("day", "")
        until = instant_from(day_from(day), form.get("time", "") or "00:00") if day else None
        reason = clean_line(form.get("reason", ""))[:200]
        person_states.lock_out(
            session, person_id, reason=reason, until=until, by=current_user.username, at=now
        )  # fmt: skip
        end = None if until is None else until.isoformat()
        subject = Subject("person", person_id)
        record_act(session, Action.CHANGE_PERSON_ACCESS, subject, enabled=False, until=end, reason=reason)
        return _("Locked out: no door opens to this person from now on.")

    return done(work, url_for("locked_out.page"))


@blueprint.post("/<int:person_id>/unlock")
@permission("edit_access")
@sudo()
def unlock(person_id: int) -> ResponseReturnValue:
    def work(session: Session, now: datetime) -> str:
        reason = clean_line(request.form.get("reason", ""))[:200]
        if not person_states.unlock(session, person_id, reason=reason, at=now):
            return _("This person is not locked out any more.")
        record_act(session, Action.CHANGE_PERSON_ACCESS, Subject("person", person_id), enabled=True, reason=reason)
        return _("Unlocked: doors open to this person again, by their access levels.")

    return done(work, url_for("locked_out.page"))

"""Visitors: invited, expected today, inside, ended, past.

In: forms.  Out: the page; a visitor with a visit; an ended visit.
Does not know: how a door judges a visit, how anybody is known to be inside (`service/hours/muster.py`).
Main choice: photo, badge and PIN are given on the person's own page, where they are given to everybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.service.access.policy import editing, visits
from attendance.service.access.policy.visits import Seen, Stage
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours import muster
from attendance.service.hours.muster import Present
from attendance.store.hours import rosters
from attendance.texts import N_
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, instant_from, is_id, today
from attendance.web.security import allowed, permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("visitors", __name__, url_prefix="/doors/visitors")
STAGES = {
    Stage.EXPECTED: N_("expected"),
    Stage.NOW: N_("may pass now"),
    Stage.OVER: N_("over"),
    Stage.ENDED: N_("ended"),
    Stage.TAKEN: N_("access taken away"),
}


@blueprint.get("")
@permission("read_visit")
def page() -> ResponseReturnValue:
    site = current_site()
    now = site.clock.now()
    midnight = datetime.combine(today(), time(0), site.zone)
    with site.sessions() as session:
        known = visits.current(session, now, midnight)
        over = visits.past(session, now, midnight)
        inside = [one for one in muster.inside(session, now, site.zone) if one.visitor]
        staff, guests = rosters.list_staff(session), visits.guests(session)
        levels = _levels(session)
    tomorrow = midnight + timedelta(days=1)
    return render_template(
        "access/visitors.html",
        inside=_with_visits(inside, [*over, *known]),
        here={one.person_id for one in inside},
        today=[one for one in known if one.begins_at < tomorrow],
        later=[one for one in known if one.begins_at >= tomorrow],
        past=over,
        stages={stage: _(words) for stage, words in STAGES.items()},
        staff=staff,
        guests=guests,
        levels=levels,
        day=today(),
        one_day=_on_one_day,
        keep=site.settings.retention.visitors_days,
    )


@blueprint.post("")
@permission("invite_visitor")
@sudo()
def invite() -> ResponseReturnValue:
    form = request.form

    def work(session: Session, now: datetime) -> str:
        visit = visits.invite(
            session, name=clean_line(form.get("name", "")), person_id=_guest(form),
            host_id=_host(form), company=clean_line(form.get("company", "")),
            level_id=_level(form), begins_at=_begin(form, now),
            ends_at=_end(form), by=current_user.username, at=now, any_level=allowed("edit_access"),
        )  # fmt: skip
        times = {"from": visit.begins_at.isoformat(), "until": visit.ends_at.isoformat()}
        subject = Subject("person", visit.person_id)
        record_act(session, Action.INVITE_VISITOR, subject, visit=visit.id, level=visit.level_id, **times)
        return _("Invited. Next: note the consent and add a photo, or make a badge, on the visitor’s page.")

    return done(work, url_for("visitors.page"))


@blueprint.post("/<int:visit_id>/end")
@permission("end_visit")
@sudo()
def end(visit_id: int) -> ResponseReturnValue:
    """End a visit now: doors refuse the visitor from this moment on."""

    def work(session: Session, now: datetime) -> str:
        reason = clean_line(request.form.get("reason", ""))[:200]
        visit = visits.end(session, visit_id, reason=reason, by=current_user.username, at=now)
        if visit is None:
            return _("This visit is over already.")
        record_act(session, Action.END_VISIT, Subject("person", visit.person_id), visit=visit_id, reason=reason)
        return _("Ended: no door opens to this visitor any more.")

    return done(work, url_for("visitors.page"))


def _levels(session: Session) -> list[tuple[str, int, bool]]:
    """Return name, number and whether it is for visitors of each level that this operator may give, those first."""
    marked, any_level = editing.visitor_levels(session), allowed("edit_access")
    every = [(name, number, number in marked) for name, number in editing.level_names(session).items()]
    return sorted((one for one in every if one[2] or any_level), key=lambda one: (not one[2], sort_key(one[0])))


def _on_one_day(visit: Seen) -> bool:
    local = current_site().local
    return local(visit.begins_at).date() == local(visit.ends_at).date()


def _guest(form: Mapping[str, str]) -> int | None:
    """Return who comes again; None for somebody new.  UserError if the form says both or neither."""
    again, name = is_id(form.get("guest", "")), clean_line(form.get("name", ""))
    if again and name:
        raise UserError("enter a name, or choose somebody who was here before: not both")
    if not again and not name:
        raise UserError("enter the visitor's name, or choose somebody who was here before")
    return int(form["guest"]) if again else None


def _host(form: Mapping[str, str]) -> int:
    if not is_id(form.get("host", "")):
        raise UserError("choose whose visitor this is")
    return int(form["host"])


def _level(form: Mapping[str, str]) -> int:
    if not is_id(form.get("level", "")):
        raise UserError("choose an access level")
    return int(form["level"])


# On the night when the clock is put back a time may come twice: then the shorter of the two visits is meant.
def _begin(form: Mapping[str, str], now: datetime) -> datetime:
    if not form.get("from_time", "").strip() and form.get("from_day", "") in ("", today().isoformat()):
        return now
    return instant_from(day_from(form.get("from_day", "")), form.get("from_time", "").strip() or "00:00", "second")


def _end(form: Mapping[str, str]) -> datetime:
    day = form.get("until_day", "") or form.get("from_day", "") or today().isoformat()
    return instant_from(day_from(day), form.get("until_time", "").strip(), "first")


def _with_visits(inside: Sequence[Present], known: Sequence[Seen]) -> list[tuple[Present, Seen | None]]:
    """Return who is inside with the visit that brought them: one that is open, else the newest."""
    best: dict[int, Seen] = {}
    for visit in sorted(known, key=lambda one: (one.stage is Stage.NOW, one.last)):
        if visit.stage is not Stage.EXPECTED:
            best[visit.person_id] = visit
    return [(one, best.get(one.person_id or 0)) for one in inside]

"""Access levels: which doors they open and when, and who has them.

In: forms.  Out: pages; changed levels and grants.
Does not know: how a right is judged.
Main choice: days are typed with the last one included, as people say it; the rules keep the midnight after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.people.names import sort_key
from attendance.errors import UserError
from attendance.service.access.policy import editing, what_if
from attendance.service.access.reason_texts import reason_words
from attendance.service.audit.audit import Action, Subject
from attendance.store.access import policies
from attendance.store.hours import rosters
from attendance.store.people.departments import list_departments
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, is_id
from attendance.web.security import permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("levels", __name__, url_prefix="/doors/levels")
_A_MOMENT = timedelta(microseconds=1)
Act = Callable[[Session, int, Mapping[str, str], datetime], str]


@blueprint.get("")
@permission("read_access")
def index() -> ResponseReturnValue:
    with current_site().sessions() as session:
        policy = policies.load_rules(session, current_site().zone)
        counts, default = editing.counts(session), policies.default_level(session)
        for_visitors = editing.visitor_levels(session)
    levels = sorted(policy.levels.values(), key=lambda one: sort_key(one.name))
    return render_template(
        "access/levels.html", levels=levels, policy=policy, counts=counts, default=default, for_visitors=for_visitors
    )


@blueprint.get("/<int:level_id>")
@permission("read_right")
def show(level_id: int) -> ResponseReturnValue:
    return _page(level_id)


def _page(level_id: int, found: what_if.Comparison | None = None) -> str:
    site = current_site()
    with site.sessions() as session:
        policy = policies.load_rules(session, site.zone)
        level = policy.levels.get(level_id)
        if level is None:
            abort(404)
        now, people = site.clock.now(), rosters.list_staff(session)
        granted = [(one, _day(one.valid_from), _last_day(one.valid_to), _over(one.valid_to, now)) for one in
                   editing.granted(session, level_id)]  # fmt: skip
        return render_template(
            "access/level.html", level=level, entries=editing.entries(session, level_id), policy=policy,
            granted=granted, people=people, departments=[one.name for one in list_departments(session)],
            groups=sorted({door.group for door in policy.doors.values() if door.group}),
            default=policies.default_level(session) == level_id, found=found, reason_words=reason_words,
            for_visitors=level_id in editing.visitor_levels(session),
        )  # fmt: skip


@blueprint.post("/add")
@permission("edit_access")
@sudo()
def add() -> ResponseReturnValue:
    name = clean_line(request.form.get("name", ""))

    def work(session: Session, now: datetime) -> str:
        number = editing.save_level(session, None, name, now)
        record_act(session, Action.CHANGE_DOOR_RULES, Subject("access level", number), what="add")
        return _("The access level %(name)s is there. Give it doors, then people.", name=name)

    return done(work, url_for("levels.index"))


@blueprint.post("/<int:level_id>")
@permission("edit_access")
@sudo()
def save(level_id: int) -> ResponseReturnValue:
    """Rename a level, change its doors, give it or take it, make it that of new people or visitors, or delete it."""
    form, what = request.form, request.form.get("what", "")
    act = _ACTS.get(what, _rename)
    if form.get("try"):
        return _try(level_id, act, form)
    target = url_for("levels.index") if what == "delete" else url_for("levels.show", level_id=level_id)
    return done(lambda session, now: act(session, level_id, form, now), target)


def _try(level_id: int, act: Act, form: Mapping[str, str]) -> ResponseReturnValue:
    """Say what an act would do to the requests of the last 30 days, as if it had been done before them."""
    site, now = current_site(), current_site().clock.now()
    form = {key: value for key, value in form.items() if key not in ("first", "last")}
    try:
        with site.sessions() as session:
            edit = what_if.tried(session, site.zone, lambda opened: act(opened, level_id, form, now))
            found = what_if.compare(session, site.zone, edit, now)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("levels.show", level_id=level_id))
    return _page(level_id, found)


def _rename(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    editing.save_level(session, level_id, clean_line(form.get("name", "")), now)
    _record(session, level_id, "rename")
    return _("Saved.")


def _delete(session: Session, level_id: int, _form: Mapping[str, str], now: datetime) -> str:
    editing.delete_level(session, level_id, now)
    _record(session, level_id, "delete")
    return _("The access level is deleted.")


def _add_entry(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    """Add a line; the field names a door by its number or a group by `group:` and its name."""
    where, schedule = form.get("where", ""), form.get("schedule", "")
    if not is_id(schedule):
        raise UserError("choose a schedule")
    group = where.removeprefix("group:") if where.startswith("group:") else ""
    door = int(where) if is_id(where) else None
    editing.add_entry(session, level_id, door, group, int(schedule), now)
    _record(session, level_id, "add door", door=door, schedule=int(schedule))
    return _("Saved. Whoever has this level may pass there from now on.")


def _remove_entry(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    editing.remove_entry(session, level_id, _number(form, "entry"), now)
    _record(session, level_id, "remove door", entry=_number(form, "entry"))
    return _("Saved.")


def _default(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    on = form.get("on") == "y"
    editing.set_default_level(session, level_id if on else None, now)
    _record(session, level_id, "for new people" if on else "not for new people")
    return _("People who are added from now on get this level.") if on else _("New people get no level by themselves.")


def _visitors(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    on = form.get("on") == "y"
    editing.open_to_visitors(session, level_id, on, now)
    _record(session, level_id, "for visitors" if on else "not for visitors")
    if on:
        return _("Whoever invites visitors may give them this level.")
    return _("Only whoever edits access levels may give this level to visitors. Visits that have it go on.")


def _give(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    zone, first, last = current_site().zone, form.get("first", ""), form.get("last", "")
    valid_from = None if not first else datetime.combine(day_from(first), time(0), zone)
    valid_to = None if not last else datetime.combine(day_from(last) + timedelta(days=1), time(0), zone)
    department, person = clean_line(form.get("department", "")), form.get("person", "")
    person_id = int(person) if is_id(person) else None
    if department and person_id is not None:
        raise UserError("choose a department or a person, not both")
    known = {one.name for one in list_departments(session)}
    if department and department not in known:
        raise UserError("choose a department from the list")
    number = editing.give(
        session, level_id, person_id, department, valid_from=valid_from, valid_to=valid_to,
        by=current_user.username, at=now,
    )  # fmt: skip
    subject = Subject("access level", level_id) if person_id is None else Subject("person", person_id)
    record_act(session, Action.GRANT_ACCESS, subject, level=level_id, grant=number, first=first, last=last)
    return _("Given.")


def _take(session: Session, level_id: int, form: Mapping[str, str], now: datetime) -> str:
    grant = _number(form, "grant")
    if not editing.take(session, level_id, grant, now):
        return _("Somebody took it before you.")
    record_act(session, Action.REVOKE_ACCESS, Subject("access level", level_id), grant=grant)
    return _("Taken away. Doors refuse from now on.")


_ACTS = {
    "delete": _delete,
    "add entry": _add_entry,
    "remove entry": _remove_entry,
    "default": _default,
    "visitors": _visitors,
    "give": _give,
    "take": _take,
}


def _record(session: Session, level_id: int, what: str, **detail: int | None) -> None:
    record_act(session, Action.CHANGE_DOOR_RULES, Subject("access level", level_id), what=what, **detail)


def _number(form: Mapping[str, str], name: str) -> int:
    return int(form[name]) if is_id(form.get(name, "")) else 0


def _day(at: datetime | None) -> object:
    return None if at is None else current_site().local(at).date()


def _last_day(at: datetime | None) -> object:
    return None if at is None else current_site().local(at - _A_MOMENT).date()


def _over(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now

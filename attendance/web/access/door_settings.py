"""A door's settings: its rules and times, what moves it, which cameras and tablets lead to it, what they ask for.

In: forms.  Out: the page; a changed door.
Does not know: devices, how settings are encrypted.
Main choice: a secret is never sent to a browser.  A field that is left empty keeps what is stored, unless the address
changes: then it must be entered again, so that nobody can send it to a place of their choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.domain.access.rules.doors import PointSource
from attendance.domain.access.rules.factors import Doubt
from attendance.domain.access.rules.policy import Policy
from attendance.domain.people.names import sort_key
from attendance.errors import Phrase, UserError, sentence
from attendance.service.access.doors import stored_settings, unproven
from attendance.service.access.doors.driver_settings import DRIVERS
from attendance.service.access.policy import door_rows, factor_rows, proof_places
from attendance.service.access.policy.overview import get_door
from attendance.service.audit.audit import Action, Subject
from attendance.store.access import doors, policies
from attendance.store.cameras import cameras
from attendance.texts import N_, translated
from attendance.texts import gettext as _
from attendance.web.access import driver_form, factor_form
from attendance.web.acts import done
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import is_id
from attendance.web.security import permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("door_settings", __name__, url_prefix="/doors")

NUMBERS = {
    "release_s": N_("Released for (seconds)"),
    "extended_release_s": N_("Released for people who need longer (seconds)"),
    "open_too_long_s": N_("Open for too long after (seconds)"),
    "prealarm_s": N_("Warn this long before (seconds)"),
    "passage_s": N_("May still be opened after the release (seconds)"),
    "two_person_s": N_("A second person must follow within (seconds, 0: not needed)"),
    "factor_timeout_s": N_("Wait for the second factor (seconds)"),
    "offline_s": N_("Without the database, decide by a copy of the rules for (seconds, 0: refuse everybody)"),
}
# What a form of the page may change; the audit names it by this word.
CHANGES = ("rules", "point", "proofs", "purposes", "doubts", "delete")
TICKS = {
    "enabled": N_("In use"),
    "contact": N_("A contact shows whether the door is open"),
    "watch_forced": N_("Alarm when it opens without a reason"),
    "unlock_after_first": N_("Unlock by schedule only after the first passage"),
}
CHOICES = {
    "unlock_schedule_id": N_("Unlocked by schedule"),
    "lock_schedule_id": N_("Locked by schedule"),
    "usual_schedule_id": N_("Usual hours; outside, a second factor is needed"),
}
NAMES = {"group": N_("Group of doors"), "interlock_group": N_("Interlock: only one of these doors open at a time")}


@blueprint.post("/add")
@permission("edit_door")
@sudo()
def add() -> ResponseReturnValue:
    name = clean_line(request.form.get("name", ""))[:100]

    def work(session: Session, now: datetime) -> str:
        number = door_rows.add(session, name, now)
        record_act(session, Action.CHANGE_DOOR_RULES, Subject("door", number), what="add")
        return _("The door %(name)s is there. Set what moves it on its page.", name=name)

    return done(work, url_for("doors.index"))


@blueprint.get("/<int:door_id>/settings")
@permission("edit_door")
def page(door_id: int) -> ResponseReturnValue:
    site = current_site()
    with site.sessions() as session:
        row = get_door(session, door_id)
        if row is None:
            abort(404)
        rules = policies.load_rules(session, site.zone)
        names = _known(session)
        values = {key: getattr(row, key) for key in (*NUMBERS, *TICKS, *CHOICES, *NAMES)}
        proof = _proof(session, rules, row)
        vain = proof_places.takes(session, site.zone)[door_id].trouble
        driver, sealed, name = row.driver, row.driver_settings, row.name
    chosen = request.args.get("driver", driver)
    chosen = chosen if chosen in DRIVERS else driver
    try:
        stored = stored_settings.opened(site.keys, door_id, sealed) if chosen == driver else {}
    except UserError as error:
        flash(error_sentence(error), "danger")
        stored = {}
    return render_template(
        "access/door_settings.html", door_id=door_id, name=name, values=values, driver=driver, chosen=chosen,
        vain=[sentence(translated(words)) for words in vain],
        drivers={key: _(kind.title) for key, kind in DRIVERS.items()}, settings=driver_form.fields(chosen, stored),
        labels=driver_form.LABELS, choices=driver_form.CHOICES,
        schedules=sorted(rules.schedules.values(), key=lambda one: sort_key(one.name)),
        points=sorted(names), here={one.name for one in rules.points.values() if one.door == door_id},
        **{kind: {key: _(text) for key, text in table.items()} for kind, table in _TABLES.items()},
        **factor_form.fields(rules, door_id), **proof,
    )  # fmt: skip


@blueprint.post("/<int:door_id>/settings")
@permission("edit_door")
@sudo()
def save(door_id: int) -> ResponseReturnValue:
    """Save a door's rules, proofs, purposes or doubts, or let a camera lead to it, or delete it."""
    form, what = request.form, request.form.get("what", "rules")
    if what not in CHANGES:
        abort(400)
    target = url_for("doors.index") if what == "delete" else url_for("door_settings.page", door_id=door_id)
    zone = current_site().zone

    lost: list[Phrase] = []

    def work(session: Session, now: datetime) -> str:
        subject, details = Subject("door", door_id), dict[str, bool]()
        if what == "delete":
            door_rows.remove(session, door_id, now)
        elif what == "point":
            before = proof_places.takes(session, zone)
            _move(session, form.get("point", ""), door_id, now)
            lost.extend(proof_places.lost(before, proof_places.takes(session, zone)))
        elif what == "proofs":
            factor_rows.save_point(session, zone, door_id, form.get("point", ""), factor_form.rules(form), now)
        elif what == "purposes":
            factor_rows.save_purposes(session, zone, door_id, form.get("point", ""), form.get("purposes", ""), now)
        elif what == "doubts":
            ticked = factor_form.doubts(form)
            factor_rows.save_doubts(session, zone, door_id, ticked, now)
            details["asks_while_unproven"] = Doubt.UNPROVEN_WEIGHTS in ticked
        else:
            _save_rules(session, door_id, form, now)
        record_act(session, Action.CHANGE_DOOR_RULES, subject, what=what, **details)
        return _("The door is deleted.") if what == "delete" else _("Saved.")

    answer = done(work, target)
    for words in lost:
        flash(sentence(translated(words)), "warning")
    return answer


@blueprint.post("/<int:door_id>/driver")
@permission("edit_door")
@sudo()
def save_driver(door_id: int) -> ResponseReturnValue:
    """Save what moves the door; its settings are sealed before anything is written."""
    site, driver = current_site(), request.form.get("driver", "")
    target = url_for("door_settings.page", door_id=door_id)
    try:
        if driver not in DRIVERS:
            raise UserError("choose what moves the door")
        with site.sessions() as session:
            row = get_door(session, door_id)
            if row is None:
                abort(404)
            before = stored_settings.opened(site.keys, door_id, row.driver_settings) if row.driver == driver else {}
        values = stored_settings.changed(driver, before, driver_form.values(driver, request.form))
        sealed = stored_settings.sealed(site.keys, door_id, driver, values)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("door_settings.page", door_id=door_id, driver=driver))

    def work(session: Session, now: datetime) -> str:
        row = get_door(session, door_id)
        was = "null" if row is None else row.driver
        doors.set_driver(session, door_id, driver, sealed, now)
        asks = row is not None and unproven.ask_from_now(session, row, was)
        record_act(session, Action.CHANGE_DRIVER, Subject("door", door_id), driver=driver, asks_while_unproven=asks)
        return _("Saved. Walk through the door once with the command “door test”.")

    return done(work, target)


_TABLES: Mapping[str, Mapping[str, str]] = {
    "number_words": NUMBERS, "tick_words": TICKS, "choice_words": CHOICES, "name_words": NAMES,
}  # fmt: skip


def _proof(session: Session, rules: Policy, row: doors.Door) -> dict[str, Any]:
    """Return what is known about the weights at this door: the bars missed, the cameras without a passed test."""
    cameras_here = [one.name for one in rules.points.values() if one.door == row.id]
    open_at = [name for name in cameras_here if unproven.raised(session, name)] if row.driver != "null" else []
    return {
        "unproven_at": open_at, "missed_bars": unproven.missing_bars(session),
        "asks_while_unproven": Doubt.UNPROVEN_WEIGHTS in row.step_up, "bar_words": factor_form.bar_words(),
    }  # fmt: skip


def _known(session: Session) -> set[str]:
    known = {camera.name for camera in cameras.list_cameras(session)} | proof_places.tablets(session)
    return known | set(policies.load_rules(session, current_site().zone).points)


def _move(session: Session, name: str, door_id: int, now: datetime) -> None:
    if name not in _known(session):
        raise UserError("choose a camera or tablet")
    door_rows.move_point(session, name, door_id, now)
    if name in proof_places.tablets(session):
        door_rows.change_point(session, name, {"source": PointSource.KIOSK}, now)


def _save_rules(session: Session, door_id: int, form: Mapping[str, str], now: datetime) -> None:
    values, row = _values(form), get_door(session, door_id)
    before = None if row is None else row.usual_schedule_id
    if values["usual_schedule_id"] not in (None, before):
        factor_rows.require_second(session, current_site().zone, door_id)
    door_rows.change(session, door_id, clean_line(form.get("name", ""))[:100], values, now)


def _values(form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {key: bool(form.get(key)) for key in TICKS}
    for key in NUMBERS:
        text = form.get(key, "").strip().replace(",", ".")
        try:
            found[key] = int(text) if isinstance(door_rows.NUMBERS[key][0], int) else float(text)
        except ValueError as error:
            raise UserError("%(text)s is not a valid number of seconds", text=text[:20]) from error
    for key in CHOICES:
        found[key] = int(form[key]) if is_id(form.get(key, "")) else None
    return found | {key: clean_line(form.get(key, ""))[:100] for key in NAMES}

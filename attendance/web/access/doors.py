"""Doors: how each is, who holds it, the buttons that hold and release it, and the lockdown of all.

In: a request.  Out: pages; doors held or released.
Does not know: how a door moves (its daemon reads what holds it), who may pass.
Main choice: a lockdown starts with one tap, since seconds count; everything that opens a door asks for a reason and an
end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.domain.access.door_state import DoorAlarm
from attendance.domain.access.rules.doors import Mode, Source
from attendance.errors import UserError, sentence
from attendance.service.access.doors.driver_settings import DRIVERS
from attendance.service.access.policy import holding, proof_places
from attendance.service.access.policy.overview import doors_now
from attendance.service.audit.audit import Action, Subject
from attendance.texts import N_, translated
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import day_from, instant_from
from attendance.web.security import permission, record_act
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("doors", __name__, url_prefix="/doors")

MODES = {
    Mode.SECURE: N_("asks each person"),
    Mode.UNLOCK: N_("unlocked"),
    Mode.LOCK: N_("locked"),
    Mode.BLOCK: N_("blocked"),
    Mode.LOCKDOWN: N_("lockdown"),
}
SOURCES = {
    Source.STANDING: N_("the door’s own setting"),
    Source.SCHEDULE: N_("by schedule"),
    Source.OPERATOR: N_("by an operator"),
    Source.EMERGENCY: N_("emergency"),
}
CONTACTS = {"open": N_("open"), "closed": N_("closed"), "unknown": N_("no contact"), "fault": N_("contact faulty")}
ALARMS = {
    DoorAlarm.FORCED.value: N_("forced open"),
    DoorAlarm.PRE_ALARM.value: N_("soon open for too long"),
    DoorAlarm.HELD.value: N_("open for too long"),
    DoorAlarm.TAMPER.value: N_("tampered with"),
    DoorAlarm.FIRE.value: N_("fire"),
    DoorAlarm.OFFLINE.value: N_("device does not answer"),
}
# Minutes that a button offers; "" is until somebody releases the door, "until" the day and time beside it.
SPANS = {
    "15": N_("15 minutes"),
    "60": N_("1 hour"),
    "240": N_("4 hours"),
    "480": N_("8 hours"),
    "until": N_("until the time below"),
    "": N_("until somebody releases it"),
}


@blueprint.get("")
@permission("read_door")
def index() -> ResponseReturnValue:
    site, now = current_site(), current_site().clock.now()
    with site.sessions() as session:
        return render_template(
            "access/doors.html", doors=doors_now(session, site.zone, now), lockdown=holding.lockdown(session, now),
            **words(),
        )  # fmt: skip


@blueprint.get("/<int:door_id>")
@permission("read_door")
def show(door_id: int) -> ResponseReturnValue:
    site, now = current_site(), current_site().clock.now()
    with site.sessions() as session:
        door = next((one for one in doors_now(session, site.zone, now) if one.door.id == door_id), None)
        if door is None:
            abort(404)
        vain = proof_places.takes(session, site.zone)[door_id].trouble
        acts = [held for held in holding.holding(session, now) if held.door in (None, door_id)]
        return render_template(
            "access/door.html", it=door, acts=acts, vain=[sentence(translated(words)) for words in vain],
            spans={key: _(text) for key, text in SPANS.items()},
            title=_(DRIVERS[door.driver].title) if door.driver in DRIVERS else door.driver,
            today=site.local(now).date(), **words(),
        )  # fmt: skip


@blueprint.post("/<int:door_id>/hold")
@permission("operate_door")
@sudo(when=lambda: request.form.get("mode") == Mode.UNLOCK.value)
def hold(door_id: int) -> ResponseReturnValue:
    """Unlock, lock or block a door until a time."""
    form = request.form

    def work(session: Session, now: datetime) -> str:
        mode, until = _mode(form.get("mode", "")), _until(form, now)
        if not form.get("sure"):
            raise UserError("tick the box if you mean this door")
        reason = clean_line(form.get("reason", ""))[:200]
        number = holding.hold(
            session, door_id, mode, reason=reason, until=until, by=current_user.username, at=now
        )  # fmt: skip
        end = None if until is None else until.isoformat()
        record_act(
            session, Action.HOLD_DOOR, Subject("door", door_id), mode=mode.value, until=end, reason=reason, act=number
        )
        return {
            Mode.UNLOCK: _("The door is unlocked until the time that you set."),
            Mode.LOCK: _("The door is locked; only people who are exempt pass."),
            Mode.BLOCK: _("The door is blocked for everybody."),
        }[mode]

    return done(work, url_for("doors.show", door_id=door_id))


@blueprint.post("/held/<int:act_id>/release")
@permission("operate_door")
@sudo()
def release(act_id: int) -> ResponseReturnValue:
    """End what holds a door, or the lockdown of all doors; the others that hold it go on."""
    form = request.form
    door = form.get("door", "")
    target = url_for("doors.show", door_id=int(door)) if door.isascii() and door.isdigit() and len(door) < 10 else None

    def work(session: Session, now: datetime) -> str:
        reason = clean_line(form.get("reason", ""))[:200]
        ended = holding.end(session, act_id, reason=reason, by=current_user.username, at=now)
        if ended is None:
            return _("Somebody released it before you.")
        everywhere = ended.mode is Mode.LOCKDOWN
        action = Action.END_LOCKDOWN if everywhere else Action.RELEASE_DOOR
        subject = None if ended.door is None else Subject("door", ended.door)
        record_act(session, action, subject or Subject("door", "all"), act=act_id, reason=reason)
        return _("The lockdown is over.") if everywhere else _("The door is released.")

    return done(work, target or url_for("doors.index"))


@blueprint.post("/lockdown")
@permission("operate_door")
def lockdown() -> ResponseReturnValue:
    """Lock down all doors at once."""

    def work(session: Session, now: datetime) -> str:
        number = holding.lock_down(session, reason=_("lockdown button"), by=current_user.username, at=now)
        if number is None:
            return _("All doors are locked down already.")
        record_act(session, Action.START_LOCKDOWN, Subject("door", "all"), act=number)
        return _("Lockdown: every door refuses everybody who is not exempt.")

    return done(work, url_for("doors.index"))


def words() -> dict[str, Any]:
    """Return the texts of modes, sources, contacts and alarms for the templates."""
    return {
        "modes": {mode: _(text) for mode, text in MODES.items()},
        "sources": {source: _(text) for source, text in SOURCES.items()},
        "contacts": {contact: _(text) for contact, text in CONTACTS.items()},
        "alarm_words": {alarm: _(text) for alarm, text in ALARMS.items()},
    }


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError as error:
        raise UserError("choose to unlock, lock or block the door") from error


def _until(form: Mapping[str, str], now: datetime) -> datetime | None:
    span = form.get("span", "")
    if span == "until":
        return instant_from(day_from(form.get("day", "")), form.get("time", ""))
    if not span:
        return None
    if span not in SPANS:
        raise UserError("choose one of the offered times")
    return now + timedelta(minutes=int(span))

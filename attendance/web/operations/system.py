"""The page System: alarms, and whether everything is as it should be.

In: a request.  Out: the page; an acknowledged alarm.
Does not know: what an alarm means, what is checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.service.alarms import kinds
from attendance.service.alarms.alarms import acknowledge as acknowledge_alarm
from attendance.service.audit.audit import Action, Subject
from attendance.service.operations.doctor import Verdict
from attendance.store.alarms import alarms
from attendance.texts import gettext as _
from attendance.web.security import permission, record_act
from attendance.web.site import current_site

blueprint = Blueprint("system", __name__)


@blueprint.get("/system")
@permission("read_system")
def page() -> ResponseReturnValue:
    """Show open alarms, the checks of this moment, and past alarms."""
    site = current_site()
    with site.sessions() as session:
        there, past = alarms.open_alarms(session), alarms.past_alarms(session, limit=20)
    return render_template(
        "operations/system.html",
        alarms=there,
        muted=kinds.muted(there),
        key=_key(there),
        past=past,
        checks=sorted(site.doctor(), key=lambda check: list(Verdict).index(check.verdict), reverse=True),
        words=_words,
        advice=kinds.advice,
    )


@blueprint.get("/system/alarms")
@permission("read_system")
def alarms_now() -> ResponseReturnValue:
    """Answer an open page: the list of open alarms, and those that it is to sound."""
    with current_site().sessions() as session:
        there = alarms.open_alarms(session)
    rows = render_template(
        "operations/_alarms.html", alarms=there, muted=kinds.muted(there), words=_words, advice=kinds.advice
    )
    heard = [{"id": one.id, "severity": one.severity, "words": _words(one)} for one in kinds.sounding(there)]
    return {"rows": rows, "key": _key(there), "sounding": heard}


@blueprint.post("/system/alarms/<string:alarm_id>/acknowledge")
@permission("acknowledge_alarm")
def acknowledge(alarm_id: str) -> ResponseReturnValue:
    """Note that the operator looks after the alarm; nobody else is bothered then."""
    site = current_site()
    with site.sessions.begin() as session:
        found = acknowledge_alarm(session, alarm_id, by=current_user.username, at=site.clock.now())
        if found is not None:
            record_act(session, Action.ACKNOWLEDGE_ALARM, Subject("alarm", alarm_id))
    if found is None:
        with site.sessions() as session:
            if not alarms.exists(session, alarm_id):
                abort(404)
        flash(_("Somebody acknowledged this alarm before you."), "info")
    else:
        flash(_("Acknowledged: %(alarm)s.", alarm=_words(found)), "success")
    return redirect(url_for("system.page"))


def _key(there: Sequence[alarms.Alarm]) -> str:
    """Return what changes as soon as the list has other rows or words; tokens of its forms change each time."""
    rows = [f"{one.id} {one.acknowledged_by} {_words(one)}" for one in there]
    return hashlib.sha256(repr((rows, sorted(kinds.muted(there)))).encode()).hexdigest()[:16]


def _words(alarm: alarms.Alarm) -> str:
    return kinds.title(alarm.kind, alarm.subject, alarm.detail)

"""Who is in the building, to be ticked after an evacuation: on phones, by several people at once.

In: a request.  Out: the page, its files, what is ticked.
Does not know: how anybody is known to be inside (`service/hours/muster.py`).
Main choice: the page keeps its ticks in the phone until the site has answered, since the network of a car park is poor
and the building may have no power.  Trade-off: two people may tick the same person; the first one counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from attendance.errors import UserError
from attendance.service.audit.audit import Action, Subject
from attendance.service.hours import muster
from attendance.service.hours.muster import SOURCES, Present, Ticked
from attendance.store.access import musters
from attendance.store.hours import rosters
from attendance.texts import gettext as _
from attendance.web.acts import done
from attendance.web.formats import local_forms
from attendance.web.forms import clean_line
from attendance.web.hours.date_range import Span, today
from attendance.web.hours.report_files import ReportSource
from attendance.web.security import permission, record_act, wants_json
from attendance.web.site import current_site, site_of

blueprint = Blueprint("muster", __name__, url_prefix="/muster")
TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
# A tick may wait in a phone for so long.
LONGEST_WAIT = timedelta(hours=12)


@blueprint.get("")
@permission("read_muster")
def page() -> ResponseReturnValue:
    site, department = current_site(), _department()
    now = site.clock.now()
    with site.sessions() as session:
        begun, ended = musters.current(session), musters.newest_ended(session)
        rows = _listed(session, begun, now, department)
        departments = rosters.departments(session)
    met = [one for one in rows if one.safe_at is not None]
    return render_template(
        "access/muster.html", rows=rows, met=len(met), begun=begun, ended=ended, at=now, department=department,
        departments=departments, why={source: _(words) for source, words in SOURCES.items()}, age=_age,
        recent=lambda since, now: current_site().local(since).date() == current_site().local(now).date(),
    )  # fmt: skip


@blueprint.get("/state")
@permission("read_muster")
def state() -> ResponseReturnValue:
    """Answer the script: which rows are ticked by whom, and whether the page shows the right rows."""
    site = current_site()
    with site.sessions() as session:
        begun = musters.current(session)
        rows = _listed(session, begun, site.clock.now(), _department())
    ticked = {one.row.key: _by(one) for one in rows if one.safe_at is not None}
    return {"muster": None if begun is None else begun.id, "rows": [one.row.key for one in rows], "ticked": ticked}


@blueprint.post("/begin")
@permission("tick_muster")
def begin() -> ResponseReturnValue:
    """Begin a muster: from now on the list keeps whoever is on it, whatever departments its beginner sees."""
    site = site_of(current_app)
    with site.sessions() as session:
        rows = muster.inside(session, site.clock.now(), site.zone)

    def work(session: Session, now: datetime) -> str:
        number = musters.begin(session, current_user.username, now)
        if number is None:
            raise UserError("a muster is going on: tick its list")
        record_act(session, Action.BEGIN_MUSTER, Subject("muster", number), people=len(rows))
        return _("The muster has begun. Tick everybody whom you meet.")

    answer = done(work, url_for("muster.page"))
    with site.sessions() as session:
        begun = musters.current(session)
        written = begun is None or bool(musters.rows(session, begun.id))
    if begun is not None and not written:
        muster.begin(site.sessions, begun.id, rows)
    return answer


@blueprint.post("/<int:muster_id>/tick")
@permission("tick_muster")
def tick(muster_id: int) -> ResponseReturnValue:
    """Tick somebody as safe, or take the tick back.  `ago`: seconds for which the tick waited in the phone."""
    form, safe = request.form, request.form.get("safe") == "y"
    key = clean_line(form.get("key", ""))[:60]
    ago = form.get("ago", "0")
    waited = min(LONGEST_WAIT, timedelta(seconds=int(ago) if ago.isdecimal() and len(ago) < 10 else 0))

    row = _unwritten(muster_id, key)

    def work(session: Session, now: datetime) -> str:
        begun = musters.current(session)
        if begun is None or begun.id != muster_id:
            raise UserError("this muster is over")
        by, at = (current_user.username, max(begun.began_at, now - waited)) if safe else (None, None)
        if row is not None:
            musters.add(session, [muster.row_of(muster_id, row)])
        if not musters.tick(session, muster_id, key, by, at):
            raise UserError("this person is not on the list any more")
        record_act(session, Action.TICK_MUSTER, _subject(key, muster_id), safe=safe)
        return _("Ticked as safe.") if safe else _("The tick is taken back.")

    if not wants_json():
        return done(work, url_for("muster.page", department=_department()))
    site = current_site()
    try:
        with site.sessions.begin() as session:
            return {"ok": True, "words": work(session, site.clock.now())}
    except UserError as error:
        return {"ok": False, "words": str(error)}, 409


@blueprint.post("/<int:muster_id>/end")
@permission("tick_muster")
def end(muster_id: int) -> ResponseReturnValue:
    """End the muster for everybody, and say how many of the whole site were not met."""
    site = site_of(current_app)
    with site.sessions() as session:
        rows = muster.listed(session, musters.current(session), site.clock.now(), site.zone)
    missing = muster.still_missing(rows)

    def work(session: Session, now: datetime) -> str:
        if not musters.end(session, muster_id, current_user.username, now):
            return _("Somebody ended this muster before you.")
        record_act(session, Action.END_MUSTER, Subject("muster", muster_id), missing=missing)
        return _("The muster is over. %(missing)s not met.", missing=missing)

    return done(work, url_for("muster.page"))


@blueprint.get("/list.<kind>")
@permission("read_muster")
def file(kind: str) -> ResponseReturnValue:
    """Send the list as a file; it never waits for a password."""
    if kind not in TYPES:
        abort(404)
    site, department = current_site(), _department()
    span = Span(today(), today(), department)
    source = ReportSource(site, "presence", span, site.clock.now(), local_forms())
    answer = Response(b"".join(source.file(kind)), content_type=TYPES[kind])
    answer.headers.set("Content-Disposition", "attachment", filename=f"presence {span.first}.{kind}")
    return answer


def _unwritten(muster_id: int, key: str) -> Present | None:
    """Return somebody on the list whom the muster has not written down: they came in since it began."""
    site = current_site()
    with site.sessions() as session:
        if any(row.key == key for row in musters.rows(session, muster_id)):
            return None
        rows = _listed(session, None, site.clock.now(), None)
    return next((one.row for one in rows if one.row.key == key), None)


def _listed(session: Session, begun: musters.Muster | None, now: datetime, department: str | None) -> list[Ticked]:
    """Return the rows that this operator may see: a supervisor's are people of their departments."""
    rows = muster.listed(session, begun, now, current_site().zone, department)
    narrow = g.get("departments") is not None
    return [one for one in rows if one.row.person_id is not None] if narrow else rows


def _department() -> str | None:
    return clean_line(request.values.get("department", "")) or None


def _subject(key: str, muster_id: int) -> Subject:
    person = key.removeprefix("person-")
    return Subject("person", int(person)) if person.isdecimal() and person != key else Subject("muster", muster_id)


def _by(one: Ticked) -> str:
    assert one.safe_at is not None
    return _("%(who)s, %(time)s", who=one.safe_by or "", time=local_forms().clock(one.safe_at))


def _age(since: datetime, now: datetime) -> str:
    """Return how old a piece of knowledge is, in words."""
    minutes = max(0, int((now - since).total_seconds()) // 60)
    if minutes < 60:
        return _("%(count)s min ago", count=minutes)
    if minutes < 48 * 60:
        return _("%(count)s h ago", count=minutes // 60)
    return _("%(count)s days ago", count=minutes // 1440)

"""Many people at once: send a ZIP or a list with photos, read the report, then enrol them together.

In: pieces of files from the script, or whole files from the form; what was agreed to.  Out: a page with progress, the
report as a page and as CSV, people and templates.
Does not know: how an archive is unpacked, a photo judged or anybody written down (service/bulk_desk.py).
Main choice: the script sends a file in pieces that are no larger than a photo, so that no address of the site has to
take half a gigabyte at once.  The price: without scripts a file may be only as large as a photo.
"""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError, sentence
from attendance.service.calibration.auto_tighten import after_enrolment
from attendance.service.enrolment.bulk_job import Desk, Options, Stage, Standing
from attendance.service.enrolment.bulk_report import GOOD_NUMBER, photo_lines, result_rows
from attendance.store.privacy.consent import MAX_TEXT
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_text
from attendance.web.people.people import CONSENT_WORDS
from attendance.web.security import admin_required
from attendance.web.site import EXTENSION, Site, current_site

blueprint = Blueprint("bulk", __name__, url_prefix="/people/bulk")

_DESK = "attendance_bulk_desk"
# Rows on the page; the CSV file has all.
MOST_ROWS = 500


@blueprint.get("")
@admin_required
def page() -> ResponseReturnValue:
    return render_template("enrolment/bulk.html", **_context())


@blueprint.get("/standing")
@admin_required
def standing() -> ResponseReturnValue:
    """What the page shows of the work, alone, for the script."""
    return render_template("enrolment/_bulk_standing.html", **_context())


@blueprint.post("/piece")
def piece() -> ResponseReturnValue:
    """A piece of a file, from the script."""
    data = request.files.get("piece")
    offset = request.form.get("offset", -1, type=int)
    name = request.form.get("name", "")
    try:
        size = the_desk().receive(_me(), name, offset, io.BytesIO() if data is None else data.stream)  # type: ignore[arg-type]
    except UserError as error:
        return {"ok": False, "words": error_sentence(error)}, 409
    return {"ok": True, "size": size}


@blueprint.post("")
def begin() -> ResponseReturnValue:
    """Look at what came in pieces, and in this form."""
    desk = the_desk()
    try:
        options = _options()
        sent = [one for one in request.files.getlist("files") if one.filename]
        if sent and "in_pieces" not in request.form:
            desk.clear(_me())
        for one in sent:
            desk.receive(_me(), one.filename or "", 0, one.stream)  # type: ignore[arg-type]
        desk.judge(_me(), options)
    except UserError as error:
        return render_template("enrolment/bulk.html", **_context(), problem=error_sentence(error)), 400
    return redirect(url_for("bulk.page"))


@blueprint.post("/again")
def again() -> ResponseReturnValue:
    """The report anew, with other words of consent or another answer about look-alikes."""
    return _step(lambda desk: desk.report_again(_me(), _options()))


@blueprint.post("/enrol")
def enrol() -> ResponseReturnValue:
    return _step(lambda desk: desk.enrol(_me(), request.form.get("report", "")))


@blueprint.post("/clear")
def clear() -> ResponseReturnValue:
    return _step(lambda desk: desk.clear(_me()))


@blueprint.get("/report.csv")
@admin_required
def report() -> ResponseReturnValue:
    """Every photo's verdict."""
    it = the_desk().standing()
    if it.by != _me() or not it.results:
        flash("There is no report of yours any more.", "warning")
        return redirect(url_for("bulk.page"))
    answer = Response("\ufeff" + "".join(photo_lines(it.results)), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename="bulk enrolment.csv")
    return answer


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    site: Site = state.app.extensions[EXTENSION]
    wired = site.sessions, site.keys, site.settings, site.model_id, site.clock
    state.app.extensions[_DESK] = Desk(
        site.sessions, site.keys, site.analyser, site.clock, lambda: after_enrolment(*wired)
    )


def the_desk() -> Desk:
    desk = current_app.extensions[_DESK]
    assert isinstance(desk, Desk)
    return desk


def _step(step: Any) -> ResponseReturnValue:
    try:
        step(the_desk())
    except UserError as error:
        flash(error_sentence(error), "warning")
    return redirect(url_for("bulk.page"))


def _options() -> Options:
    """UserError for words of consent that nobody says were agreed to."""
    words = clean_text(request.form.get("consent", ""))
    if words and request.form.get("agreed") != "yes":
        raise UserError("tick the box: everybody in the files must have agreed to these words")
    if len(words) > MAX_TEXT:
        raise UserError(f"the words of consent are longer than {MAX_TEXT} characters: shorten them")
    return Options(words or None, request.form.get("two_people") == "yes")


def _context() -> dict[str, Any]:
    site, desk = current_site(), the_desk()
    it = desk.standing()
    other = it.by if it.by != _me() else ""
    working = it.busy or it.stage is Stage.RECEIVING
    if other and not working:  # what somebody else has read, or has done, is no news here
        open_report = it.stage is Stage.REPORTED
        other, it = other if open_report else "", Standing()
    mine = not (other and working)
    enrolled = [one for one in it.results if not one.problem]
    photos = [photo for one in it.results for photo in one.photos]
    return {
        "it": it,
        "stage": it.stage.value,
        "mine": mine,
        "other": other,
        "words": sentence(it.words),
        "stages": Stage,
        "rows": result_rows(it.results)[:MOST_ROWS],
        "more_rows": max(0, len(it.results) - MOST_ROWS),
        "enrolled": len(enrolled),
        "new": sum(one.added for one in enrolled),
        "usable": sum(photo.report.ok for photo in photos),
        "photos": len(photos),
        "few": sum(one.total < GOOD_NUMBER for one in enrolled),
        "good_number": GOOD_NUMBER,
        "upload_mb": desk.limits.upload >> 20,
        "form_mb": site.settings.web.max_upload_mb,
        "photo_mb": desk.limits.photo >> 20,
        "suggested": CONSENT_WORDS.format(site=site.settings.site.name),
        "consent": request.form.get("consent", it.options.consent or ""),
    }


def _me() -> str:
    name: str = current_user.username
    return name

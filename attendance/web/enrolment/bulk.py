"""Many people at once: send a ZIP or a list with photos, read the report, then enrol them together.

In: pieces of files from the script, or whole files from the form; what was agreed to.  Out: a page with progress, the
report as a page and as CSV, people and templates.
Does not know: how an archive is unpacked, a photo judged or a person enrolled (service/enrolment/bulk_job.py).
Main choice: the script sends a file in pieces that are no larger than a photo, so that no address of the site has to
take half a gigabyte at once.  Trade-off: without scripts a file may be only as large as a photo.
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
from attendance.service.enrolment.bulk_job import BulkJob, Options, Progress, Stage
from attendance.service.enrolment.bulk_report import photo_lines, result_rows
from attendance.service.enrolment.photo_count import SUFFICIENT, has_too_few
from attendance.store.privacy.consent import MAX_TEXT
from attendance.texts import gettext as _
from attendance.texts import translated
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_text
from attendance.web.people.people import CONSENT_WORDS
from attendance.web.security import permission
from attendance.web.site import EXTENSION, Site, current_site

blueprint = Blueprint("bulk", __name__, url_prefix="/people/bulk")

_JOB = "attendance_bulk_job"
# Rows on the page; the CSV file has all.
MOST_ROWS = 500


@blueprint.get("")
@permission("enrol_person")
def page() -> ResponseReturnValue:
    return render_template("enrolment/bulk.html", **_context())


@blueprint.get("/standing")
@permission("enrol_person")
def progress() -> ResponseReturnValue:
    """Answer the part of the page that shows the progress, for the script."""
    return render_template("enrolment/_bulk_progress.html", **_context())


@blueprint.post("/piece")
@permission("enrol_person")
def piece() -> ResponseReturnValue:
    """Take a piece of a file from the script."""
    data = request.files.get("piece")
    offset = request.form.get("offset", -1, type=int)
    name = request.form.get("name", "")
    try:
        size = bulk_job().receive(_me(), name, offset, io.BytesIO() if data is None else data.stream)  # type: ignore[arg-type]
    except UserError as error:
        return {"ok": False, "words": error_sentence(error)}, 409
    return {"ok": True, "size": size}


@blueprint.post("")
@permission("enrol_person")
def begin() -> ResponseReturnValue:
    """Judge the files that came in pieces and in this form."""
    job = bulk_job()
    try:
        options = _options()
        sent = [file for file in request.files.getlist("files") if file.filename]
        if sent and "in_pieces" not in request.form:
            job.clear(_me())
        for file in sent:
            job.receive(_me(), file.filename or "", 0, file.stream)  # type: ignore[arg-type]
        job.judge(_me(), options)
    except UserError as error:
        return render_template("enrolment/bulk.html", **_context(), problem=error_sentence(error)), 400
    return redirect(url_for("bulk.page"))


@blueprint.post("/again")
@permission("enrol_person")
def again() -> ResponseReturnValue:
    """Report again, with other words of consent or another answer about look-alikes."""
    return _step(lambda job: job.report_again(_me(), _options()))


@blueprint.post("/enrol")
@permission("enrol_person")
def enrol() -> ResponseReturnValue:
    return _step(lambda job: job.enrol(_me(), request.form.get("report", "")))


@blueprint.post("/clear")
@permission("enrol_person")
def clear() -> ResponseReturnValue:
    return _step(lambda job: job.clear(_me()))


@blueprint.get("/report.csv")
@permission("enrol_person")
def report() -> ResponseReturnValue:
    """Answer the verdict on every photo as a CSV file."""
    progress = bulk_job().progress()
    if progress.by != _me() or not progress.results:
        flash(_("Your report is gone."), "warning")
        return redirect(url_for("bulk.page"))
    answer = Response("\ufeff" + "".join(photo_lines(progress.results)), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename="bulk enrolment.csv")
    return answer


@blueprint.record
def _set_up(state: BlueprintSetupState) -> None:
    site: Site = state.app.extensions[EXTENSION]
    wired = site.sessions, site.keys, site.settings, site.model_id, site.clock
    state.app.extensions[_JOB] = BulkJob(
        site.sessions, site.keys, site.analyser, site.clock, lambda: after_enrolment(*wired)
    )


def bulk_job() -> BulkJob:
    job = current_app.extensions[_JOB]
    assert isinstance(job, BulkJob)
    return job


def _step(step: Any) -> ResponseReturnValue:
    try:
        step(bulk_job())
    except UserError as error:
        flash(error_sentence(error), "warning")
    return redirect(url_for("bulk.page"))


def _options() -> Options:
    """Return the form's options; UserError for words of consent without the tick that people agreed, and reversed."""
    words, agreed = clean_text(request.form.get("consent", "")), request.form.get("agreed") == "yes"
    if words and not agreed:
        raise UserError(
            "tick the box: everybody in the files must have agreed to these words; or empty the words of consent"
        )
    if agreed and not words:
        raise UserError("write down what everybody agreed to, or take the tick away")
    if len(words) > MAX_TEXT:
        raise UserError("the words of consent are longer than %(most)s characters: shorten them", most=MAX_TEXT)
    return Options(words or None, request.form.get("two_people") == "yes")


def _words_of(progress: Progress) -> str:
    """Return the words to begin with: suggested ones, until a report was made with others or none."""
    if progress.results:
        return progress.options.consent or ""
    return _(CONSENT_WORDS, site=current_site().settings.site.name)


def _context() -> dict[str, Any]:
    site, job = current_site(), bulk_job()
    progress = job.progress()
    other = progress.by if progress.by != _me() else ""
    working = progress.busy or progress.stage is Stage.RECEIVING
    if other and not working:  # another operator's finished job is not shown here
        open_report = progress.stage is Stage.REPORTED
        other, progress = other if open_report else "", Progress()
    mine = not (other and working)
    enrolled = [result for result in progress.results if not result.problem]
    photos = [photo for result in progress.results for photo in result.photos]
    return {
        "progress": progress,
        "stage": progress.stage.value,
        "mine": mine,
        "other": other,
        "words": sentence(translated(progress.words)),
        "stages": Stage,
        "rows": result_rows(progress.results)[:MOST_ROWS],
        "more_rows": max(0, len(progress.results) - MOST_ROWS),
        "enrolled": len(enrolled),
        "new": sum(result.added for result in enrolled),
        "usable": sum(photo.report.ok for photo in photos),
        "photos": len(photos),
        "few": sum(has_too_few(result.total) for result in enrolled),
        "sufficient": SUFFICIENT,
        "upload_mb": job.limits.upload >> 20,
        "form_mb": site.settings.web.max_upload_mb,
        "photo_mb": job.limits.photo >> 20,
        "consent": request.form.get("consent", _words_of(progress)),
        "agreed": "agreed" in request.form or progress.options.consent,
    }


def _me() -> str:
    name: str = current_user.username
    return name

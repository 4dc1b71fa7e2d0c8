"""Taking in the check-ins of other terminals: a file, its report, then all or nothing.

In: a request.  Out: pages; check-ins that count.
Does not know: what a file looks like, which check-ins may be taken in.
Main choice: between report and import the file waits in this process's memory, for half an hour and under a random
key, so that nothing of it lies on a disk before somebody decided.  Trade-off: after a restart it must be sent again.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import PurePath

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from attendance.errors import UserError, sentence
from attendance.service.audit.audit import Actor
from attendance.service.hours.imports import punches
from attendance.service.hours.imports.punch_files import DateOrder
from attendance.service.hours.imports.punches import Report, Source
from attendance.store.hours import imports as import_rows
from attendance.texts import gettext as _
from attendance.texts import ngettext, translated
from attendance.web.errors import error_sentence
from attendance.web.forms import clean_line
from attendance.web.security import permission
from attendance.web.site import current_site

log = logging.getLogger(__name__)
blueprint = Blueprint("imports", __name__, url_prefix="/attendance/import")

WAITS = timedelta(minutes=30)
MOST_WAITING = 8
MOST_LINES = 100


@dataclass
class _Waiting:
    """Files between report and import: (source, whose it is, since when) by a random key."""

    files: dict[str, tuple[Source, str, datetime]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, source: Source, owner: str, now: datetime) -> str:
        key = secrets.token_urlsafe(16)
        with self.lock:
            self._forget(now)
            while len(self.files) >= MOST_WAITING:
                del self.files[next(iter(self.files))]
            self.files[key] = (source, owner, now)
        return key

    def get(self, key: str, owner: str, now: datetime) -> Source:
        with self.lock:
            self._forget(now)
            found = self.files.get(key)
        if found is None or found[1] != owner:
            raise UserError("this file is not here any more: choose it again")
        return found[0]

    def drop(self, key: str) -> None:
        with self.lock:
            self.files.pop(key, None)

    def _forget(self, now: datetime) -> None:
        for key in [key for key, (_source, _owner, since) in self.files.items() if now - since > WAITS]:
            del self.files[key]


def _waiting() -> _Waiting:
    waiting: _Waiting = current_app.extensions.setdefault("attendance.imports", _Waiting())
    return waiting


@blueprint.get("")
@permission("import_check_ins")
def page() -> ResponseReturnValue:
    with current_site().sessions() as session:
        rows = import_rows.list_imports(session)
    return render_template("hours/imports.html", rows=rows)


@blueprint.post("/check")
@permission("import_check_ins")
def check() -> ResponseReturnValue:
    """Show what taking in the file would do.  A file that waits is looked at again with other choices."""
    site, form, now = current_site(), request.form, current_site().clock.now()
    file = request.files.get("file")
    try:
        if form.get("key"):
            source = _chosen(_waiting().get(form["key"], current_user.username, now), form)
        elif file is None or not file.filename:
            raise UserError("choose a file")
        else:
            days = site.settings.retention.passages_days
            oldest = now - timedelta(days=days) if days else None
            name = clean_line(PurePath(file.filename).name)[:200]
            source = _chosen(Source(file.read(), name, "", site.zone, oldest=oldest), form)
        with site.sessions() as session:
            report = punches.check(session, source, now)
    except UserError as error:
        flash(error_sentence(error), "danger")
        return redirect(url_for("imports.page"))
    _waiting().drop(form.get("key", ""))
    key = _waiting().put(source, current_user.username, now)
    return _report(report, source, key)


def _chosen(source: Source, form: Mapping[str, str]) -> Source:
    order = form.get("order", "")
    return replace(
        source,
        device=clean_line(form.get("device", ""))[:100] or PurePath(source.name).stem[:100],
        order=DateOrder(order) if order in set(DateOrder) else DateOrder.AUTO,
        directions=form.get("directions") != "no",
        skip_unknown=form.get("skip_unknown") == "yes",
    )


def _report(report: Report, source: Source, key: str) -> str:
    return render_template(
        "hours/import_report.html", report=report, source=source, key=key,
        hindrances=[sentence(translated(words)) for words in report.hindrances],
        problems=report.problems[:MOST_LINES], more=max(0, len(report.problems) - MOST_LINES),
        unknown=sorted(report.unknown.items())[:MOST_LINES], orders=DateOrder,
    )  # fmt: skip


@blueprint.post("")
@permission("import_check_ins")
def take_in() -> ResponseReturnValue:
    """Take in the file that was looked at, all or nothing."""
    site, key = current_site(), request.form.get("key", "")
    now, actor = site.clock.now(), Actor("operator", current_user.username)
    try:
        source = _waiting().get(key, current_user.username, now)
        report = punches.take_in(site.sessions, source, now=now, actor=actor)
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        _waiting().drop(key)
        log.info("%s took in %d check-ins", current_user.username, len(report.rows))
        count = len(report.rows)
        flash(ngettext("%(number)s check-in is taken in.", "%(number)s check-ins are taken in.", count), "success")
    return redirect(url_for("imports.page"))


@blueprint.post("/<import_id>/remove")
@permission("import_check_ins")
def remove(import_id: str) -> ResponseReturnValue:
    """Take an import back, with all its check-ins."""
    site, actor = current_site(), Actor("operator", current_user.username)
    try:
        punches.remove(site.sessions, import_id, zone=site.zone, now=site.clock.now(), actor=actor)
    except UserError as error:
        flash(error_sentence(error), "danger")
    else:
        log.info("%s took the import %s back", current_user.username, import_id)
        flash(_("The import is taken back; its check-ins are deleted."), "success")
    return redirect(url_for("imports.page"))

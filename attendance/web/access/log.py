"""The check-in log: filters in the address, pages, rows that arrive by themselves, CSV.

In: query parameters.  Out: the page; new rows as JSON; a CSV file.
Does not know: how a passage was decided.
Main choice: the script gets rows as finished HTML from the template that made the page, so that a
row looks the same however it came.  It asks for everything since ten seconds before its newest row
and replaces what it has.  So a door's outcome that was noted later shows up, and so does a row that
another program committed late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from attendance.domain.access.liveness.challenge import Ended
from attendance.domain.access.liveness.fusion import Verdict
from attendance.domain.passage import Method
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.liveness.words import verdict_words
from attendance.service.access.log import all_passages, day_bounds, passages_csv
from attendance.service.ids import made_at
from attendance.store.access import challenges, events, liveness
from attendance.store.access.events import PassageView
from attendance.store.cameras import cameras
from attendance.store.people import people
from attendance.texts import gettext as _
from attendance.web.forms import clean_line
from attendance.web.security import permission
from attendance.web.site import current_site
from attendance.web.sudo import sudo

blueprint = Blueprint("log", __name__, url_prefix="/log")

PAGE = 50
OVERLAP = timedelta(seconds=10)
# More than a page at once means that the page was idle for long and should be loaded anew.
MOST_NEW = 200
REFUSALS = tuple(reason for reason in Reason if reason is not Reason.MATCHED)


@dataclass(frozen=True)
class Filter:
    """What the address asks for; `problems` says which parts of it are not valid and were left out."""

    text: str = ""
    person_id: int | None = None
    camera: str = ""
    outcome: str = ""
    by: str = ""
    first: date | None = None
    last: date | None = None
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, args: Mapping[str, str]) -> Filter:
        problems: list[str] = []
        outcome = args.get("outcome", "")
        if outcome not in ("", "granted", "denied", *(reason.value for reason in REFUSALS)):
            problems.append(_("That outcome does not exist"))
            outcome = ""
        by = args.get("by", "")
        if by not in ("", *Method):
            problems.append(_("That way of identifying does not exist"))
            by = ""
        first, last = (_date(args.get(name, ""), problems) for name in ("from", "to"))
        if first and last and first > last:
            problems.append(_("The first day is after the last"))
        person = args.get("person", "")
        return cls(
            text=clean_line(args.get("q", ""))[:200],
            person_id=int(person) if person.isascii() and person.isdigit() and len(person) < 16 else None,
            camera=clean_line(args.get("camera", ""))[:100],
            outcome=outcome,
            by=by,
            first=first,
            last=last,
            problems=tuple(problems),
        )

    @property
    def args(self) -> dict[str, Any]:
        """Return the address's parameters again, without those that are empty."""
        found = {
            "q": self.text,
            "person": str(self.person_id or ""),
            "camera": self.camera,
            "outcome": self.outcome,
            "by": self.by,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
        }
        return {name: value for name, value in found.items() if value}

    def conditions(self) -> dict[str, Any]:
        """Return the filter for `events.list_passages` and `all_passages`."""
        zone = current_site().zone
        granted = {"granted": True, "denied": False}.get(self.outcome)
        return {
            "since": day_bounds(self.first, zone)[0] if self.first else None,
            "until": day_bounds(self.last, zone)[1] if self.last else None,
            "person_id": self.person_id,
            "granted": granted,
            "camera": self.camera or None,
            "reason": Reason(self.outcome) if self.outcome and granted is None else None,
            "method": Method(self.by) if self.by else None,
            "text": self.text,
        }


@blueprint.get("")
@permission("read_log")
def index() -> ResponseReturnValue:
    site, wanted = current_site(), Filter.of(request.args)
    before = _passage_id(request.args.get("before", ""))
    with site.sessions() as session:
        views = events.list_passages(session, **wanted.conditions(), limit=PAGE + 1, before_id=before)
        names = {camera.name for camera in cameras.list_cameras(session)} | set(events.camera_names(session))
        who = _name(session, wanted.person_id)
        anything = bool(views) or bool(events.list_passages(session, limit=1))
        rulings = _rulings(session, views)
    shown, more = views[:PAGE], len(views) > PAGE
    return render_template(
        "access/log.html",
        passages=shown,
        rulings=rulings,
        wanted=wanted,
        who=who,
        cameras=sorted(names | {wanted.camera} - {""}),
        refusals=REFUSALS,
        ways=tuple(Method),
        before=before,
        older=url_for("log.index", **wanted.args, before=shown[-1].passage.id) if more else None,
        newest_url=url_for("log.index", **wanted.args),
        csv_url=url_for("log.csv", **wanted.args),
        rows_url=url_for("log.rows", **wanted.args),
        anything=anything,
    )


@blueprint.get("/rows")
@permission("read_log")
def rows() -> ResponseReturnValue:
    """Return rows that are new, or may have changed, since the row `after`."""
    site, wanted = current_site(), Filter.of(request.args)
    after = _passage_id(request.args.get("after", ""))
    conditions = wanted.conditions()
    if after is not None:
        overlap = made_at(after) - OVERLAP
        conditions["since"] = max(conditions["since"], overlap) if conditions["since"] else overlap
    with site.sessions() as session:
        views = events.list_passages(session, **conditions, limit=MOST_NEW)
        rulings = _rulings(session, views)
    return {"rows": [{"id": view.passage.id, "html": _row(view, rulings)} for view in views]}


@blueprint.get("/log.csv")
@permission("export_log")
@sudo(method="GET", when=lambda: Filter.of(request.args).person_id is None)
def csv() -> ResponseReturnValue:
    """Stream every entry of the filter, not only the page."""
    site, wanted = current_site(), Filter.of(request.args)
    conditions = wanted.conditions()
    name = f"check-ins {site.local(site.clock.now()):%Y-%m-%d %H%M}.csv"

    def lines() -> Iterator[str]:
        yield "\ufeff"  # tells spreadsheets that this is UTF-8
        with site.sessions() as session:
            yield from passages_csv(all_passages(session, **conditions), site.zone)

    answer = Response(lines(), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _row(view: PassageView, rulings: Mapping[str, str]) -> str:
    return render_template("access/_log_row.html", view=view, rulings=rulings)


def _rulings(session: Session, views: Sequence[PassageView]) -> dict[str, str]:
    """Return, by passage, what liveness said where it was not «alive», and who moved as asked."""
    ids = [view.passage.id for view in views]
    found, asked = liveness.rulings_of(session, ids), challenges.of_passages(session, ids)
    words = {
        passage_id: verdict_words(one.judgement.verdict)
        for passage_id, one in found.items()
        if one.judgement.verdict is not Verdict.LIVE
    }
    moved = {passage_id: _("moved as asked") for passage_id, one in asked.items() if one.ended is Ended.PASSED}
    return words | moved


def _passage_id(text: str) -> str | None:
    try:
        made_at(text)
    except ValueError:
        return None
    return text.lower()


def _date(text: str, problems: list[str]) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # Midnight of the first and the last days of the calendar is outside of it in some zones.
    if day is None or not 1970 <= day.year < 9000:
        problems.append(_("A date is not valid: write it as 2024-05-31"))
        return None
    return day


def _name(session: Session, person_id: int | None) -> str:
    if person_id is None:
        return ""
    try:
        return people.get_person(session, person_id).name
    except UserError:
        return _("a person who was erased")

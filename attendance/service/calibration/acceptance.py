"""The acceptance test at a door: how an attempt ended by the database, and the report.

In: a session, a camera, times; attempts.  Out: `Attempt`s; a report's content and its pages.
Does not know: who asks the questions, or how a report is signed.
Main choice: what the door did is read from its record and not from the operator's memory; only if nothing was
recorded the operator says it.  The report names nobody: enrolled people by their id, strangers by a label.
Trade-off: to find out who it was you need the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from attendance.domain.calibration.acceptance import Attempt, Bound, Kind, Outcome, rates
from attendance.domain.passage import Method, Passage
from attendance.domain.reason import POOR_PICTURE, Reason
from attendance.errors import UserError
from attendance.service.access.reason_texts import reason_words
from attendance.service.calibration.signed_report import hash_notes, place_note
from attendance.service.hours.day_words import Local
from attendance.service.hours.reports.pdf import to_pdf
from attendance.service.hours.reports.report_tables import Column, Table
from attendance.store.access import events
from attendance.store.calibration import operating_points
from attendance.store.people import templates
from attendance.texts import N_
from attendance.texts import gettext as _

SIGNATURES = (N_("Date"), N_("Operator"), N_("Responsible for the door"))
_KINDS = {Kind.ENROLLED: N_("enrolled"), Kind.STRANGER: N_("stranger")}
_OUTCOMES = {
    Outcome.LET_IN: N_("let in"),
    Outcome.TAKEN_FOR_ANOTHER: N_("taken for another"),
    Outcome.REFUSED: N_("refused"),
    Outcome.NO_FACE: N_("no usable face"),
}
_NO_LOOK = POOR_PICTURE | {Reason.NO_FACE, Reason.SEVERAL_FACES}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is tested.  `sha256`: of the networks' files."""

    site: str
    camera: str
    operator: str
    model_id: str
    detector: str
    sha256: dict[str, str]


def judge(
    session: Session, camera: str, kind: Kind, person: str, person_id: int | None, start: datetime, end: datetime
) -> Attempt | None:
    """Return what the camera recorded of an attempt between these times; None if it recorded nothing.

    An enrolled person who was let in once counts as let in, whatever was recorded before or after.  Where the door
    asked for a second proof, the face has passed.  Whoever was taken for somebody else was taken for them, also where
    a rule kept the door shut.
    """
    views = events.list_passages(session, since=start, until=end, camera=camera, method=Method.FACE, limit=200)
    passages = [view.passage for view in views][::-1]
    named = [passage for passage in passages if passage.granted or passage.person_id is not None]
    if kind is Kind.ENROLLED:
        wrong = next((passage for passage in named if passage.person_id != person_id), None)
        if wrong is not None:  # worse than a refusal, even if the right one was found, too
            return _attempt(kind, person, start, Outcome.TAKEN_FOR_ANOTHER, wrong)
        right = next((passage for passage in named if passage.granted or passage.reason is Reason.SECOND_FACTOR), None)
        if right is not None:
            return _attempt(kind, person, start, Outcome.LET_IN, right)
    elif named:
        return _attempt(kind, person, start, Outcome.LET_IN, named[0])
    refused = [passage for passage in passages if passage.reason not in _NO_LOOK]
    if refused:
        return _attempt(kind, person, start, Outcome.REFUSED, refused[-1])
    return _attempt(kind, person, start, Outcome.NO_FACE, passages[-1]) if passages else None


def attempt_of_operator(kind: Kind, person: str, at: datetime, outcome: Outcome) -> Attempt:
    """Return the attempt as the operator saw it."""
    return Attempt(kind, person, at, outcome, "operator")


def content_of(
    session: Session, setting: Setting, attempts: Sequence[Attempt], begun: datetime, finished: datetime
) -> dict[str, Any]:
    """Return what the report says, as JSON values; UserError without attempts or one threshold for all."""
    if not attempts:
        raise UserError("there was no attempt: there is nothing to report")
    points = operating_points.history(session, setting.model_id, limit=1)
    if not points:
        raise UserError("no threshold is in force, so nobody can be let in: set one first")
    if points[0].created_at > min(attempt.at for attempt in attempts):
        raise UserError(
            "another threshold was put in force after the test began, so one number cannot describe it: "
            "repeat the test from the start, and keep the threshold meanwhile"
        )
    point, measured = points[0], rates(attempts, np.random.default_rng(0))
    return {
        "report": "acceptance test of face recognition at a door",
        "version": 1,
        "site": setting.site,
        "camera": setting.camera,
        "operator": setting.operator,
        "begun": begun.isoformat(),
        "finished": finished.isoformat(),
        "model_id": setting.model_id,
        "detector": setting.detector,
        "sha256": dict(setting.sha256),
        "people_enrolled": templates.count_enrolled(session, setting.model_id),
        "threshold": {
            "threshold": point.threshold,
            "margin": point.margin,
            "source": point.source,
            "since": point.created_at.isoformat(),
            "compared_by": point.scoring,
            "accepted_risk": point.target if point.source == "calibration" and point.fpir is not None else None,
            "stated_fpir": point.fpir,
            "verdict": point.verdict,
        },
        "rates": {name: _numbers(getattr(measured, name)) for name in ("fnir", "fpir", "fta")},
        "attempts": [
            asdict(attempt)
            | {"kind": attempt.kind.value, "outcome": attempt.outcome.value, "at": attempt.at.isoformat()}
            for attempt in attempts
        ],
    }


def pages(content: dict[str, Any], local: Local) -> bytes:
    """Return the report as PDF: the rates with what was tested and the hash, then every attempt."""
    finished = datetime.fromisoformat(content["finished"])
    tables = [_rates_table(content, local), _attempts_table(content, local)]
    signatures = [_(title) for title in SIGNATURES]
    return to_pdf(tables, local.zone, content["site"], finished, signatures, local.locale)


def summary(attempts: Sequence[Attempt]) -> list[tuple[str, ...]]:
    """Return rows of what, rate, bounds, counts, for a terminal."""
    measured = rates(attempts, np.random.default_rng(0))
    return [_row(name, _numbers(getattr(measured, name)), Local(ZoneInfo("UTC"))) for name in _NAMES]


HEAD = ("", N_("rate"), N_("95 %"), N_("errors"), N_("people"))
_NAMES = {
    "fnir": N_("enrolled refused or taken for another (FNIR)"),
    "fpir": N_("strangers let in (FPIR)"),
    "fta": N_("no usable face taken (FTA)"),
}


def _numbers(bound: Bound) -> dict[str, Any]:
    rate = None if bound.rate is None else round(bound.rate, 6)
    return {
        "errors": bound.errors,
        "attempts": bound.attempts,
        "people": bound.people,
        "rate": rate,
        "low95": round(bound.low, 6),
        "high95": round(bound.high, 6),
    }


def _row(name: str, values: dict[str, Any], local: Local) -> tuple[str, ...]:
    rate = _("not tried") if values["rate"] is None else local.percent(values["rate"])
    bounds = _("%(low)s to %(high)s", low=local.percent(values["low95"]), high=local.percent(values["high95"]))
    counts = _("%(errors)s of %(attempts)s", errors=values["errors"], attempts=values["attempts"])
    return _(_NAMES[name]), rate, bounds, counts, str(values["people"])


def _rates_table(content: dict[str, Any], local: Local) -> Table:
    begun, finished, since = (
        datetime.fromisoformat(text) for text in (content["begun"], content["finished"], content["threshold"]["since"])
    )
    point = content["threshold"]
    risk = point["accepted_risk"]
    notes = [
        place_note(content),
        _(
            "From %(begun)s to %(finished)s.  %(people)s people enrolled.",
            begun=local.date_time(begun),
            finished=f"{_end(begun, finished, local)} {local.zone_name(finished)}",
            people=content["people_enrolled"],
        ),
        _(
            "Threshold %(threshold)s, margin %(margin)s, %(source)s, since %(since)s.",
            threshold=local.decimal(point["threshold"], 4),
            margin=local.decimal(point["margin"], 3),
            source=point["source"],
            since=local.date_time(since),
        )
        + (
            ""
            if risk is None
            else "  " + _("Accepted risk: at most 1 stranger in %(number)s passes.", number=local.decimal(1 / risk, 0))
        ),
        _("The 95 % bounds are over people: several attempts of one person count as one person."),
        _("To show a risk of 1 in R, about 4 R strangers must try and be refused."),
        _(
            "Recogniser %(recogniser)s, detector %(detector)s; SHA-256 of their files:",
            recogniser=content["model_id"],
            detector=content["detector"],
        ),
        *hash_notes(content),
    ]
    return Table(
        "acceptance",
        _("Acceptance test, %(day)s", day=local.medium_date(finished.astimezone(local.zone).date())),
        tuple(Column(str(number), _(title) if title else _("What happened")) for number, title in enumerate(HEAD)),
        tuple(_row(name, content["rates"][name], local) for name in _NAMES),
        notes=tuple(notes),
    )


def _end(begun: datetime, finished: datetime, local: Local) -> str:
    one_day = begun.astimezone(local.zone).date() == finished.astimezone(local.zone).date()
    return local.clock(finished) if one_day else local.date_time(finished)


def _attempts_table(content: dict[str, Any], local: Local) -> Table:
    rows = []
    for number, attempt in enumerate(content["attempts"], 1):
        at = datetime.fromisoformat(attempt["at"])
        score = "" if attempt["score"] is None else local.decimal(attempt["score"], 3)
        source = attempt["passage"] or _("operator")
        kind, outcome = _(_KINDS[Kind(attempt["kind"])]), _(_OUTCOMES[Outcome(attempt["outcome"])])
        time = local.clock(at, seconds=True)
        rows.append((str(number), time, kind, attempt["person"], outcome, attempt["reason"], score, source))
    titles = ("", _("Time"), _("Who"), _("Label"), _("Outcome"), _("Reason"), _("Score"), _("Passage"))
    columns = tuple(Column(str(number), title) for number, title in enumerate(titles))
    return Table("attempts", _("Every attempt"), columns, tuple(rows))


def _attempt(kind: Kind, person: str, at: datetime, outcome: Outcome, passage: Passage) -> Attempt:
    return Attempt(kind, person, at, outcome, "passage", passage.id, reason_words(passage.reason), passage.score)

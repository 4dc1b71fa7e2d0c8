"""The report of a liveness drill, for the signed JSON file, its PDF page and the terminal.

In: trials, the point in force, the point they give.  Out: a report's content; its pages; rows.
Does not know: cameras, who asks the questions, how a report is signed.
Main choice: the headline rates are those of the point that was in force; those of the new point are labelled, since
it was chosen on the same trials.  The report names nobody: people and instruments have labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from attendance.domain.access.liveness.drill import (
    DrillRate,
    Species,
    Trial,
    judged_again,
    missing,
    point_from,
    rates_of,
)
from attendance.domain.access.liveness.fusion import LivenessPoint, Verdict
from attendance.errors import UserError
from attendance.service.access.liveness.words import verdict_words
from attendance.service.calibration.signed_report import hash_notes, place_note
from attendance.service.hours.day_words import Local
from attendance.service.hours.reports.pdf import to_pdf
from attendance.service.hours.reports.report_tables import Column, Table
from attendance.texts import N_
from attendance.texts import gettext as _

SIGNATURES = (N_("Date"), N_("Operator"), N_("Responsible for the door"))
HEAD = ("", N_("rate"), N_("95 %"), N_("errors"), N_("people or instruments"))
_NAMES = {
    Species.LIVE: N_("living people not taken for alive (BPCER)"),
    Species.PRINT: N_("printed photos taken for alive (APCER)"),
    Species.PHONE: N_("photos on a phone taken for alive (APCER)"),
    Species.TABLET: N_("photos on a tablet taken for alive (APCER)"),
    Species.REPLAY: N_("replayed videos taken for alive (APCER)"),
}
SPECIES_NAMES = {
    Species.LIVE: N_("living person"),
    Species.PRINT: N_("printed photo"),
    Species.PHONE: N_("phone"),
    Species.TABLET: N_("tablet"),
    Species.REPLAY: N_("replayed video"),
}


@dataclass(frozen=True, slots=True)
class DrillSetting:
    """What is tested.  `point`: in force during the drill · `sha256`: of the networks' files."""

    site: str
    camera: str
    operator: str
    model_id: str
    point: LivenessPoint
    sha256: dict[str, str]


def content_of(setting: DrillSetting, trials: Sequence[Trial], begun: datetime, finished: datetime) -> dict[str, Any]:
    """Return what the report says, as JSON values; UserError without trials."""
    if not trials:
        raise UserError("nothing was tried: there is nothing to report")
    point = point_from(trials, "drill")
    return {
        "report": "liveness drill at a camera",
        "version": 1,
        "site": setting.site,
        "camera": setting.camera,
        "operator": setting.operator,
        "begun": begun.isoformat(),
        "finished": finished.isoformat(),
        "model_id": setting.model_id,
        "sha256": dict(setting.sha256),
        "point_in_force": asdict(setting.point),
        "rates": _rates(trials),
        "enough": not any(missing(trials).values()),
        "missing": {species.value: number for species, number in missing(trials).items() if number},
        "point_found": None if point is None else asdict(point),
        "rates_with_point_found": None if point is None else _rates(judged_again(trials, point)),
        "trials": [_trial(one) for one in trials],
    }


def summary(trials: Sequence[Trial]) -> list[tuple[str, ...]]:
    """Return rows of what, rate, bounds, counts, for a terminal."""
    return [_row(values, Local(ZoneInfo("UTC"))) for values in _rates(trials)]


def lacking(content: Mapping[str, Any]) -> str:
    """Return what is missing for every rate, in a sentence; "" if nothing is."""
    if content["enough"]:
        return ""
    parts = [f"{_(SPECIES_NAMES[Species(name)])}: {number}" for name, number in content["missing"].items()]
    return _("Not enough data. Trials still missing: %(parts)s.", parts=", ".join(parts))


def pages(content: dict[str, Any], local: Local) -> bytes:
    """Return the report as PDF: the rates with what was tested and the hash, then every trial."""
    tables = [_rates_table(content, local), _trials_table(content, local)]
    signatures = [_(title) for title in SIGNATURES]
    finished = datetime.fromisoformat(content["finished"])
    return to_pdf(tables, local.zone, content["site"], finished, signatures, local.locale)


def _rates(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    return [_numbers(one) for one in rates_of(trials)]


def _numbers(rate: DrillRate) -> dict[str, Any]:
    return {
        "species": rate.species.value,
        "errors": rate.errors,
        "trials": rate.trials,
        "people_or_instruments": rate.things,
        "no_face": rate.unseen,
        "rate": None if rate.rate is None else round(rate.rate, 6),
        "low95": round(rate.low, 6),
        "high95": round(rate.high, 6),
        "enough": rate.enough,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    judgement = trial.judgement
    said = None if judgement is None else asdict(judgement) | {"verdict": judgement.verdict.value}
    return {"species": trial.species.value, "who": trial.who, "at": trial.at.isoformat(), "judgement": said}


def _row(values: Mapping[str, Any], local: Local) -> tuple[str, ...]:
    if values["rate"] is None:
        rate, bounds = _("not tried"), ""
    else:
        rate = local.percent(values["rate"]) + ("" if values["enough"] else f" ({_('not enough data')})")
        bounds = _("%(low)s to %(high)s", low=local.percent(values["low95"]), high=local.percent(values["high95"]))
    counts = _("%(errors)s of %(attempts)s", errors=values["errors"], attempts=values["trials"])
    if values["no_face"]:
        counts += " " + _("(and %(number)s without a face)", number=values["no_face"])
    return _(_NAMES[Species(values["species"])]), rate, bounds, counts, str(values["people_or_instruments"])


def _rates_table(content: dict[str, Any], local: Local) -> Table:
    begun, finished = (datetime.fromisoformat(content[name]) for name in ("begun", "finished"))
    rows = [_row(values, local) for values in content["rates"]]
    notes = [
        place_note(content),
        _(
            "From %(begun)s to %(finished)s.",
            begun=local.date_time(begun),
            finished=f"{local.date_time(finished)} {local.zone_name(finished)}",
        ),
        _(
            "Judged by the operating point in force, from %(source)s: %(point)s.",
            source=content["point_in_force"]["source"],
            point=_point_words(content["point_in_force"], local),
        ),
        lacking(content) or _("There are enough trials of each kind."),
        *_found_notes(content, local),
        _("Bounds are exact (Clopper and Pearson), over trials and over people or instruments, the wider of both."),
        _("Not covered: masks, make-up, a video fed into the camera’s line.  No certified level is claimed."),
        _("Network %(model)s; SHA-256 of the files:", model=content["model_id"]),
        *hash_notes(content),
    ]
    return Table(
        "drill",
        _("Liveness drill, %(day)s", day=local.medium_date(finished.astimezone(local.zone).date())),
        tuple(Column(str(number), _(title) if title else _("What happened")) for number, title in enumerate(HEAD)),
        tuple(rows),
        notes=tuple(note for note in notes if note),
    )


def _found_notes(content: dict[str, Any], local: Local) -> list[str]:
    if content["point_found"] is None:
        return [_("The trials give no operating point for this camera: the one in force stays.")]
    found = [
        f"    {name}: {rate} ({counts})"
        for name, rate, _bounds, counts, _things in (_row(v, local) for v in content["rates_with_point_found"])
        if rate != _("not tried")
    ]
    return [
        _("These trials give the operating point %(point)s.", point=_point_words(content["point_found"], local)),
        _("With it, on the same trials that chose it (repeat the drill to confirm it):"),
        *found,
    ]


def _point_words(point: Mapping[str, Any], local: Local) -> str:
    return _(
        "slope %(slope)s, offset %(offset)s, alive from %(live)s, a picture below %(attack)s",
        slope=local.decimal(point["slope"], 3),
        offset=local.decimal(point["offset"], 3),
        live=local.decimal(point["live_from"], 2),
        attack=local.decimal(point["attack_below"], 2),
    )


def _trials_table(content: dict[str, Any], local: Local) -> Table:
    rows = []
    for number, trial in enumerate(content["trials"], 1):
        said = trial["judgement"]
        words = _("no face settled") if said is None else verdict_words(Verdict(said["verdict"]))
        cues = ["" if said is None or said[name] is None else local.decimal(said[name], 2) for name in _CUES]
        at = local.clock(datetime.fromisoformat(trial["at"]), seconds=True)
        rows.append((str(number), at, _(SPECIES_NAMES[Species(trial["species"])]), trial["who"], words, *cues))
    titles = ("", _("Time"), _("What"), _("Label"), _("Verdict"), _("Together"), _("Network"), _("Ring"), _("Depth"))
    columns = tuple(Column(str(number), title) for number, title in enumerate(titles))
    return Table("trials", _("Every trial"), columns, tuple(rows))


_CUES = ("ratio", "network", "ring", "plane")

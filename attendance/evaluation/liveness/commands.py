"""The body of `manage.py evaluate liveness`: the protocol, by person and never by frame.

In: packs of a data folder, the settings' liveness network or weights, perhaps a peer's answers.  Out: a table, a JSON
file, the card.
Does not know: how crops are cut and attacks are simulated.
Main choice: the thresholds are fixed on people who are neither trained on nor reported; the peer's own answers to the
same pictures stand beside ours, from the same packs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.config import Settings
from attendance.domain.access.liveness.calibrating import DOUBT, calibration, limit_at
from attendance.errors import UserError
from attendance.evaluation.liveness.attempts import Attempts, attempts
from attendance.evaluation.liveness.measures import Rate, equal_error_rate, rate
from attendance.vision.serving import liveness_session
from attendance.vision.weights import load_card, save_card

if TYPE_CHECKING:
    from attendance.training.liveness.pack import Pack

TARGET_BPCER = 0.03  # on the people that fix the threshold
PEER_LIMIT = 0.5  # the pair's authors' own: the larger class wins


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the report: a species of attack or a set of live people."""

    what: str
    live: bool
    ours: Rate
    peer: Rate | None
    eer: float | None = None
    peer_eer: float | None = None


def evaluate_liveness(
    settings: Settings, data: Path, out: Path | None, card: bool, tight: bool, left_out: str | None
) -> list[Line]:
    """Measure, print, and write what was asked for; return the rows, worst species first."""
    from attendance.training.liveness import pack

    faces = pack.load(data)
    wanted = (faces.part != "train") | (faces.group == left_out)
    logits = logits_of(settings, faces, np.flatnonzero(wanted), tight)
    point = thresholds(faces, logits)
    part = np.asarray(faces.part == "report" if left_out is None else faces.group == left_out)
    lines = report(faces, logits, point, part)
    if not lines:
        raise UserError(f"{data} holds nobody to report on: see docs/liveness.md for the sets")
    show(lines, point)
    tried = attempts(faces, logits, point, part)
    show_attempts(tried)
    result = {"point": point, "tight": tight, "left_out": left_out, "lines": [_as_dict(line) for line in lines]}
    result["attempts"] = [asdict(one) for one in tried]
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if card and not tight and left_out is None:
        write_card(settings, result)
    return lines


def logits_of(settings: Settings, faces: Pack, rows: NDArray[np.intp], tight: bool) -> NDArray[np.float64]:
    """Return the served network's logits of these rows, NaN for the others; `tight`: without surroundings."""
    from attendance.training.liveness import augment
    from attendance.training.liveness.pack import decoded

    session = liveness_session(settings)
    found = np.full(len(faces), np.nan)
    for row in rows:
        near, far = decoded(faces.near[row]), decoded(faces.far[row])
        if tight:
            near, far = augment.tight(near, far)
        found[row] = float(session.run(augment.plain(near, far)[None])["live"].reshape(-1)[0])
    if not np.isfinite(found[rows]).all():
        raise UserError("the network answered with numbers that are not finite: export it again")
    return found


def thresholds(faces: Pack, logits: NDArray[np.float64], groups: Collection[str] = ()) -> dict[str, float]:
    """Fix the operating point on the people that are for it; `groups`: only on those of these groups."""
    part = faces.part == "threshold"
    if groups:
        part &= np.isin(faces.group, list(groups))
    live, attacks = part & (faces.species == "live"), part & (faces.species != "live")
    if not live.any() or not attacks.any():
        raise UserError("there is nobody to fix a threshold on: nuaa 0011, 0012 and pad_balveer are missing")
    slope, offset = calibration(logits[live], logits[attacks])
    # At least 0: where the people for it look very alive, a threshold below an even chance would let prints in.
    limit = max(limit_at(slope * logits[live] + offset, TARGET_BPCER), 0.0)
    return {"slope": slope, "offset": offset, "live_from": limit, "attack_below": limit - DOUBT}


def report(faces: Pack, logits: NDArray[np.float64], point: Mapping[str, float], part: NDArray[np.bool_]) -> list[Line]:
    """Return the rows of `part`: attacks by species and set, the worst first, then live people by set."""
    alive = point["slope"] * logits + point["offset"] >= point["live_from"]
    rows: list[Line] = []
    for set_name, species in sorted(set(zip(faces.set_name[part], faces.species[part], strict=True))):
        chosen = part & (faces.set_name == set_name) & (faces.species == species)
        live = str(species) == "live"
        wrong = ~alive[chosen] if live else alive[chosen]
        rows.append(
            Line(
                f"{set_name} {species}",
                live,
                rate(wrong, faces.person[chosen]),
                _peer_rate(faces, chosen, live),
                *_eers(faces, logits, part, str(set_name), species) if not live else (None, None),
            )
        )
    return sorted(rows, key=lambda line: (line.live, -line.ours.share))


def _peer_rate(faces: Pack, chosen: NDArray[np.bool_], live: bool) -> Rate | None:
    chances = faces.teacher[chosen]
    if not np.isfinite(chances).all():
        return None
    wrong = chances < PEER_LIMIT if live else chances >= PEER_LIMIT
    return rate(wrong, faces.person[chosen])


def _eers(
    faces: Pack, logits: NDArray[np.float64], part: NDArray[np.bool_], set_name: str, species: str
) -> tuple[float | None, float | None]:
    """Equal error rates of ours and the peer against live people of the same set; for comparison only."""
    live = part & (faces.set_name == set_name) & (faces.species == "live")
    attacks = part & (faces.set_name == set_name) & (faces.species == species)
    if not live.any():
        return None, None
    chances = faces.teacher.astype(np.float64)
    known = bool(np.isfinite(chances[live | attacks]).all())
    return (
        equal_error_rate(logits[live], logits[attacks]),
        equal_error_rate(chances[live], chances[attacks]) if known else None,
    )


def show(lines: list[Line], point: Mapping[str, float], fixed_on: str = "nuaa 0011, 0012 and pad_balveer") -> None:
    """Print the rows; rates in per cent with 95 % intervals over people."""
    numbers = ", ".join(f"{name} {value:.2f}" for name, value in point.items())
    tqdm.write(f"thresholds fixed on {fixed_on}: {numbers}")
    for line in lines:
        kind = "BPCER" if line.live else "APCER"
        peer = "" if line.peer is None else f" | peer {_words(line.peer)}"
        eer = "" if line.eer is None else f" | EER {100 * line.eer:.1f} %"
        theirs = "" if line.peer_eer is None else f" (peer {100 * line.peer_eer:.1f} %)"
        tqdm.write(f"{line.what:24} {kind} {_words(line.ours)}{peer}{eer}{theirs}")


def show_attempts(tried: list[Attempts]) -> None:
    """Print the rates over attempts."""
    for one in tried:
        kind = "BPCER" if one.live else "APCER"
        looks = f"{one.looks:.2f} looks (median {one.median_looks:.0f})"
        alone = f"{one.single.errors} of {one.single.count} by the first look alone"
        tqdm.write(f"{one.what:24} {kind} {_words(one.pooled, 'attempts')} | {alone} | {looks}")


def _words(rate: Rate, of: str = "frames") -> str:
    share = f"{100 * rate.share:5.1f} % ({100 * rate.low:.1f} to {100 * rate.high:.1f})"
    return f"{share}, {rate.errors} of {rate.count} {of}, {rate.people} people"


def _as_dict(line: Line) -> dict[str, Any]:
    return asdict(line)


def write_card(settings: Settings, result: Mapping[str, Any]) -> Path:
    """Put rates and operating point on the card of the settings' network."""
    folder, model_id = settings.models.weights, settings.models.liveness
    card = load_card(folder, model_id)
    lines = {
        line["what"]: {
            "kind": "BPCER" if line["live"] else "APCER",
            "share": round(line["ours"]["errors"] / max(line["ours"]["count"], 1), 4),
            **{name: line["ours"][name] for name in ("errors", "count", "people")},
            "interval_95": [round(line["ours"]["low"], 4), round(line["ours"]["high"], 4)],
            "eer": None if line["eer"] is None else round(line["eer"], 4),
            "peer": None if line["peer"] is None else {name: line["peer"][name] for name in ("errors", "count")},
        }
        for line in result["lines"]
    }
    protocol = (
        "by person; thresholds on nuaa 0011, 0012 and pad_balveer; frames, intervals by bootstrap over people; "
        "peer: MiniFASNet pair on the same frames; attempts: up to three frames of a session in a row, decided as at a "
        "door"
    )
    tried = {
        one["what"]: {
            "kind": "BPCER" if one["live"] else "APCER",
            "share": round(one["pooled"]["errors"] / max(one["pooled"]["count"], 1), 4),
            **{name: one["pooled"][name] for name in ("errors", "count", "people")},
            "interval_95": [round(one["pooled"]["low"], 4), round(one["pooled"]["high"], 4)],
            "looks": round(one["looks"], 2),
        }
        for one in result["attempts"]
    }
    metrics = {"protocol": protocol, "rates": lines, "attempts": tried}
    changed = replace(card, metrics=metrics, operating_points=dict(result["point"]))
    path = save_card(changed, folder)
    tqdm.write(f"card: {path}")
    return path

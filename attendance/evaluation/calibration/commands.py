"""The body of `manage.py evaluate calibration`.

In: the options of the command line and the settings.  Out: a table on standard output, numbers as JSON, plots.
Does not know: how a threshold is computed or tried (`protocols`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attendance.config import Settings
from attendance.console import say, table
from attendance.errors import UserError
from attendance.evaluation.calibration import protocols
from attendance.evaluation.calibration.plots import draw_all
from attendance.evaluation.calibration.protocols import RISKS, SIZES, SPLITS, Vectors
from attendance.evaluation.recogniser.embedding import embeddings_for
from attendance.evaluation.recogniser.embedding_cache import cache_key, cached_embeddings
from attendance.evaluation.recogniser.protocols import IMAGES
from attendance.vision.serving import cards_for


def evaluate_calibration(
    settings: Settings,
    data: Path,
    reference: Vectors | None = None,
    keep: Path | None = None,
    splits: int = SPLITS,
    sizes: Sequence[int] = SIZES,
    risks: Sequence[int] = RISKS,
    out: Path | None = None,
    plots: Path | None = None,
) -> dict[str, Any]:
    """Embed LFW (kept in `keep`), run both protocols, write the files asked for; return the numbers."""
    faces = _lfw(settings, data, keep)
    card = cards_for(settings)[1]
    if max(sizes) + 50 > len(faces) // 2:
        raise UserError(f"{len(faces)} people with a face are too few to split for a gallery of {max(sizes)}")
    trials = protocols.run(faces, card.model_id, reference, splits, sizes, risks)
    numbers: dict[str, Any] = {
        "model_id": card.model_id,
        "people": len(faces),
        "packaged_strangers": 0 if reference is None else len(reference),
        "protocols": {
            "half": "calibrated on one half of LFW's people, measured on the other: mean over all galleries of N in it",
            "site": "N people enrolled, calibrated as a site does it; LFW's other half comes to the door",
        },
        "rows": [series.row() for series in trials],
    }
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    if plots is not None:
        draw_all(trials, plots)
    say(table_of(numbers["rows"]))
    return numbers


def _lfw(settings: Settings, data: Path, keep: Path | None) -> Vectors:
    """Return the embedding [P,D] of each person's first image; leave out people without a detected face."""
    folder = data / "lfw"
    if not folder.is_dir():
        raise UserError(f"--data: there is no folder {folder}")
    paths = []
    for person in sorted(person for person in folder.iterdir() if person.is_dir()):
        images = sorted(path for path in person.iterdir() if path.suffix.lower() in IMAGES)
        paths += images[:1]
    if not paths:
        raise UserError(f"{folder} holds no folders with images")
    embeddings, embedders = embeddings_for(settings)
    name = embedders[0].name
    vectors = cached_embeddings(embeddings, [name], paths, keep, cache_key(cards_for(settings), settings))[name]
    return vectors[np.isfinite(vectors).all(axis=1)]


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a text table."""
    head = ("", "risk", "N", "threshold", "stated", "measured", "in trial", "in 95 %", "not above", "verdicts")
    return table([_line(row) for row in rows], head)


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["protocol"],
        row["risk"],
        f"{row['people']:,}",
        _number(row["threshold_median"], ".3f"),
        _number(row["stated_fpir_median"], ".3%"),
        _number(row["measured_fpir_median"], ".3%"),
        *(_number(row[key], ".0%") for key in _SHARES),
        ", ".join(f"{count} {verdict}" for verdict, count in sorted(row["verdicts"].items())),
    )


_SHARES = ("inside_trial_interval", "inside_plain_interval", "not_above_plain_interval")


def _number(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)

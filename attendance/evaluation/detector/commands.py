"""Body of `manage.py evaluate detector`.

In: the options of the command line and the settings.  Out: numbers on standard output, and as JSON.
Does not know: how anything is measured (`detection`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation.detector import run
from attendance.evaluation.detector.plots import detector_plots
from attendance.vision.serving import cards_for
from attendance.vision.weights import save_card


def evaluate_detector(
    settings: Settings,
    data: Path | None = None,
    wider: Sequence[Path] = (),
    sizes: Sequence[int] = (),
    peers: Sequence[Path] = (),
    out: Path | None = None,
    plots: Path | None = None,
    keep: Path | None = None,
    card: bool = False,
    limit: int | None = None,
) -> None:
    """Faces found and boxes that are wrong, beside the peers; every set that is there, at every size.

    The curves' points go into the file and the plots only.
    """
    sets = run.sets_of(data, wider, limit)
    known = cards_for(settings)[0]
    if card and not os.access(settings.models.weights, os.W_OK):  # before hours of work, not after
        raise UserError(f"--card: {settings.models.weights} cannot be written to; set models.weights_dir to a copy")
    result: dict[str, Any] = {
        "model_id": known.model_id,
        "confidence": settings.detector.confidence,
        "limit": limit,
    } | run.run(settings, sets, sizes or (settings.detector.input_size,), peers, keep)
    short = run.without_curves(result)
    if out is not None:
        _write_file(result, out)
    if plots is not None:
        detector_plots(result, plots)
    if card:
        save_card(replace(known, metrics=short), settings.models.weights)
    sys.stdout.write(json.dumps(short, indent=2) + "\n")


def _write_file(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")

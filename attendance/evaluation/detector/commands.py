"""The body of `manage.py evaluate detector`.

In: the options of the command line and the settings.  Out: numbers on standard output, and as JSON.
Does not know: how anything is measured (`measures`).
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
from attendance.evaluation.detector import protocols
from attendance.evaluation.detector.plots import draw_all
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
    """Measure found faces and wrong boxes beside the peers, on every set that is there, at every size.

    The curves' points go into the file and the plots only.
    """
    sets = protocols.sets_of(data, wider, limit)
    known = cards_for(settings)[0]
    if card and not os.access(settings.models.weights, os.W_OK):  # before hours of work, not after
        raise UserError(f"--card: you cannot write to {settings.models.weights}; set models.weights_dir to a copy")
    result: dict[str, Any] = {
        "model_id": known.model_id,
        "confidence": settings.detector.confidence,
        "limit": limit,
    } | protocols.run(settings, sets, sizes or (settings.detector.input_size,), peers, keep)
    short = protocols.without_curves(result)
    if out is not None:
        _write_file(result, out)
    if plots is not None:
        draw_all(result, plots)
    if card:
        save_card(replace(known, metrics=short), settings.models.weights)
    sys.stdout.write(json.dumps(short, indent=2) + "\n")


def _write_file(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")

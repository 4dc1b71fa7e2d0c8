"""Short trainings of the detector that differ from one another in one choice.

In: the training data and a length.  Out: weights of each variant in a folder of its own.
Does not know: how they are measured (`evaluation.ablation`).
Every variant sees the same scenes in the same order as far as its choice allows.  The price: one short run
each, so a difference smaller than the interval beside it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from attendance.training import detector
from attendance.training.detector import Choices
from attendance.training.loop import Plan


@dataclass(frozen=True)
class Variant:
    """`sizes`: input sizes, px · `averaged`: whether the average of the weights is kept (EMA)."""

    choices: Choices
    sizes: tuple[int, ...] = (160,)
    averaged: bool = True
    anneal: bool = True


BASE = Choices()
VARIANTS: Mapping[str, Variant] = {
    "base": Variant(BASE),
    "aligned": Variant(replace(BASE, assignment="aligned")),
    "iou": Variant(replace(BASE, box="iou")),
    "plain": Variant(replace(BASE, objectness="plain")),
    "wing": Variant(replace(BASE, landmarks="wing")),
    "no-paste": Variant(replace(BASE, paste=False)),
    "no-negatives": Variant(replace(BASE, negatives=False)),
    "no-light": Variant(replace(BASE, photometric=False)),
    "cover": Variant(replace(BASE, cover=0.3)),
    "sizes": Variant(BASE, sizes=(128, 160, 192)),
    "no-average": Variant(BASE, averaged=False),
    "no-anneal": Variant(BASE, anneal=False),
}


def train_variant(data: Path, out: Path, name: str, samples: int, batch: int, start: Path | None, threads: int) -> Path:
    """Train one variant for `samples` scenes from `start`, or from nothing; returns its weights' path."""
    torch.set_num_threads(threads or torch.get_num_threads())
    variant = VARIANTS[name]
    decay = 0.99 if variant.averaged else 0.0  # a short run's average must not remember its beginning
    plan = Plan(samples, 1e9, batch, 1.5e-3, ema_decay=decay, anneal=variant.anneal)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return detector.train(data, out, plan, variant.sizes, device, True, start, variant.choices)

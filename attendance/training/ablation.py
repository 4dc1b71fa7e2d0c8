"""Short trainings of a network that differ from one another in one choice.

In: the training data and a length.  Out: the weights of each variant in a separate folder.
Does not know: how they are measured (`evaluation.ablation`).
Main choice: every variant sees the same images in the same order, as far as its choice allows.
Trade-off: one short run each, so a difference smaller than its interval means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from attendance.models import RecognitionModel
from attendance.training.detector import train as detector_training
from attendance.training.detector.scenes import Parts
from attendance.training.detector.train import Choices
from attendance.training.loop import Plan
from attendance.training.recogniser import train as recogniser_training
from attendance.training.recogniser.train import Weights


@dataclass(frozen=True)
class Variant:
    """A variant of the detector.  `sizes`: input sizes, px · `averaged`: keep the average of the weights (EMA)."""

    choices: Choices
    sizes: tuple[int, ...] = (160,)
    averaged: bool = True
    anneal: bool = True
    optimiser: str = "adamw"


BASE = Choices()
DETECTOR: Mapping[str, Variant] = {
    "base": Variant(BASE),
    "aligned": Variant(replace(BASE, assignment="aligned")),
    "iou": Variant(replace(BASE, box="iou")),
    "plain": Variant(replace(BASE, objectness="plain")),
    "wing": Variant(replace(BASE, landmarks="wing")),
    "no-paste": Variant(replace(BASE, parts=Parts(paste=False))),
    "no-negatives": Variant(replace(BASE, parts=Parts(negatives=False))),
    "no-light": Variant(replace(BASE, parts=Parts(photometric=False))),
    "no-cover": Variant(replace(BASE, parts=Parts(cover=0.0))),
    "landmarks-3": Variant(replace(BASE, landmark_weight=3.0)),
    "landmarks-30": Variant(replace(BASE, landmark_weight=30.0)),
    "no-turn": Variant(replace(BASE, parts=Parts(turned=0.0))),
    "no-nose": Variant(replace(BASE, nose=0.0)),
    "nod": Variant(replace(BASE, parts=Parts(nodded=0.5))),
    "no-poor": Variant(replace(BASE, parts=Parts(poor=0.0))),
    "no-masks": Variant(replace(BASE, parts=Parts(masks=0.0))),
    "sizes": Variant(BASE, sizes=(128, 160, 192)),
    "no-average": Variant(BASE, averaged=False),
    "no-anneal": Variant(BASE, anneal=False),
    "muon": Variant(BASE, optimiser="muon"),
}


@dataclass(frozen=True)
class Lesson:
    """A variant of the recogniser.  `batch`: crops a step; all variants see the same number of crops."""

    weights: Weights
    optimiser: str = "adamw"
    batch: int = 64


# The first teacher alone, so that a variant can show what the second one adds.
PLAIN = Weights(teachers=1, arcface_from=1.1, relations=0.0)
RECOGNISER: Mapping[str, Lesson] = {
    "base": Lesson(PLAIN),
    "two-teachers": Lesson(replace(PLAIN, teachers=2)),
    "no-contrast": Lesson(replace(PLAIN, contrast=0.0)),
    "no-hint": Lesson(replace(PLAIN, hint=0.0)),
    "relations": Lesson(replace(PLAIN, relations=5.0)),
    "agreement": Lesson(replace(PLAIN, agreement=0.5)),
    "arcface": Lesson(replace(PLAIN, arcface_from=0.3)),
    "clean": Lesson(replace(PLAIN, degrade=0.0)),
    "degraded": Lesson(replace(PLAIN, degrade=1.0)),
    "muon": Lesson(PLAIN, optimiser="muon"),
    "batch-32": Lesson(PLAIN, batch=32),
    "batch-128": Lesson(PLAIN, batch=128),
}


def _device(threads: int) -> torch.device:
    torch.set_num_threads(threads or torch.get_num_threads())
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train_detector(data: Path, out: Path, name: str, samples: int, start: Path | None, threads: int) -> Path:
    """Train one variant for `samples` scenes from `start`, or from scratch; return its weights' path."""
    variant = DETECTOR[name]
    decay = 0.99 if variant.averaged else 0.0  # a short run's average must not remember its beginning
    plan = Plan(samples, 1e9, 16, 1.5e-3, ema_decay=decay, anneal=variant.anneal, optimiser=variant.optimiser)
    return detector_training.train(data, out, plan, variant.sizes, _device(threads), True, start, variant.choices)


def train_recogniser(
    data: Path, out: Path, name: str, samples: int, size: int, start: Path | None, threads: int
) -> Path:
    """Train one variant for `samples` crops of `size` px from `start`, or from scratch; return its weights' path."""
    lesson = RECOGNISER[name]
    plan = Plan(samples, 1e9, lesson.batch, 2e-3, ema_decay=0.99, optimiser=lesson.optimiser)
    sizes = ((0.0, size),)
    return recogniser_training.train(data, out, plan, sizes, _device(threads), True, start, weights=lesson.weights)


def packed_embeddings(data: Path, weights: Path, size: int) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return embeddings [K,384] of people kept from training, from their packed crops, and their names [K]."""
    watch = recogniser_training.Watch(data, torch.device("cpu"), people=400, each=10)
    return watch.embed(RecognitionModel(weights), size), watch.labels.astype(np.str_)

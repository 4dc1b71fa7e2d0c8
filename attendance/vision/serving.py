"""The networks that the settings name, checked and loaded.

In: settings.  Out: verified cards; the one `FaceAnalyser` that door, admin site and evaluation share.
Does not know: databases, doors, data sets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attendance.config import Settings
from attendance.vision import weights
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.liveness import LivenessNetwork
from attendance.vision.quality import QualityLimits
from attendance.vision.runtime import Session, open_session
from attendance.vision.weights import Card


def cards_for(settings: Settings) -> tuple[Card, Card]:
    """Return the cards of the detector and the recogniser, after checking their files."""
    folder = settings.models.weights
    cards = []
    for model_id, kind in ((settings.models.detector, "detector"), (settings.models.recogniser, "recogniser")):
        card = weights.load_card(folder, model_id)
        if card.kind != kind:
            raise weights.WeightsError(f"models.{kind} is {model_id}, but that is a {card.kind}: set another model_id")
        weights.verify(card, folder)
        cards.append(card)
    return cards[0], cards[1]


def metrics_for(settings: Settings) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what the cards of the recogniser and the liveness network say was measured; nothing without a card."""
    found: list[Mapping[str, Any]] = []
    for model_id in (settings.models.recogniser, settings.models.liveness):
        try:
            found.append(weights.load_card(settings.models.weights, model_id).metrics if model_id else {})
        except weights.WeightsError:  # whoever needs the network says what is wrong with it
            found.append({})
    return found[0], found[1]


def liveness_for(settings: Settings) -> LivenessNetwork | None:
    """Return the settings' liveness network after checking its files; None if they name none."""
    if not settings.models.liveness:
        return None
    return LivenessNetwork(
        liveness_session(settings), weights.load_card(settings.models.weights, settings.models.liveness)
    )


def liveness_session(settings: Settings) -> Session:
    """Return the session of the settings' liveness network; WeightsError if they name none, or a damaged one."""
    model_id, folder = settings.models.liveness, settings.models.weights
    if not model_id:
        raise weights.WeightsError("models.liveness names no network: set the model_id of one")
    card = weights.load_card(folder, model_id)
    weights.verify(card, folder)
    runtime = "onnxruntime" if settings.models.runtime == "torch" else settings.models.runtime
    # One thread: the crops are small, and handing them out would cost more than it saves.
    return open_session(card, folder, runtime, 1)


def analyser_for(settings: Settings) -> FaceAnalyser:
    """Load both networks after checking them; raise WeightsError that says which file is wrong and what to do."""
    detector, recogniser = cards_for(settings)
    folder, runtime = settings.models.weights, settings.models.runtime
    threads = settings.models.threads or len(os.sched_getaffinity(0))
    return FaceAnalyser(
        open_session(detector, folder, runtime, threads),
        detector,
        open_session(recogniser, folder, runtime, threads),
        recogniser,
        QualityLimits(**settings.quality.model_dump()),
        settings.detector.confidence,
        settings.detector.input_size,
        settings.models.flip,
    )

"""The networks that the settings name, checked and loaded.

In: settings.  Out: verified cards; the one `FaceAnalyser` that door, admin site and evaluation share.
Does not know: databases, doors, data sets.
"""

from __future__ import annotations

import os

from attendance.config import Settings
from attendance.vision import weights
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.quality import QualityLimits
from attendance.vision.runtime import open_session
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

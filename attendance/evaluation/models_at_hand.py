"""The networks as the settings name them, for measuring.

In: settings.  Out: the very `FaceAnalyser` that serves, with its cards.
Does not know: data.  Its own few lines because `bootstrap`, which also does this, knows databases and doors.
"""

from __future__ import annotations

from attendance.config import Settings
from attendance.vision import weights
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.quality import QualityLimits
from attendance.vision.runtime import open_session


def analyser_of(settings: Settings) -> tuple[FaceAnalyser, weights.Card, weights.Card]:
    """(analyser, detector's card, recogniser's card), verified; WeightsError as at the door."""
    folder, runtime, threads = settings.models.weights, settings.models.runtime, settings.models.threads
    detector = weights.load_card(folder, settings.models.detector)
    recogniser = weights.load_card(folder, settings.models.recogniser)
    for card in (detector, recogniser):
        weights.verify(card, folder)
    analyser = FaceAnalyser(
        open_session(detector, folder, runtime, threads),
        detector,
        open_session(recogniser, folder, runtime, threads),
        recogniser,
        QualityLimits(**settings.quality.model_dump()),
        settings.detector.confidence,
        settings.detector.input_size,
    )
    return analyser, detector, recogniser

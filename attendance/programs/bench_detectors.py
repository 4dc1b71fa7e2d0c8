"""The part of `manage.py bench` that times detectors alone, in turns: ours by each runtime, and peers.

In: the settings, the user's peer files, a few pictures.  Out: milliseconds a picture by detector and input size,
as ratios to ours by ONNX Runtime; the motion gate's time for a picture in which nothing moves.
Does not know: how well anything is found (`evaluate detector` does).
Main choice: all detectors take turns on each picture, and medians are compared, so that a busy computer
slows all alike: the ratios hold even if the milliseconds do not.
Trade-off: each network finds the caches as the previous one left them, as in a busy daemon.
Resizing and decoding are included for all; peers decode from a low confidence on, which takes microseconds
more on pictures with one face.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.console import needs, table
from attendance.domain.faces import Frame
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.motion import MotionGate, MotionLimits
from attendance.vision.serving import analyser_for

if TYPE_CHECKING:
    from attendance.evaluation.detector.detectors import FaceDetector

FAR = 640  # the other input size that is measured
LEAST_ROUNDS = 5
WARM_UP = 2
STILL_PICTURES = 200
RUNTIMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "eager PyTorch"}
OURS = "this detector, ONNX Runtime"

Picture = NDArray[np.uint8]
Detect = Callable[[Picture], int]


@dataclass(frozen=True, slots=True)
class Timed:
    """One detector at one input size; `milliseconds` of each picture, `faces` found in the last one."""

    name: str
    size: int
    milliseconds: tuple[float, ...]
    faces: int

    @property
    def median(self) -> float:
        return float(np.median(self.milliseconds))


def installed_runtimes(own_numbers: bool) -> list[str]:
    """Return the runtimes that can run here; PyTorch runs only our own networks (`own_numbers`)."""
    has = {name: importlib.util.find_spec(name) is not None for name in ("openvino", "torch", "torchvision")}
    torch = has["torch"] and has["torchvision"] and own_numbers
    return ["onnxruntime", *(["openvino"] if has["openvino"] else []), *(["torch"] if torch else [])]


def compare(
    settings: Settings,
    runtimes: Sequence[str],
    peers: Sequence[Path],
    pictures: Sequence[Picture],
    threads: int,
    seconds: float,
) -> list[Timed]:
    """Time each size for half of `seconds`, at least LEAST_ROUNDS rounds; raise UserError for an unknown peer."""
    sizes = sorted({settings.detector.input_size, FAR})
    found = []
    for size in sizes:
        detectors = _detectors(settings, runtimes, peers, size, threads)
        found += _take_turns(detectors, pictures, size, seconds / len(sizes))
    return found


def _detectors(
    settings: Settings, runtimes: Sequence[str], peers: Sequence[Path], size: int, threads: int
) -> dict[str, Detect]:
    found: dict[str, Detect] = {}
    for runtime in runtimes:
        models = settings.models.model_copy(update={"runtime": runtime, "threads": threads})
        detector = settings.detector.model_copy(update={"input_size": size})
        analyser = analyser_for(settings.model_copy(update={"models": models, "detector": detector}))
        found[f"this detector, {RUNTIMES[runtime]}"] = _ours(analyser)
    if peers:
        with needs("train", "onnx", "tqdm"):
            from attendance.evaluation.detector.detectors import peers as load_peers

            for peer in load_peers(peers, size, threads):
                found[peer.name] = _theirs(peer)
    return found


def _ours(analyser: FaceAnalyser) -> Detect:
    return lambda picture: len(analyser.detect(picture))


def _theirs(peer: FaceDetector) -> Detect:
    return lambda picture: len(peer.detect(picture).down_to(peer.confidence).boxes)


def _take_turns(detectors: Mapping[str, Detect], pictures: Sequence[Picture], size: int, seconds: float) -> list[Timed]:
    took: dict[str, list[float]] = {name: [] for name in detectors}
    faces = dict.fromkeys(detectors, 0)
    end, number = perf_counter() + seconds, 0
    while number < LEAST_ROUNDS + WARM_UP or perf_counter() < end:
        picture = pictures[number % len(pictures)]
        for name, detect in detectors.items():
            begun = perf_counter()
            faces[name] = detect(picture)
            took[name].append((perf_counter() - begun) * 1000)
        number += 1
    return [Timed(name, size, tuple(times[WARM_UP:]), faces[name]) for name, times in took.items()]


def still_frame_ms(picture: Picture) -> float:
    """Return the motion gate's median milliseconds for a picture that is not searched."""
    gate = MotionGate(MotionLimits(hold=timedelta(0), look_every=timedelta(days=1)))
    took, at = [], datetime(2024, 1, 1, tzinfo=UTC)
    for number in range(STILL_PICTURES):
        frame = Frame(picture, at + timedelta(milliseconds=number), "bench", number)
        begun = perf_counter()
        gate.opens(frame)
        took.append((perf_counter() - begun) * 1000)
    return float(np.median(took[1:]))


def report(timed: Sequence[Timed], still_ms: float, whole_ms: float) -> str:
    """Return the table as text.  `whole_ms`: the time of a searched picture, all stages together."""
    sizes = sorted({timing.size for timing in timed})
    by = {(timing.name, timing.size): timing for timing in timed}
    header = ["detector alone"]
    for size in sizes:
        header += [f"ms at {size} px", "ratio"]
    rows = []
    for name in dict.fromkeys(timing.name for timing in timed):
        row = [name]
        for size in sizes:
            timing, ours = by.get((name, size)), by[OURS, size]
            row += ["-", "-"] if timing is None else [f"{timing.median:.1f}", f"{timing.median / ours.median:.2f}×"]
        rows.append(row)
    share = 100 * still_ms / max(whole_ms, 1e-6)
    return "\n".join(
        [
            table(rows, header),
            "",
            f"a picture in which nothing moves: {still_ms:.2f} ms ({share:.1f} % of one that is searched)",
        ]
    )


def numbers(timed: Sequence[Timed], still_ms: float) -> dict[str, Any]:
    return {
        "detectors": [
            {
                "name": timing.name,
                "input_size": timing.size,
                "pictures": len(timing.milliseconds),
                "ms": {
                    "p50": round(timing.median, 3),
                    "p95": round(float(np.percentile(timing.milliseconds, 95)), 3),
                },
                "faces_in_the_last_picture": timing.faces,
            }
            for timing in timed
        ],
        "still_frame_ms": round(still_ms, 4),
    }

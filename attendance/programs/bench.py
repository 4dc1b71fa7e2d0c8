"""`manage.py bench`: pictures a second and the time of each stage, on a 720p video with one face.

In: the settings' networks, files of other detectors.  Out: tables on standard output, and the numbers as JSON.
Does not know: what others compare the numbers with.
Main choice: ONNX Runtime, OpenVINO and eager PyTorch take turns in one process, on the same pictures and with
the same number of threads, so that a busy computer slows all alike.
Trade-off: each picture is decoded again for each runtime, and of the later ones only the added memory is known.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance import bootstrap
from attendance.config import Settings
from attendance.console import needs, say, table
from attendance.daemon.cameras.feed import FeedEnded
from attendance.daemon.cameras.video import VideoFeed
from attendance.daemon.sources import parse_source
from attendance.domain.access.gallery import Gallery
from attendance.domain.faces import Frame, Template
from attendance.errors import UserError
from attendance.programs import bench_cameras, bench_detectors, bench_doors, bench_hours, bench_people, portraits
from attendance.programs.bench_detectors import RUNTIMES, Timed, installed_runtimes
from attendance.vision.analyser import STAGES, FaceAnalyser
from attendance.vision.int8_product import int8_product

THREADS = 2
OTHERWISE = (
    "models.flip otherwise"  # ONNX Runtime with the opposite of the site's setting, to show what the setting costs
)
GALLERIES = (1_000, 10_000, 100_000)
USUAL_GALLERY = 10_000  # the one that "whole" searches
WARM_UP = 5  # pictures; not counted
ROUNDS = 5
VIDEO_S = 8.0
TARGET_FPS = 15.0
DETECTOR_PICTURES = 12


@dataclass(slots=True)
class Measured:
    """One runtime.  `stages`: milliseconds of each picture by stage; `faces`: how many pictures had one."""

    stages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    faces: int = 0
    memory_mb: float = 0.0

    @property
    def pictures(self) -> int:
        return len(self.stages["whole"])

    @property
    def fps(self) -> float:
        """Pictures a second, one after the other, from the file to the ranked candidates."""
        return 1000 * self.pictures / sum(self.stages["whole"])

    def p(self, stage: str, share: float) -> float:
        return float(np.percentile(self.stages[stage], share))


def run_bench(
    settings: Settings, seconds: float = 10.0, json_file: Path | None = None, peers: Sequence[Path] = ()
) -> None:
    """Measure each runtime for `seconds`, in turns; raise UserError if weights or the demo's packages are missing."""
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise UserError(f"--json: there is no folder {json_file.absolute().parent}")
    threads = settings.models.threads or THREADS
    card = bootstrap.cards_for(settings)[1]
    dim = card.embedding_dim or 0  # a recogniser's card has one
    runtimes = installed_runtimes(card.numbers in card.sha256)
    cv2.setNumThreads(threads)
    idle_mb = _memory_mb()
    with tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        say(f"making a {portraits.WIDTH}×{portraits.HEIGHT} video with one face ...")
        with needs("demo", "skimage", "matplotlib"):
            visits = [portraits.Visit(portraits.collins(), VIDEO_S)]
        video = portraits.write_video(Path(folder) / "bench.mp4", visits)
        gallery = random_gallery(USUAL_GALLERY, dim, card.model_id)
        measured = _take_turns(settings, [*runtimes, OTHERWISE], gallery, video, seconds, threads)
        say("detectors alone ...")
        pictures = [picture for picture, _ in itertools.islice(_pictures(video), 0, 120, 120 // DETECTOR_PICTURES)]
        timed = bench_detectors.compare(settings, runtimes, peers, pictures, threads, seconds)
        still_ms = bench_detectors.still_frame_ms(pictures[0])
        say("working time ...")
        hours = bench_hours.measure(Path(folder))
    say("from picture to pulse ...")
    waits = bench_doors.measure(settings)
    say(f"{bench_cameras.CAMERAS} cameras in real time ...")
    cameras = bench_cameras.measure(settings, peers)
    say("what people cost ...")
    spent = bench_people.measure(settings, peers)
    say("searching ...")
    searches, all_ms = _measure_searches(dim, card.model_id), _measure_compared_with_all(dim, card.model_id)
    _require_faces(measured["onnxruntime"], settings)
    say(f"\n{_processor()}, {threads} threads\n\n{_report(settings, measured, searches, idle_mb)}")
    ratio = all_ms / np.median(searches[max(GALLERIES)])
    say(f"comparing with all of {max(GALLERIES):,} in float32: {all_ms:.1f} ms, {ratio:.1f} times as long")
    say("\n" + bench_detectors.report(timed, still_ms, measured["onnxruntime"].p("whole", 50)))
    say("\n" + "\n".join(each.words() for each in waits))
    say(f"\n{bench_cameras.report(cameras)}\n\n{bench_people.report(spent)}")
    say("\n" + bench_hours.report(hours))
    if json_file is not None:
        numbers = _numbers(settings, measured, searches, idle_mb, threads, timed, still_ms)
        numbers["picture_to_pulse_ms"] = {str(each.cameras): each.numbers() for each in waits}
        numbers["cameras"] = [each.numbers() for each in cameras]
        numbers["people"] = bench_people.numbers(spent)
        numbers["search_ms"]["compared_with_all"] = round(all_ms, 2)
        numbers["hours"] = asdict(hours) | {"ratio": round(hours.ratio, 1)}
        _write_json(json_file, numbers)
        say(f"written: {json_file}")


def _take_turns(
    settings: Settings, runtimes: Sequence[str], gallery: Gallery, video: Path, seconds: float, threads: int
) -> dict[str, Measured]:
    analysers: dict[str, FaceAnalyser] = {}
    measured: dict[str, Measured] = {}
    for turn in range(ROUNDS):
        for runtime in runtimes:
            say(f"{_name(runtime, settings)}, round {turn + 1} of {ROUNDS}, {seconds / ROUNDS:g} s ...")
            if runtime not in analysers:  # PyTorch only now, so that the first round's memory is without it
                analysers[runtime], measured[runtime] = _analyser(settings, runtime, threads), Measured()
            _measure(measured[runtime], analysers[runtime], gallery, video, seconds / ROUNDS)
            measured[runtime].memory_mb = measured[runtime].memory_mb or _memory_mb()
    return measured


def random_gallery(size: int, dim: int, model_id: str, quick: bool = True) -> Gallery:
    """Return a gallery of `size` random people with one template each; `quick`: searched as a daemon does."""
    return Gallery(
        range(1, size + 1), _random_rows(size, dim), model_id, 1, make_product=int8_product if quick else None
    )


def _random_rows(count: int, dim: int) -> NDArray[np.float32]:
    """Return unit vectors [count,dim]."""
    rows = np.random.default_rng(count).standard_normal((count, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def _name(runtime: str, settings: Settings) -> str:
    if runtime == OTHERWISE:
        return f"ONNX Runtime, {'without' if settings.models.flip else 'with'} models.flip"
    return RUNTIMES[runtime]


def _analyser(settings: Settings, runtime: str, threads: int) -> FaceAnalyser:
    wanted = {"runtime": runtime, "threads": threads}
    if runtime == OTHERWISE:
        wanted |= {"runtime": "onnxruntime", "flip": not settings.models.flip}
    models = settings.models.model_copy(update=wanted)
    return bootstrap.analyser_for(settings.model_copy(update={"models": models}))


def _measure(into: Measured, analyser: FaceAnalyser, gallery: Gallery, video: Path, seconds: float) -> None:
    """Play the video repeatedly for `seconds`; do not count the first pictures."""
    end: float | None = None
    for number, (picture, decode_ms) in enumerate(_pictures(video)):
        if end is not None and perf_counter() >= end:
            return
        begun = perf_counter()
        probes = analyser.analyse(Frame(picture, datetime.now(UTC), "bench", number))
        analysed = perf_counter()
        for probe in probes:
            if probe.template is not None:
                gallery.search(probe.template, limit=2)
        done = perf_counter()
        if number < WARM_UP:
            continue
        end = end or done + seconds
        into.faces += any(probe.template is not None for probe in probes)
        took = {"decode": decode_ms, **analyser.timings, "search": (done - analysed) * 1000}
        took["whole"] = decode_ms + (done - begun) * 1000
        for stage, milliseconds in took.items():
            into.stages[stage].append(milliseconds)


def _pictures(video: Path) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Yield the pictures endlessly, each with the milliseconds of its decoding."""
    while True:
        feed = VideoFeed(parse_source(str(video)), 10, 10)
        try:
            while True:
                begun = perf_counter()
                picture = feed.read()
                if picture is not None:
                    yield picture, (perf_counter() - begun) * 1000
        except FeedEnded:
            pass
        finally:
            feed.close()


def _measure_searches(dim: int, model_id: str) -> dict[int, list[float]]:
    """Return the milliseconds of each search by the number of templates; one search at a time, as at the door."""
    probes = [Template(row, model_id) for row in _random_rows(55, dim)]
    return {size: _searched(random_gallery(size, dim, model_id), probes) for size in GALLERIES}


def _measure_compared_with_all(dim: int, model_id: str) -> float:
    """Return the milliseconds of a search in the largest gallery without the first step in whole numbers."""
    probes = [Template(row, model_id) for row in _random_rows(30, dim)]
    return float(np.median(_searched(random_gallery(max(GALLERIES), dim, model_id, quick=False), probes)))


def _searched(gallery: Gallery, probes: Sequence[Template]) -> list[float]:
    took = []
    for probe in probes:
        begun = perf_counter()
        gallery.search(probe, limit=2)
        took.append((perf_counter() - begun) * 1000)
    return took[WARM_UP:]


def _require_faces(measured: Measured, settings: Settings) -> None:
    if measured.faces < measured.pictures / 2:
        raise UserError(
            f"{settings.models.detector} and {settings.models.recogniser} gave a template for only {measured.faces} of "
            f"{measured.pictures} pictures, so the times mean nothing: evaluate these weights first"
        )


def _report(
    settings: Settings, measured: Mapping[str, Measured], searches: Mapping[int, Sequence[float]], idle_mb: float
) -> str:
    ours = measured["onnxruntime"]
    others = [(_name(name, settings), measurement) for name, measurement in measured.items() if name != "onnxruntime"]
    header = ["ms a picture", RUNTIMES["onnxruntime"], "p95"]
    header += [text for name, _ in others for text in (name, "p95", "ratio")]
    rows = []
    for stage in ("decode", *STAGES, "search", "whole"):
        row = [stage, f"{ours.p(stage, 50):.2f}", f"{ours.p(stage, 95):.2f}"]
        for _, measurement in others:
            ratio = measurement.p(stage, 50) / max(ours.p(stage, 50), 1e-6)
            row += [f"{measurement.p(stage, 50):.2f}", f"{measurement.p(stage, 95):.2f}", f"{ratio:.2f}×"]
        rows.append(row)
    rows.append(
        [
            "pictures/s",
            f"{ours.fps:.1f}",
            "",
            *(text for _, measurement in others for text in (f"{measurement.fps:.1f}", "", "")),
        ]
    )
    rows.append(
        [
            "pictures",
            str(ours.pictures),
            "",
            *(text for _, measurement in others for text in (str(measurement.pictures), "", "")),
        ]
    )
    lines = [table(rows, header), ""]
    lines.append(
        f"with a template: {ours.faces} of {ours.pictures} pictures; search is among {USUAL_GALLERY:,} templates"
    )
    each = (
        f"{size:,}: {np.percentile(took, 50):.2f} ms (p95 {np.percentile(took, 95):.2f})"
        for size, took in searches.items()
    )
    lines.append("search among templates: " + ", ".join(each))
    memory = [f"memory: {ours.memory_mb:.0f} MB with ONNX Runtime ({idle_mb:.0f} MB before loading the networks)"]
    lines.append(
        ", ".join(
            [*memory, *(f"{measurement.memory_mb:.0f} MB with {name} loaded, too" for name, measurement in others)]
        )
    )
    for name, extra in (("openvino", "openvino"), ("torch", "train")):
        if name not in measured:
            lines.append(f"{RUNTIMES[name]} was not measured; to compare: pip install 'attendance[{extra}]'")
    for name, measurement in others:
        lines.append(f"ONNX Runtime is {ours.fps / measurement.fps:.2f} times as fast as {name}, all stages together")
    verdict = "reached" if ours.fps >= TARGET_FPS else "missed"
    lines.append(f"aim of {TARGET_FPS:g} pictures/s: {verdict}")
    return "\n".join(lines)


def _numbers(
    settings: Settings,
    measured: Mapping[str, Measured],
    searches: Mapping[int, Sequence[float]],
    idle_mb: float,
    threads: int,
    timed: Sequence[Timed],
    still_ms: float,
) -> dict[str, Any]:
    runtimes = {
        name: {
            "pictures": measurement.pictures,
            "pictures_with_template": measurement.faces,
            "fps": round(measurement.fps, 1),
            "memory_mb": round(measurement.memory_mb, 1),
            "ms": {
                stage: {"p50": round(measurement.p(stage, 50), 3), "p95": round(measurement.p(stage, 95), 3)}
                for stage in measurement.stages
            },
        }
        for name, measurement in measured.items()
    }
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "computer": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
        "video": {"width": portraits.WIDTH, "height": portraits.HEIGHT},
        "threads": threads,
        "models": {
            "detector": settings.models.detector,
            "recogniser": settings.models.recogniser,
            "flip": settings.models.flip,
        },
        "idle_memory_mb": round(idle_mb, 1),
        "runtimes": runtimes,
        **bench_detectors.numbers(timed, still_ms),
        "search_ms": {
            str(size): {
                "p50": round(float(np.percentile(took, 50)), 4),
                "p95": round(float(np.percentile(took, 95)), 4),
            }
            for size, took in searches.items()
        },
    }


def _write_json(path: Path, numbers: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def _memory_mb() -> float:
    """Return the memory that this process uses now (RSS); 0 without /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()

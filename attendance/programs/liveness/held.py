"""`manage.py evaluate held-pictures`: pictures that a hand moves, and living people, before the real daemon.

In: a folder with scenes and webcam clips.  Out: how many pictures were let in, what living people waited for; JSON.
Does not know: how anything is decided.  Clips go through the daemon's loop into a temporary database.
Protocol: two public-domain portraits are enrolled.  Each of them comes as a print, on a screen and as a replay, moved
across, nearer and round before a photographed scene, for four seconds.  Each clip is watched twice, by a daemon that
asks nothing about liveness and by one that refuses what does not look alive.  Of each webcam clip the first half is
enrolled and the second half watched twice in the same way.  Every meeting has a daemon of its own, an hour after the
one before, so that no refusal makes the next one easier.
Main choice: the same clip with and without, so that what liveness costs and holds off is seen on equal pictures.
Trade-off: the pictures are simulated as for training; real ones have to be tried at a camera, by the drill.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from attendance import bootstrap
from attendance.bootstrap import Installation
from attendance.config import Settings
from attendance.console import say, table
from attendance.domain.calibration.error_rates import clopper_pearson
from attendance.domain.faces import Frame
from attendance.errors import UserError
from attendance.programs import clips, daemons, portraits
from attendance.programs.clips import BETWEEN, Clip, Standing
from attendance.service.ports import Analyser
from attendance.store.access import events
from attendance.training.liveness import simulate

FPS, LASTS_S = 7, 4.0
SCENES = ("imagenet1000", "bsds500", "dtd10")  # folders with photographs of rooms and things, as for training
OFF, ON = "off", "refuse"
PORTRAITS = {"Collins": portraits.collins, "Hopper": portraits.hopper}


@dataclass(frozen=True, slots=True)
class Watched:
    """One clip before a daemon.  `granted_s`: into the clip, None if nobody was let in · `looks`: that agreed on it ·
    `processor_s`: of the whole daemon · `fps`: pictures a second."""

    who: str
    granted_s: float | None
    looks: int | None
    reasons: tuple[str, ...]
    processor_s: float
    fps: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The same clip without liveness and with it.  `kind`: a species, or "living"."""

    kind: str
    clip: str
    without: Watched
    with_it: Watched

    @property
    def extra(self) -> int | None:
        """Return how many pictures later somebody was let in; None unless they were both times."""
        if self.without.granted_s is None or self.with_it.granted_s is None:
            return None
        return round((self.with_it.granted_s - self.without.granted_s) * self.with_it.fps)


@dataclass(slots=True, eq=False)
class _Place:
    """A temporary site, who looks there, and the folder for the clip that is shown."""

    site: Installation
    analyser: Analyser
    clock: Standing
    folder: Path


def run_held(
    settings: Settings,
    data: Path,
    number: int,
    out: Path | None = None,
    seed: int = 0,
    analyser: Analyser | None = None,
) -> dict[str, Any]:
    """Watch so many clips of pictures, and the webcam clips; print and return the counts.

    UserError for a folder without scenes or clips, and where no network for liveness is in use.
    """
    if not settings.models.liveness:
        raise UserError("no network for liveness is in use: set models.liveness")
    scenes = [path for name in SCENES for path in sorted((data / name).rglob("*.[jJ]*"))]
    if not scenes:
        raise UserError(f"--data: {data} holds no scenes: put photographs in a folder {SCENES[0]}")
    living = clips.find_clips(data, None)
    analyser = analyser or bootstrap.analyser_for(settings)
    with tempfile.TemporaryDirectory(prefix="attendance-held-") as folder:
        clock = Standing()
        place = _Place(clips.fresh_site(settings, Path(folder), clock), analyser, clock, Path(folder))
        pairs = _pictures(place, scenes, number, seed) + _living(place, living)
    result = {
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].partition("Main choice")[0].split()),
        "models": settings.models.model_dump(include={"detector", "recogniser", "liveness"}),
        "seed": seed,
        **summary(pairs),
        "clips": [asdict(pair) | {"extra": pair.extra} for pair in pairs],
    }
    say("\n" + report(result))
    if out is not None:
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _pictures(place: _Place, scenes: Sequence[Path], number: int, seed: int) -> list[Pair]:
    """Show the portraits in turn, each species as often as the others."""
    faces = {}
    for name, portrait in PORTRAITS.items():
        picture = portrait()
        [face, *_others] = place.analyser.analyse(Frame(picture, place.clock.now(), "photo"), 1)
        faces[name] = picture, face.box
        clips.enrol_photos(place.site, place.analyser, name, [portraits.as_jpeg(picture)])
    pairs = []
    for turn in range(number):
        species, name = simulate.SPECIES[turn % 3], list(faces)[turn // 3 % 2]
        random = np.random.default_rng([seed, turn])
        scene = np.asarray(cv2.imread(str(scenes[int(random.integers(len(scenes)))])), np.uint8)
        shown = simulate.clip(*faces[name], scene, species, random, round(FPS * LASTS_S))
        video = clips.write_video(place.folder / "held.avi", shown, FPS)
        pairs.append(_both(place, species, f"{name} {turn}", video, FPS))
        say(f"  {turn + 1} of {number}: {species}, {name}: {_said(pairs[-1])}")
    return pairs


def _living(place: _Place, living: Sequence[Clip]) -> list[Pair]:
    pairs = []
    for number, clip in enumerate(living, 1):
        clips.enrol_clip(place.site, place.analyser, clip)
        _first, second, fps = clips.read_halves(clip.path)
        video, fps = clips.write_tour(place.folder / "held.avi", second, fps, place.site.settings.camera.max_fps)
        pairs.append(_both(place, "living", clip.name, video, fps))
        say(f"  {number} of {len(living)}: living, {clip.name}: {_said(pairs[-1])}")
    return pairs


def _said(pair: Pair) -> str:
    times = [
        "not let in" if one.granted_s is None else f"let in after {one.granted_s:.1f} s"
        for one in (pair.without, pair.with_it)
    ]
    return f"without {times[0]}, with liveness {times[1]}"


def _both(place: _Place, kind: str, name: str, video: Path, fps: float) -> Pair:
    return Pair(kind, name, _watch(place, OFF, name, video, fps), _watch(place, ON, name, video, fps))


def _watch(place: _Place, policy: str, name: str, video: Path, fps: float) -> Watched:
    """Let a daemon of its own watch a video."""
    place.clock.time += BETWEEN
    settings = place.site.settings
    changed = settings.model_copy(
        update={
            "camera": settings.camera.model_copy(update={"source": str(video)}),
            "liveness": settings.liveness.model_copy(update={"policy": policy, "cameras": ""}),
        }
    )
    worker = daemons.worker_for(replace(place.site, settings=changed), place.analyser, paced=False)
    begun = time.process_time()
    worker.run(threading.Event())
    needed = time.process_time() - begun
    with place.site.sessions() as session:
        found = events.list_passages(session, since=place.clock.time, limit=100)
    seen = [view.passage for view in reversed(found)]
    let_in = next((passage for passage in seen if passage.granted), None)
    after = None if let_in is None else (let_in.at - place.clock.time).total_seconds()
    reasons = tuple(passage.reason.value for passage in seen)
    return Watched(name, after, None if let_in is None else let_in.frames, reasons, needed, fps)


# --- what came of it -----------------------------------------------------------------------------------


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return what was let in, by kind, with exact intervals; what living people waited for, and the processor time."""
    kinds = list(dict.fromkeys(pair.kind for pair in pairs))
    held = [pair for pair in pairs if pair.kind != "living"]
    living = [pair for pair in pairs if pair.kind == "living"]
    groups = {kind: [pair for pair in pairs if pair.kind == kind] for kind in kinds} | {"all pictures": held}
    extra = [pair.extra for pair in living if pair.extra is not None]
    ratios = [pair.with_it.processor_s / pair.without.processor_s for pair in living if pair.without.processor_s > 0]
    return {
        "let_in": {kind: _let_in(found) for kind, found in groups.items()},
        "extra_pictures_of_the_living": _spread(extra),
        "processor_time_with_over_without": _spread(ratios),
    }


def _let_in(pairs: Sequence[Pair]) -> dict[str, Any]:
    count = sum(pair.with_it.granted_s is not None for pair in pairs)
    low, high = clopper_pearson(count, len(pairs))
    without = sum(pair.without.granted_s is not None for pair in pairs)
    return {"let_in": count, "of": len(pairs), "interval95": [round(low, 4), round(high, 4)], "without": without}


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"median": float(np.median(values)), "least": float(min(values)), "most": float(max(values))}


def report(result: dict[str, Any]) -> str:
    """Return the counts as text."""
    rows = [
        (
            kind,
            f"{one['let_in']} of {one['of']}",
            f"{100 * one['interval95'][0]:.1f} to {100 * one['interval95'][1]:.1f} %",
            f"{one['without']} of {one['of']}",
        )
        for kind, one in result["let_in"].items()
    ]
    lines = [table(rows, ("before the camera", "let in", "95 %", "without liveness"))]
    for name in ("extra_pictures_of_the_living", "processor_time_with_over_without"):
        if (found := result[name]) is not None:
            values = f"median {found['median']:.2f} ({found['least']:.2f} to {found['most']:.2f})"
            lines.append(f"{name.replace('_', ' ')}: {values}")
    return "\n".join(lines)

"""The part of `manage.py bench` that tells what people cost: processor seconds of a person-minute and of an idle hour.

In: the settings, files of peers.  Out: milliseconds of processor time a picture, by scene and by who looks.
Does not know: how well anybody is recognised.
Main choice: everything from the picture to the decision counts, by the whole process's processor time, so that threads
and a busy computer change little.  All take turns on each picture.  A peer is its detector and its recogniser on every
picture, which is what its examples do.
Trade-off: the person is a portrait that moves slowly and keeps its face to the camera; whoever turns and walks is
looked at anew more often.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from attendance.bootstrap import Installation, analyser_for
from attendance.config import Settings
from attendance.console import needs, table
from attendance.daemon.doors.drivers import door_of
from attendance.domain.faces import Frame
from attendance.errors import UserError
from attendance.programs import bench_doors, daemons, portraits
from attendance.programs.portraits import Visit
from attendance.vision.align import align_face

if TYPE_CHECKING:
    from attendance.evaluation.detector.detectors import FaceDetector
    from attendance.evaluation.recogniser.embedding import Embedder

FPS = 10
SECONDS = 20.0  # of each scene
PEER_SIZE = 640  # px: the detectors' usual input
BEGUN = 10 * FPS  # pictures of a scene until nothing new happens in it
FOLLOWING, EVERYTHING = "this program", "this program, detector.follow = false"

Picture = NDArray[np.uint8]
Look = Callable[[Picture, datetime], object]


@dataclass(slots=True)
class Spent:
    """Milliseconds of processor time of each picture of a scene."""

    name: str
    scene: str
    milliseconds: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return float(np.mean(self.milliseconds))

    @property
    def later(self) -> float:
        """The mean after the beginning, ms."""
        return float(np.mean(self.milliseconds[BEGUN:] or self.milliseconds))

    @property
    def minute_s(self) -> float:
        """Return processor seconds of the first minute of a scene at FPS."""
        begun = self.milliseconds[:BEGUN]
        return (sum(begun) + (60 * FPS - len(begun)) * self.later) / 1000

    @property
    def hour_s(self) -> float:
        """Return processor seconds of an hour that goes on as the scene ended."""
        return 3600 * FPS * self.later / 1000


def scenes(seconds: float) -> dict[str, Iterator[Picture]]:
    """Return what is shown: each scene lasts `seconds` at FPS; who stands there sways once a minute."""
    collins, count = portraits.collins(), round(seconds * FPS)
    minute = 60 * FPS / portraits.FPS  # of the portraits' own seconds
    by = [Visit(collins, 1.5), Visit(None, 1.5)]
    visits = {
        "a person stands there": [Visit(collins, minute)],
        "people walk by": by * (1 + round(count / portraits.FPS / 3)),
        "nobody": [Visit(None, minute)],
    }
    return {scene: itertools.islice(portraits.frames(shown), count) for scene, shown in visits.items()}


def measure(settings: Settings, peers: Sequence[Path] = (), seconds: float | None = None) -> list[Spent]:
    """Return what each scene costs this program, with and without following, and the peers."""
    seconds = seconds or SECONDS
    models = settings.models.model_copy(update={"threads": 1})
    settings = settings.model_copy(update={"models": models})
    found: list[Spent] = []
    with tempfile.TemporaryDirectory(prefix="attendance-bench-") as folder:
        site = bench_doors.fresh_site(settings, Path(folder))
        networks = analyser_for(settings)
        theirs = _peers(peers)
        for scene, pictures in scenes(seconds).items():
            looks: dict[str, Look] = {
                FOLLOWING: _daemon(site, f"{scene} 1", True, networks),
                EVERYTHING: _daemon(site, f"{scene} 2", False, networks),
                **theirs,
            }
            found += _take_turns(scene, looks, pictures)
        site.engine.dispose()
    return found


def _take_turns(scene: str, looks: dict[str, Look], pictures: Iterator[Picture]) -> list[Spent]:
    spent = {name: Spent(name, scene) for name in looks}
    at = datetime.now(UTC)
    for picture in pictures:
        at += timedelta(seconds=1 / FPS)
        for name, look in looks.items():
            begun = process_time()
            look(picture, at)
            spent[name].milliseconds.append((process_time() - begun) * 1000)
    return list(spent.values())


def _daemon(site: Installation, camera: str, follow: bool, networks: Any) -> Look:
    """Return the daemon's path of one camera, from the picture to the committed decision."""
    detector = site.settings.detector.model_copy(update={"follow": follow})
    own = site.settings.model_copy(
        update={"detector": detector, "camera": site.settings.camera.model_copy(update={"name": camera})}
    )
    eye, rest = daemons.following(networks, own)
    here = replace(site, settings=own)
    check_in = daemons.check_in_for(here, daemons.gated(eye, own), door_of(camera, "null", {}), rest=rest)
    check_in.start()
    return lambda picture, at: check_in.process(Frame(picture, at, camera))


class Peer:
    """A detector and a recogniser as their examples join them: each face of each picture is embedded."""

    def __init__(self, detector: FaceDetector, recogniser: Embedder) -> None:
        self._detector, self._recogniser = detector, recogniser

    def look(self, picture: Picture, _at: datetime | None = None) -> list[NDArray[np.float32]]:
        """Return a unit vector for each face."""
        faces = self._detector.detect(picture).down_to(self._detector.confidence)
        size = self._recogniser.size
        return [self._recogniser.embed(align_face(picture, points, size)) for points in faces.landmarks]


def peers_of(paths: Sequence[Path]) -> dict[str, Peer]:
    """Return each detector among the peers' files with the recogniser there, one thread each; {} without one.

    A recogniser is an ONNX file for crops of 112 px.
    """
    recogniser = next((file for file in _files(paths) if _takes_crops(file)), None)
    if recogniser is None:
        return {}
    with needs("train", "onnx", "tqdm"):
        from attendance.evaluation.detector.detectors import peers as detectors
        from attendance.evaluation.recogniser.embedding import peer as embedder
    embeds = embedder(recogniser)
    found = detectors(paths, PEER_SIZE, threads=1)
    return {f"{one.name} at {PEER_SIZE} px + {recogniser.stem}": Peer(one, embeds) for one in found}


def _peers(paths: Sequence[Path]) -> dict[str, Look]:
    return {name: partial(Peer.look, peer) for name, peer in peers_of(paths).items()}


def _files(paths: Sequence[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.rglob("*.onnx")) if path.is_dir() else [path])]


def _takes_crops(file: Path) -> bool:
    try:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
        raise UserError(f"--peers: cannot load {file}") from error
    return list(session.get_inputs()[0].shape[1:]) == [3, 112, 112] and len(session.get_outputs()) == 1


def report(found: Sequence[Spent]) -> str:
    """Return the table as text, with what a person-minute and an idle hour cost."""
    names = list(dict.fromkeys(one.name for one in found))
    kinds = list(dict.fromkeys(one.scene for one in found))
    by = {(one.name, one.scene): one for one in found}
    stands, empty = kinds[0], kinds[-1]
    ours = by[FOLLOWING, stands].minute_s
    rows = [
        [
            name,
            *(f"{by[name, scene].mean:.1f}" for scene in kinds),
            f"{by[name, stands].minute_s:.1f}",
            f"{by[name, stands].minute_s / max(ours, 1e-9):.2f}×",
            f"{by[name, empty].hour_s:.0f}",
        ]
        for name in names
    ]
    header = ["ms of processor time a picture", *kinds, "person-minute, s", "ratio", "idle hour, s"]
    return f"{table(rows, header)}\n\n(720p, {FPS} pictures a second, one thread)"


def numbers(found: Sequence[Spent]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "scene": one.scene,
            "pictures": len(one.milliseconds),
            "processor_ms": round(one.mean, 2),
            "minute_s": round(one.minute_s, 2),
            "hour_s": round(one.hour_s, 1),
        }
        for one in found
    ]

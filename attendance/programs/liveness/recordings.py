"""Real recordings of people and of printed photos that a hand moves, who know nothing of what is asked.

In: a data folder with `nuaa` and `webcam_clips`.  Out: `Recording`s: photos to enrol, pictures of another session.
Does not know: challenges, sites.
Main choice: pictures come slower than they were taken, so that no picture is seen twice, which counts as no look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from attendance.errors import UserError
from attendance.programs.clips import VIDEOS, read_halves
from attendance.programs.liveness.actors import REAL_PRINT, REAL_RECORDING, Image

T = TypeVar("T")
PHOTOS, PICTURES = 3, 64  # enrolled; shown of one recording
SESSIONS = 4  # of one person and kind
FEWEST = 24
# Ruling: the people 0001 to 0008 of this set are for choosing, the others for reporting.
REPORTED = frozenset(f"{number:04d}" for number in range(9, 17))


@dataclass(frozen=True, slots=True)
class Recording:
    """`photos`: whole files, to be enrolled as `person` · `shown`: files in order, or the video itself."""

    kind: str
    person: str
    photos: tuple[bytes, ...]
    shown: tuple[Path, ...]

    @property
    def take(self) -> str:
        """Return which of the person's recordings it is."""
        return self.shown[0].stem

    def pictures(self) -> list[Image]:
        """Read what is shown."""
        if len(self.shown) == 1:
            first, second, _fps = read_halves(self.shown[0])
            return _spread([*first[len(first) // 4 :], *second], PICTURES)
        return [np.asarray(cv2.imread(str(path)), np.uint8) for path in self.shown]


def find(data: Path) -> list[Recording]:
    """Return the recordings of a data folder; UserError if there are none."""
    found = [*_nuaa(data / "nuaa"), *_clips(data / "webcam_clips")]
    if not found:
        raise UserError(f"--real: {data} holds neither nuaa nor webcam_clips: see docs/liveness.md for the sets")
    return found


def _nuaa(folder: Path) -> Iterator[Recording]:
    """Yield printed photos in a hand and living people, session by session; photos come from the first live one."""
    for person in sorted(REPORTED):
        live = _sessions(folder / "ClientRaw" / person)
        if not live:
            continue
        first = live[0]
        photos = tuple(path.read_bytes() for path in _spread(first, PHOTOS))
        for kind, sessions in ((REAL_PRINT, _sessions(folder / "ImposterRaw" / person)), (REAL_RECORDING, live[1:])):
            for files in _spread(sessions, SESSIONS):
                yield Recording(kind, f"nuaa {person}", photos, tuple(_spread(files, PICTURES)))


def _sessions(folder: Path) -> list[list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for path in folder.glob("*_*.jpg"):
        found[path.stem.rpartition("_")[0]].append(path)
    for files in found.values():  # numbers without zeros before them
        files.sort(key=lambda path: int(path.stem.rpartition("_")[2]))
    return [files for _name, files in sorted(found.items()) if len(files) >= FEWEST]


def _clips(folder: Path) -> Iterator[Recording]:
    """Yield the clips; photos come from the first part of each."""
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS):
        first, _second, _fps = read_halves(path)
        photos = [cv2.imencode(".png", picture)[1].tobytes() for picture in _spread(first[: len(first) // 4], PHOTOS)]
        yield Recording(REAL_RECORDING, f"clip {path.stem}", tuple(photos), (path,))


def _spread(values: Sequence[T], count: int) -> list[T]:
    if len(values) <= count:
        return list(values)
    return [values[int(place)] for place in np.linspace(0, len(values) - 1, count)]

"""Which pictures of live people and of attacks are trained on, set thresholds, or are reported.

In: a data folder.  Out: `Source`s with person, group, species and part.
Does not know: pixels, networks.  One place on purpose: the training, the evaluation and the card must agree.
Main choice: whole people move, never single frames.  Sets that share a person move together.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from attendance.domain.faces import Box
from attendance.training import protocol

Part: TypeAlias = Literal["train", "threshold", "report"]

NUAA_TRAIN = frozenset(f"{n:04d}" for n in range(1, 11))
NUAA_THRESHOLD = frozenset({"0011", "0012"})
# People who filmed themselves and their own screens; sets that share a person are one group.
PAD_GROUPS = {
    "pad_saikan": "group_a",
    "pad_jtboing": "group_a",
    "pad_shivam": "group_a",
    "pad_neonipun": "group_a",
    "pad_tranvan": "pad_tranvan",
    "pad_tricky": "pad_tricky",
    "pad_balveer": "pad_balveer",
    "pad_viguard": "pad_viguard",
}
LIVE_SETS = ("celeba_crops", "utkface", "net7876", "mebeauty", "celeba_wild")
AT_MOST = {"celeba_wild": 2400, "celeba_crops": 1500, "utkface": 600, "net7876": 600, "mebeauty": 400}
MEASURED_AT_MOST = {"lfw": 600, "celeba_crops": 500, "celeba_wild": 500}
NUAA_AT_MOST = {"train": 60, "threshold": 100, "report": 120}
PAD_AT_MOST = 250  # of one set and kind: frames of one film are much alike
WEBCAM_FRAMES = 10  # of each clip, for the same reason
# Who is in the clips, by eye: the words are signed by five people.
WEBCAM_PEOPLE = {
    "man_in_hoodie": ("again", "brother", "help", "no", "student", "yes"),
    "man_in_grey": ("bird", "milk", "please", "sorry", "thanks"),
    "woman": ("book", "learn", "school", "walk"),
    "man_in_roll_neck": ("eat", "night", "sister"),
    "man_in_check": ("hungry", "want"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """One picture.  `species`: live, print or screen · `group`: what is left out together · `box`: None where the
    product's detector has to look · `share`: where in a video the picture is, 0 to 1; None: it is a file."""

    path: str
    set_name: str
    group: str
    person: str
    species: str
    part: Part
    box: Box | None = None
    share: float | None = None


def nuaa(data: Path) -> Iterator[Source]:
    """Yield live people and their printed photographs, evenly over each person's sessions."""
    for folder, species in (("ClientRaw", "live"), ("ImposterRaw", "print")):
        for person in sorted(p.name for p in (data / "nuaa" / folder).glob("*")):
            part: Part = "train" if person in NUAA_TRAIN else "threshold" if person in NUAA_THRESHOLD else "report"
            files = sorted((data / "nuaa" / folder / person).glob("*.jpg"))
            for file in _spread(files, NUAA_AT_MOST[part]):
                yield Source(file.relative_to(data).as_posix(), "nuaa", "nuaa", f"nuaa:{person}", species, part)


def pads(data: Path) -> Iterator[Source]:
    """Yield the tight crops of people and of their screens."""
    for set_name, group in PAD_GROUPS.items():
        part: Part = "threshold" if set_name == "pad_balveer" else "train"
        for folder, species in (("real", "live"), ("fake", "screen")):
            for file in _spread(sorted((data / set_name / folder).glob("*.png")), PAD_AT_MOST):
                path = file.relative_to(data).as_posix()
                yield Source(path, set_name, group, f"pad:{group}", species, part)


def webcam(data: Path) -> Iterator[Source]:
    """Yield living people at a webcam, for the report only: pictures spread over each clip.

    A clip that is not known is a person of its own.
    """
    known = {clip: f"webcam:{person}" for person, clips in WEBCAM_PEOPLE.items() for clip in clips}
    folder = data / "webcam_clips"
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mkv", ".mp4", ".avi", ".webm")):
        path = file.relative_to(data).as_posix()
        for number in range(WEBCAM_FRAMES):
            share = (number + 0.5) / WEBCAM_FRAMES
            person = known.get(file.stem, path)
            yield Source(path, "webcam_clips", "webcam_clips", person, "live", "report", share=share)


def photographs(data: Path, set_name: str) -> Iterator[Source]:
    """Yield the people of a set with machine labels: its largest face each; measured people for the report."""
    stored = np.load(data / "labels" / f"{set_name}.npz")
    celeba = protocol.celeba_identities(data) if set_name.startswith("celeba") else {}
    boxes, of, paths = stored["box"], stored["image"], np.char.decode(stored["path"], "utf-8")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    largest: dict[int, int] = {}
    for face in np.argsort(areas):
        largest[int(of[face])] = int(face)
    found: dict[Part, list[Source]] = {"train": [], "report": []}
    for image, face in sorted(largest.items()):
        path = str(paths[image])
        identity = protocol.identity_of(set_name, path, celeba)
        part: Part = "report" if protocol.is_measured(set_name, path, identity) else "train"
        if part == "report" and not identity:
            continue
        box = Box(*(float(v) for v in boxes[face]))
        person = identity or path
        found[part].append(Source(path, set_name, set_name, person, "live", part, box))
    limits = {"train": AT_MOST.get(set_name, 0), "report": MEASURED_AT_MOST.get(set_name, 0)}
    for kind, sources in found.items():
        sources.sort(key=lambda source: zlib.crc32(source.path.encode()))
        yield from sources[: limits[kind]]


def _spread(files: list[Path], count: int) -> list[Path]:
    if len(files) <= count:
        return files
    return [files[int(i)] for i in np.linspace(0, len(files) - 1, count)]

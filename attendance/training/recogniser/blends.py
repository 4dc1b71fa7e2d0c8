"""New faces for a teacher to judge: two aligned faces laid over each other, whole or in parts, or one in another shape.

In: the packs of crops that may be learned from, and the teachers.  Out: one more pack, `blends`, in the same form.
Does not know: the student.
Main choice: a teacher answers for any picture of a face, so a blend of two faces is a third one, and there are as many
as anybody wants (function matching: Beyer et al., 2022).  Trade-off: each costs the teachers' time once.
Most are of two faces of one origin, each origin alike often: among the photographs some are few, and faces of these are
told apart less well (docs/LOG.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.training.protocol import BLENDS
from attendance.training.recogniser.face_packs import CROP, FacePack, Teacher, answers_file, training_packs

ALIKE = 0.75  # the share of pairs of one origin, where the sets' labels say it
LEAST = 0.35  # the weaker face's share
BEND_PX = 4.0  # how far a point of the face moves when its shape changes: standard deviation, of 112 px
_GRID = 4  # shares and shapes change smoothly over the face, between so many random points a side
_BATCH = 32


def build(data: Path, teachers: Sequence[Path], count: int, seed: int = 1) -> None:
    """Write the pack with `count` blends of faces that may be learned from; those that it has already stay.

    The new pack takes the place of the old one at the end, so that a run that reads the old one goes on.
    """
    out = data / "packs"
    files = [out / f"{BLENDS}.crops.npy", *(answers_file(out, BLENDS, i + 1) for i in range(len(teachers)))]
    kept = [np.load(file, mmap_mode="r") for file in files] if all(file.exists() for file in files) else []
    begin = len(kept[0]) if kept else 0
    if begin >= count:
        return
    packs = [pack for pack, _ in training_packs(data) if pack.name != BLENDS]
    pools = _pools(packs)
    names = sorted(pools)  # "" first
    before = np.load(out / f"{BLENDS}.npz")["path"] if begin else np.array([], str)
    paths = [str(path) for path in before]
    random = np.random.default_rng((seed, begin))
    grown = [file.with_suffix(".new") for file in files]
    crops = np.lib.format.open_memmap(grown[0], "w+", np.uint8, (count, CROP, CROP, 3))
    if kept:
        crops[:begin] = kept[0]
    loaded = [Teacher(path) for path in teachers]
    answers: list[list[np.ndarray]] = [[np.asarray(one)] for one in kept[1:]] or [[] for _ in loaded]
    for start in tqdm(range(begin, count, _BATCH), desc=BLENDS):
        part = crops[start : start + _BATCH]
        for place in range(len(part)):
            origin = names[random.integers(1, len(names)) if len(names) > 1 and random.random() < ALIKE else 0]
            pool = pools[origin]
            one, other = (packs[i].crops[r] for i, r in pool[random.integers(len(pool), size=2)])
            paths.append(f"{BLENDS}/{origin or '_'}/{start + place}")
            part[place] = blend(one, other, random)
        for teacher, found in zip(loaded, answers, strict=True):
            found.append(teacher(np.asarray(part))[0].astype(np.float16))
    crops.flush()
    for made, found in zip(grown[1:], answers, strict=True):
        with made.open("wb") as stream:
            np.save(stream, np.concatenate(found))
    for made, file in zip(grown, files, strict=True):
        made.replace(file)
    np.savez(out / f"{BLENDS}.npz", path=np.array(paths), identity=np.full(count, ""))


def _pools(packs: Sequence[FacePack]) -> dict[str, NDArray[np.int64]]:
    """Return faces as (pack, row) [N,2] by the origin that labels name; all of them by ""."""
    every = np.concatenate([np.stack([np.full(len(p.rows), i), p.rows], axis=1) for i, p in enumerate(packs)])
    named = np.concatenate([np.full(len(p.rows), "") if p.groups is None else p.groups[p.rows] for p in packs])
    return {"": every} | {str(group): every[named == group] for group in np.unique(named) if group}


def blend(one: NDArray[np.uint8], other: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return a face that nobody has, from two crops [128,128,3].

    A third each: both laid over each other; both, with shares that change over the face, so that parts of it are one's
    and parts the other's; the first alone in another shape.
    """
    kind = random.integers(3)
    if kind == 2:
        return _reshaped(one, random)
    if random.random() < 0.5:
        other = other[:, ::-1]
    share = random.uniform(LEAST, 1 - LEAST) if kind == 0 else 1 / (1 + np.exp(-2.5 * _smooth(random)))[..., None]
    mixed: NDArray[np.uint8] = np.rint(share * one + (1 - share) * other.astype(np.float32)).astype(np.uint8)
    return mixed


def _reshaped(crop: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    x, y = np.meshgrid(np.arange(CROP, dtype=np.float32), np.arange(CROP, dtype=np.float32))
    x, y = (axis + BEND_PX * _smooth(random) for axis in (x, y))
    return cv2.remap(crop, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).astype(np.uint8, copy=False)


def _smooth(random: np.random.Generator) -> NDArray[np.float32]:
    """Return a field [128,128] that changes smoothly between random values of standard deviation 1."""
    field = random.standard_normal((_GRID, _GRID)).astype(np.float32)
    return cv2.resize(field, (CROP, CROP), interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)

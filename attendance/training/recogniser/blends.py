"""New faces for a teacher to judge: two aligned faces laid over each other.

In: the packs of crops that may be learned from, and the teachers.  Out: one more pack, `blends`, in the same form.
Does not know: the student.
Main choice: a teacher answers for any picture of a face, so a blend of two faces is a third one, and there are as many
as anybody wants (function matching: Beyer et al., 2022).  Trade-off: each costs the teachers' time once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from attendance.training.protocol import BLENDS
from attendance.training.recogniser.face_packs import CROP, Teacher, answers_file, training_packs

LEAST = 0.35  # the weaker face's share
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
    index = np.concatenate([np.stack([np.full(len(p.rows), i), p.rows], axis=1) for i, p in enumerate(packs)])
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
            one, other = (packs[i].crops[r].astype(np.float32) for i, r in index[random.integers(len(index), size=2)])
            if random.random() < 0.5:
                other = other[:, ::-1]
            share = random.uniform(LEAST, 1 - LEAST)
            part[place] = np.rint(share * one + (1 - share) * other).astype(np.uint8)
        for teacher, found in zip(loaded, answers, strict=True):
            found.append(teacher(np.asarray(part))[0].astype(np.float16))
    crops.flush()
    for made, found in zip(grown[1:], answers, strict=True):
        with made.open("wb") as stream:
            np.save(stream, np.concatenate(found))
    for made, file in zip(grown, files, strict=True):
        made.replace(file)
    np.savez(out / f"{BLENDS}.npz", path=np.array([f"{BLENDS}/{i}" for i in range(count)]), identity=np.full(count, ""))

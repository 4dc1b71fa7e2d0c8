"""Embeddings of many images by one recogniser or several, kept on disk and gone on with where a run stopped.

In: a `Gallery` of embedders, image paths.  Out: matrices with one row a path, NaN where no face was found.
Does not know: who is on the images, or what for.
Main choice: kept by image and under the sha256 of the networks, so that a run over more or other images of the same
set looks at the new ones only.  The price: a change of the code is not noticed; measure that with an empty folder.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation.recogniser.embedding import Gallery
from attendance.vision.weights import Card

_CHUNK = 512

Vectors = NDArray[np.float32]


def key_of(cards: Sequence[Card], settings: Settings) -> str:
    """Tells these networks' numbers, and how they are used, from others."""
    numbers = " ".join(card.sha256.get(card.numbers, card.sha256[card.graph]) for card in cards)
    # What else decides the crop and the vector; the plain case has no words, so that what is kept stays known.
    detector = settings.detector
    size = "" if detector.input_size == 256 else f" {detector.input_size} px"
    return numbers + size + (" flip" if settings.models.flip else "")


def embed(
    gallery: Gallery, names: Sequence[str], paths: Sequence[Path], keep: Path | None, key: str
) -> dict[str, Vectors]:
    """By recogniser [N,D], in the order of `paths`.  `key`: what tells these networks from others."""
    known: dict[str, dict[str, Vectors]] = {name: {} for name in names}
    stores: dict[str, Path] = {}
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make {keep}: {error.strerror}") from error
        for name in names:
            digest = hashlib.sha256(f"{key} {name}".encode()).hexdigest()[:12]
            stores[name] = keep / f"vectors-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}-{digest}.npz"
            known[name] = _kept(stores[name])
    missing = [path for path in dict.fromkeys(paths) if any(str(path) not in known[name] for name in names)]
    for start in range(0, len(missing), _CHUNK):
        part = missing[start : start + _CHUNK]
        for name in names:
            known[name].update(zip(map(str, part), gallery.vectors(name, part), strict=True))
            if keep is not None:
                _save(stores[name], known[name])
    return {name: np.stack([known[name][str(path)] for path in paths]) for name in names}


def _save(path: Path, known: dict[str, Vectors]) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, path=np.array(list(known)), vectors=np.stack(list(known.values())))
    part.replace(path)


def _kept(path: Path) -> dict[str, Vectors]:
    try:
        with path.open("rb") as file, np.load(file) as stored:  # np.load leaves a broken file open
            return dict(zip(stored["path"].tolist(), stored["vectors"], strict=True))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # not there, or cut short: look again
        return {}

"""Embeddings of many images by one or several recognisers, kept on disk; a stopped run continues.

In: `ImageEmbeddings`, image paths.  Out: matrices with one row a path, NaN without a face.
Does not know: who is on the images, or what they are for.
Main choice: kept by image under the sha256 of the networks, so that a run over more or other images computes
only the new ones.
Trade-off: a change of the code goes unnoticed; measure that with an empty folder.
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
from attendance.evaluation.recogniser.embedding import ImageEmbeddings
from attendance.vision.weights import Card

_CHUNK = 512

Vectors = NDArray[np.float32]


def cache_key(cards: Sequence[Card], settings: Settings) -> str:
    """Return a key that changes with the networks' weights and with how they are used."""
    numbers = " ".join(card.sha256.get(card.numbers, card.sha256[card.graph]) for card in cards)
    # Crop and vector also depend on these; the plain case adds nothing, so that older files stay valid.
    detector = settings.detector
    size = "" if detector.input_size == 256 else f" {detector.input_size} px"
    return numbers + size + (" flip" if settings.models.flip else "")


def cached_embeddings(
    embeddings: ImageEmbeddings, names: Sequence[str], paths: Sequence[Path], keep: Path | None, key: str
) -> dict[str, Vectors]:
    """Return [N,D] by recogniser, in the order of `paths`.  `key`: see `cache_key`."""
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
            known[name].update(zip(map(str, part), embeddings.vectors(name, part), strict=True))
            if keep is not None:
                _save(stores[name], known[name])
    return {name: np.stack([known[name][str(path)] for path in paths]) for name in names}


def _save(path: Path, known: dict[str, Vectors]) -> None:
    """Write the file completely or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(part, path=np.array(list(known)), vectors=np.stack(list(known.values())))
    part.replace(path)


def _kept(path: Path) -> dict[str, Vectors]:
    try:
        with path.open("rb") as file, np.load(file) as stored:  # np.load leaves a broken file open
            return dict(zip(stored["path"].tolist(), stored["vectors"], strict=True))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):  # missing or cut short: compute again
        return {}

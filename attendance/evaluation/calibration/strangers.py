"""Strangers for a model's packaged reference: machine-made faces as embeddings, each face once.

In: folders of images, the settings' networks, optionally a better network.  Out: unit rows, and how many come from
each set.
Does not know: how the reference is stored.
Main choice: machine-made faces, because they pass on no real person's picture or embedding.  The better network
drops faces that look like one identity twice: of a pair of twins, each would count as a false match of the other.
Trade-off: such faces differ from people at a door.  If the recogniser learned from the same sets, they may score
lower than strangers would; `evaluate calibration` measures both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.errors import UserError
from attendance.evaluation.recogniser.embedding import embeddings_for
from attendance.evaluation.recogniser.embedding_cache import cache_key, cached_embeddings
from attendance.evaluation.recogniser.protocols import IMAGES
from attendance.vision.serving import cards_for

# At and above this cosine two generated faces count as one identity.
SAME = 0.5
SETS = ("generated_a", "generated_b", "generated_c")
WORDS = "machine-made faces of nobody"

Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Strangers:
    """`vectors` [K,D] in the order of `counts`: set → how many.  `faces`: found in all; `dropped`: seen twice."""

    model_id: str
    vectors: Vectors
    counts: dict[str, int]
    images: int
    faces: int
    dropped: int


def collect(
    settings: Settings,
    data: Path,
    sets: Sequence[str] = SETS,
    teacher: Path | None = None,
    most: int = 2600,
    keep: Path | None = None,
) -> Strangers:
    """Return at most `most` faces, spread evenly over each set's folders; the same ones every time."""
    chosen = _chosen(data, sets, most)
    cards = cards_for(settings)
    embeddings, embedders = embeddings_for(settings, [teacher] if teacher is not None else [])
    names = [embedder.name for embedder in embedders]
    paths = [path for path, _ in chosen]
    vectors = cached_embeddings(embeddings, names, paths, keep, cache_key(cards, settings))
    own, judge = vectors[names[0]], vectors[names[-1]]
    seen = np.flatnonzero(np.isfinite(own).all(axis=1) & np.isfinite(judge).all(axis=1))
    alone = seen[each_once(judge[seen])]
    if not len(alone):
        raise UserError(f"no face was found on the {len(paths)} images of {', '.join(sets)} in {data}")
    dropped = len(seen) - len(alone)
    if len(alone) > most:
        alone = alone[np.linspace(0, len(alone) - 1, most).round().astype(int)]
    where = [chosen[index][1] for index in alone.tolist()]
    order = np.argsort([sets.index(name) for name in where], kind="stable")
    counts = {name: where.count(name) for name in sets if name in where}
    return Strangers(cards[1].model_id, own[alone[order]], counts, len(paths), len(seen), dropped)


def each_once(vectors: Vectors, same: float = SAME) -> NDArray[np.int64]:
    """Return rows of which no two are alike: in order, each row that resembles none taken before."""
    near = vectors @ vectors.T >= same
    taken: list[int] = []
    for row in range(len(vectors)):
        if not near[row, taken].any():
            taken.append(row)
    return np.array(taken, np.int64)


def _chosen(data: Path, sets: Sequence[str], most: int) -> list[tuple[Path, str]]:
    """Return (image, set), three times `most`, because many generated faces repeat each other."""
    every: list[tuple[Path, str]] = []
    for name in sets:
        if not (data / name).is_dir():
            raise UserError(f"--data: there is no folder {data / name}")
        every += [(path, name) for path in sorted((data / name).rglob("*")) if path.suffix.lower() in IMAGES]
    if not every:
        raise UserError(f"{', '.join(sets)} in {data} hold no images")
    wanted = 3 * most
    if len(every) <= wanted:
        return every
    return [every[index] for index in np.linspace(0, len(every) - 1, wanted).round().astype(int).tolist()]

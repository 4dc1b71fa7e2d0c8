"""The packaged strangers of one model: embeddings to hold against a site's people, and where they come from.

In: a folder and a model_id, or embeddings to write down.  Out: a `Reference`.
Does not know: pictures; how strangers are scored.
Main choice: numbers only, in half precision and below 2 MB, so that the reference travels with the weights and
holds nobody's picture.  Trade-off: about 2,700 strangers are too few to see one in 1,000 ten times.  A damaged
file is an error, never a smaller reference: a wrong one makes a wrong threshold.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attendance.errors import Phrase, UserError

MAX_BYTES = 2_000_000
_ANEW = Phrase("make it again with: python manage.py weights impostors")
# Half precision moves a unit vector's length by about 0.0003.
_TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class Source:
    """`count` strangers from one set; `words`: what it is and why it may be used."""

    name: str
    words: str
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """`vectors` [K,D] float32 of unit length, one a stranger, in the order of `sources`.  ValueError otherwise.

    `flip`: each is the mean of a face and its mirror image, as `models.flip` makes them.
    """

    model_id: str
    vectors: NDArray[np.float32]
    sources: tuple[Source, ...]
    flip: bool = True

    def __post_init__(self) -> None:
        if not self.model_id:
            raise ValueError("it names no model")
        if self.vectors.ndim != 2 or not len(self.vectors) or self.vectors.shape[1] < 2:
            raise ValueError(f"its embeddings are {self.vectors.shape} and not [strangers, numbers]")
        if not np.isfinite(self.vectors).all():
            raise ValueError("some of its numbers are not numbers")
        if not (np.abs(np.linalg.norm(self.vectors, axis=1) - 1) < _TOLERANCE).all():
            raise ValueError("some of its embeddings are not of length 1")
        if any(one.count < 0 for one in self.sources) or sum(one.count for one in self.sources) != len(self.vectors):
            raise ValueError("its sources do not add up to its embeddings")

    @property
    def words(self) -> str:
        """ "2,600 machine-made faces" and the like, set by set."""
        return "; ".join(f"{one.count:,} {one.words}" for one in self.sources)


def file_of(folder: Path, model_id: str) -> Path:
    return folder / f"{model_id}.impostors.npz"


def load(folder: Path, model_id: str) -> Reference | None:
    """Return the model's reference, None if there is none; UserError if it is damaged or another model's."""
    path = file_of(folder, model_id)
    try:
        with path.open("rb") as file:
            values = _read(file.read(MAX_BYTES + 1))
        vectors = values["vectors"].astype(np.float32)
        sources = tuple(
            Source(str(name), str(words), int(count))
            for name, words, count in zip(values["names"], values["words"], values["counts"], strict=True)
        )
        reference = Reference(str(values["model_id"]), vectors, sources, bool(values["flip"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(
            "cannot read %(path)s: %(strerror)s; check the file's permissions", path=path, strerror=error.strerror
        ) from error
    except (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise UserError(
            "%(path)s is not a reference of strangers (%(error)s); %(anew)s", path=path, error=error, anew=_ANEW
        ) from error
    if reference.model_id != model_id:
        raise UserError(
            "%(path)s is the reference of %(other)s, not of %(model_id)s; %(anew)s",
            path=path,
            other=reference.model_id,
            model_id=model_id,
            anew=_ANEW,
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return replace(reference, vectors=vectors / lengths)


def save(reference: Reference, folder: Path) -> Path:
    """Write it, whole or not at all; UserError above MAX_BYTES."""
    path = file_of(folder, reference.model_id)
    part = path.with_suffix(".part")
    folder.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as file:
        np.savez(
            file,
            model_id=np.array(reference.model_id),
            flip=np.array(reference.flip),
            vectors=reference.vectors.astype(np.float16),
            names=np.array([one.name for one in reference.sources]),
            words=np.array([one.words for one in reference.sources]),
            counts=np.array([one.count for one in reference.sources], np.int64),
        )
    if (size := part.stat().st_size) > MAX_BYTES:
        part.unlink()
        raise UserError(
            "%(count)s strangers make %(size)s bytes, %(most)s are allowed: take fewer",
            count=len(reference.vectors),
            size=f"{size:,}",
            most=f"{MAX_BYTES:,}",
        )
    part.replace(path)
    return path


def _read(data: bytes) -> dict[str, NDArray[np.generic]]:
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES:,} bytes")
    stored = io.BytesIO(data)
    with zipfile.ZipFile(stored) as archive:
        # Packed, a small file may claim to unfold into gigabytes; ours are not packed.
        if sum(one.file_size for one in archive.infolist()) > MAX_BYTES:
            raise ValueError("it unfolds into more than it may")
    stored.seek(0)
    with np.load(stored, allow_pickle=False) as values:
        return {name: values[name] for name in ("model_id", "vectors", "flip", "names", "words", "counts")}

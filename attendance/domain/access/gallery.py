"""Everybody who can be recognised, as one matrix.

In: the templates of the enrolled people, all of one model, and a version.  Out: ranked candidates,
one a person.
Does not know: thresholds, names, databases.
Main choice: exact search in an immutable matrix, replaced whole when anything changes; no index to
go stale and no lock.  Trade-off: one matrix product a face, about half a millisecond for 10,000 templates; very large
galleries search in whole numbers first (`CoarseRows`), with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from attendance.domain.access.scoring import BEST_PHOTO, Scoring
from attendance.domain.faces import Template

_ROWS = 512  # rows a step: with 10,000 templates a step's scores are 20 MB

# The dot products int32 [M] of the rows that it was made of with an int8 face [D] of values from -127 to 127.
Product: TypeAlias = Callable[[NDArray[np.int8]], NDArray[np.int32]]
# Makes the product of int8 rows [M,D] of values from -63 to 63.
MakeProduct: TypeAlias = Callable[[NDArray[np.int8]], Product]

# From so many rows on, reading a quarter of the bytes is worth the second step.
WORTH_IT = 16_384
# Of 7 bits: the sum of two products of such a row with a byte fits into 16 bits, where many processors add them.
_ROW_LEVELS, _FACE_LEVELS = 63, 127
_STEP = 8_192  # rows rounded at once, so that building needs little memory


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person and the score of the probe with that person: the highest cosine with one of the gallery's rows."""

    person_id: int
    score: float


class Gallery:
    """Immutable; safe to share between threads.

    `person_ids` [M] and `templates` (M of them, or a float32 matrix [M,D] of unit rows) belong
    together row by row; a person may have several rows.  Raises ValueError for lengths that
    differ, a row without unit norm, or a template of another model: nothing is left out silently,
    because a person who is missing here is refused without anybody knowing why.
    `look_alikes`: pairs of people who are known to look alike, in any order; pairs of other people do no harm.
    `scoring`: how a face is compared with a person; every score of this gallery follows it.
    `make_product`: multiplies bytes, for the first step of `search` where there are `worth_it` rows or more.
    """

    __slots__ = (
        "_alike",
        "_coarse",
        "_matrix",
        "_model_id",
        "_people",
        "_scoring",
        "_starts",
        "_templates",
        "_version",
    )

    def __init__(
        self,
        person_ids: Sequence[int] | NDArray[np.int64],
        templates: Sequence[Template] | NDArray[np.float32],
        model_id: str,
        version: int,
        look_alikes: Iterable[tuple[int, int]] = (),
        scoring: Scoring = BEST_PHOTO,
        make_product: MakeProduct | None = None,
        worth_it: int = WORTH_IT,
    ) -> None:
        if not model_id:
            raise ValueError("a gallery names its model")
        matrix = templates if isinstance(templates, np.ndarray) else _stack(templates, model_id)
        if len(person_ids) != len(matrix):
            raise ValueError(f"{len(person_ids)} person ids for {len(matrix)} templates")
        owners = np.asarray(person_ids, dtype=np.int64)
        _require_unit_rows(matrix)
        order = np.argsort(owners, kind="stable")
        # One person's rows are neighbours, so that the best of each person is one reduceat.
        rows, owners = scoring.people(matrix[order], owners[order])
        self._matrix = np.ascontiguousarray(rows, dtype=np.float32)
        self._matrix.setflags(write=False)
        self._people, self._starts = np.unique(owners, return_index=True)
        self._coarse = None
        if make_product is not None and len(rows) >= max(worth_it, 1):
            self._coarse = CoarseRows(self._matrix, make_product)
        self._scoring, self._templates = scoring, len(matrix)
        self._model_id = model_id
        self._version = version
        place = {int(person_id): index for index, person_id in enumerate(self._people)}
        alike: dict[int, set[int]] = {}
        for first, second in look_alikes:
            if first in place and second in place and first != second:
                alike.setdefault(first, set()).add(place[second])
                alike.setdefault(second, set()).add(place[first])
        self._alike = {person_id: np.array(sorted(places)) for person_id, places in alike.items()}

    @property
    def model_id(self) -> str:
        return self._model_id

    @property
    def version(self) -> int:
        """Return the database's count of changes at which this was read."""
        return self._version

    @property
    def size(self) -> int:
        """Return the number of people."""
        return len(self._people)

    @property
    def person_ids(self) -> tuple[int, ...]:
        """Return them in the order of `person_scores`' columns."""
        return tuple(int(person_id) for person_id in self._people)

    def __len__(self) -> int:
        """Return the number of templates, however they are compared."""
        return self._templates

    @property
    def scoring(self) -> Scoring:
        return self._scoring

    def search(self, template: Template, limit: int = 5) -> tuple[Candidate, ...]:
        """Return the `limit` nearest people, best first, equal scores by person id; () if nobody is enrolled.

        Raises ValueError for a template of another model or length, and for a limit below 1.
        """
        if template.model_id != self._model_id:
            raise ValueError(f"a template of {template.model_id} in a gallery of {self._model_id}")
        if limit < 1:
            raise ValueError("a search asks for at least one person")
        if not self.size:
            return ()
        if len(template.vector) != self._matrix.shape[1]:
            raise ValueError(f"a template of {len(template.vector)} numbers in a gallery of {self._matrix.shape[1]}")
        people, best = self._best_of(self._face(template), limit)
        near = np.arange(len(best))
        if len(best) > limit:  # everybody at least as good as the last place, so that ties are ranked by id
            near = np.flatnonzero(best >= np.partition(best, len(best) - limit)[len(best) - limit])
        ranked = near[np.lexsort((people[near], -best[near]))][:limit]
        return tuple(Candidate(int(people[index]), float(best[index])) for index in ranked)

    def _best_of(self, face: NDArray[np.float32], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return people, the `limit` nearest among them, and each one's best score with this unit row [D]."""
        if self._coarse is None or self.size <= limit:
            return self._people, np.maximum.reduceat(self._matrix @ face, self._starts)
        rows = self._coarse.near(face, self._starts, limit)
        places = np.searchsorted(self._starts, rows, side="right") - 1
        first = np.flatnonzero(np.diff(places, prepend=-1))  # a person's rows are neighbours
        return self._people[places[first]], np.maximum.reduceat(self._matrix[rows] @ face, first)

    def person_scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return [S,P], the score of each unit row [S,D] with each person, as in `search`; [S,0] without people.

        Raises ValueError for rows of another length.
        """
        if not self.size:
            return np.empty((len(vectors), 0), np.float32)
        if vectors.ndim != 2 or vectors.shape[1] != self._matrix.shape[1]:
            raise ValueError(f"rows [S,{self._matrix.shape[1]}] are wanted, not {vectors.shape}")
        vectors = self._scoring.faces(vectors)
        scores = np.empty((len(vectors), self.size), np.float32)
        for start in range(0, len(vectors), _ROWS):
            part = vectors[start : start + _ROWS] @ self._matrix.T
            scores[start : start + _ROWS] = np.maximum.reduceat(part, self._starts, axis=1)
        return scores

    def _face(self, template: Template) -> NDArray[np.float32]:
        face: NDArray[np.float32] = self._scoring.faces(template.vector[None])[0]
        return face

    def look_alike_of(self, person_id: int, template: Template) -> Candidate | None:
        """Return the nearest of the people who are known to look like this person; None if there are none."""
        if person_id not in self._alike:
            return None
        ends, face = np.append(self._starts[1:], len(self._matrix)), self._face(template)
        scores = {
            int(place): float((self._matrix[self._starts[place] : ends[place]] @ face).max())
            for place in self._alike[person_id]
        }
        nearest = max(scores, key=lambda place: scores[place])
        return Candidate(int(self._people[nearest]), scores[nearest])


def _stack(templates: Sequence[Template], model_id: str) -> NDArray[np.float32]:
    for template in templates:
        if template.model_id != model_id:
            raise ValueError(f"a template of {template.model_id} in a gallery of {model_id}")
    if not templates:
        return np.empty((0, 0), dtype=np.float32)
    return np.stack([template.vector for template in templates])


def _require_unit_rows(matrix: NDArray[np.float32]) -> None:
    if matrix.ndim != 2:
        raise ValueError(f"templates are [M,D], not {matrix.shape}")
    if len(matrix) and not (np.abs(np.sqrt(np.einsum("md,md->m", matrix, matrix)) - 1) < 1e-3).all():  # NaN fails too
        raise ValueError("a template has unit norm")


class CoarseRows:
    """The first step of a search among very many rows: in whole numbers, with a bound that loses nobody.

    Rows are rounded to 7 bits and a face to 8, a quarter of the bytes to read.  By how much rounding can change a score
    follows from the rounding errors' lengths (Cauchy and Schwarz), so every row that could reach the last place is
    compared anew in float32, and the result is that of comparing all.  Trade-off: a second copy of the gallery, a
    quarter as large.  Immutable; safe to share between threads if the product is.
    """

    __slots__ = ("_error", "_product", "_scales")

    def __init__(self, matrix: NDArray[np.float32], make: MakeProduct) -> None:
        """`matrix` [M,D]: unit rows, at least one."""
        rounded = np.empty(matrix.shape, np.int8)
        self._scales = np.empty(len(matrix), np.float32)
        self._error = 0.0
        for start in range(0, len(matrix), _STEP):
            part = matrix[start : start + _STEP]
            whole, scales = _rounded(part, _ROW_LEVELS)
            rounded[start : start + _STEP], self._scales[start : start + _STEP] = whole, scales
            errors = np.linalg.norm(part - whole * scales[:, None], axis=1)
            self._error = max(self._error, float(errors.max()))
        self._product = make(rounded)

    def near(self, face: NDArray[np.float32], starts: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
        """Return the rows, ascending, that can be the best row of one of the `limit` nearest people, ties included.

        `face` [D]: a unit row.  `starts` [P]: each person's first row; there are at least `limit` people.
        """
        whole, scale = _rounded(face[None], _FACE_LEVELS)
        rough = self._product(whole[0]) * (self._scales * scale[0])
        lost = float(np.linalg.norm(face - whole[0] * scale[0]))
        # |p·x - p'·x'| <= |p||x - x'| + |p - p'||x'|, where |x'| <= 1 + |x - x'|; and float32's own rounding.
        error = self._error + lost * (1 + self._error) + 1e-5
        people = rough if len(starts) == len(rough) else np.maximum.reduceat(rough, starts)
        last = np.partition(people, len(people) - limit)[len(people) - limit]
        return np.flatnonzero(rough >= last - 2 * error)


def _rounded(rows: NDArray[np.float32], levels: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return whole numbers [N,D] from -levels to levels, and what each row's are multiples of [N]."""
    scales = np.abs(rows).max(axis=1) / np.float32(levels)
    scales = np.maximum(scales, np.float32(1e-12))
    return np.rint(rows / scales[:, None]).astype(np.int8), scales

"""Embeddings that were kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attendance.evaluation.recogniser import embedding_cache


def test_kept_embeddings_that_are_broken_are_made_again(here: Path) -> None:
    class Counting:
        """Embeddings of one recogniser that remember what they were asked for."""

        def __init__(self) -> None:
            self.asked: list[Path] = []

        def vectors(self, name: str, paths: list[Path]) -> np.ndarray:
            self.asked += paths
            return np.array([[float(path.name)] for path in paths], np.float32)

    paths = [Path(str(number)) for number in range(5)]
    keep, embeddings = here / "keep", Counting()
    first = embedding_cache.cached_embeddings(embeddings, ["a"], paths[:3], keep, "k")["a"]  # type: ignore[arg-type]
    assert first.ravel().tolist() == [0, 1, 2]
    second = embedding_cache.cached_embeddings(embeddings, ["a"], paths[::-1], keep, "k")["a"]  # type: ignore[arg-type]
    assert second.ravel().tolist() == [4, 3, 2, 1, 0]
    assert embeddings.asked == [*paths[:3], paths[4], paths[3]]
    (file,) = keep.iterdir()
    file.write_bytes(b"PK")
    embedding_cache.cached_embeddings(embeddings, ["a"], paths[:1], keep, "k")  # type: ignore[arg-type]
    assert embeddings.asked[-1] == paths[0]
    embedding_cache.cached_embeddings(embeddings, ["a"], paths[:1], keep, "other")  # type: ignore[arg-type]
    assert len(list(keep.iterdir())) == 2

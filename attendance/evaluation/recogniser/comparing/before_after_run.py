"""Body of `manage.py evaluate before-after`: the pictures of a site under each of several weights, and the tables.

In: a folder with `nuaa` or of people with sessions, files of weights with their cards.  Out: Markdown on standard
output and in a file, JSON beside it.
Does not know: how a site is measured (`before_after`, `site`).
Main choice: vectors are kept in a folder under the sha256 of the networks, so that a second run computes nothing.
Trade-off: each recogniser is read with the detector that lies beside it, under the settings' name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attendance.config import Settings
from attendance.domain.access.scoring import Vectors
from attendance.errors import UserError
from attendance.evaluation.recogniser.comparing import before_after
from attendance.evaluation.recogniser.embedding import embeddings_for
from attendance.evaluation.recogniser.embedding_cache import cache_key, cached_embeddings
from attendance.evaluation.recogniser.site_run import folder_people, nuaa_people, visitor_of
from attendance.vision.serving import cards_for


def with_weights(settings: Settings, file: Path) -> Settings:
    """Return settings that use this recogniser; raise UserError if there is no card beside the file."""
    if not file.with_suffix(".json").is_file():
        raise UserError(f"--weights {file}: there is no card {file.with_suffix('.json')} beside it")
    chosen = settings.models.model_copy(update={"weights_dir": file.parent, "recogniser": file.stem})
    return settings.model_copy(update={"models": chosen})


def reference_of(folder: Path, model_id: str) -> Vectors | None:
    """Return the packaged strangers [K,D], unit rows; None if these weights have none."""
    path = folder / f"{model_id}.impostors.npz"
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        vectors = stored["vectors"].astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def evaluate_before_after(
    settings: Settings,
    data: Path | None = None,
    folders: Path | None = None,
    weights: Sequence[Path] = (),
    fpir: float = 0.01,
    keep: Path | None = None,
    out: Path | None = None,
) -> None:
    """Measure each choice under each of the weights (default: the settings'), and the stated risk."""
    if data is not None and not (data / "nuaa" / "ClientRaw").is_dir():
        raise UserError(f"there is no folder {data / 'nuaa' / 'ClientRaw'}; measure your own pictures with --folders")
    people = nuaa_people(data) if data is not None else folder_people(folders) if folders is not None else []
    paths = [path for person in people for path in (*person.photos, *person.looks)]
    result: dict[str, Any] = {"people": len(people), "pictures": len(paths), "fpir": fpir, "networks": {}}
    for used in [with_weights(settings, file) for file in weights] or [settings]:
        embeddings, (ours,) = embeddings_for(used)
        if ours.name in result["networks"]:
            raise UserError(f"--weights: two of them are called {ours.name}")
        key = cache_key(cards_for(used), used)
        vectors = cached_embeddings(embeddings, [ours.name], paths, keep, key)[ours.name]
        found = dict(zip(paths, vectors, strict=True))
        visitors = [visitor_of(person, found) for person in people]
        try:
            result["networks"][ours.name] = before_after.choices(visitors, fpir)
        except ValueError as error:
            raise UserError(f"this folder cannot be measured: {error}; give PERSON/SESSION/image") from error
        reference = reference_of(used.models.weights, ours.name)
        if reference is not None:
            result["networks"][ours.name]["stated"] = before_after.stated(visitors, reference, ours.name)
    text = before_after.tables(result)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        out.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(text)

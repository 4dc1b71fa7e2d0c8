"""The recogniser's protocols: how well people are distinguished, end to end.

In: `ImageEmbeddings` (our detector, our alignment, one or several recognisers) and a data folder.  Out: by
recogniser, numbers with counts and intervals, and the scores behind them for the plots.
Does not know: networks, files for the results.
Main choice: every recogniser sees the same faces of the same detections in one run, so that only the
recognisers differ.  A face that is not detected is an error of the whole; strangers and impostors without a
detected face are left out and not counted as refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.evaluation.recogniser import error_vs_reject, identification, pair_rates
from attendance.evaluation.recogniser.degrade import DEGRADATIONS
from attendance.evaluation.recogniser.embedding import CANDIDATES, CLEAN, EmbeddedFace, ImageEmbeddings
from attendance.evaluation.recogniser.pair_rates import Floats, Pairs
from attendance.training import protocol

FOLDS = 10
IMPOSTORS = 1_000_000
IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
OWN = "own detector and alignment, a face not found is an error"


@dataclass
class Measurements:
    """What was measured.

    `numbers`: recogniser → section → values.  For plots, by section and recogniser: `scores` (genuine,
    impostor) and `searches` (enrolled people's, -1 if another is ranked first; strangers').
    """

    numbers: dict[str, dict[str, Any]]
    scores: dict[str, dict[str, tuple[Floats, Floats]]] = field(default_factory=dict)
    searches: dict[str, dict[str, tuple[Floats, Floats]]] = field(default_factory=dict)

    def add(self, section: str, name: str, values: Any, scores: tuple[Pairs, Pairs] | None = None) -> None:
        """Add one section of a recogniser, with the pairs behind it."""
        self.numbers[name][section] = values
        if scores is not None:
            genuine, impostor = (pairs.found.scores for pairs in scores)
            self.scores.setdefault(section, {})[name] = (genuine, impostor)

    def add_search(
        self,
        section: str,
        name: str,
        values: dict[str, Any],
        search: identification.Search,
        sizes: tuple[int, ...],
        fpirs: tuple[float, ...],
    ) -> None:
        """Add the rows of an open-set identification."""
        whole = identification.outcome(search, np.arange(search.people))
        self.searches.setdefault(section, {})[name] = (
            np.where(np.isinf(whole.right), -1.0, whole.right),
            whole.wrong[~np.isnan(whole.wrong)],
        )
        self.add(section, name, values | {"rows": identification.open_set(search, sizes, fpirs)})


def lfw_pairs(source: Path) -> list[tuple[str, str, bool]]:
    """Read LFW view 2's `pairs.txt` as (path, path, same person), in its order of folds."""

    def path(name: str, number: str) -> str:
        return f"lfw/{name}/{name}_{int(number):04d}.jpg"

    pairs = []
    for line in source.read_text().splitlines()[1:]:
        parts = line.split()
        if len(parts) == 3:
            pairs.append((path(parts[0], parts[1]), path(parts[0], parts[2]), True))
        elif len(parts) == 4:
            pairs.append((path(parts[0], parts[1]), path(parts[2], parts[3]), False))
    if not pairs:
        raise UserError(f"{source} holds no pairs: it must be LFW's pairs.txt")
    return pairs


def view_two(scores: Floats, same: NDArray[np.bool_]) -> dict[str, Any]:
    """Measure ten folds in order; each tenth's threshold comes from the other nine.  NaN (no face) is an error."""
    there = ~np.isnan(scores)
    fold = np.arange(len(scores)) * FOLDS // len(scores)
    grid = np.unique(scores[there])
    accuracies = []
    for number in range(FOLDS):
        test = fold == number
        if not test.any():
            continue
        learn = ~test & there
        genuine, impostor = np.sort(scores[learn & same]), np.sort(scores[learn & ~same])
        accepted = len(genuine) - np.searchsorted(genuine, grid)
        threshold = float(grid[int(np.argmax(accepted + np.searchsorted(impostor, grid)))]) if len(grid) else 0.0
        accuracies.append(float((there & ((scores >= threshold) == same))[test].mean()))
    return {
        "pairs": len(scores),
        "pairs_without_both_faces": int((~there).sum()),
        "accuracy": round(float(np.mean(accuracies)), 5),
        "standard_error": round(float(np.std(accuracies, ddof=1)) / len(accuracies) ** 0.5, 5),
    }


def lfw_verification(
    embeddings: ImageEmbeddings, names: Sequence[str], data: Path, limit: int | None, into: Measurements
) -> None:
    """Measure LFW's view 2, and TAR at FAR over its pairs."""
    pairs = lfw_pairs(data / "lfw_pairs" / "_" / "pairs.txt")
    if limit and limit < len(pairs):  # evenly, so that both kinds and all folds occur
        pairs = [pairs[i] for i in np.linspace(0, len(pairs) - 1, limit).astype(int)]
    paths = sorted({path for a, b, _ in pairs for path in (a, b)})
    row = {path: i for i, path in enumerate(paths)}
    a, b = (np.array([row[path] for path in side]) for side in ([p[0] for p in pairs], [p[1] for p in pairs]))
    same = np.array([pair[2] for pair in pairs])
    labels = np.unique([path.split("/")[1] for path in paths], return_inverse=True)[1].astype(np.int64)
    for name in names:
        vectors = embeddings.vectors(name, [data / path for path in paths])
        found = pair_rates.pairs_between(vectors, labels, a, b)
        kinds = tuple(Pairs(found.scores[k], found.first[k], found.second[k]) for k in (same, ~same))
        values = {"protocol": f"view 2, {FOLDS} folds; {OWN}"} | view_two(found.scores, same)
        values |= rates(kinds[0], kinds[1], (1e-2, 1e-3), int(labels.max()) + 1)
        into.add("lfw", name, values, (kinds[0], kinds[1]))


def rates(genuine: Pairs, impostor: Pairs, fars: tuple[float, ...], people: int) -> dict[str, Any]:
    """Return TAR at FAR; {} if there is nothing to compare."""
    if not len(genuine) or not len(impostor.found):
        return {}
    return pair_rates.tar_at_far(genuine, impostor, fars, people)


def lfw_open_set(
    embeddings: ImageEmbeddings, names: Sequence[str], data: Path, limit: int | None, into: Measurements
) -> None:
    """Enrol photograph 1 of people with several and search photograph 2; people with one are strangers."""
    folders = sorted(folder for folder in (data / "lfw").iterdir() if folder.is_dir())
    known = [folder for folder in folders if (folder / f"{folder.name}_0002.jpg").is_file()]
    strangers = [folder for folder in folders if folder not in set(known)]
    known, strangers = _evenly(known, limit), _evenly(strangers, limit)
    if not known or not strangers:
        return
    enrolled = [folder / f"{folder.name}_0001.jpg" for folder in known]
    probes = [folder / f"{folder.name}_0002.jpg" for folder in known]
    probes += [folder / f"{folder.name}_0001.jpg" for folder in strangers]
    owner = np.array([folder.name for folder in (*known, *strangers)])
    sizes = tuple(size for size in (100, 500, 1000) if size <= len(known)) or (len(known),)
    for name in names:
        found = identification.search(
            embeddings.vectors(name, enrolled), owner[: len(known)], embeddings.vectors(name, probes), owner
        )
        values = {"protocol": f"one photograph enrolled, one looked for, strangers have a single one; {OWN}"}
        into.add_search("lfw_open_set", name, values, found, sizes, (0.01, 0.003))


def _evenly(items: list[Path], limit: int | None) -> list[Path]:
    if not limit or limit >= len(items):
        return items
    return [items[i] for i in np.linspace(0, len(items) - 1, limit).astype(int)]


def measured_people(data: Path, limit: int | None) -> dict[Path, str]:
    """Return path → person of the CelebA crops kept for measuring, in the order of the people, up to the limit."""
    source = data / "labels" / "celeba_crops.npz"
    if not source.exists():
        return {}
    celeba = protocol.celeba_identities(data)
    people: dict[Path, str] = {}
    with np.load(source) as stored:
        listed = stored["path"]
    for raw in listed:
        path = raw.decode()
        identity = protocol.identity_of("celeba_crops", path, celeba)
        if identity and protocol.is_measured("celeba_crops", path, identity):
            people[data / path] = identity
    ordered = sorted(people.items(), key=lambda item: (item[1], item[0]))
    return dict(ordered[: limit or None])


def folders_of(root: Path) -> dict[Path, str]:
    """Return path → person of a folder with a folder of images for each person."""
    people = {
        path: folder.name
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in IMAGES
    }
    if len(set(people.values())) < 2:
        raise UserError(f"{root} must hold a folder of images for each person, and at least two people")
    return people


def all_pairs(
    embeddings: ImageEmbeddings,
    names: Sequence[str],
    people: dict[Path, str],
    fars: tuple[float, ...],
    section: str,
    into: Measurements,
) -> None:
    """Measure all genuine pairs against up to a million impostor pairs."""
    paths = list(people)
    labels = np.unique([people[path] for path in paths], return_inverse=True)[1].astype(np.int64)
    a, b, c, d = pair_rates.of_people(labels, IMPOSTORS)
    if not len(a):
        raise UserError("no person has two images, so there are no genuine pairs; add images")
    for name in names:
        vectors = embeddings.vectors(name, paths)
        genuine, impostor = (pair_rates.pairs_between(vectors, labels, *rows) for rows in ((a, b), (c, d)))
        values = {
            "protocol": f"all genuine pairs, {len(c):,} impostor pairs; {OWN}",
            "people": int(labels.max()) + 1,
            "images": len(paths),
            "images_without_a_face": int(np.isnan(vectors[:, 0]).sum()),
        }
        values |= rates(genuine, impostor, fars, int(labels.max()) + 1)
        into.add(section, name, values, (genuine, impostor))


def folders_open_set(
    embeddings: ImageEmbeddings, names: Sequence[str], people: dict[Path, str], into: Measurements
) -> None:
    """Enrol the first image of each person and search the others.

    Strangers are the people with a single image; if these are fewer than 30, also every other person.
    """
    paths: dict[str, list[Path]] = {}
    for path, person in people.items():
        paths.setdefault(person, []).append(path)
    strangers = {person for person, images in paths.items() if len(images) == 1}
    if len(strangers) < 30:
        strangers |= set(sorted(set(paths) - strangers)[1::2])
    known = [person for person in sorted(paths) if person not in strangers]
    if not known or not strangers:
        return
    probes = [(path, person) for person in known for path in paths[person][1:]]
    probes += [(path, person) for person in sorted(strangers) for path in paths[person]]
    sizes = tuple({size for size in (10, 100, 1000) if size < len(known)} | {len(known)})
    for name in names:
        found = identification.search(
            embeddings.vectors(name, [paths[person][0] for person in known]),
            np.array(known),
            embeddings.vectors(name, [path for path, _ in probes]),
            np.array([person for _, person in probes]),
        )
        if not np.isfinite(found.scores[found.person < 0]).any():
            continue
        values = {"protocol": f"first image enrolled, the others looked for; {OWN}"}
        into.add_search("folders_open_set", name, values, found, sizes, (0.01, 0.001))


def spread(people: dict[Path, str], count: int) -> list[Path]:
    """Return `count` images: each person's first before anyone's second."""
    turn: dict[str, int] = {}
    ranked = []
    for path, person in people.items():
        ranked.append((turn.setdefault(person, 0), path))
        turn[person] += 1
    ranked.sort(key=lambda pair: pair[0])
    return [path for _, path in ranked[:count]]


def degraded(
    embeddings: ImageEmbeddings,
    names: Sequence[str],
    people: dict[Path, str],
    count: int,
    into: Measurements,
    fars: tuple[float, ...] = (1e-3, 1e-4),
) -> None:
    """Compare `count` degraded photographs with good ones: TAR at FAR by condition, and what predicts errors."""
    paths, probes = list(people), spread(people, count)
    names_of_people, labels = np.unique([people[path] for path in paths], return_inverse=True)
    labels = labels.astype(np.int64)
    row = {path: i for i, path in enumerate(paths)}
    rows = np.array([row[path] for path in probes])
    same = labels[rows][:, None] == labels[None]
    other = rows[:, None] != np.arange(len(paths))[None]
    for name in names:
        enrolled = embeddings.vectors(name, paths)
        table: dict[str, Any] = {}
        pooled: list[tuple[Floats, NDArray[np.int64], list[EmbeddedFace | None]]] = []
        for condition in (CLEAN, *DEGRADATIONS):
            faces = embeddings.faces(probes, condition)
            scores = (embeddings.vectors(name, probes, condition) @ enrolled.T).astype(np.float64)
            kinds = [
                Pairs(scores[k], labels[rows][k.nonzero()[0]], labels[k.nonzero()[1]]) for k in (same & other, ~same)
            ]
            table[condition] = {"images_without_a_face": sum(face is None for face in faces)}
            table[condition] |= rates(kinds[0], kinds[1], fars, len(names_of_people))
            pooled.append((kinds[0].scores, (same & other).nonzero()[0], faces))
        values = {"protocol": f"{count} probes made worse, against all good photographs; {OWN}", "conditions": table}
        into.add("degraded", name, values)
        threshold = table[CLEAN].get(f"tar_at_far_{fars[0]:g}", {}).get("threshold")
        if embeddings.quality and threshold is not None:
            into.add("quality", name, _quality(name, pooled, threshold))


def _quality(
    name: str, pooled: list[tuple[Floats, NDArray[np.int64], list[EmbeddedFace | None]]], threshold: float
) -> dict[str, Any]:
    """Measure error versus reject at the clean threshold, by candidate: on good photographs and on all conditions."""
    result: dict[str, Any] = {"threshold": threshold}
    for title, parts in (("clean", pooled[:1]), ("all_conditions", pooled)):
        scores = np.concatenate([part[0] for part in parts])
        qualities = {}
        for label in CANDIDATES:
            columns = [
                np.array([np.nan if face is None else face.quality(label, name) for face in faces])[rows]
                for _, rows, faces in parts
            ]
            whole = np.concatenate(columns)
            if not np.isnan(whole).all():
                qualities[label] = whole
        result[title] = error_vs_reject.report(scores, qualities, threshold)
    return result

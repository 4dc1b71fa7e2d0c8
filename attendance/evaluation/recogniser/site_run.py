"""Body of `manage.py evaluate site`: which picture belongs to which session, and the table.

In: a folder with `nuaa`, or any folder PERSON/SESSION/image.  Out: numbers on standard output and as JSON, a plot.
Does not know: how a site is measured (`site`), how faces are embedded (`embedding`).
Main choice: a picture of the same session is not a second visit.  A person with a single session is enrolled from its
first third and comes as a stranger from its second half, and does not count as known.  Trade-off: on `nuaa` six of
fifteen people count as known, so each part has a second table in which all count: easier, but with more people.

Of `nuaa` only the live pictures are read; people 0001 to 0008 are for choosing, the others for reporting.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from attendance.config import Settings
from attendance.domain.access.scoring import Vectors
from attendance.errors import UserError
from attendance.evaluation.recogniser import site
from attendance.evaluation.recogniser.comparing import growing, two_centres
from attendance.evaluation.recogniser.embedding import ImageEmbeddings, embeddings_for
from attendance.evaluation.recogniser.embedding_cache import cache_key, cached_embeddings
from attendance.evaluation.recogniser.protocols import IMAGES, OWN
from attendance.evaluation.recogniser.site import Visitor
from attendance.vision.serving import cards_for

BETWEEN = 12  # looks of the time between enrolment and visit, of which some may grow
PHOTOS, LOOKS = 3, 60  # at most, for each person; looks are spread evenly over the other sessions
CHOOSING = 8  # nuaa people up to this number are for choosing
_NUAA = re.compile(r"(?P<person>\d+)_(?P<glasses>\d+)_(?P<place>\d+)_(?P<session>\d+)_(?P<number>\d+)$")


@dataclass(frozen=True)
class Pictures:
    """Pictures of one person: enrolled from `photos`, met on `looks`; `elsewhere`: in another session."""

    name: str
    photos: list[Path]
    looks: list[Path]
    elsewhere: bool
    between: Sequence[Path] = ()


def spread(paths: Sequence[Path], many: int) -> list[Path]:
    """Return at most `many` paths at even distances, in order."""
    if len(paths) <= many:
        return list(paths)
    places = ((np.arange(many) + 0.5) * len(paths) / many).astype(int)
    return [paths[int(i)] for i in places]


def of_sessions(name: str, sessions: Sequence[Sequence[Path]]) -> Pictures:
    """Enrol in the first session and meet in the others; with a single session, at its two ends."""
    later = [path for session in sessions[1:] for path in session]
    if later:
        return Pictures(name, spread(sessions[0], PHOTOS), spread(later, LOOKS), True)
    only = list(sessions[0])
    first = only[: max(1, len(only) // 3)]
    return Pictures(name, spread(first, PHOTOS), spread(only[max(1, len(only) // 2) :], LOOKS), False)


def with_time_between(name: str, sessions: Sequence[Sequence[Path]]) -> Pictures:
    """Enrol in the first session, let templates grow in the next, and meet in the last.

    With two sessions the second is cut in half.  Who has a single one is enrolled in its first third, gains looks of
    its second half, and comes from there as the stranger, to a gallery that this person is not in.
    """
    first, last = list(sessions[0]), list(sessions[-1])
    if len(sessions) > 2:
        between = list(sessions[1])
    elif len(sessions) == 2:
        between, last = last[: len(last) // 2], last[len(last) // 2 :]
    else:
        first, last = first[: max(1, len(first) // 3)], first[max(1, len(first) // 2) :]
        between = last
    elsewhere = len(sessions) > 1
    return Pictures(name, spread(first, PHOTOS), spread(last, LOOKS), elsewhere, spread(between, BETWEEN))


def nuaa_people(data: Path) -> list[Pictures]:
    """Read the people of `nuaa_sessions`."""
    return [of_sessions(name, sessions) for name, sessions in nuaa_sessions(data)]


def nuaa_sessions(data: Path) -> list[tuple[str, list[list[Path]]]]:
    """Read `DATA/nuaa/ClientRaw/<person>/<person>_<glasses>_<place>_<session>_<number>.jpg`: each person's sessions."""
    people = []
    for folder in sorted(path for path in (data / "nuaa" / "ClientRaw").iterdir() if path.is_dir()):
        sessions: dict[tuple[str, str], list[tuple[int, Path]]] = {}
        for path in folder.iterdir():
            found = _NUAA.match(path.stem)
            if found and path.suffix.lower() in IMAGES:
                sessions.setdefault((found["session"], found["place"]), []).append((int(found["number"]), path))
        if sessions:
            ordered = [[path for _, path in sorted(sessions[key])] for key in sorted(sessions)]
            people.append((folder.name, ordered))
    return people


def folder_people(root: Path) -> list[Pictures]:
    """Read the people of `folder_sessions`."""
    return [of_sessions(name, sessions) for name, sessions in folder_sessions(root)]


def folder_sessions(root: Path) -> list[tuple[str, list[list[Path]]]]:
    """Read PERSON/SESSION/image, sessions in the order of their names; PERSON/image is one session."""
    people = []
    for person in sorted(path for path in root.iterdir() if path.is_dir()):
        places = [person, *sorted(path for path in person.iterdir() if path.is_dir())]
        sessions = [sorted(p for p in place.iterdir() if p.suffix.lower() in IMAGES) for place in places]
        sessions = [session for session in sessions if session]
        if sum(map(len, sessions)) > 1:
            people.append((person.name, sessions))
    return people


def evaluate_site(
    settings: Settings,
    data: Path | None = None,
    folders: Path | None = None,
    peers: Sequence[Path] = (),
    fpir: float = 0.01,
    out: Path | None = None,
    plots: Path | None = None,
    grow: Sequence[int] = (),
    keep: Path | None = None,
    elsewhere: int | None = None,
) -> None:
    """Measure each recogniser: everybody, and of `nuaa` also the people for choosing and those for reporting.

    `grow`: measure templates that grow instead, so many a person.  `elsewhere`: measure one centre and two instead,
    with the photos as so many other cameras take them; of `nuaa` the people for choosing only.  `keep`: our own
    recogniser's vectors are kept here.
    """
    if data is not None and not (data / "nuaa" / "ClientRaw").is_dir():
        raise UserError(f"there is no folder {data / 'nuaa' / 'ClientRaw'}; measure your own pictures with --folders")
    sessions = nuaa_sessions(data) if data is not None else folder_sessions(folders) if folders is not None else []
    if elsewhere and data is not None:
        sessions = [one for one in sessions if int(one[0]) <= CHOOSING]
    people = [(with_time_between if grow else of_sessions)(name, inside) for name, inside in sessions]
    embeddings, embedders = embeddings_for(settings, peers)
    result: dict[str, Any] = {"protocol": _protocol(people, data is not None, settings.models.flip), "networks": {}}
    for number, one in enumerate(embedders[:1] if elsewhere else embedders):
        found = _vectors(settings, embeddings, one.name, people, keep if number == 0 else None)
        visitors = [visitor_of(person, found) for person in people]
        if elsewhere:
            result["networks"][one.name] = {"elsewhere": _elsewhere(settings, people, visitors, elsewhere, fpir)}
            sys.stderr.write(f"{one.name}\n\n{two_centres.table(result['networks'][one.name]['elsewhere'])}")
        elif grow:
            result["networks"][one.name] = {"growth": _growth(people, visitors, found, grow, fpir)}
            sys.stderr.write(f"{one.name}\n\n{growing.table(result['networks'][one.name]['growth'])}\n")
        else:
            result["networks"][one.name] = _parts(visitors, data is not None, fpir)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if plots is not None and not grow and not elsewhere:
        from attendance.evaluation.recogniser.site_plots import draw

        draw(result, plots)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def _vectors(
    settings: Settings, embeddings: ImageEmbeddings, name: str, people: Sequence[Pictures], keep: Path | None
) -> Mapping[Path, Vectors]:
    paths = [path for person in people for path in (*person.photos, *person.between, *person.looks)]
    key = "" if keep is None else cache_key(cards_for(settings), settings)
    return dict(zip(paths, cached_embeddings(embeddings, [name], paths, keep, key)[name], strict=True))


def _elsewhere(
    settings: Settings, people: Sequence[Pictures], visitors: Sequence[Visitor], cameras: int, fpir: float
) -> dict[str, list[dict[str, Any]]]:
    """Measure with the photos as they are, and as each camera takes them."""
    from attendance.evaluation.recogniser.comparing import other_camera

    paths = [path for person in people for path in person.photos]
    parts = {"photos as they are": list(visitors)}
    for camera, found in enumerate(other_camera.photo_vectors(settings, paths, cameras)):
        parts[f"photos by camera {camera}"] = [
            replace(visitor, photos=np.stack([found[path] for path in person.photos]))
            for person, visitor in zip(people, visitors, strict=True)
        ]
    try:
        return {name: two_centres.measure(inside, fpir) for name, inside in parts.items()}
    except ValueError as error:
        raise UserError(f"this folder cannot be measured: {error}; give PERSON/SESSION/image") from error


def _growth(
    people: Sequence[Pictures],
    visitors: Sequence[Visitor],
    found: Mapping[Path, Vectors],
    numbers: Sequence[int],
    fpir: float,
) -> list[dict[str, Any]]:
    """Measure templates that grow; a person without pictures of the time between gains none."""
    growers = [
        growing.Grower(
            visitor, np.array([found[path] for path in person.between]).reshape(-1, visitor.photos.shape[-1])
        )
        for person, visitor in zip(people, visitors, strict=True)
    ]
    try:
        return growing.measure(growers, numbers, fpir)
    except ValueError as error:
        raise UserError(f"this folder cannot be measured: {error}; give PERSON/SESSION/image") from error


def visitor_of(person: Pictures, found: Mapping[Path, Vectors]) -> Visitor:
    """Return the person with the vector of each picture."""
    photos, looks = (np.stack([found[path] for path in paths]) for paths in (person.photos, person.looks))
    return Visitor(person.name, photos, looks, person.elsewhere)


def _parts(visitors: Sequence[Visitor], numbered: bool, fpir: float) -> dict[str, Any]:
    """Measure each part as a small site by itself; `all` is the protocol's."""
    parts = {"all": list(visitors)}
    if numbered:
        parts["choosing"] = [v for v in visitors if int(v.name) <= CHOOSING]
        parts["reporting"] = [v for v in visitors if int(v.name) > CHOOSING]
    if not all(v.elsewhere for v in visitors):
        parts |= {f"{n}, same session too": [replace(v, elsewhere=True) for v in part] for n, part in parts.items()}
    seen = np.concatenate([~np.isnan(v.looks).any(1) for v in visitors])
    values: dict[str, Any] = {
        "looks": len(seen),
        "looks_without_a_face": int((~seen).sum()),
        "norm_of_the_mean_template": round(site.norm_of_mean(visitors), 3),
    }
    for name, inside in parts.items():
        try:
            values[name] = site.measure(inside, fpir)
        except ValueError as error:
            if name == "all":
                raise UserError(f"this folder cannot be measured: {error}; give PERSON/SESSION/image") from error
    return values


def _protocol(people: Sequence[Pictures], nuaa: bool, flip: bool) -> str:
    known = sum(person.elsewhere for person in people)
    return (
        f"{'nuaa, live pictures; ' if nuaa else ''}{len(people)} people, each left out once as the stranger, "
        f"{known} of them met in another session; {PHOTOS} photos enrolled, an attempt is "
        f"{site.LOOKS_AN_ATTEMPT} looks; mirror image {'on' if flip else 'off'}; {OWN}"
    )

"""The bodies of `manage.py evaluate recogniser|verification|identification`.

In: the options of the command line and the settings.  Out: numbers on standard output and as JSON, plots, a
PDF page, the weights' card.
Does not know: how anything is measured (`protocols`) or drawn (`plots`).
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attendance.config import Settings
from attendance.domain.calibration.error_rates import eer, fmr_at, fnmr_at
from attendance.errors import UserError
from attendance.evaluation.recogniser import identification, pair_rates, protocols
from attendance.evaluation.recogniser.embedding import embeddings_for
from attendance.evaluation.recogniser.pair_rates import Pairs
from attendance.evaluation.recogniser.protocols import Measurements
from attendance.files.csv_files import read_rows, read_text
from attendance.vision.serving import cards_for
from attendance.vision.weights import Card, save_card

CELEBA_FARS = (1e-3, 1e-4, 1e-5)
FOLDER_FARS = (1e-2, 1e-3, 1e-4)
# A threshold goes into a card only if so many impostor pairs lie above it.
BEHIND_A_THRESHOLD = 10


def evaluate_recogniser(
    settings: Settings,
    data: Path | None = None,
    folders: Path | None = None,
    peers: Sequence[Path] = (),
    degraded: int = 250,
    quality: bool = False,
    out: Path | None = None,
    plots: Path | None = None,
    pdf: Path | None = None,
    card: bool = False,
    set_threshold: float | None = None,
    limit: int | None = None,
) -> None:
    """Measure on LFW (view 2, open set), CelebA's kept people (also degraded), and any folder of people."""
    if limit and (card or set_threshold):
        raise UserError("--limit is for a quick look: leave it out where numbers go into the card")
    ours = cards_for(settings)[1]
    embeddings, embedders = embeddings_for(settings, peers, quality)
    names = [embedder.name for embedder in embedders]
    into = Measurements({embedder.name: {"input_size": embedder.size} for embedder in embedders})
    into.numbers[names[0]]["flip"] = settings.models.flip  # the peers see each face once
    if folders is not None:
        people = protocols.folders_of(folders)
        protocols.all_pairs(embeddings, names, people, FOLDER_FARS, "folders", into)
        protocols.folders_open_set(embeddings, names, people, into)
    if data is not None:
        if (data / "lfw_pairs" / "_" / "pairs.txt").is_file():
            protocols.lfw_verification(embeddings, names, data, limit, into)
        if (data / "lfw").is_dir():
            protocols.lfw_open_set(embeddings, names, data, limit, into)
        people = protocols.measured_people(data, limit)
        if people:
            embeddings.quality = quality
            fars = tuple(sorted({*CELEBA_FARS, *([set_threshold] if set_threshold else [])}, reverse=True))
            protocols.all_pairs(embeddings, names, people, fars, "celeba_measured", into)
            if degraded:
                protocols.degraded(embeddings, names, people, degraded, into)
    if all(set(values) <= {"input_size", "flip"} for values in into.numbers.values()):
        raise UserError(f"{data} holds neither lfw_pairs, lfw nor celeba_crops: see docs/your-own-networks.md")
    _hand_over(into, ours, "Recogniser", out, plots, pdf)
    if card or set_threshold:  # last, so that a threshold that cannot be set does not cost the numbers
        _write_card(settings, ours, into.numbers[names[0]], card, set_threshold)


def _write_card(settings: Settings, card: Card, numbers: dict[str, Any], metrics: bool, fmr: float | None) -> None:
    """Write metrics and default threshold into the card; keep its other operating points and sections."""
    if metrics:
        card = replace(card, metrics={**card.metrics, "model_id": card.model_id, **_without_curves(numbers)})
    if fmr is not None:
        if "celeba_measured" not in numbers:
            raise UserError("--set-threshold is measured on CelebA's people: --data holds no celeba_crops")
        card = replace(
            card, operating_points={**card.operating_points, **operating_point(numbers["celeba_measured"], fmr)}
        )
    save_card(card, settings.models.weights)


def operating_point(measured: dict[str, Any], fmr: float) -> dict[str, Any]:
    """Return `default_threshold`, rounded up, with its protocol; raise UserError if too few impostors support it."""
    rate = measured.get(f"tar_at_far_{fmr:g}")
    if rate is None or fmr * rate["impostor"] < BEHIND_A_THRESHOLD:
        count = rate["impostor"] if rate else 0
        raise UserError(
            f"--set-threshold {fmr:g} needs {math.ceil(BEHIND_A_THRESHOLD / fmr):,} impostor pairs, "
            f"but there are only {count:,}: choose a larger rate"
        )
    return {
        "default_threshold": math.ceil(round(rate["threshold"] * 1000, 6)) / 1000,
        "protocol": f"FMR {fmr:g} ({rate['threshold']}, rounded up) on {rate['impostor']:,} impostor pairs of "
        f"{measured['people']} CelebA people kept from training, own detector and alignment; "
        f"{rate['rate']:.1%} of {rate['genuine']:,} genuine pairs pass at it",
    }


def evaluate_verification(
    settings: Settings,
    pairs: Path,
    images: Path | None = None,
    out: Path | None = None,
    plots: Path | None = None,
    pdf: Path | None = None,
    limit: int | None = None,
) -> None:
    """Measure the pairs that a file lists: TAR at FAR, EER, and the error rates at the card's threshold."""
    listed = read_pairs(pairs, images or pairs.parent)[: limit or None]
    ours = cards_for(settings)[1]
    embeddings, embedders = embeddings_for(settings)
    name = embedders[0].name
    paths = sorted({path for a, b, _ in listed for path in (a, b)})
    row = {path: i for i, path in enumerate(paths)}
    vectors = embeddings.vectors(name, paths)
    labels = owners(paths)
    a, b = (np.array([row[path] for path in side]) for side in ([p[0] for p in listed], [p[1] for p in listed]))
    scored = pair_rates.pairs_between(vectors, labels, a, b)
    same = np.array([pair[2] for pair in listed])
    genuine, impostor = (Pairs(scored.scores[k], scored.first[k], scored.second[k]) for k in (same, ~same))
    values: dict[str, Any] = {
        "protocol": f"{pairs.name}; {protocols.OWN}",
        "pairs": len(listed),
        "pairs_without_both_faces": int(np.isnan(scored.scores).sum()),
    }
    values |= protocols.rates(genuine, impostor, FOLDER_FARS, int(labels.max()) + 1)
    if len(genuine.found) and len(impostor.found):
        rate, at = eer(genuine.found.scores, impostor.found.scores)
        values["equal_error_rate"] = {"rate": round(rate, 5), "threshold": round(at, 4)}
    threshold = ours.operating_points.get("default_threshold")
    if isinstance(threshold, float | int):
        values["at_default_threshold"] = _at(float(threshold), genuine, impostor)
    into = Measurements({name: {}})
    into.add("pairs", name, values, (genuine, impostor))
    _hand_over(into, ours, "Verification", out, plots, pdf)


def _at(threshold: float, genuine: Pairs, impostor: Pairs) -> dict[str, Any]:
    """Return both error rates with Wilson intervals over pairs; a genuine pair without both faces is an error."""
    refused = fnmr_at(np.where(np.isnan(genuine.scores), -9.0, genuine.scores), threshold)
    passed = fmr_at(impostor.found.scores, threshold)
    return {"threshold": threshold} | {
        key: {"count": rate.errors, "of": rate.trials, "interval95_pairs": [round(v, 5) for v in rate.interval()]}
        for key, rate in (("false_non_matches", refused), ("false_matches", passed))
    }


def read_pairs(file: Path, images: Path) -> list[tuple[Path, Path, bool]]:
    """Read lines of `image,image,1` or `…,0` (comma or tab; a head line may come first), or LFW's pairs.txt."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(f"--pairs: cannot read {file}: {error.strerror}") from error
    lines = [line for line in read_text(data, str(file)).splitlines() if line.strip()]
    if lines and re.fullmatch(r"\d+(\s+\d+)?", lines[0].strip()):
        paths = [(a.removeprefix("lfw/"), b.removeprefix("lfw/"), same) for a, b, same in protocols.lfw_pairs(file)]
        return _present([(images / a, images / b, same) for a, b, same in paths], file)
    pairs = []
    for number, parts in read_rows(data, str(file)):
        if len(parts) != 3 or parts[2].strip() not in ("0", "1"):
            if number == 1 and len(parts) == 3:
                continue  # a head line
            raise UserError(f"{file}, line {number}: expected image,image,1 for the same person or 0 for two")
        pairs.append((images / parts[0].strip(), images / parts[1].strip(), parts[2].strip() == "1"))
    return _present(pairs, file)


def _present(pairs: list[tuple[Path, Path, bool]], file: Path) -> list[tuple[Path, Path, bool]]:
    missing = next((path for a, b, _ in pairs for path in (a, b) if not path.is_file()), None)
    if missing is not None:
        raise UserError(f"{file} names {missing}, which does not exist; give the images' folder with --images")
    if len({same for _, _, same in pairs}) < 2:
        raise UserError(f"{file} must list pairs of one person and pairs of two")
    return pairs


def owners(paths: Sequence[Path]) -> NDArray[np.int64]:
    """Return a number for the person on each image: by its folder, or by the image if all lie in one folder."""
    folders = [str(path.parent) for path in paths]
    keys = folders if len(set(folders)) > 1 else [str(path) for path in paths]
    return np.unique(keys, return_inverse=True)[1].astype(np.int64)


def evaluate_identification(
    settings: Settings,
    gallery: Path,
    probes: Path,
    sizes: tuple[int, ...] = (),
    out: Path | None = None,
    plots: Path | None = None,
    pdf: Path | None = None,
) -> None:
    """Search folders of probes among folders of enrolled people; a name that is not enrolled is a stranger's."""
    enrolled, looked_for = protocols.folders_of(gallery), protocols.folders_of(probes)
    people = sorted(set(enrolled.values()))
    owner = np.array(list(looked_for.values()))
    strangers = ~np.isin(owner, people)
    if strangers.all() or not strangers.any():
        missing = "strangers: a folder whose name is not in the gallery" if not strangers.any() else "enrolled people"
        raise UserError(f"{probes} holds no images of {missing}; both kinds are needed")
    ours = cards_for(settings)[1]
    embeddings, embedders = embeddings_for(settings)
    name = embedders[0].name
    search = identification.search(
        embeddings.vectors(name, list(enrolled)),
        np.array(list(enrolled.values())),
        embeddings.vectors(name, list(looked_for)),
        owner,
    )
    if not np.isfinite(search.scores[search.person < 0]).any():
        raise UserError("the strangers' images or the gallery hold no face that was found; nothing can be measured")
    wanted = sizes or (*(size for size in (10, 100, 1000) if size < len(people)), len(people))
    if max(wanted) > len(people):
        raise UserError(f"--sizes {max(wanted)}: the gallery holds {len(people)} people")
    into = Measurements({name: {}})
    values = {
        "protocol": f"{len(enrolled)} images enrolled, {len(looked_for)} looked for; {protocols.OWN}",
        "people_without_a_face": int(np.isinf(search.scores.max(0)).sum()),
    }
    into.add_search("identification", name, values, search, wanted, (0.001, 0.01))
    _hand_over(into, ours, "Identification", out, plots, pdf)


def _hand_over(
    into: Measurements, card: Card, title: str, out: Path | None, plots: Path | None, pdf: Path | None
) -> None:
    """Write numbers to standard output, all of them to `out`, plots to `plots`, one page to `pdf`."""
    whole: dict[str, Any] = {"model_id": card.model_id, **into.numbers[card.model_id]}
    rest = {name: values for name, values in into.numbers.items() if name != card.model_id}
    if rest:
        whole["peers"] = rest
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if plots is not None or pdf is not None:
        from attendance.evaluation.recogniser.plots import draw_all, one_page

        if plots is not None:
            draw_all(into, plots)
        if pdf is not None:
            one_page(pdf, title, _lines(card, into), table_of(into), into)
    sys.stdout.write(json.dumps(_without_curves(whole), indent=2, ensure_ascii=False) + "\n")


def _lines(card: Card, into: Measurements) -> list[str]:
    sha = card.sha256.get(card.numbers) or card.sha256[card.graph]
    protocols = {
        f"{section}: {values['protocol']}"
        for numbers in into.numbers.values()
        for section, values in numbers.items()
        if isinstance(values, dict) and "protocol" in values
    }
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    notes = ["ours: the mean of a face and its mirror image"] if into.numbers[card.model_id].get("flip") else []
    notes += [
        "intervals: 95 %, over people; gen., imp.: pairs of one person, of two people",
        "* fewer comparisons than the rate needs: beyond the data",
    ]
    return [f"{card.model_id}, measured {stamp}", f"sha256 {sha}", *sorted(protocols), *notes]


def table_of(into: Measurements) -> list[list[str]]:
    """Return a head (what, each recogniser, counts) and a row for each rate, with its 95 % interval over people."""
    cells: dict[str, dict[str, str]] = {}
    counts: dict[str, str] = {}
    for name, sections in into.numbers.items():
        for section, values in sections.items():
            if isinstance(values, dict) and section != "quality":
                for what, result, count in _rows(section, values):
                    cells.setdefault(what, {})[name] = result
                    counts.setdefault(what, count)
    head = ["", *into.numbers, "counts"]
    return [
        head,
        *([what, *(row.get(name, "") for name in into.numbers), counts[what]] for what, row in cells.items()),
    ]


def _rows(section: str, values: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (what, result with its interval, counts) of one section."""
    rows = []
    if "accuracy" in values:
        result = f"{values['accuracy']:.2%} ± {values['standard_error']:.2%} (s.e.)"
        rows.append((f"{section}: accuracy", result, f"{values['pairs']:,} pairs"))
    rows += _tar_rows(section, values)
    for condition, cell in values.get("conditions", {}).items():
        rows += _tar_rows(condition, cell)[:1]
    for row in values.get("rows", ()):
        what = f"FNIR at FPIR {row['fpir']:.1%}, N = {row['gallery']:,}"
        count = f"{row['probes_of_enrolled_people']:,} probes, {row['strangers']:,} strangers"
        rows.append((what, f"{row['fnir']:.2%} {_bounds(row)}", count))
    return rows


def _tar_rows(section: str, values: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            f"{section}: TAR at FAR {key.rpartition('_')[2]}",
            f"{cell['rate']:.2%} {_bounds(cell)}",
            f"{cell['genuine']:,} gen., {cell['impostor']:,} imp.",
        )
        for key, cell in values.items()
        if key.startswith("tar_at_far")
    ]


def _bounds(cell: dict[str, Any]) -> str:
    low, high = cell["interval95_people"]
    return f"({low:.1%} to {high:.1%})" + (" *" if cell.get("beyond_the_data") else "")


def _without_curves(values: Any) -> Any:
    """Return the same values without the curves' points, which a screen cannot use."""
    if isinstance(values, dict):
        return {key: _without_curves(value) for key, value in values.items() if key != "curve"}
    if isinstance(values, list):
        return [_without_curves(value) for value in values]
    return values

"""Any folder in WIDER FACE's layout.

In: a folder with `images/` and either `wider_face_val_bbx_gt.txt` or VOC annotations (`*.xml`), and
optionally the lists of easy, medium and hard faces (`wider_easy_val.mat` …).  Out: `Picture`s.
Does not know: detectors, measures.

Ignored, neither to be found nor an error if found: faces flagged invalid, faces less than `SMALLEST` px
high in the image, boxes without an area; in the VOC form those flagged invalid, difficult or ignore.
With the .mat lists, a level counts exactly the faces that its list names, as the benchmark's program does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError
from attendance.evaluation.detector.pictures import Picture

SMALLEST = 10.0
LEVELS = ("easy", "medium", "hard")
INVALID = 7  # of a line's ten numbers: x y w h blur expression illumination invalid occlusion pose
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
Levels = Mapping[tuple[str, str], Mapping[str, NDArray[np.intp]]]  # (event, name) → level → rows from 0


def read(folder: Path) -> list[Picture]:
    """Return all images that have annotations; raise UserError if the folder is not in that layout."""
    if not folder.is_dir():
        raise UserError(f"--wider: there is no folder {folder}")
    images = _images(folder)
    if texts := sorted(folder.rglob("*_bbx_gt.txt"), key=_validation_first):
        pictures = list(_from_text(texts[0], images))
    elif sheets := sorted(folder.rglob("*.xml")):
        pictures = [_from_voc(sheet, images) for sheet in sheets]
    else:
        raise UserError(
            f"--wider: {folder} holds neither wider_face_val_bbx_gt.txt nor VOC annotations (*.xml); "
            "put the images into its folder images/"
        )
    if not pictures:
        raise UserError(f"--wider: the annotations in {folder} do not name any image")
    if all(not picture.path.is_file() for picture in pictures):
        example = pictures[0].path.name
        raise UserError(f"--wider: none of the {len(pictures)} named images is in {images}, such as {example}")
    return _with_levels(pictures, _levels(folder))


def _validation_first(path: Path) -> tuple[bool, str]:
    return "val" not in path.name, str(path)


def _images(folder: Path) -> Path:
    """Return the folder `images`, at the top or in `WIDER_val`; JPEGImages in the VOC form."""
    choices = sorted({*folder.glob("images"), *folder.glob("*/images"), *folder.rglob("JPEGImages")}, key=str)
    choices.sort(key=lambda path: (len(path.parts), "val" not in str(path)))
    if not choices:
        raise UserError(f"--wider: {folder} has no folder images")
    return choices[0]


def _from_text(source: Path, images: Path) -> Iterator[Picture]:
    """Read name, count, then a line a face; an image without faces may still have a line of zeros."""
    lines = [line.strip() for line in source.read_text(encoding="utf-8", errors="replace").splitlines()]
    at = 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        name, where = lines[at], f"{source}, line {at + 2}"
        try:
            count = int(lines[at + 1])
            if count < 0:
                raise ValueError
        except (ValueError, IndexError):
            raise UserError(f"{where}: the number of its faces must follow {name}") from None
        rows = lines[at + 2 : at + 2 + count]
        at += 2 + count
        if not count and at < len(lines) and _is_numbers(lines[at]):
            at += 1
        try:
            values = [[float(number) for number in row.split()] for row in rows]
            if len(values) != count or any(len(row) < 4 or not np.isfinite(row).all() for row in values):
                raise ValueError
        except ValueError:
            raise UserError(f"{where}: {name} should have {count} lines of numbers, x y width height …") from None
        boxes = np.array([row[:4] for row in values], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        flagged = np.array([len(row) > INVALID and row[INVALID] != 0 for row in values], bool)
        yield Picture(_image(images, name), boxes, flagged | _too_small(boxes))


def _is_numbers(line: str) -> bool:
    parts = line.split()
    return len(parts) >= 4 and all(part.lstrip("-").replace(".", "", 1).isdigit() for part in parts)


def _from_voc(sheet: Path, images: Path) -> Picture:
    text = sheet.read_bytes()
    try:
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:  # entities can fill the memory
            raise UserError(f"{sheet} has a document type: remove it, annotations work without one")
        root = ElementTree.fromstring(text)  # noqa: S314  # nosec B314
        boxes, flags = [], []
        for face in root.iter("object"):
            corners = face.find("bndbox")
            if corners is None:
                raise ValueError
            boxes.append([float(corners.findtext(side, "")) for side in ("xmin", "ymin", "xmax", "ymax")])
            if not np.isfinite(boxes[-1]).all():
                raise ValueError
            flags.append(any(face.findtext(f".//{flag}", "0").strip() == "1" for flag in _FLAGS))
    except (ElementTree.ParseError, ValueError):
        raise UserError(
            f"{sheet} is not a VOC annotation: it must list objects with a bndbox of four numbers"
        ) from None
    array = np.array(boxes, np.float32).reshape(-1, 4)
    name = (root.findtext("filename") or sheet.stem).strip()
    event = sheet.parent.name
    image = _image(images, name)
    if not image.is_file() and (beside := _image(images / event, name)).is_file():
        image = beside
    return Picture(image, array, np.array(flags, bool) | _too_small(array))


_FLAGS = ("invalid", "difficult", "ignore")


def _image(images: Path, name: str) -> Path:
    """Return the file; annotations may omit its ending.  Raise UserError if a name leads out of the folder."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"--wider: the image name {name} leads out of {images}")
    if Path(name).suffix.lower() in SUFFIXES:
        return images / name
    return next((path for end in SUFFIXES if (path := images / (name + end)).is_file()), images / (name + ".jpg"))


def _too_small(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (boxes[:, 3] - boxes[:, 1] < SMALLEST) | (boxes[:, 2] <= boxes[:, 0])
    return result


def _levels(folder: Path) -> Levels:
    """Return the faces that `wider_<level>_val.mat` lists; nothing without these files."""
    files = {path.name: path for path in sorted(folder.rglob("wider_*_val.mat"), reverse=True)}
    names = {level: f"wider_{level}_val.mat" for level in LEVELS}
    if not files:
        return {}
    if missing := {"wider_face_val.mat", *names.values()} - set(files):
        raise UserError(f"--wider: {min(missing)} is missing beside {min(files)}; all four lists are needed")
    whole = _mat(files["wider_face_val.mat"])
    lists = {level: _mat(files[name]) for level, name in names.items()}
    levels: dict[tuple[str, str], Mapping[str, NDArray[np.intp]]] = {}
    try:
        for number, event in enumerate(whole["event_list"].ravel()):
            for row, name in enumerate(whole["file_list"].ravel()[number].ravel()):
                listed = {level: mat["gt_list"].ravel()[number].ravel()[row] for level, mat in lists.items()}
                # MATLAB counts from 1.
                levels[_text(event), _text(name)] = {
                    level: rows.ravel().astype(np.intp) - 1 for level, rows in listed.items()
                }
    except (KeyError, IndexError, AttributeError, ValueError):
        raise UserError(f"--wider: {files['wider_face_val.mat']} and its three lists do not fit together") from None
    return levels


def _text(cell: Any) -> str:
    """Unwrap a text of MATLAB, which comes as arrays in arrays."""
    while isinstance(cell, np.ndarray):
        cell = cell.ravel()[0]
    return str(cell)


def _mat(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        return dict(loadmat(str(path)))
    except Exception as error:  # scipy lets everything through: ValueError, TypeError, its own, zlib's
        raise UserError(f"--wider: cannot read {path}: {error}") from error


def _with_levels(pictures: list[Picture], levels: Levels) -> list[Picture]:
    if not levels:
        return pictures
    result = []
    for picture in pictures:
        rows = levels.get((picture.path.parent.name, picture.path.stem))
        if rows is None:
            raise UserError(f"--wider: wider_face_val.mat does not list {picture.path.parent.name}/{picture.path.stem}")
        masks = {}
        for level, kept in rows.items():
            mask = np.zeros(len(picture.boxes), bool)
            if len(kept) and not 0 <= kept.min() <= kept.max() < len(mask):
                raise UserError(f"--wider: the list of {level} names a face that {picture.path.name} does not have")
            mask[kept] = True
            masks[level] = mask
        result.append(replace(picture, levels=masks))
    return result

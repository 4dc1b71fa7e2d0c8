"""Crops of live people and attacks, packed once, with what a teacher says about each.

In: a data folder, a way to find a face, perhaps a teacher.  Out: `DATA/liveness/<set>.npz`.
Does not know: networks, losses.
Main choice: JPEG crops of 128 px, so that all sets fit into memory.  Trade-off: what a camera saw at more than 47 px
of a face's side is gone, as it is at a door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.domain.faces import Box
from attendance.errors import UserError
from attendance.training.liveness import sets, simulate
from attendance.training.liveness.sets import LIVE_SETS, Source, nuaa, pads, photographs, webcam
from attendance.vision.boxes import as_bgr
from attendance.vision.liveness import FAR, NEAR, crop_around

Image = NDArray[np.uint8]
Find = Callable[[Image], "Box | None"]
Teach = Callable[[Image, Box], float]

PX = 128
QUALITY = 92
SIMULATED = 6000
SCENES = ("imagenet1000", "bsds500", "dtd10")
FACES = ("celeba_wild", "generated_a", "generated_c", "celeba_crops")  # permitted faces that attacks show


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """Rows of one set; `near` and `far` are JPEG bytes, `teacher` is the chance of a live person, NaN if unknown ·
    `path`: of the picture or video it was cut from, in the order of the film within a session."""

    near: Sequence[bytes]
    far: Sequence[bytes]
    species: NDArray[np.str_]
    person: NDArray[np.str_]
    group: NDArray[np.str_]
    part: NDArray[np.str_]
    set_name: NDArray[np.str_]
    teacher: NDArray[np.float32]
    path: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.near)


def folder(data: Path) -> Path:
    """Return where the packs of a data folder lie."""
    return data / "liveness"


def build(data: Path, find: Find, teach: Teach | None, simulated: int = SIMULATED) -> None:
    """Make the packs that are missing."""
    out = folder(data)
    out.mkdir(parents=True, exist_ok=True)
    jobs: dict[str, Iterable[Source]] = {"nuaa": nuaa(data), "pads": pads(data), "webcam_clips": webcam(data)}
    jobs |= {name: photographs(data, name) for name in (*LIVE_SETS, "lfw") if (data / name).is_dir()}
    for name, sources in jobs.items():
        if name == "webcam_clips" and not (data / name).is_dir():
            continue
        if not (out / f"{name}.npz").exists():
            _save(out / f"{name}.npz", _photographed(data, name, list(sources), find), teach)
    if simulated and not (out / "simulated.npz").exists():
        _save(out / "simulated.npz", _simulated(data, simulated), teach)


Row = tuple[Image, Box, Source]


def _photographed(data: Path, name: str, sources: Sequence[Source], find: Find) -> Iterator[Row]:
    for source in tqdm(sources, desc=name, mininterval=10):
        path = data / source.path
        picture = read_picture(path) if source.share is None else _of_video(path, source.share)
        if picture is None:
            continue
        box = source.box or find(picture)
        if box is not None:
            yield picture, box, source


def read_picture(path: Path) -> Image | None:
    """Return a picture as BGR; None if it cannot be read."""
    raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if raw is None or raw.dtype not in (np.uint8, np.uint16):
        return None
    return as_bgr(raw.astype(np.uint8) if raw.dtype == np.uint8 else raw.astype(np.uint16))


def _of_video(path: Path, share: float) -> Image | None:
    """Return the picture at this share of a video's length; None if it cannot be read."""
    video = cv2.VideoCapture(str(path))
    try:
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        if count <= 0:
            return None
        wanted, picture = int(share * count), None
        # Read through and not sought: a seek lands on a key picture, so that several shares would give the same one.
        for _ in range(wanted + 1):
            there, found = video.read()
            if not there:
                break
            picture = np.asarray(found, np.uint8)
        return picture
    finally:
        video.release()


def _simulated(data: Path, count: int) -> Iterator[Row]:
    random = np.random.default_rng(18)
    scenes = [path for name in SCENES for path in sorted((data / name).rglob("*.[jJ]*"))]
    faces = [s for name in FACES if (data / name).is_dir() for s in _permitted(data, name)]
    if not scenes or not faces:
        return
    for _number in tqdm(range(count), desc="simulated", mininterval=10):
        source = faces[int(random.integers(len(faces)))]
        species = simulate.SPECIES[int(random.integers(len(simulate.SPECIES)))]
        picture, scene = read_picture(data / source.path), read_picture(scenes[int(random.integers(len(scenes)))])
        if picture is None or scene is None or source.box is None:
            continue
        seen, box = simulate.attack(picture, source.box, scene, species, random)
        kind = "print" if species == "print" else "screen"
        yield seen, box, Source(source.path, "simulated", "simulated", source.person, kind, "train")


def _permitted(data: Path, name: str) -> Iterator[Source]:
    if name in sets.AT_MOST:
        yield from (s for s in photographs(data, name) if s.part == "train")
        return
    stored = np.load(data / "labels" / f"{name}.npz")
    paths = np.char.decode(stored["path"], "utf-8")  # stored as bytes
    for box, image in zip(stored["box"][:1500], stored["image"][:1500], strict=True):
        path = str(paths[image])
        yield Source(path, name, name, path, "live", "train", Box(*(float(v) for v in box)))


def _save(path: Path, rows: Iterator[Row], teach: Teach | None) -> None:
    kept: list[tuple[bytes, bytes, Source, float]] = []
    for picture, box, source in rows:
        chance = float("nan") if teach is None else teach(picture, box)
        kept.append((_coded(picture, box, NEAR), _coded(picture, box, FAR), source, chance))
    columns = {
        name: np.array([getattr(row[2], name) for row in kept], dtype=np.str_)
        for name in ("species", "person", "group", "part", "set_name", "path")
    }
    blobs = [blob for row in kept for blob in row[:2]]
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        allow_pickle=False,
        bytes=np.frombuffer(b"".join(blobs), np.uint8),
        ends=np.cumsum([len(blob) for blob in blobs]),
        teacher=np.array([row[3] for row in kept], np.float32),
        **columns,
    )
    part.replace(path)


def _coded(picture: Image, box: Box, sides: float) -> bytes:
    crop = crop_around(picture, box, sides, PX)
    return bytes(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())


def decoded(blob: bytes) -> Image:
    """Return a packed crop as BGR."""
    return np.asarray(cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def load(data: Path, names: Sequence[str] | None = None) -> Pack:
    """Return all packs of a data folder, or those named, as one."""
    files = sorted(folder(data).glob("*.npz")) if names is None else [folder(data) / f"{n}.npz" for n in names]
    parts = [np.load(file) for file in files if ".part" not in file.name]
    if not parts:
        raise UserError(f"there are no packs in {folder(data)}: train liveness makes them")
    blobs: list[bytes] = []
    for stored in parts:
        whole, start = stored["bytes"].tobytes(), 0
        for end in stored["ends"]:
            blobs.append(whole[start : int(end)])
            start = int(end)

    def column(name: str) -> NDArray[np.str_]:
        return np.concatenate([stored[name] for stored in parts])

    return Pack(
        blobs[::2],
        blobs[1::2],
        column("species"),
        column("person"),
        column("group"),
        column("part"),
        column("set_name"),
        np.concatenate([stored["teacher"] for stored in parts]),
        column("path"),
    )

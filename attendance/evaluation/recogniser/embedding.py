"""Images → embeddings of one or several recognisers, through our detector and alignment; each computed once.

In: an analyser, other embedders to compare with, a folder, paths.  Out: matrices with one row a path, NaN
where no face was found; what may tell a good face from a poor one.
Does not know: who is on the images.
Main choice: all recognisers read the crops of the same detections, so that what differs is the
recogniser; the price is that each is judged with our alignment and not with its own.  Images are
read and embedded on all cores, one thread each, which is faster than all threads on each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tqdm import tqdm

from attendance.config import Settings
from attendance.errors import UserError, first_line
from attendance.evaluation.recogniser.degrade import Image, worsen
from attendance.vision.align import align_face
from attendance.vision.analyser import Detection, FaceAnalyser, to_input
from attendance.vision.quality import measure
from attendance.vision.runtime import Session, open_session
from attendance.vision.serving import analyser_for, cards_for
from attendance.vision.weights import Card, Preprocess, load_card, sha256_of, verify

CLEAN = "clean"
CANDIDATES = ("flip agreement", "embedding norm", "sharpness", "face size", "detection score")
Vector = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Embedder:
    """One recogniser: `embed` takes an aligned BGR crop of `size` px → unit vector, or NaN where it makes no template.

    `length`: the vector's length before it was normalised, where that can be known · `single`: the vector of this
    view alone, where `embed` gives the mean of a crop and its mirror image.
    """

    name: str
    size: int
    embed: Callable[[Image], Vector]
    length: Callable[[Image], float] | None = None
    single: Callable[[Image], Vector] | None = None


@dataclass(eq=False)
class Look:
    """The main face of one image: its detection, and by recogniser its vector, length, agreement with its mirror."""

    face: Detection
    sharpness: float
    vectors: dict[str, Vector] = field(default_factory=dict)
    norms: dict[str, float] = field(default_factory=dict)
    flips: dict[str, float] = field(default_factory=dict)

    def quality(self, candidate: str, name: str) -> float:
        """One of CANDIDATES for the recogniser `name`; NaN where it was not computed."""
        values = {
            "flip agreement": self.flips.get(name, np.nan),
            "embedding norm": self.norms.get(name, np.nan),
            "sharpness": self.sharpness,
            "face size": min(self.face.box.width, self.face.box.height),
            "detection score": self.face.score,
        }
        return float(values[candidate])


def main_face(faces: Iterable[Detection], width: int, height: int) -> Detection | None:
    """The face nearest the image's centre, weighed by its size; None of none."""

    def weight(face: Detection) -> float:
        x = (face.box.x1 + face.box.x2) / 2 / width - 0.5
        y = (face.box.y1 + face.box.y2) / 2 / height - 0.5
        return float(face.box.area * max(0.05, 1 - 1.5 * np.hypot(x, y)))

    return max(faces, key=weight, default=None)


class Gallery:
    """Embeddings of the images below `root`, kept for the run.

    `quality`: while it is set, images that are new get lengths and agreement with their mirror too
    (twice the work of the recognisers, and more).
    The quality gate is left out: the benchmarks ask for every image.
    """

    def __init__(self, analyser: FaceAnalyser, embedders: Sequence[Embedder], workers: int = 0) -> None:
        self._analyser, self._embedders, self.quality = analyser, embedders, False
        self._workers = workers or len(os.sched_getaffinity(0))
        self._known: dict[tuple[Path, str], Look | None] = {}
        # What is no embedder shows now, and not after an hour.
        self._dims = {one.name: len(one.embed(_grey(one.size))) for one in embedders}

    def look(self, paths: Sequence[Path], condition: str = CLEAN) -> list[Look | None]:
        """One an image, in order; None where it cannot be read or holds no face."""
        missing = [path for path in dict.fromkeys(paths) if (path, condition) not in self._known]
        if missing:
            if condition != CLEAN:
                self.look(missing)  # where the face is, is known from the good image
            with ThreadPoolExecutor(self._workers) as pool:
                found = pool.map(lambda path: self._look(path, condition), missing)
                progress = tqdm(found, total=len(missing), desc=f"embed {condition}", mininterval=5)
                for path, one in zip(missing, progress, strict=True):
                    self._known[path, condition] = one
        return [self._known[path, condition] for path in paths]

    def vectors(self, name: str, paths: Sequence[Path], condition: str = CLEAN) -> Vector:
        """[N,D]; a row of NaN where there is no face."""
        gap = np.full(self._dims[name], np.nan, np.float32)
        looks = self.look(paths, condition)
        return np.stack([gap if one is None else one.vectors[name] for one in looks])

    def _look(self, path: Path, condition: str) -> Look | None:
        read = cv2.imread(str(path))
        if read is None:
            return None
        image = read.astype(np.uint8, copy=False)
        if condition != CLEAN:
            clean = self._known[path, CLEAN]
            if clean is None:
                return None
            image = worsen(condition, image, clean.face.box, clean.face.landmarks)
        height, width = image.shape[:2]
        face = main_face(self._analyser.detect(image), width, height)
        if face is None:
            return None
        try:
            crops = {one.size: align_face(image, face.landmarks.points, one.size) for one in self._embedders}
        except ValueError:  # the landmarks coincide
            return None
        quality = measure(image, face.whole, face.landmarks, next(iter(crops.values())))
        result = Look(face, quality.sharpness)
        for one in self._embedders:
            vector = result.vectors[one.name] = one.embed(crops[one.size])
            if self.quality:
                alone, mirrored = crops[one.size], np.ascontiguousarray(crops[one.size][:, ::-1])
                first = vector if one.single is None else one.single(alone)
                result.flips[one.name] = float(first @ (one.single or one.embed)(mirrored))
                if one.length is not None:
                    result.norms[one.name] = one.length(crops[one.size])
        return result


def _grey(size: int) -> Image:
    return np.full((size, size, 3), 99, np.uint8)


def gallery_for(
    settings: Settings, peers: Sequence[Path] = (), quality: bool = False
) -> tuple[Gallery, list[Embedder]]:
    """The settings' networks, and beside them the `peers`' files; ours is the first embedder.

    `quality`: load what tells the lengths of our embeddings (PyTorch), which the exported graph hides.
    """
    single = settings.model_copy(update={"models": settings.models.model_copy(update={"threads": 1})})
    analyser, card = analyser_for(single), cards_for(single)[1]

    length = _length(card, settings.models.weights) if quality else None
    ours = Embedder(card.model_id, card.input_size, _templates_of(analyser, card), length)
    if quality and single.models.flip:
        one_view = single.model_copy(update={"models": single.models.model_copy(update={"flip": False})})
        ours = replace(ours, single=_templates_of(analyser_for(one_view), card))
    embedders = [ours, *(peer(file) for file in peers)]
    names = [one.name for one in embedders]
    if len(set(names)) < len(names):
        raise UserError(f"--peers: two networks have the same name; rename a file ({', '.join(names)})")
    return Gallery(analyser, embedders), embedders


def _templates_of(analyser: FaceAnalyser, card: Card) -> Callable[[Image], Vector]:
    def embed(crop: Image) -> Vector:
        template = analyser.embed(crop)
        return np.full(card.embedding_dim or 1, np.nan, np.float32) if template is None else template.vector

    return embed


def _length(card: Card, folder: Path) -> Callable[[Image], float] | None:
    """Of our own recogniser's embedding before it is normalised; None for one that was dropped in."""
    if card.numbers not in card.sha256:
        return None
    import torch

    from attendance.models import RecognitionModel

    torch.set_num_threads(1)
    try:
        model = RecognitionModel(weights=folder / card.numbers, input_size=card.input_size).eval()
    except UserError:  # numbers of somebody else's network
        return None

    def length(crop: Image) -> float:
        with torch.inference_mode():
            return float(model.features(torch.from_numpy(to_input(crop, card.preprocess)))[0].norm())

    return length


def peer(file: Path) -> Embedder:
    """StaffMember else's embedder, for measuring only: with its card where one lies beside it, else RGB, (x - 127.5) /
    127.5 and ArcFace's five-point crop, as nearly all of them have it."""
    if not file.is_file() or file.suffix != ".onnx":
        raise UserError(f"--peers: {file} is no .onnx file")
    if file.with_suffix(".json").is_file():
        card = load_card(file.parent, file.stem)
        if card.kind != "recogniser":
            raise UserError(f"--peers: {file} is no recogniser, its card says {card.kind}")
        verify(card, file.parent)
    else:
        card = Card(
            file.stem,
            "recogniser",
            "measured only",
            _side(file),
            {file.name: sha256_of(file)},
            Preprocess("RGB", 127.5, 127.5),
            embedding_dim=1,
        )
    session = open_session(card, file.parent, threads=1)

    def embed(crop: Image) -> Vector:
        raw = _raw(session, card, crop)
        return raw / np.float32(np.linalg.norm(raw))

    def length(crop: Image) -> float:
        return float(np.linalg.norm(_raw(session, card, crop)))

    return Embedder(card.model_id, card.input_size, embed, length)


def _raw(session: Session, card: Card, crop: Image) -> Vector:
    try:
        raw = session.run(to_input(crop, card.preprocess))["embedding"].astype(np.float32).reshape(-1)
    except Exception as error:  # ONNX Runtime has its own exception for each input it does not take
        raise UserError(f"{card.model_id} takes no RGB crop of {card.input_size} px: {first_line(error)}") from error
    norm = float(np.linalg.norm(raw))
    if not 1e-6 < norm < np.inf:  # NaN fails too
        raise UserError(
            f"{card.model_id} gave an embedding of length {norm}: it is no embedder, or wants another input"
        )
    return raw


def _side(file: Path) -> int:
    """The side of the graph's input, px; 112 where it leaves it open."""
    try:
        shape = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).get_inputs()[0].shape
    except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
        raise UserError(f"{file} cannot be loaded: {first_line(error)}") from error
    return shape[-1] if len(shape) == 4 and isinstance(shape[-1], int) else 112

"""Images → embeddings of one or several recognisers, through our detector and alignment; each computed once.

In: an analyser, other embedders to compare with, paths.  Out: matrices with one row a path, NaN without a
face; numbers that may predict whether a face is recognised.
Does not know: who is on the images.
Main choice: all recognisers read the crops of the same detections, so that only the recogniser differs.
Trade-off: each is judged with our alignment and not with its own.
Images are embedded on all cores with one thread each, which is faster than all threads on each image.
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
    """One recogniser: `embed` turns an aligned BGR crop of `size` px into a unit vector, or NaN without a template.

    `length`: the vector's length before normalisation, if it can be known · `single`: the vector of this view
    alone, if `embed` gives the mean of a crop and its mirror image.
    """

    name: str
    size: int
    embed: Callable[[Image], Vector]
    length: Callable[[Image], float] | None = None
    single: Callable[[Image], Vector] | None = None


@dataclass(eq=False)
class EmbeddedFace:
    """The main face of one image: its detection, and by recogniser its vector, length and agreement with its mirror."""

    detection: Detection
    sharpness: float
    vectors: dict[str, Vector] = field(default_factory=dict)
    norms: dict[str, float] = field(default_factory=dict)
    flips: dict[str, float] = field(default_factory=dict)

    def quality(self, candidate: str, name: str) -> float:
        """Return one of CANDIDATES for the recogniser `name`; NaN if it was not computed."""
        values = {
            "flip agreement": self.flips.get(name, np.nan),
            "embedding norm": self.norms.get(name, np.nan),
            "sharpness": self.sharpness,
            "face size": min(self.detection.box.width, self.detection.box.height),
            "detection score": self.detection.score,
        }
        return float(values[candidate])


def main_face(faces: Iterable[Detection], width: int, height: int) -> Detection | None:
    """Return the face nearest the image's centre, weighted by its size; None without faces."""

    def weight(face: Detection) -> float:
        x = (face.box.x1 + face.box.x2) / 2 / width - 0.5
        y = (face.box.y1 + face.box.y2) / 2 / height - 0.5
        return float(face.box.area * max(0.05, 1 - 1.5 * np.hypot(x, y)))

    return max(faces, key=weight, default=None)


class ImageEmbeddings:
    """Embeddings of images by each recogniser, kept in memory for the run.

    `quality`: while it is set, new images also get lengths and agreement with their mirror (at least twice
    the recognisers' work).  There is no quality gate: the benchmarks ask for every image.
    """

    def __init__(self, analyser: FaceAnalyser, embedders: Sequence[Embedder], workers: int = 0) -> None:
        self._analyser, self._embedders, self.quality = analyser, embedders, False
        self._sizes = dict.fromkeys(embedder.size for embedder in embedders)
        self._workers = workers or len(os.sched_getaffinity(0))
        self._known: dict[tuple[Path, str], EmbeddedFace | None] = {}
        # A network that is not an embedder fails here, and not after an hour.
        self._dims = {embedder.name: len(embedder.embed(_grey(embedder.size))) for embedder in embedders}

    def faces(self, paths: Sequence[Path], condition: str = CLEAN) -> list[EmbeddedFace | None]:
        """Return the main face of each image, in order; None for an image that cannot be read or has no face."""
        missing = [path for path in dict.fromkeys(paths) if (path, condition) not in self._known]
        if missing:
            if condition != CLEAN:
                self.faces(missing)  # the good image tells where the face is
            with ThreadPoolExecutor(self._workers) as pool:
                embedded = pool.map(lambda path: self._embed(path, condition), missing)
                progress = tqdm(embedded, total=len(missing), desc=f"embed {condition}", mininterval=5)
                for path, face in zip(missing, progress, strict=True):
                    self._known[path, condition] = face
        return [self._known[path, condition] for path in paths]

    def vectors(self, name: str, paths: Sequence[Path], condition: str = CLEAN) -> Vector:
        """Return [N,D] of the recogniser `name`; a row of NaN for an image without a face."""
        gap = np.full(self._dims[name], np.nan, np.float32)
        faces = self.faces(paths, condition)
        return np.stack([gap if face is None else face.vectors[name] for face in faces])

    def _embed(self, path: Path, condition: str) -> EmbeddedFace | None:
        read = cv2.imread(str(path))
        if read is None:
            return None
        image = read.astype(np.uint8, copy=False)
        if condition != CLEAN:
            clean = self._known[path, CLEAN]
            if clean is None:
                return None
            image = worsen(condition, image, clean.detection.box, clean.detection.landmarks)
        height, width = image.shape[:2]
        face = main_face(self._analyser.detect(image), width, height)
        if face is None:
            return None
        try:
            crops = {size: align_face(image, face.landmarks.points, size) for size in self._sizes}
        except ValueError:  # the landmarks coincide
            return None
        quality = measure(image, face.whole, face.landmarks, next(iter(crops.values())))
        result = EmbeddedFace(face, quality.sharpness)
        for embedder in self._embedders:
            crop, name = crops[embedder.size], embedder.name
            vector = result.vectors[name] = embedder.embed(crop)
            if self.quality:
                first = vector if embedder.single is None else embedder.single(crop)
                mirrored = np.ascontiguousarray(crop[:, ::-1])
                result.flips[name] = float(first @ (embedder.single or embedder.embed)(mirrored))
                if embedder.length is not None:
                    result.norms[name] = embedder.length(crop)
        return result


def _grey(size: int) -> Image:
    return np.full((size, size, 3), 99, np.uint8)


def embeddings_for(
    settings: Settings, peers: Sequence[Path] = (), quality: bool = False
) -> tuple[ImageEmbeddings, list[Embedder]]:
    """Load the settings' networks and the `peers` beside them; ours is the first embedder.

    `quality`: also load our recogniser in PyTorch, for the lengths of embeddings that the exported graph hides.
    """
    single = settings.model_copy(update={"models": settings.models.model_copy(update={"threads": 1})})
    analyser, card = analyser_for(single), cards_for(single)[1]

    length = _length(card, settings.models.weights) if quality else None
    ours = Embedder(card.model_id, card.input_size, _templates_of(analyser, card), length)
    if quality and single.models.flip:
        one_view = single.model_copy(update={"models": single.models.model_copy(update={"flip": False})})
        ours = replace(ours, single=_templates_of(analyser_for(one_view), card))
    embedders = [ours, *(peer(file) for file in peers)]
    names = [embedder.name for embedder in embedders]
    if len(set(names)) < len(names):
        raise UserError(f"--peers: two networks have the same name; rename a file ({', '.join(names)})")
    return ImageEmbeddings(analyser, embedders), embedders


def _templates_of(analyser: FaceAnalyser, card: Card) -> Callable[[Image], Vector]:
    def embed(crop: Image) -> Vector:
        template = analyser.embed(crop)
        return np.full(card.embedding_dim or 1, np.nan, np.float32) if template is None else template.vector

    return embed


def _length(card: Card, folder: Path) -> Callable[[Image], float] | None:
    """Return the length of our recogniser's embedding before normalisation; None for a dropped-in network."""
    if card.numbers not in card.sha256:
        return None
    import torch

    from attendance.models import RecognitionModel

    torch.set_num_threads(1)
    try:
        model = RecognitionModel(weights=folder / card.numbers, input_size=card.input_size).eval()
    except UserError:  # another project's weights
        return None

    def length(crop: Image) -> float:
        with torch.inference_mode():
            return float(model.features(torch.from_numpy(to_input(crop, card.preprocess)))[0].norm())

    return length


def peer(file: Path) -> Embedder:
    """Load another project's embedder, for measuring only.

    Its card decides if one lies beside the file; else RGB, (x - 127.5) / 127.5 and ArcFace's five-point crop,
    as nearly all of them expect.
    """
    if not file.is_file() or file.suffix != ".onnx":
        raise UserError(f"--peers: {file} is not an .onnx file")
    if file.with_suffix(".json").is_file():
        card = load_card(file.parent, file.stem)
        if card.kind != "recogniser":
            raise UserError(f"--peers: {file} is not a recogniser: its card says {card.kind}")
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
    except Exception as error:  # ONNX Runtime has its own exception for each input it rejects
        words = f"{card.model_id} does not accept an RGB crop of {card.input_size} px: {first_line(error)}"
        raise UserError(words) from error
    norm = float(np.linalg.norm(raw))
    if not 1e-6 < norm < np.inf:  # NaN fails too
        raise UserError(
            f"{card.model_id} gave an embedding of length {norm}: it is not an embedder, or expects another input"
        )
    return raw


def _side(file: Path) -> int:
    """Return the side of the graph's input, px; 112 if the graph leaves it open."""
    try:
        shape = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]).get_inputs()[0].shape
    except Exception as error:  # ONNX Runtime has its own exception for each way a graph can be wrong
        raise UserError(f"{file} cannot be loaded: {first_line(error)}") from error
    return shape[-1] if len(shape) == 4 and isinstance(shape[-1], int) else 112

"""THE path from pixels to probes, for enrolment, live use and evaluation alike.

In: a `Frame`, two sessions and their cards, limits.  Out: `Probe`s, largest face first.
Does not know: people, the source of frames.
Main choice: one path, so that a score means the same everywhere.  Faces are embedded one by one:
networks whose graph takes a single image can then be dropped in, and on a few cores a batch saves
nothing.
Trade-off: one call for each face.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box, Frame, Landmarks, Probe, Quality, Region, Template
from attendance.domain.reason import Reason
from attendance.vision import boxes as geometry
from attendance.vision.align import align_face
from attendance.vision.quality import QualityLimits, judge, measure
from attendance.vision.runtime import Session
from attendance.vision.side_light import FACE_SPREAD, evened
from attendance.vision.weights import Card, Preprocess, WeightsError

STAGES = ("detect", "align", "quality", "embed")
FLAT, TELLING = 2.0, 64  # kurtosis; numbers in a vector
# A face this small in the network's picture, px, is looked at again in a crop of CROP face sizes, if it is larger there
# by GAIN at least.  Landmarks of so few pixels are off by a tenth of the face, and the template fits nobody.
SMALL, CROP, GAIN = 32.0, 2.4, 1.5
SAME = 0.4  # IoU of the two boxes of one face


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face of an image, px of the image.

    `box` ends at the image's edges; `whole` is the box as the network guessed it, beyond them too.  `in_side_light`: it
    was found in the picture with its shading divided out.
    """

    box: Box
    whole: Box
    landmarks: Landmarks
    score: float
    in_side_light: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A face that was aligned and measured, before it is embedded.

    `crop`: what is embedded, None if the landmarks coincide.
    """

    face: Detection
    crop: NDArray[np.uint8] | None
    quality: Quality
    flaws: tuple[Reason, ...]


class FaceAnalyser:
    """`conf_thresh`: least detection score, 0..1; `input_size`: side of the detector's square, px, a multiple of 32;
    `flip`: embed each crop and its mirror image and give the mean.

    Raises WeightsError if a card is of the wrong kind, ValueError for another input size.
    Several threads may call it at once; each sees the `timings` of its own last call.
    """

    def __init__(
        self,
        detector: Session,
        detector_card: Card,
        recogniser: Session,
        recogniser_card: Card,
        limits: QualityLimits,
        conf_thresh: float,
        input_size: int = 256,
        flip: bool = False,
    ) -> None:
        for card, kind in ((detector_card, "detector"), (recogniser_card, "recogniser")):
            if card.kind != kind:
                raise WeightsError(f"{card.model_id} is a {card.kind}: set a {kind} in its place")
        geometry.cell_centres(input_size, input_size)
        self._detector, self._detector_card = detector, detector_card
        self._recogniser, self._recogniser_card = recogniser, recogniser_card
        self._limits, self._conf_thresh, self._input_size = limits, conf_thresh, input_size
        self._flip = flip
        self._spent = threading.local()

    @property
    def model_id(self) -> str:
        """The recogniser's."""
        return self._recogniser_card.model_id

    @property
    def timings(self) -> Mapping[str, float]:
        """Milliseconds of the last `analyse` by stage: detect, align, quality, embed."""
        spent: Mapping[str, float] = getattr(self._spent, "timings", dict.fromkeys(STAGES, 0.0))
        return spent

    def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
        """Return the `max_faces` largest faces of the frame, largest first; a face with flaws gets no template.

        Raises ValueError if a network's output is not an embedding (NaN, another length): a fault.
        """
        clock = StageClock()
        found = self.find(frame, max_faces)
        clock.stop("detect")
        probes = [self.probe_of(self.judged(frame, face, clock), clock) for face in found]
        self._spent.timings = clock.spent
        return probes

    def find(self, frame: Frame, max_faces: int = 5) -> list[Detection]:
        """Return the `max_faces` largest faces of the frame, largest first; small ones as a second look finds them.

        Where there is none, the picture is searched with its shading divided out, unless the frame says no.
        """
        everyone = self.detect(frame.image, frame.region)
        if not everyone and frame.side_light:
            everyone = self.detect(frame.image, frame.region, in_side_light=True)
        found = sorted(everyone, key=lambda face: -face.box.area)[:max_faces]
        return sorted((self._second_look(frame, face) for face in found), key=lambda face: -face.box.area)

    def find_around(self, frame: Frame, box: Box, size: int) -> list[Detection]:
        """Return the faces in a crop of CROP face sizes around a box; `size`: of the detector's input, px.

        A small input does: the face fills much of it.  A face whose middle lies outside the frame's region does not
        count.
        """
        height, width = frame.image.shape[:2]
        corners = _around(box, height, width)
        if corners is None:
            return []
        image = geometry.as_bgr(frame.image)
        found = self._search(image, corners, size)
        if not found and frame.side_light:
            found = self._search(image, corners, size, in_side_light=True)
        if frame.region is None:
            return found
        return [one for one in found if _has_middle(one.whole, *frame.region.pixels(height, width))]

    def judged(self, frame: Frame, face: Detection, clock: StageClock) -> Judged:
        """Return the face aligned and measured; with its shading divided out if that is how it was found.

        Sharpness, contrast and cover are then those of what is embedded, and brightness is the camera's: the edge of a
        shadow passes for blur, and a face in the dark is dark whatever is made of it.
        """
        crop = self._align(frame.image, face.landmarks)
        clock.stop("align")
        quality = measure(frame.image, face.whole, face.landmarks, crop)
        if face.in_side_light and crop is not None:
            crop = evened(crop, FACE_SPREAD)
            quality = replace(measure(frame.image, face.whole, face.landmarks, crop), brightness=quality.brightness)
        flaws = judge(quality, self._limits)
        clock.stop("quality")
        return Judged(face, crop, quality, flaws)

    def probe_of(self, judged: Judged, clock: StageClock) -> Probe:
        """Return the face with its template; without one if it has flaws."""
        face, flaws = judged.face, judged.flaws
        template = None if flaws or judged.crop is None else self.embed(judged.crop)
        if template is None and not flaws:
            flaws = (Reason.NO_TEMPLATE,)
        clock.stop("embed")
        return Probe(face.box, face.landmarks, face.score, judged.quality, flaws, template)

    def detect(
        self, image: NDArray[np.uint8], region: Region | None = None, in_side_light: bool = False
    ) -> list[Detection]:
        """Return all faces of an image, best score first; [] for an image without pixels.

        Cameras give BGR uint8; grey, BGRA and 16 bits also work (`boxes.as_bgr`).  `region` is cut out before
        the picture is made small, so that its faces are larger for the network.  Boxes are still in pixels of
        the whole image and may reach beyond the region.  A face whose middle lies outside it does not count.
        `in_side_light`: the shading is divided out first.
        """
        height, width = image.shape[:2]
        if not height or not width:
            return []
        image = geometry.as_bgr(image)
        corners = (0, 0, width, height) if region is None else region.pixels(height, width)
        found = self._search(image, corners, in_side_light=in_side_light)
        return found if region is None else [one for one in found if _has_middle(one.whole, *corners)]

    def _second_look(self, frame: Frame, face: Detection) -> Detection:
        """Return a small face as it is found in a crop around it, where it is large; as it was if it is not found."""
        height, width = frame.image.shape[:2]
        around = (0, 0, width, height) if frame.region is None else frame.region.pixels(height, width)
        scale = self._input_size / max(around[2] - around[0], around[3] - around[1])
        side = max(face.whole.width, face.whole.height)
        if side * scale >= SMALL or GAIN * scale > min(1.0, self._input_size / (CROP * side)):
            return face  # large enough, or the picture holds no more pixels of it
        # What is refused as too small either way is not worth a second look.
        if min(face.whole.width, face.whole.height) < self._limits.min_size / 2:
            return face
        if (corners := _around(face.whole, height, width)) is None:
            return face
        found = self._search(geometry.as_bgr(frame.image), corners, in_side_light=face.in_side_light)
        nearest = max(found, key=lambda one: one.whole.iou(face.whole), default=face)
        return nearest if nearest.whole.iou(face.whole) >= SAME else face

    def _search(
        self,
        image: NDArray[np.uint8],
        corners: tuple[int, int, int, int],
        size: int | None = None,
        in_side_light: bool = False,
    ) -> list[Detection]:
        """Return the faces in this part of a BGR image, x1, y1, x2, y2 px, in pixels of the whole image.

        `size`: of the network's input, px; None: that of the settings.
        """
        height, width = image.shape[:2]
        x1, y1, x2, y2 = corners
        size = size or self._input_size
        canvas, scale, pad = geometry.letterbox(image[y1:y2, x1:x2], size, evened if in_side_light else None)
        heads = self._detector.run(to_input(canvas, self._detector_card.preprocess))
        decoded = geometry.decode(
            heads["bbox"][0], heads["obj"][0], heads["landmarks"][0], (size, size), self._conf_thresh
        )
        wholes, scores, points = decoded
        pad = (pad[0] - x1 * scale, pad[1] - y1 * scale)  # and so to pixels of the whole image
        wholes, points = geometry.unletterbox(wholes, scale, pad), geometry.unletterbox(points, scale, pad)
        clipped = geometry.clip_boxes(wholes, height, width)
        return [  # in the decoder's order
            Detection(_box(inside), _box(whole), Landmarks(five), float(score), in_side_light)
            for inside, whole, five, score in zip(clipped, wholes, points, scores, strict=True)
            if inside[0] < inside[2] and inside[1] < inside[3]  # else it lies in the letterbox's grey rim
        ]

    def embed(self, crop: NDArray[np.uint8]) -> Template | None:
        """Return the template of an aligned BGR crop of the recogniser's size.

        None for a flat answer (`_is_flat`), which would match the flat answers of strangers.  Raises ValueError
        if the network's output is not an embedding.
        """
        vector = self._unit(crop)
        if _is_flat(vector):
            return None
        if self._flip:
            other = self._unit(crop[:, ::-1])
            if _is_flat(other):
                return None
            vector = vector + other
            length = np.float32(np.linalg.norm(vector))
            if length < 1e-3:
                raise ValueError(f"{self.model_id} calls a face and its mirror image opposites")
            vector /= length
        return Template(vector, self._recogniser_card.model_id)

    def _unit(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        card = self._recogniser_card
        vector = self._recogniser.run(to_input(crop, card.preprocess))["embedding"].astype(np.float32).reshape(-1)
        if card.embedding_dim is not None and len(vector) != card.embedding_dim:
            raise ValueError(f"{card.model_id} gave {len(vector)} numbers, its card says {card.embedding_dim}")
        norm = float(np.linalg.norm(vector))
        if not 1e-6 < norm < np.inf:  # NaN fails too
            raise ValueError(f"{card.model_id} gave an embedding of length {norm}")
        return vector / np.float32(norm)  # many dropped-in networks do not normalise

    def _align(self, image: NDArray[np.uint8], landmarks: Landmarks) -> NDArray[np.uint8] | None:
        try:
            return align_face(image, landmarks.points, self._recogniser_card.input_size)
        except ValueError:  # the landmarks coincide; `measure` calls this turned away
            return None


def _is_flat(vector: NDArray[np.float32]) -> bool:
    """Return whether all numbers of a unit vector are about equally large.

    A saturated network answers so: each number is plus or minus the same value for any person, and such answers
    match each other at any threshold.  The kurtosis of an embedding is about 3, theirs is 1.  The limit lies four
    standard deviations below 3 at 384 numbers; a short vector is not enough.
    """
    return len(vector) >= TELLING and float(len(vector) * (vector**4).sum()) < FLAT


def to_input(image: NDArray[np.uint8], preprocess: Preprocess) -> NDArray[np.float32]:
    """Turn a BGR image [H,W,3] into float32 [1,3,H,W] by a card's preprocessing."""
    channels = image[..., ::-1] if preprocess.channel_order == "RGB" else image
    mean, std = np.asarray(preprocess.mean, np.float32), np.asarray(preprocess.std, np.float32)
    values = (channels.astype(np.float32) - mean) / std
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def _has_middle(box: Box, x1: int, y1: int, x2: int, y2: int) -> bool:
    """Return whether the middle of a box lies in the rectangle."""
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    return bool(x1 <= x <= x2 and y1 <= y <= y2)


def _around(box: Box, height: int, width: int) -> tuple[int, int, int, int] | None:
    """Return the square of CROP face sizes around a box, cut at the picture's edges; None if nothing is left."""
    x, y, half = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, CROP * max(box.width, box.height) / 2
    x1, y1 = max(0, round(x - half)), max(0, round(y - half))
    x2, y2 = min(width, round(x + half)), min(height, round(y + half))
    return None if x1 >= x2 or y1 >= y2 else (x1, y1, x2, y2)


def _box(corners: NDArray[np.float32]) -> Box:
    return Box(*(float(value) for value in corners))


class StageClock:
    """A clock that adds up the time of each stage."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STAGES, 0.0)
        self._last = perf_counter()

    def stop(self, stage: str) -> None:
        now = perf_counter()
        self.spent[stage] = self.spent.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now

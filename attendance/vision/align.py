"""Five landmarks → an upright face crop.

In: a BGR image and `Landmarks` in its pixels.  Out: a square BGR crop in the ArcFace convention.
Does not know: the network that reads the crop, or how the landmarks were found.
Main choice: the five-point similarity transform (Umeyama 1991) to the ArcFace reference, because
every public face embedder was trained on it.
Trade-off: profiles are scaled by the foreshortened distance between the eyes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# The ArcFace reference points for a 112×112 crop (Deng et al., 2019; insightface): left eye, right
# eye, nose, left mouth corner, right mouth corner, as they appear in the image.
ARCFACE_112: NDArray[np.float32] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)


def similarity_transform(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the least-squares rotation, uniform scale and shift from `source` [N,2] to `target` [N,2].

    The result is the 2×3 matrix for `cv2.warpAffine`.  Umeyama, "Least-squares estimation of
    transformation parameters between two point patterns", 1991.
    Raises ValueError if the source points coincide, because then there is no scale.
    """
    source64, target64 = source.astype(np.float64), target.astype(np.float64)
    source_mean, target_mean = source64.mean(0), target64.mean(0)
    source_centred, target_centred = source64 - source_mean, target64 - target_mean
    variance = (source_centred**2).sum() / len(source64)
    if variance < 1e-9:
        raise ValueError("the landmarks coincide; no alignment is possible")
    covariance = target_centred.T @ source_centred / len(source64)
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.ones(2)
    if np.linalg.det(u) * np.linalg.det(vt) < 0:  # a reflection fits better: forbid it
        sign[-1] = -1.0
    rotation = (u * sign) @ vt
    scale = float((singular * sign).sum() / variance)
    matrix = np.empty((2, 3))
    matrix[:, :2] = scale * rotation
    matrix[:, 2] = target_mean - scale * rotation @ source_mean
    return matrix.astype(np.float32)


def align_face(
    image: NDArray[np.uint8], points: NDArray[np.float32], size: int = 112, margin: float = 0.0
) -> NDArray[np.uint8]:
    """Warp the face with landmarks `points` [5,2] px into a [size,size,3] crop.

    `margin` widens the view: 0 is the ArcFace crop; 1/14 adds 8 px in 112 on every side (training
    keeps such a rim so that jitter never reaches the border).
    """
    reference = ARCFACE_112 / 112.0  # as a share of the crop's side
    reference = (reference + margin) / (1 + 2 * margin) * size
    matrix = similarity_transform(points, reference)
    image, corner = _surroundings(image, matrix, size)
    points = points - corner
    matrix = similarity_transform(points, reference)
    # cv2.warpAffine samples single pixels: a large face must first be shrunk by areas, or the crop aliases.
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        factor = max(scale * 1.5, 1e-3)
        height, width = image.shape[:2]
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        matrix = similarity_transform(points * np.array([small[0] / width, small[1] / height], np.float32), reference)
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _surroundings(
    image: NDArray[np.uint8], matrix: NDArray[np.float32], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the part of the image that the crop can see, and its corner (x, y).

    Shrinking a whole photo for one face takes longer than everything else here, and OpenCV cannot warp an
    image of more than 32,767 px a side.
    """
    height, width = image.shape[:2]
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 1e-6:  # the points lie so far apart that the crop shows the image as one dot
        raise ValueError("the landmarks do not form a face; no alignment is possible")
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float64) - matrix[:, 2]
    seen = corners @ np.linalg.inv(matrix[:, :2].astype(np.float64)).T
    rim = 2 + 2 / scale  # what interpolation and area averages reach beyond the corners
    x1, y1 = (int(v) for v in np.floor(np.clip(seen.min(0) - rim, 0, (width - 1, height - 1))))
    x2, y2 = (int(v) for v in np.ceil(np.clip(seen.max(0) + rim, (x1 + 1, y1 + 1), (width, height))))
    return np.ascontiguousarray(image[y1:y2, x1:x2]), np.array([x1, y1], np.float32)

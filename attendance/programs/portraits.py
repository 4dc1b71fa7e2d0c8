"""Two public-domain portraits and a door-camera video made from them, for the demo, the bench and tests.

In: scikit-image and matplotlib (extra `demo`), which ship the portraits.  Out: JPEG bytes; frames; a file.
Does not know: networks, databases.
Eileen Collins (NASA) is `skimage.data.astronaut`; Grace Hopper (US Navy) is matplotlib's sample image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.errors import UserError

WIDTH, HEIGHT, FPS = 1280, 720, 15
Image = NDArray[np.uint8]


def collins() -> NDArray[np.uint8]:
    """Eileen Collins, BGR [512,512,3]."""
    from skimage import data

    astronaut: Any = data.astronaut  # without types
    return np.ascontiguousarray(astronaut()[..., ::-1])


def hopper() -> NDArray[np.uint8]:
    """Grace Hopper, BGR [600,512,3]."""
    from matplotlib import cbook

    sample: Any = cbook.get_sample_data("grace_hopper.jpg")
    with sample as file:
        image = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image, np.uint8)


def as_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Return the portrait as the JPEG file that an operator would upload."""
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return coded.tobytes()


@dataclass(frozen=True)
class Visit:
    """`seconds` in front of the camera; `portrait` None: nobody is there."""

    portrait: NDArray[np.uint8] | None
    seconds: float


def frames(visits: list[Visit], seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield BGR [720,1280,3] at 15 a second: each visitor walks in, comes nearer and sways; the light changes."""
    random = np.random.default_rng(seed)
    wall = np.linspace(120, 80, HEIGHT)[:, None, None] * np.array([1.0, 0.97, 0.92])
    background = np.broadcast_to(wall, (HEIGHT, WIDTH, 3)).astype(np.float32)
    grain = random.normal(0, 3, (HEIGHT, WIDTH, 1)).astype(np.float32)
    for visit in visits:
        count = round(visit.seconds * FPS)
        for number in range(count):
            share = number / max(1, count - 1)
            scene = background.copy()
            if visit.portrait is not None:
                _paste(scene, visit.portrait, share)
            light = 1 + 0.3 * np.sin(2 * np.pi * share)
            shifted = np.roll(grain, int(random.integers(1, WIDTH)), axis=1)
            yield np.clip(scene * light + shifted, 0, 255).astype(np.uint8)


def _paste(scene: NDArray[np.float32], portrait: NDArray[np.uint8], share: float) -> None:
    """Draw a portrait's head at a place and size that depend on `share`, the part of the visit that is over, 0..1."""
    head = portrait[: int(portrait.shape[0] * 0.72), int(portrait.shape[1] * 0.12) : int(portrait.shape[1] * 0.88)]
    height = round(HEIGHT * (0.7 + 0.25 * np.sin(np.pi * share)))
    width = round(height * head.shape[1] / head.shape[0])
    resized = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA if height < len(head) else cv2.INTER_CUBIC)
    x = round((WIDTH - width) * (0.5 + 0.3 * np.sin(2 * np.pi * share)))
    y = round((HEIGHT - height) * (0.6 + 0.3 * np.cos(3 * np.pi * share)))
    scene[y : y + height, x : x + width] = resized


def write_video(path: Path, visits: list[Visit]) -> Path:
    """Write an .mp4 (MPEG-4); raise UserError if that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise UserError(f"cannot write the video {path}: is the disk full, or the folder read-only?")
    for frame in frames(visits):
        writer.write(frame)
    writer.release()
    return path

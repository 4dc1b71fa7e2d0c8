"""Presentation attacks made from photographs: prints, screens and replays held before a camera.

In: a BGR picture with a face's box, a scene, a numpy generator.  Out: what a camera would see, and the box in it.
Does not know: files, people, networks.
Main choice: physics in its usual order: the medium (ink or sub-pixels), its surface (paper, glass), its edge, the
hand that holds it, then the camera.  Trade-off: simulated attacks are easier than real ones; they add variety of
faces and scenes, and never stand alone in a measurement.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from attendance.domain.faces import Box

Image = NDArray[np.uint8]
Float = NDArray[np.float32]
CANVAS = 288  # px; the face is a quarter of it
SPECIES = ("print", "screen", "replay")


def attack(picture: Image, box: Box, scene: Image, species: str, random: np.random.Generator) -> tuple[Image, Box]:
    """Return a picture of `species` held before `scene`, BGR uint8 [288,288,3], and the face's box in it."""
    shown, inner = _cut(picture, box, random)
    surface = printed(shown, random) if species == "print" else screened(shown, species == "replay", random)
    times = surface.shape[1] / shown.shape[1]  # sub-pixels make it larger
    inner = Box(inner.x1 * times, inner.y1 * times, inner.x2 * times, inner.y2 * times)
    surface, inner = _edged(surface, inner, species, random)
    return _held(surface, inner, scene, random)


def _cut(picture: Image, box: Box, random: np.random.Generator) -> tuple[Image, Box]:
    """Cut 1.2 to 3.5 face sides out of a photograph, as far as it reaches."""
    side = float(np.sqrt(box.width * box.height))
    reach = random.uniform(0.6, 1.75, 4) * side
    x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    height, width = picture.shape[:2]
    x1, y1 = int(max(0, x - reach[0])), int(max(0, y - reach[1]))
    x2, y2 = int(min(width, x + reach[2])), int(min(height, y + reach[3]))
    scale = CANVAS / 4 / side * random.uniform(1.2, 1.8)  # more than the camera will see of it
    cut = picture[y1:y2, x1:x2]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sized = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=kind)
    shifted = np.array([box.x1 - x1, box.y1 - y1, box.x2 - x1, box.y2 - y1]) * scale
    return np.asarray(sized, np.uint8), Box(*(float(v) for v in shifted))


def printed(picture: Image, random: np.random.Generator) -> Float:
    """Return a print of it: narrow gamut, lifted black, perhaps a halftone, paper, gloss; float32 0..255."""
    light = picture.astype(np.float32) / 255
    grey = light.mean(2, keepdims=True)
    colour = random.uniform(0.0 if random.random() < 0.1 else 0.5, 1.05)
    light = np.clip(grey + (light - grey) * colour, 0, 1)
    black = random.uniform(0.03, 0.22)
    paper = (random.uniform(0.8, 1.0) * np.exp(random.normal(0, 0.03, 3))).astype(np.float32)
    ink: Float = np.asarray(black + (paper - black) * light ** random.uniform(0.8, 1.3), np.float32)
    if random.random() < 0.6:
        ink = _halftone(ink, random)
    if random.random() < 0.3:  # bands of a worn printer
        bands = 1 + 0.04 * np.sin(np.arange(ink.shape[0]) * random.uniform(0.2, 1.5))
        ink = np.asarray(ink * bands[:, None, None], np.float32)
    fibres = cv2.GaussianBlur(random.normal(0, 1, ink.shape[:2]).astype(np.float32), (0, 0), random.uniform(0.6, 2.0))
    ink = np.asarray(ink + fibres[..., None] * random.uniform(0, 0.03), np.float32)
    return _glossed(ink, random.uniform(0, 0.45) if random.random() < 0.5 else 0.0, random) * 255


def _halftone(ink: Float, random: np.random.Generator) -> Float:
    """Screen each ink at its angle; `strength` leaves continuous tones of a photo printer in."""
    height, width = ink.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    period, strength = random.uniform(1.8, 4.5), random.uniform(0.15, 0.7)
    result = np.empty_like(ink)
    for channel, degrees in enumerate((15.0, 75.0, 45.0)):
        angle = np.deg2rad(degrees + random.uniform(-5, 5))
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        dots = 0.5 + 0.25 * (np.cos(2 * np.pi * u / period) + np.cos(2 * np.pi * v / period))
        hard = 1 / (1 + np.exp(-12 * (ink[..., channel] - dots)))
        result[..., channel] = (1 - strength) * ink[..., channel] + strength * hard
    return result


def screened(picture: Image, flicker: bool, random: np.random.Generator) -> Float:
    """Return a screen that shows it, 2 to 3 times as large: sub-pixels, backlight, glare; float32 0..255."""
    light = (picture.astype(np.float32) / 255) ** random.uniform(0.75, 1.15)
    cast = np.exp(random.normal(0, 0.06, 3)) * np.array([1.06, 1.0, 0.97])  # screens are bluish
    light = (random.uniform(0.0, 0.09) + light * random.uniform(0.8, 1.15)) * cast.astype(np.float32)
    if random.random() < 0.7:
        factor = 3
        light = np.repeat(np.repeat(light, factor, 0), factor, 1)
        depth = random.uniform(0.1, 0.6)
        stripes = np.full((1, light.shape[1], 3), 1 - depth, np.float32)
        for channel in range(3):
            stripes[:, (2 - channel) :: factor, channel] = 1 + depth
        rows = np.ones((light.shape[0], 1, 1), np.float32)
        rows[:: factor if random.random() < 0.7 else 2] = 1 - depth * random.uniform(0.2, 1)
        light = light * stripes * rows
    height = light.shape[0]
    if random.random() < 0.5:  # uneven backlight
        low, high = (float(share) for share in random.uniform(0.85, 1.1, 2))
        light = light * np.linspace(low, high, height, dtype=np.float32)[:, None, None]
    if flicker:  # a rolling shutter sees the backlight's pulses, or half of the next picture, as bands
        phase = np.arange(height) / height * random.uniform(1, 6) + random.random()
        light = light * (1 - random.uniform(0.05, 0.3) * (np.sin(2 * np.pi * phase) > 0.3))[:, None, None]
        light = cv2.GaussianBlur(light, (0, 0), random.uniform(0.5, 2.5))  # video codecs soften
    glare = random.uniform(0, 0.5) if random.random() < 0.4 else 0.0
    return _glossed(np.asarray(light, np.float32), glare, random) * 255


def _glossed(surface: Float, strength: float, random: np.random.Generator) -> Float:
    """Add a window's or a lamp's reflection."""
    if strength <= 0:
        return surface
    height, width = surface.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = random.uniform(0, np.pi)
    across = (x - random.uniform(0, width)) * np.cos(angle) + (y - random.uniform(0, height)) * np.sin(angle)
    along = (y - random.uniform(0, height)) * np.cos(angle) - (x - random.uniform(0, width)) * np.sin(angle)
    wide, long = random.uniform(0.05, 0.5) * width, random.uniform(0.2, 2.0) * height
    return np.asarray(surface + strength * np.exp(-((across / wide) ** 2) - (along / long) ** 2)[..., None], np.float32)


def _edged(surface: Float, inner: Box, species: str, random: np.random.Generator) -> tuple[Float, Box]:
    """Put the paper's margin or the device's bezel around it."""
    height, width = surface.shape[:2]
    if species == "print":
        if random.random() < 0.3:
            return surface, inner
        rim = (random.uniform(0, 0.18, 4) * min(height, width)).astype(int)
        colour = np.array([1.0, 1.0, 1.0]) * random.uniform(180, 255)
    else:
        thin, thick = random.uniform(0.02, 0.08), random.uniform(0.05, 0.22)
        upright = random.random() < 0.6
        shares = np.array([thick, thick, thin, thin] if upright else [thin, thin, thick, thick])
        rim = (shares * min(height, width)).astype(int)
        colour = np.ones(3) * (random.uniform(0, 40) if random.random() < 0.8 else random.uniform(180, 240))
    top, bottom, left, right = (int(v) for v in rim)
    value = [float(v) for v in colour]
    edged = cv2.copyMakeBorder(surface, top, bottom, left, right, cv2.BORDER_CONSTANT, value=value)
    moved = Box(inner.x1 + left, inner.y1 + top, inner.x2 + left, inner.y2 + top)
    return np.asarray(edged, np.float32), moved


def _held(surface: Float, inner: Box, scene: Image, random: np.random.Generator) -> tuple[Image, Box]:
    """Hold it before a scene, tilted and perhaps bent, with a hand; then take the camera's picture."""
    face = CANVAS / 4 * random.uniform(0.92, 1.08)
    side = float(np.sqrt(inner.width * inner.height))
    corners = np.array([[inner.x1, inner.y1], [inner.x2, inner.y1], [inner.x2, inner.y2], [inner.x1, inner.y2]])
    zoom = face / side
    middle = corners.mean(0)
    turn = np.deg2rad(random.normal(0, 5))
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    target = (corners - middle) * zoom @ spin.T
    target = target * (1 + target[:, :1] * random.normal(0, 6e-4) + target[:, 1:] * random.normal(0, 6e-4))
    target = target + CANVAS / 2 + random.normal(0, 2, 2)
    move = cv2.getPerspectiveTransform(corners.astype(np.float32), target.astype(np.float32))
    if random.random() < 0.35:
        surface = _bent(surface, random)
    size = (CANVAS, CANVAS)
    picture = cv2.warpPerspective(surface, move, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(surface.shape[:2], np.float32), move, size, flags=cv2.INTER_LINEAR)[..., None]
    behind = _backdrop(scene, random)
    if random.random() < 0.6:  # the shadow behind it
        shade = cv2.GaussianBlur(np.roll(mask[..., 0], (6, 4), (0, 1)), (0, 0), 6)[..., None]
        behind = behind * (1 - 0.4 * shade)
    seen = behind * (1 - mask) + picture * mask
    if random.random() < 0.5:
        seen = _hand(np.asarray(seen, np.float32), np.asarray(mask[..., 0], np.float32), random)
    seen = seen * np.exp(random.normal(0, 0.15)) * np.exp(random.normal(0, 0.05, 3))
    if random.random() < 0.6:
        seen = cv2.GaussianBlur(seen, (0, 0), random.uniform(0.4, 1.4))
    seen = seen + random.normal(0, random.uniform(0, 5), seen.shape)
    low, high = target.min(0), target.max(0)
    return seen.clip(0, 255).astype(np.uint8), Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _bent(surface: Float, random: np.random.Generator) -> Float:
    """Bend a sheet around an upright or a level cylinder."""
    height, width = surface.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bow, phase = random.uniform(0.02, 0.06), random.uniform(-0.5, 0.5)
    if random.random() < 0.5:
        y = y + bow * height * np.cos(np.pi * (x / width - 0.5 + phase))
    else:
        x = x + bow * width * np.cos(np.pi * (y / height - 0.5 + phase))
    return np.asarray(cv2.remap(surface, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _backdrop(scene: Image, random: np.random.Generator) -> Float:
    height, width = scene.shape[:2]
    side = int(min(height, width) * random.uniform(0.5, 1.0))
    y, x = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    cut = cv2.resize(scene[y : y + side, x : x + side], (CANVAS, CANVAS), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(cut.astype(np.float32), (0, 0), random.uniform(0.5, 4.0))
    return np.asarray(blurred * random.uniform(0.5, 1.1), np.float32)


def _hand(seen: Float, mask: Float, random: np.random.Generator) -> Float:
    """Lay fingers over an edge of the sheet: ellipses in a colour of skin."""
    ys, xs = np.nonzero(mask > 0.5)
    if not len(xs):
        return seen
    fingers = np.zeros(mask.shape, np.float32)
    left, low = xs.min() if random.random() < 0.5 else xs.max(), random.uniform(0.55, 0.95)
    y0 = ys.min() + low * (ys.max() - ys.min())
    for number in range(int(random.integers(1, 5))):
        centre = (int(left + random.normal(0, 6)), int(y0 + number * random.uniform(14, 20)))
        axes = (int(random.uniform(14, 28)), int(random.uniform(6, 10)))
        cv2.ellipse(fingers, centre, axes, float(random.normal(0, 15)), 0, 360, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(fingers, (0, 0), 1.5), np.float32)[..., None]
    skin = np.array([120, 150, 200]) * random.uniform(0.35, 1.1)
    return np.asarray(seen * (1 - soft) + skin.astype(np.float32) * soft, np.float32)


def clip(picture: Image, box: Box, scene: Image, species: str, random: np.random.Generator, count: int) -> list[Image]:
    """Return `count` pictures BGR uint8 [480,640,3] of one attack that a hand moves across, nearer and round."""
    shown, inner = _cut(picture, box, random)
    surface = printed(shown, random) if species == "print" else screened(shown, species == "replay", random)
    times = surface.shape[1] / shown.shape[1]
    inner = Box(inner.x1 * times, inner.y1 * times, inner.x2 * times, inner.y2 * times)
    surface, inner = _edged(surface, inner, species, random)
    behind = cv2.resize(scene, (640, 480), interpolation=cv2.INTER_AREA).astype(np.float32)
    face = float(np.sqrt(inner.width * inner.height))
    side, far = random.uniform(100, 140), random.uniform(8, 30)
    phase = random.uniform(0, 2 * np.pi, 4)
    pictures = []
    for number in range(count):
        way = 2 * np.pi * number / max(count, 8) + phase
        zoom = side / face * (1 + 0.06 * np.sin(way[2]))
        angle = np.deg2rad(4 * np.sin(way[3]))
        turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([(inner.x1 + inner.x2) / 2, (inner.y1 + inner.y2) / 2])
        target = np.array([320 + far * np.sin(way[0]), 240 + far * np.sin(way[1])])
        move = np.column_stack([turn, target - turn @ middle]).astype(np.float32)
        seen = cv2.warpAffine(surface, move, (640, 480), flags=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
        mask = cv2.warpAffine(np.ones(surface.shape[:2], np.float32), move, (640, 480))[..., None]
        whole = behind * (1 - mask) + seen * mask + random.normal(0, 2.5, (480, 640, 1))
        pictures.append(np.asarray(whole.clip(0, 255), np.uint8))
    return pictures

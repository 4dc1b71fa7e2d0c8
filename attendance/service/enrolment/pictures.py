"""Bytes of an uploaded picture, taken for hostile → pixels.

In: the bytes of a file; how many pixels its sender may send.  Out: an upright BGR image.
Does not know: faces, people, who sent it.
Main choice: the size is read from the header before anything is unfolded, because a file of 200 kB may unfold into a
gigabyte, and one picture is unfolded at a time.  Trade-off: uploads wait for each other.

With both limits the largest photo that is taken needs less than 350 MB while it is looked at (`tests/security`), and
a tablet's largest picture less than 80 MB.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from attendance.errors import Phrase, UserError

MAX_BYTES = 25 * 1024 * 1024
PHOTO_PIXELS, TABLET_PIXELS = 25_000_000, 4_000_000
# A JPEG that is not progressive is made half as large while it is unfolded, line by line.
JPEG_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
_KINDS = Phrase("use a JPEG, PNG, WebP or BMP file")
_STRIP = 256  # rows

# Held while a picture is unfolded; by whoever looks at a photo, until it lets the pixels go.
ONE_PHOTO = threading.RLock()
# Nobody at a tablet waits for somebody's large photo.
_ONE_FRAME = threading.RLock()


class EnrolRefused(UserError):
    """The file is not a usable photo; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Upright BGR uint8 [H,W,3]; `shrunk`: how many times smaller than the file says (1 or 2)."""

    image: NDArray[np.uint8]
    shrunk: int = 1


def decode_image(data: bytes, most_pixels: int = PHOTO_PIXELS) -> NDArray[np.uint8]:
    """Return the upright image, BGR uint8 [H,W,3]; EnrolRefused if the bytes are not an accepted image."""
    return decode_picture(data, most_pixels).image


def thumbnail(data: bytes, side: int = 240) -> bytes | None:
    """Return a small JPEG of a photo, at most `side` px a side, for the answer to whoever sent it; None if unusable."""
    try:
        image = Image.fromarray(decode_image(data)[:, :, ::-1])
    except EnrolRefused:
        return None
    image.thumbnail((side, side))
    small = io.BytesIO()
    image.save(small, "JPEG", quality=80)
    return small.getvalue()


def decode_picture(data: bytes, most_pixels: int = PHOTO_PIXELS) -> Picture:
    """Return the upright picture; EnrolRefused if the bytes are not an accepted image or have too many pixels."""
    if not data:
        raise EnrolRefused("the file is empty: choose another photo")
    if len(data) > MAX_BYTES:
        raise EnrolRefused("the file is larger than %(most)s MB: use a smaller copy", most=MAX_BYTES >> 20)
    too_large = EnrolRefused(
        "the image has more than %(most)s megapixels: use a smaller copy", most=most_pixels // 1_000_000
    )
    try:
        turn = _ONE_FRAME if most_pixels <= TABLET_PIXELS else ONE_PHOTO
        with turn, Image.open(io.BytesIO(data), formats=FORMATS) as image:
            shrunk = _halved(image, most_pixels)
            if image.width * image.height > most_pixels:
                raise too_large
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return Picture(_bgr(image), shrunk)
    except EnrolRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large from error
    except UnidentifiedImageError as error:
        raise EnrolRefused("the file is not an image that can be read: %(kinds)s", kinds=_KINDS) from error
    except Exception as error:  # Pillow's parsers raise whatever a broken file provokes
        raise EnrolRefused("the image is damaged or incomplete: save it again, and %(kinds)s", kinds=_KINDS) from error


def _halved(image: Image.Image, most_pixels: int) -> int:
    """Have a large JPEG photo unfolded at half its size; return how many times smaller it gets."""
    width, height = image.size
    large = most_pixels < width * height <= JPEG_PIXELS and most_pixels >= PHOTO_PIXELS
    # A progressive one is kept whole in memory while it is unfolded, whatever size was asked for.
    if not large or image.format != "JPEG" or image.info.get("progressive"):
        return 1
    image.draft(image.mode, (width // 2, height // 2))
    return 1 if image.size == (width, height) else 2


def _bgr(image: Image.Image) -> NDArray[np.uint8]:
    """Convert any mode of the four formats to BGR uint8, strip by strip: whole copies take hundreds of MB."""
    whole = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _STRIP):
        strip = image.crop((0, top, image.width, min(top + _STRIP, image.height)))
        whole[top : top + _STRIP] = _strip_bgr(strip)
    return whole


def _strip_bgr(strip: Image.Image) -> NDArray[np.uint8]:
    if strip.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip instead of scale
        grey = (np.clip(np.asarray(strip, dtype=np.int64), 0, 65535) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if strip.has_transparency_data:  # the colour of transparent pixels is arbitrary: show white
        strip = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip)
    return np.asarray(strip.convert("RGB"), dtype=np.uint8)[:, :, ::-1]

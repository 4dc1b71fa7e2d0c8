"""Uploaded pictures, taken for hostile: every kind of file, and how much memory one may take."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attendance.domain.faces import Box, Frame, Probe
from attendance.service.enrolment import pictures
from attendance.service.enrolment.enrol import check_photo
from attendance.service.enrolment.pictures import (
    PHOTO_PIXELS,
    TABLET_PIXELS,
    EnrolRefused,
    decode_image,
    decode_picture,
)
from tests.factories import ANNA, make_image
from tests.fakes import FakeAnalyser, FakeClock

RED = (255, 0, 0)


def saved(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP"])
def test_the_four_formats_are_read_as_bgr(form: str) -> None:
    image = decode_image(saved(Image.new("RGB", (20, 10), RED), form))
    assert image.shape == (10, 20, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - (0, 0, 255)).max() <= 4
    assert image.flags.c_contiguous


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_every_mode_becomes_three_channels(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    image = decode_image(saved(Image.new("RGB", (20, 10), "white").convert(mode), form))
    assert image.shape == (10, 20, 3)
    assert image.min() >= 250


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, axis=0)
    image = decode_image(saved(Image.fromarray(ramp)))
    assert image[0, :, 0].tolist() == (ramp[0] >> 8).tolist()
    assert (image[..., 0] == image[..., 2]).all()


def test_transparent_pixels_are_shown_on_white() -> None:
    image = decode_image(saved(Image.new("RGBA", (8, 8), (255, 0, 0, 0))))
    assert (image == 255).all()


def test_a_palette_with_transparency_is_shown_on_white() -> None:
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 0] * 256)
    assert (decode_image(saved(palette, transparency=0)) == 255).all()


def test_a_photo_taken_sideways_is_turned_upright() -> None:
    picture = Image.new("RGB", (20, 10), "black")
    picture.paste("white", (0, 0, 5, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the picture must be turned 90° clockwise
    image = decode_image(saved(picture, "PNG", exif=exif))
    assert image.shape == (20, 10, 3)
    assert image[:5].min() == 255
    assert image[5:].max() == 0


def test_only_the_first_picture_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("white", "black")]
    assert decode_image(saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)).min() == 255


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 no picture", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image|damaged"),
        (saved(Image.new("RGB", (8, 8)), "GIF"), "not an image"),
        (saved(Image.new("RGB", (200, 200), "red"), "JPEG")[:-300], "damaged|not an image"),
        (saved(Image.effect_noise((200, 200), 50), "PNG")[:-300], "damaged"),
        (png_claiming(5001, 5000), "25 megapixels"),
        (png_claiming(10_000, 10_000), "25 megapixels"),
        (png_claiming(60_000, 60_000), "25 megapixels"),
        (bytes(pictures.MAX_BYTES + 1), "larger than 25 MB"),
    ],
)
def test_what_is_no_usable_image_is_refused_with_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(EnrolRefused, match=says) as caught:
        decode_image(data)
    assert "\n" not in str(caught.value)
    report = check_photo(FakeAnalyser(), data, FakeClock())
    assert (report.ok, report.reason, report.template) == (False, None, None)
    assert report.words
    assert report.advice.endswith(".")


def test_what_the_limit_allows_is_still_taken() -> None:
    for width, height, most in ((5000, 5000, PHOTO_PIXELS), (2000, 2000, TABLET_PIXELS)):
        with pytest.raises(EnrolRefused, match="damaged"):  # the header passes; the pixels are not there
            decode_image(png_claiming(width, height), most)
    with pytest.raises(EnrolRefused, match="4 megapixels"):
        decode_image(png_claiming(2001, 2000), TABLET_PIXELS)


def test_a_large_jpeg_photo_is_unfolded_at_half_its_size_and_never_a_tablets(jpeg_of_30_megapixels: bytes) -> None:
    picture = decode_picture(jpeg_of_30_megapixels)

    assert (picture.shrunk, picture.image.shape) == (2, (2500, 3000, 3))
    with pytest.raises(EnrolRefused, match="4 megapixels"):
        decode_image(jpeg_of_30_megapixels, TABLET_PIXELS)


def test_boxes_of_a_photo_that_was_halved_are_in_its_own_pixels(jpeg_of_30_megapixels: bytes) -> None:
    class Everywhere(FakeAnalyser):
        def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
            (found,) = super().analyse(Frame(make_image(ANNA), frame.taken_at, frame.camera), max_faces)
            return [replace(found, box=Box(10, 20, 30, 40))]

    assert check_photo(Everywhere(), jpeg_of_30_megapixels, FakeClock()).box == Box(20, 40, 60, 80)


@pytest.fixture(scope="module")
def jpeg_of_30_megapixels() -> bytes:
    return saved(Image.new("L", (6000, 5000), 90), "JPEG")


# Decodes the same picture in four threads at once, in a process of its own; prints by how much its peak grew, in MB.
MEASURE = """
import resource, sys, threading
from attendance.service.enrolment.enrol import check_photo
from attendance.service.enrolment.pictures import EnrolRefused, decode_image
from tests.fakes import FakeAnalyser, FakeClock
data, most = open(sys.argv[1], "rb").read(), int(sys.argv[2])
class Nobody(FakeAnalyser):
    def analyse(self, frame, max_faces=5):
        return []
def look():
    try:
        decode_image(data, most) if most else check_photo(Nobody(), data, FakeClock())
    except EnrolRefused:
        pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
threads = [threading.Thread(target=look) for _ in range(4)]
[one.start() for one in threads]
[one.join() for one in threads]
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def grown(tmp_path: Path, data: bytes, most_pixels: int) -> int:
    file = tmp_path / "picture"
    file.write_bytes(data)
    command = [sys.executable, "-c", MEASURE, str(file), str(most_pixels)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16", "P", "CMYK"])
def test_four_of_the_largest_photos_at_once_take_less_than_350_mb(tmp_path: Path, mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    data = saved(Image.new(mode, (5000, 5000)), form)
    assert len(data) < 1_000_000

    assert grown(tmp_path, data, 0) < 350


@pytest.mark.long
def test_four_of_a_tablets_largest_pictures_at_once_take_less_than_80_mb(tmp_path: Path) -> None:
    assert grown(tmp_path, saved(Image.new("RGBA", (2000, 2000))), TABLET_PIXELS) < 80
    assert grown(tmp_path, saved(Image.new("RGB", (7000, 7000))), TABLET_PIXELS) < 20  # the header is enough

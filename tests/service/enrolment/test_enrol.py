"""Photos as people send them: every kind of file, every kind of mistake."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from attendance.domain.faces import Box, Frame, Probe
from attendance.domain.reason import Reason
from attendance.errors import UserError
from attendance.service.access.reason_texts import reason_advice
from attendance.service.enrolment import enrol
from attendance.service.enrolment.enrol import EnrolRefused, check_photo, decode_image
from attendance.store import settings
from attendance.store.people import people, templates
from attendance.store.people.look_alikes import named_pairs
from attendance.store.tables import people as stored_people
from tests.factories import ANNA, BERT, MODEL, NOBODY, STRANGER, make_image, make_photo
from tests.fakes import FakeAnalyser, FakeClock
from tests.service.conftest import Site

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
        (png_claiming(8001, 6250), "50 megapixels"),
        (png_claiming(10_000, 10_000), "50 megapixels"),
        (png_claiming(60_000, 60_000), "50 megapixels"),
        (bytes(enrol.MAX_BYTES + 1), "larger than 25 MB"),
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


def test_fifty_megapixels_are_still_taken() -> None:
    with pytest.raises(EnrolRefused, match="damaged"):  # the header passes; the pixels are not there
        decode_image(png_claiming(8000, 6250))


def test_a_good_photo_is_good() -> None:
    report = check_photo(FakeAnalyser(), make_photo(ANNA), FakeClock())
    assert report.ok
    assert report.reason is None
    assert report.template is not None
    assert report.box is not None
    assert "array" not in repr(report)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_the_file_format_does_not_change_who_it_is(form: str) -> None:
    one = check_photo(FakeAnalyser(), make_photo(ANNA), FakeClock()).template
    other = check_photo(FakeAnalyser(), make_photo(ANNA, form), FakeClock()).template
    assert one is not None
    assert other is not None
    assert one.score(other) > 0.99


def test_a_photo_of_nobody_is_refused() -> None:
    report = check_photo(FakeAnalyser(), make_photo(NOBODY), FakeClock())
    assert (report.ok, report.reason) == (False, Reason.NO_FACE)
    assert report.advice == reason_advice(Reason.NO_FACE)


def test_a_photo_of_two_people_is_refused() -> None:
    both = np.hstack([make_image(ANNA), make_image(BERT)])
    report = check_photo(FakeAnalyser(), saved(Image.fromarray(both[:, :, ::-1].copy())), FakeClock())
    assert (report.ok, report.reason) == (False, Reason.SEVERAL_FACES)


@pytest.mark.parametrize(("share", "ok"), [(0.24, True), (0.26, False)])
def test_a_passer_by_in_the_background_does_no_harm(share: float, ok: bool) -> None:
    class WithPasserBy(FakeAnalyser):
        def analyse(self, frame: Frame, max_faces: int = 5) -> list[Probe]:
            (first,) = super().analyse(frame, max_faces)
            side = (share * first.box.area) ** 0.5
            return [first, replace(first, box=Box(0, 0, side, side))]

    assert check_photo(WithPasserBy(), make_photo(ANNA), FakeClock()).ok is ok


def test_the_worst_flaw_is_the_reason() -> None:
    analyser = FakeAnalyser()
    analyser.flaws = (Reason.TOO_SMALL, Reason.BLURRED)
    report = check_photo(analyser, make_photo(ANNA), FakeClock())
    assert (report.ok, report.reason, report.template) == (False, Reason.TOO_SMALL, None)
    assert report.box is not None
    assert report.quality is not None


def test_enrolling_stores_a_sealed_template_and_no_photo(site: Site) -> None:
    person = site.enrol("Anna", ANNA)
    with site.sessions() as session:
        (row,) = templates.list_templates(session, person)
    assert (row.model_id, row.source) == (MODEL, "upload")
    assert row.quality["size"] == 120.0
    assert make_photo(ANNA)[:40] not in row.vector
    assert len(row.vector) < 384 * 4 + 64


def test_a_refused_photo_adds_nothing(site: Site) -> None:
    person = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        before = settings.gallery_version(session)
        assert not site.enrol_photo(session, person, make_photo(NOBODY)).ok
        assert not site.enrol_photo(session, person, b"no picture").ok
    with site.sessions() as session:
        assert len(templates.list_templates(session, person)) == 1
        assert settings.gallery_version(session) == before


def test_the_same_photo_again_is_told_and_adds_nothing(site: Site) -> None:
    person = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        report = site.enrol_photo(session, person, make_photo(ANNA))
    assert (report.ok, report.already_enrolled) == (True, True)
    with site.sessions() as session:
        assert [row.id for row in templates.list_templates(session, person)] == [report.template_id]


def test_without_consent_a_photo_is_not_even_looked_at(site: Site) -> None:
    site.analyser.error = AssertionError("the analyser was asked")
    with site.sessions.begin() as session:
        anna = people.create_person(session, name="Anna", at=site.clock.now())
        report = site.enrol_photo(session, anna.id, make_photo(ANNA))
        assert (report.ok, report.reason, report.advice) == (False, Reason.NO_CONSENT, reason_advice(Reason.NO_CONSENT))
        assert templates.list_templates(session, anna.id) == []


def test_the_first_photo_already_is_refused_when_it_may_be_somebody_else(site: Site) -> None:
    anna = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        double = site.add(session, "Ann")
        before = settings.gallery_version(session)
        report = site.enrol_photo(session, double.id, make_photo(ANNA))
        assert settings.gallery_version(session) == before
        assert templates.list_templates(session, double.id) == []
        bert = site.add(session, "Bert")
        assert site.enrol_photo(session, bert.id, make_photo(BERT)).looks_like is None
        assert site.enrol_photo(session, anna, make_photo(STRANGER)).looks_like is None
    assert (report.ok, report.reason, report.words) == (False, Reason.MAY_BE_ANOTHER, "this may be Anna, 1.00")
    assert report.template is None
    assert report.looks_like is not None
    assert report.looks_like[0] == anna
    assert report.looks_like[1] == pytest.approx(1.0, abs=1e-5)


def test_two_people_who_were_confirmed_as_such_are_not_asked_about_again(site: Site) -> None:
    anna = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        twin = site.add(session, "Ann").id
        assert site.enrol_photo(session, twin, make_photo(ANNA), two_people=[anna], confirmed_by="ada").ok
        assert site.enrol_photo(session, twin, make_photo(ANNA, "WEBP")).ok
        assert site.enrol_photo(session, anna, make_photo(ANNA, "JPEG")).ok
        third = site.add(session, "Änne").id
        again = site.enrol_photo(session, third, make_photo(ANNA), two_people=[anna])
        assert (again.reason, again.words) == (Reason.MAY_BE_ANOTHER, "this may be Ann, 1.00")  # nobody said so of her
        (pair,) = named_pairs(session, MODEL)
        assert (pair.name, pair.other_name, pair.confirmed_by) == ("Anna", "Ann", "ada")


def test_a_photo_is_compared_with_the_persons_other_ones(site: Site) -> None:
    anna = site.enrol("Anna", ANNA)
    with site.sessions.begin() as session:
        same = site.enrol_photo(session, anna, make_photo(ANNA, "WEBP"))
        other = site.enrol_photo(session, anna, make_photo(STRANGER))
    assert same.own_score is not None
    assert same.own_score > 0.9
    assert (same.unlike_own, other.ok, other.unlike_own) == (False, True, True)


def test_enrolling_for_somebody_erased_meanwhile_is_told(site: Site) -> None:
    with site.sessions() as session, pytest.raises(UserError, match="there is no person 7"):
        site.enrol_photo(session, 7, make_photo(ANNA))
    with site.sessions() as session:
        assert session.scalars(select(stored_people.Template)).all() == []


def test_a_photo_asks_for_consent_once_and_opens_the_gallery_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.set_threshold()
    site.enrol("Bert", BERT)
    calls: Counter[str] = Counter()
    for module, name in ((templates, "enrolled_templates"), (people, "get_person")):
        inner = getattr(module, name)

        def counted(*args: object, inner: Callable[..., Any] = inner, name: str = name, **options: object) -> Any:
            calls[name] += 1
            return inner(*args, **options)

        monkeypatch.setattr(module, name, counted)

    site.enrol("Anna", ANNA)

    assert calls == {"enrolled_templates": 1, "get_person": 1}


def test_the_new_template_is_on_the_list_of_look_alikes_at_once(site: Site) -> None:
    site.set_threshold(threshold=0.9, margin=0.9)
    with site.sessions.begin() as session:
        anna, bert = site.add(session, "Anna").id, site.add(session, "Bert").id
        site.enrol_photo(session, anna, make_photo(ANNA))
        site.enrol_photo(session, bert, make_photo(ANNA), two_people=None)
        (pair,) = named_pairs(session, MODEL)
    assert (pair.person_id, pair.other_id) == (anna, bert)

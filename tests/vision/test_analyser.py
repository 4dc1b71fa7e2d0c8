"""The one path from pixels to probes, with two tiny real networks and, for what no network does, fake ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from attendance.domain.faces import Frame
from attendance.domain.reason import Reason
from attendance.vision.analyser import FLAT, STAGES, FaceAnalyser, to_input
from attendance.vision.quality import QualityLimits
from attendance.vision.runtime import open_session
from attendance.vision.weights import Card, Preprocess, WeightsError
from tests.factories import NOON, detector_heads
from tests.fakes import FakeSession
from tests.vision.analysed import ANYTHING, FINDER, NET, UNIT
from tests.vision.networks import DIM, FIVE, REACH, RECOGNISER, expected_embedding


def make_frame(image: NDArray[np.uint8]) -> Frame:
    return Frame(image, NOON, "test")


def scene(*blocks: tuple[int, int, int, tuple[int, int, int]], height: int = 256, width: int = 256) -> Frame:
    """Dark, with squares of a BGR colour: (x, y, side, colour).  A block is a large face with small ones inside."""
    image = np.full((height, width, 3), 20, np.uint8)
    for x, y, side, colour in blocks:
        image[y : y + side, x : x + side] = colour
    return make_frame(image)


@pytest.fixture
def make(detector: Card, recogniser: Card, tmp_path: Path) -> Callable[[QualityLimits], FaceAnalyser]:
    def build(limits: QualityLimits) -> FaceAnalyser:
        sessions = [open_session(card, tmp_path, threads=1) for card in (detector, recogniser)]
        return FaceAnalyser(sessions[0], detector, sessions[1], recogniser, limits, 0.5)

    return build


@pytest.fixture
def analyser(make: Callable[[QualityLimits], FaceAnalyser]) -> FaceAnalyser:
    return make(ANYTHING)


WARM = (190, 230, 250)


COLD = (250, 230, 190)


def test_a_bright_block_is_found_where_it_is(analyser: FaceAnalyser) -> None:
    (probe,) = analyser.analyse(scene((64, 96, 32, (255, 255, 255))), 1)
    middle, reach = np.array([80, 112]), REACH * 32
    assert [probe.box.x1, probe.box.y1] == pytest.approx(middle - reach, abs=0.1)
    assert [probe.box.x2, probe.box.y2] == pytest.approx(middle + reach, abs=0.1)
    assert probe.landmarks.points == pytest.approx(middle + FIVE * 32, abs=0.1)
    assert 0.5 < probe.detection_score <= 1
    assert probe.quality.size == pytest.approx(2 * reach, abs=0.1)


@pytest.mark.parametrize("factor", [2, 4])
def test_boxes_are_in_pixels_of_the_original_frame(analyser: FaceAnalyser, factor: int) -> None:
    height, width = 192 * factor, 256 * factor  # letterboxed with 32 rows of grey above
    frame = scene((64 * factor, 64 * factor, 32 * factor, WARM), height=height, width=width)
    (probe,) = analyser.analyse(frame, 1)
    assert probe.landmarks.points == pytest.approx((80 + FIVE * 32) * factor, abs=factor)


def test_the_template_is_the_recognisers_of_the_aligned_face(analyser: FaceAnalyser) -> None:
    frame = make_frame(np.full((256, 256, 3), WARM, np.uint8))
    probe = next(one for one in analyser.analyse(frame, 100) if one.quality.visible == 1)
    assert probe.template is not None
    assert probe.template.model_id == analyser.model_id == RECOGNISER
    assert probe.template.vector == pytest.approx(expected_embedding(np.array(WARM[::-1], float)), abs=1e-3)


def test_red_and_blue_are_not_mixed_up(analyser: FaceAnalyser) -> None:
    frames = [make_frame(np.full((256, 256, 3), colour, np.uint8)) for colour in (WARM, COLD)]
    warm, cold = (analyser.analyse(frame, 100)[0].template for frame in frames)
    assert warm is not None
    assert cold is not None
    assert warm.score(cold) < 0.9


def test_the_largest_face_comes_first_and_no_more_than_asked_for(analyser: FaceAnalyser) -> None:
    frame = scene((32, 32, 8, WARM), (64, 64, 64, WARM), (192, 32, 16, WARM))
    areas = [probe.box.area for probe in analyser.analyse(frame, 100)]
    assert len(areas) > 2
    assert areas == sorted(areas, reverse=True)
    assert [probe.box.area for probe in analyser.analyse(frame, 2)] == areas[:2]
    assert analyser.analyse(frame, 0) == []


def test_a_face_with_flaws_has_no_template(make: Callable[[QualityLimits], FaceAnalyser]) -> None:
    (probe,) = make(replace(ANYTHING, min_size=500)).analyse(scene((64, 96, 32, WARM)), 1)
    assert (probe.flaws, probe.template) == ((Reason.TOO_SMALL,), None)


def test_a_box_ends_at_the_frame_but_its_quality_knows_that_it_did_not(
    make: Callable[[QualityLimits], FaceAnalyser],
) -> None:
    (probe,) = make(replace(ANYTHING, min_visible=0.9)).analyse(scene((0, 96, 32, WARM)), 1)
    assert probe.box.x1 == 0
    assert probe.quality.visible < 0.9
    assert probe.flaws == (Reason.CUT_OFF,)


def test_an_empty_scene_has_no_faces(analyser: FaceAnalyser) -> None:
    assert analyser.analyse(scene()) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 2), (6000, 8000), (480, 640)])
@pytest.mark.parametrize("grey", [0, 255])
def test_frames_of_any_size_are_looked_at(analyser: FaceAnalyser, shape: tuple[int, int], grey: int) -> None:
    height, width = shape
    for probe in analyser.analyse(make_frame(np.full((height, width, 3), grey, np.uint8))):
        assert 0 <= probe.box.x1 < probe.box.x2 <= width
        assert 0 <= probe.box.y1 < probe.box.y2 <= height


def test_a_frame_without_pixels_has_no_faces(analyser: FaceAnalyser) -> None:
    assert analyser.analyse(make_frame(np.empty((0, 5, 3), np.uint8))) == []


def test_a_frame_that_is_a_view_gives_what_its_copy_gives(analyser: FaceAnalyser) -> None:
    image = cv2.GaussianBlur(scene((64, 96, 64, WARM)).image, (0, 0), 3)[:, ::-1]
    views, copies = (analyser.analyse(make_frame(one)) for one in (image, image.copy()))
    assert [probe.box for probe in views] == [probe.box for probe in copies] != []


def test_every_stage_is_timed(analyser: FaceAnalyser) -> None:
    assert analyser.timings == dict.fromkeys(STAGES, 0)
    analyser.analyse(scene((64, 96, 32, WARM)))
    assert list(analyser.timings) == ["detect", "align", "quality", "embed"]
    assert all(value > 0 for value in analyser.timings.values())
    analyser.analyse(scene())
    assert analyser.timings["embed"] == 0


def fake(
    heads: dict[str, NDArray[np.float32]], embedding: NDArray[np.float32], limits: QualityLimits = ANYTHING
) -> FaceAnalyser:
    detector, recogniser = FakeSession(heads), FakeSession({"embedding": embedding})
    return FaceAnalyser(detector, FINDER, recogniser, NET, limits, 0.5)


HEADS = detector_heads([(60.0, 60.0, 160.0, 180.0)], 256)


FRAME = make_frame(np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))


def test_a_face_that_was_encoded_by_hand_comes_out_where_it_was_put() -> None:
    (probe,) = fake(HEADS, UNIT).analyse(FRAME)
    box = probe.box
    assert [box.x1, box.y1, box.x2, box.y2] == pytest.approx([60, 60, 160, 180], abs=1e-3)


@pytest.mark.parametrize("embedding", [[3, 4, 0, 0], [1e-3, 0, 0, 0]])
def test_an_embedding_of_another_length_is_brought_to_one(embedding: list[float]) -> None:
    (probe,) = fake(HEADS, np.array([embedding], np.float32)).analyse(FRAME)
    assert probe.template is not None
    assert np.linalg.norm(probe.template.vector) == pytest.approx(1)


@pytest.mark.parametrize("embedding", [[np.nan, 0, 0, 0], [np.inf, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0], [1, 0, 0, 0, 0]])
def test_what_is_no_embedding_is_a_fault_and_no_template(embedding: list[float]) -> None:
    with pytest.raises(ValueError, match="net gave"):
        fake(HEADS, np.array([embedding], np.float32)).analyse(FRAME)


def test_with_flip_a_face_and_its_mirror_image_have_one_template_the_mean_of_both(
    detector: Card, recogniser: Card, tmp_path: Path
) -> None:
    sessions = [open_session(card, tmp_path, threads=1) for card in (detector, recogniser)]
    plain, both = (
        FaceAnalyser(sessions[0], detector, sessions[1], recogniser, ANYTHING, 0.5, flip=flip) for flip in (False, True)
    )
    crop = np.random.default_rng(2).integers(0, 256, (recogniser.input_size,) * 2 + (3,), dtype=np.uint8)
    mirrored = np.ascontiguousarray(crop[:, ::-1])

    def vector(analyser: FaceAnalyser, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        template = analyser.embed(image)
        assert template is not None
        return template.vector

    mean = vector(plain, crop) + vector(plain, mirrored)
    assert vector(both, crop) == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    assert vector(both, mirrored) == pytest.approx(vector(both, crop), abs=1e-5)


def test_a_flat_answer_is_no_template_because_it_would_match_the_flat_answers_of_strangers() -> None:
    random = np.random.default_rng(0)
    signs = np.where(random.random(384) < 0.5, -1, 1).astype(np.float32)
    for spread, flat in ((0.0, True), (0.3, True), (3.0, False)):
        vector = signs + spread * random.standard_normal(384).astype(np.float32)
        detector = FakeSession(HEADS)
        recogniser = FakeSession({"embedding": vector[None]})
        card = replace(NET, embedding_dim=384)
        (probe,) = FaceAnalyser(detector, FINDER, recogniser, card, ANYTHING, 0.5).analyse(FRAME)
        assert probe.flaws == ((Reason.NO_TEMPLATE,) if flat else ()), spread
        assert (probe.template is None) == flat
    # What networks give for faces is far from that.
    usual = random.standard_normal((5000, 384))
    kurtosis = 384 * ((usual / np.linalg.norm(usual, axis=1, keepdims=True)) ** 4).sum(1)
    assert kurtosis.min() > FLAT


@pytest.mark.parametrize("head", ["bbox", "obj", "landmarks"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_detector_that_went_mad_finds_nobody(head: str, value: float) -> None:
    heads = {**HEADS, head: np.full_like(HEADS[head], value)}
    assert fake(heads, UNIT).analyse(FRAME) == []


def test_landmarks_on_one_spot_are_turned_away_and_no_crash() -> None:
    heads = {**HEADS, "landmarks": np.zeros_like(HEADS["landmarks"])}
    (probe,) = fake(heads, UNIT, QualityLimits()).analyse(FRAME)
    assert Reason.TURNED_AWAY in probe.flaws
    assert probe.template is None


def test_a_face_in_the_grey_beside_the_picture_is_none() -> None:
    heads = detector_heads([(60.0, 5.0, 160.0, 55.0)], 256)
    wide = make_frame(np.zeros((100, 256, 3), np.uint8))  # lies in rows 78 to 178
    assert fake(heads, UNIT).analyse(wide) == []


def test_preprocessing_follows_the_card() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[:] = (10, 20, 30)  # B, G, R
    assert to_input(image, Preprocess())[0, :, 0, 0].tolist() == [30, 20, 10]
    theirs = to_input(image, Preprocess("BGR", 127.5, 127.5))
    assert theirs[0, :, 0, 0] == pytest.approx([(value - 127.5) / 127.5 for value in (10, 20, 30)])
    each = to_input(image, Preprocess("RGB", (1.0, 2.0, 3.0), (2.0, 4.0, 5.0)))
    assert each[0, :, 1, 1] == pytest.approx([29 / 2, 18 / 4, 7 / 5])
    assert (each.shape, each.dtype, each.flags["C_CONTIGUOUS"]) == ((1, 3, 2, 2), np.float32, True)


def test_the_networks_get_what_their_cards_say() -> None:
    detector, recogniser = FakeSession(HEADS), FakeSession({"embedding": UNIT})
    card = replace(NET, input_size=64, preprocess=Preprocess("RGB", 127.5, 128.0))
    FaceAnalyser(detector, FINDER, recogniser, card, ANYTHING, 0.5).analyse(FRAME)
    assert [one.shape for one in detector.seen] == [(1, 3, 256, 256)]
    assert [one.shape for one in recogniser.seen] == [(1, 3, 64, 64)]
    assert detector.seen[0].max() > 200
    assert -1 <= recogniser.seen[0].min() < recogniser.seen[0].max() <= 1


def test_networks_in_each_others_place_are_refused() -> None:
    session = FakeSession({})
    with pytest.raises(WeightsError, match="net is a recogniser: set a detector"):
        FaceAnalyser(session, NET, session, FINDER, ANYTHING, 0.5)


def test_an_input_size_that_does_not_fit_is_an_error() -> None:
    session = FakeSession({})
    with pytest.raises(ValueError, match="multiple of 32"):
        FaceAnalyser(session, FINDER, session, NET, ANYTHING, 0.5, input_size=250)


def test_the_embedding_has_the_length_that_the_card_says(analyser: FaceAnalyser) -> None:
    (probe,) = analyser.analyse(scene((64, 96, 32, WARM)), 1)
    assert probe.template is not None
    assert probe.template.vector.shape == (DIM,)

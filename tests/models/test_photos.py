"""Two photos → the score of a door, on the public-domain portraits and the packaged networks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures

from attendance import paths
from attendance.config import Settings
from attendance.domain.faces import Frame, Probe
from attendance.errors import UserError
from attendance.models import RecognitionModel
from attendance.programs import portraits
from attendance.vision.align import align_face
from attendance.vision.analyser import FaceAnalyser
from attendance.vision.serving import analyser_for, cards_for

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def rec() -> RecognitionModel:
    card = cards_for(Settings())[1]
    return RecognitionModel(weights=paths.weights_dir() / card.numbers)


@pytest.fixture(scope="module")
def door() -> FaceAnalyser:
    # OpenVINO counts in bfloat16 where the processor does, which is nearly the same and not the same.
    settings = Settings()
    exact = settings.models.model_copy(update={"runtime": "onnxruntime"})
    return analyser_for(settings.model_copy(update={"models": exact}))


@pytest.fixture(scope="module")
def collins() -> Image:
    return portraits.collins()


@pytest.fixture(scope="module")
def hopper() -> Image:
    return portraits.hopper()


def _seen(door: FaceAnalyser, image: Image) -> Probe:
    (probe,) = door.analyse(Frame(image, datetime.now(UTC), "door"))
    return probe


def _other_photo(image: Image) -> Image:
    """The same person smaller, tilted, darker, in a wider picture."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 0.8)
    matrix[:, 2] += (90, 40)
    turned = cv2.warpAffine(image, matrix, (width + 160, height + 80), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray((turned * 0.8).astype(np.uint8))


def test_the_score_of_two_photos_is_the_doors(
    rec: RecognitionModel, door: FaceAnalyser, collins: Image, hopper: Image
) -> None:
    other = _other_photo(collins)
    for first, second in ((collins, hopper), (collins, other)):
        templates = [_seen(door, image).template for image in (first, second)]
        assert templates[0] is not None and templates[1] is not None
        score = float(templates[0].vector @ templates[1].vector)
        assert rec.compare_faces(first, second) == pytest.approx(score, abs=2e-3)


def test_one_person_scores_above_the_cards_threshold_and_two_people_below(
    rec: RecognitionModel, collins: Image, hopper: Image, tmp_path: Path
) -> None:
    threshold = cards_for(Settings())[1].operating_points["default_threshold"]
    (tmp_path / "hopper.jpg").write_bytes(portraits.as_jpeg(hopper))

    assert rec.compare_faces(collins, _other_photo(collins)) > threshold
    assert rec.compare_faces(collins, tmp_path / "hopper.jpg") < threshold


def test_an_aligned_crop_gives_what_its_photo_gives(rec: RecognitionModel, door: FaceAnalyser, collins: Image) -> None:
    crop = align_face(collins, _seen(door, collins).landmarks.points, rec.input_size)

    assert rec.input_size == cards_for(Settings())[1].input_size
    assert float(rec.generate_emb(crop, aligned=True) @ rec.generate_emb(collins)) == pytest.approx(1, abs=1e-4)


def test_no_face_and_several_are_errors_that_say_what_to_do(
    rec: RecognitionModel, collins: Image, hopper: Image, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"no face on this photo: .* aligned=True"):
        rec.generate_emb(np.full((200, 300, 3), 120, np.uint8))
    both = np.hstack([collins, hopper[: len(collins)]])
    (tmp_path / "both.jpg").write_bytes(portraits.as_jpeg(both))
    with pytest.raises(UserError, match=r"both\.jpg: several people .* cut out"):
        rec.compare_faces(collins, tmp_path / "both.jpg")

    bystander = np.full((len(collins), 700, 3), 90, np.uint8)
    bystander[:, :512] = collins
    bystander[300:440, 540:659] = cv2.resize(hopper, (119, 140), interpolation=cv2.INTER_AREA)
    assert float(rec.generate_emb(bystander) @ rec.generate_emb(collins)) > 0.9


def test_a_picture_that_the_camera_saved_turned_gives_the_same_as_its_file(
    rec: RecognitionModel, collins: Image, tmp_path: Path
) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = 6  # shown turned by 90° clockwise
    sideways = Pictures.fromarray(np.rot90(collins[..., ::-1]))
    sideways.save(tmp_path / "phone.png", exif=exif)
    with Pictures.open(tmp_path / "phone.png") as opened:
        assert float(rec.generate_emb(opened) @ rec.generate_emb(collins)) == pytest.approx(1, abs=1e-4)
    assert float(rec.generate_emb(tmp_path / "phone.png") @ rec.generate_emb(collins)) == pytest.approx(1, abs=1e-4)


def test_nothing_and_broken_files_are_errors_in_words(rec: RecognitionModel, collins: Image, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pixels"):
        rec.generate_emb(np.zeros((0, 112, 3), np.uint8), aligned=True)
    with pytest.raises(UserError, match="no face on this photo"):
        rec.generate_emb(np.zeros((0, 112, 3), np.uint8))
    good = portraits.as_jpeg(collins)
    for number, data in enumerate((b"", good[: len(good) // 2], b"\x89PNG\r\n\x1a\n" + bytes(40))):
        broken = tmp_path / f"broken{number}.jpg"
        broken.write_bytes(data)
        with pytest.raises(UserError, match=rf"broken{number}\.jpg as an image"):
            rec.generate_emb(broken)


def test_an_untrained_network_in_training_mode_stays_there(collins: Image) -> None:
    net = RecognitionModel().train()
    net.generate_emb(collins)

    assert net.training and net.input_size == 112


@pytest.mark.parametrize("wrong", [None, 3, b"jpeg", [[0, 0, 0]]], ids=["None", "number", "bytes", "list"])
def test_what_is_no_picture_is_an_error_in_words(rec: RecognitionModel, wrong: object) -> None:
    with pytest.raises(UserError, match="a path, a PIL image or a numpy array, not"):
        rec.generate_emb(wrong)  # type: ignore[arg-type]

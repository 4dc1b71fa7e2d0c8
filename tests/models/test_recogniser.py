"""RecognitionModel's promises, as properties."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from attendance.errors import UserError
from attendance.models import RecognitionModel
from attendance.models.recogniser import ArcFace


@pytest.fixture(scope="module")
def net() -> RecognitionModel:
    torch.manual_seed(0)
    fresh = RecognitionModel(num_classes=7, input_size=64).train()
    with torch.no_grad():  # the normalisations' statistics: without them a fresh network answers nothing
        for _ in range(20):
            fresh(torch.rand(8, 3, 64, 64) * 255)
    return fresh.eval()


def test_embeddings_have_384_dimensions_and_unit_norm(net: RecognitionModel) -> None:
    with torch.inference_mode():
        embedding = net(torch.rand(3, 3, 64, 64) * 255)
    assert embedding.shape == (3, 384)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(3), atol=1e-5)


def test_a_batch_gives_what_single_images_give(net: RecognitionModel) -> None:
    images = torch.rand(3, 3, 64, 64) * 255
    with torch.inference_mode():
        together = net(images)
        single = torch.cat([net(image[None]) for image in images])
    assert torch.allclose(together, single, atol=1e-5)


def test_arcface_logits_equal_the_formula_of_the_paper() -> None:
    torch.manual_seed(1)
    head = ArcFace(8, 5, scale=30.0, margin=0.3)
    embeddings = torch.nn.functional.normalize(torch.randn(4, 8))
    labels = torch.tensor([0, 4, 2, 2])
    logits = head(embeddings, labels).detach().numpy()
    weight = head.weight.detach().numpy()
    for i in range(4):
        for c in range(5):
            cosine = float(embeddings[i].numpy() @ weight[c] / np.linalg.norm(weight[c]))
            theta = math.acos(cosine)
            if c == labels[i] and theta + 0.3 <= math.pi:
                expected = 30.0 * math.cos(theta + 0.3)
            elif c == labels[i]:
                expected = 30.0 * (cosine - 0.3 * math.sin(0.3))
            else:
                expected = 30.0 * cosine
            assert logits[i, c] == pytest.approx(expected, abs=1e-3)


def test_labels_give_logits_and_without_a_head_an_error_says_what_is_missing(net: RecognitionModel) -> None:
    image = torch.rand(2, 3, 64, 64) * 255
    assert net(image, torch.tensor([0, 6])).shape == (2, 7)
    with pytest.raises(ValueError, match="num_classes"):
        RecognitionModel(input_size=64).eval()(image, torch.tensor([0, 1]))


def test_saved_weights_load_to_the_same_embeddings(net: RecognitionModel, tmp_path: Path) -> None:
    net.save_weights(tmp_path / "w.safetensors")
    again = RecognitionModel(weights=tmp_path / "w.safetensors", input_size=64)
    image = torch.rand(1, 3, 64, 64) * 255
    with torch.inference_mode():
        assert float((net(image) * again(image)).sum()) > 0.999  # fp16 numbers


def test_a_partial_load_reports_what_it_skipped(net: RecognitionModel, tmp_path: Path) -> None:
    net.save_weights(tmp_path / "w.safetensors")
    tensors = load_file(str(tmp_path / "w.safetensors"))
    tensors["embed.weight"] = torch.zeros(3, 3)
    tensors["stranger"] = torch.zeros(1)
    del tensors["reduce.0.weight"]
    save_file(tensors, str(tmp_path / "other.safetensors"))
    report = RecognitionModel().load_weights_partial(tmp_path / "other.safetensors")
    assert report["mismatched"] == ["embed.weight"]
    assert report["unexpected"] == ["stranger"]
    assert report["missing"] == ["reduce.0.weight"]
    assert "backbone.features.0.0.weight" in report["loaded"]
    with pytest.raises(UserError, match="1 tensors missing"):
        RecognitionModel().load_weights(tmp_path / "other.safetensors")


def test_a_truncated_file_is_an_error_that_names_it(net: RecognitionModel, tmp_path: Path) -> None:
    net.save_weights(tmp_path / "w.safetensors")
    whole = (tmp_path / "w.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.safetensors"):
        RecognitionModel(weights=tmp_path / "cut.safetensors")


def test_the_same_face_has_cosine_one_with_itself_from_path_array_and_pil(
    net: RecognitionModel, tmp_path: Path
) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (90, 80, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "face.png")
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    assert net.compare_faces(bgr, Image.fromarray(rgb), aligned=True) == pytest.approx(1, abs=1e-5)
    assert net.compare_faces(str(tmp_path / "face.png"), bgr, aligned=True) == pytest.approx(1, abs=1e-5)
    assert net.generate_emb(bgr, aligned=True).shape == (384,)


def test_a_file_that_is_no_image_is_an_error_that_names_it(net: RecognitionModel, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_text("no image")
    with pytest.raises(UserError, match=r"no\.jpg"):
        net.generate_emb(tmp_path / "no.jpg")


@pytest.mark.long
def test_eight_images_can_be_learned_by_heart() -> None:
    torch.manual_seed(3)
    net = RecognitionModel(num_classes=8)
    images, labels = torch.rand(8, 3, 64, 64) * 255, torch.arange(8)
    optimiser = torch.optim.AdamW(net.parameters(), 1e-3)
    for _ in range(25):
        loss = torch.nn.functional.cross_entropy(net(images, labels), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert (net.arcface is not None) and float(loss.detach()) < 1.0

"""DetectionModel's promises, as properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from attendance.errors import UserError
from attendance.models import DetectionModel
from attendance.models.detector import LEVELLED
from attendance.models.export import architecture_of
from attendance.vision.boxes import COARSE, STRIDES, cell_centres


@pytest.fixture(scope="module")
def net() -> DetectionModel:
    torch.manual_seed(0)
    return DetectionModel(input_size=128).eval()


def test_the_heads_have_a_row_for_each_cell_and_any_multiple_of_32_works(net: DetectionModel) -> None:
    for height, width in ((128, 128), (96, 160)):
        with torch.inference_mode():
            heads = net(torch.rand(2, 3, height, width) * 255)
        cells = len(cell_centres(height, width)[0])
        assert heads["bbox"].shape == (2, cells, 4) and bool((heads["bbox"] >= 0).all())
        assert heads["obj"].shape == (2, cells)
        assert heads["landmarks"].shape == (2, cells, 10)


def test_a_batch_gives_what_single_images_give(net: DetectionModel) -> None:
    images = torch.rand(2, 3, 128, 128) * 255
    with torch.inference_mode():
        together, single = net(images), [net(image[None]) for image in images]
    for name, values in together.items():
        assert torch.allclose(values, torch.cat([one[name] for one in single]), atol=1e-4)


def test_boxes_stay_inside_images_of_any_shape_and_come_best_first(net: DetectionModel) -> None:
    random = np.random.default_rng(0)
    for shape in ((1, 1, 3), (40, 300), (333, 77, 4), (64, 64, 3)):
        image = random.integers(0, 255, shape, dtype=np.uint8)
        found = net.detect(image, conf_thresh=0.005)
        assert (found.boxes >= 0).all() and (found.boxes[:, 0::2] <= shape[1]).all()
        assert (found.boxes[:, 1::2] <= shape[0]).all() and np.isfinite(found.landmarks).all()
        assert (np.diff(found.scores) <= 0).all()


def test_a_plot_has_the_images_size(net: DetectionModel) -> None:
    assert net.face_and_plot(np.zeros((50, 70, 3), np.uint8), 0.001).shape == (50, 70, 3)


def test_16_bits_and_grey_are_seen_as_8_bits_in_colour(net: DetectionModel) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (48, 64), dtype=np.uint8)
    colour = net.detect(np.repeat(grey[..., None], 3, axis=2), 0.005)
    deep = grey.astype(np.uint16) * 257
    for same in (grey, grey[..., None], deep, Image.fromarray(grey), Image.fromarray(deep)):
        assert np.array_equal(net.detect(same, 0.005).boxes, colour.boxes)


def test_what_is_no_image_is_refused_in_words(net: DetectionModel) -> None:
    with pytest.raises(UserError, match="float64"):
        net.detect(np.zeros((8, 8, 3)))  # type: ignore[arg-type]


def test_the_live_picture_says_which_camera_does_not_open(net: DetectionModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not open"):
        net.live_test(camera=str(tmp_path / "no.avi"))


@pytest.fixture
def older(net: DetectionModel, tmp_path: Path) -> Path:
    """The file of a network from before the stride of 4: its first level is what is the second one now."""
    tensors: dict[str, torch.Tensor] = {}
    for name, value in net.state_dict().items():
        part, *rest = name.split(".", 2)
        if part not in LEVELLED:
            tensors[name] = value.half()
        elif int(rest[0]) > 0:
            tensors[f"{part}.{int(rest[0]) - 1}.{rest[1]}"] = value.half()
    save_file(tensors, tmp_path / "older.safetensors")
    return tmp_path / "older.safetensors"


def test_a_file_says_which_strides_its_network_has(net: DetectionModel, older: Path, tmp_path: Path) -> None:
    net.save_weights(tmp_path / "new.safetensors")
    for file, strides in ((older, COARSE), (tmp_path / "new.safetensors", STRIDES)):
        loaded = DetectionModel(weights=file, input_size=64)
        with torch.inference_mode():
            heads = loaded(torch.zeros(1, 3, 64, 64))
        assert loaded.strides == strides and heads["obj"].shape[1] == len(cell_centres(64, 64, strides)[0])
        assert architecture_of(file).endswith("at strides " + ", ".join(str(stride) for stride in strides))


def test_a_new_network_begins_with_an_older_ones_levels_each_at_its_stride(older: Path) -> None:
    before, new = DetectionModel(weights=older), DetectionModel()
    report = new.load_weights_partial(older)

    assert {name.split(".")[0] for name in report["missing"]} == {"lateral"} and not report["mismatched"]
    for ours, theirs in ((1, 0), (3, 2), (0, 0)):
        assert torch.equal(new.tower[ours][0].weight, before.tower[theirs][0].weight)  # type: ignore[index]
    assert torch.equal(new.lateral[1][0].weight, before.lateral[0][0].weight)  # type: ignore[index]

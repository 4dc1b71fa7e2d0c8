"""The table of short trainings."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from attendance.errors import UserError
from attendance.evaluation.ablation import TrainedDetector, run, words
from attendance.evaluation.detector.detectors import LOW_CONFIDENCE
from attendance.models import DetectionModel
from attendance.training.ablation import BASE, DETECTOR, PLAIN, RECOGNISER


def test_every_variant_differs_from_the_base_in_one_choice_only() -> None:
    base = DETECTOR["base"]
    for name, variant in DETECTOR.items():
        choices = [f.name for f in fields(BASE) if getattr(variant.choices, f.name) != getattr(BASE, f.name)]
        around = [n for n in ("sizes", "averaged", "anneal", "optimiser") if getattr(variant, n) != getattr(base, n)]
        assert len(choices) + len(around) == (name != "base"), name
    plain = RECOGNISER["base"]
    for name, lesson in RECOGNISER.items():
        changed = [f.name for f in fields(PLAIN) if getattr(lesson.weights, f.name) != getattr(PLAIN, f.name)]
        around = [n for n in ("optimiser", "batch") if getattr(lesson, n) != getattr(plain, n)]
        assert len(changed) + len(around) == (name != "base"), name


def test_an_unknown_variant_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such variant; known are base, aligned"):
        run("detector", tmp_path / "nowhere", tmp_path, ["simota"], 16, 64, None, 1)
    with pytest.raises(UserError, match="no such variant; known are base, two-teachers"):
        run("recogniser", tmp_path / "nowhere", tmp_path, ["aligned"], 16, 64, None, 1)


def test_a_line_tells_each_rate_with_its_interval() -> None:
    share = {"rate": 0.5, "interval95": [0.25, 0.75]}
    line = {
        "variant": "wing",
        "facemask853": {"ap50": {"value": 0.559, "interval95": [0.478, 0.635]}},
        "celeba_wild": {
            "landmark_error_interocular": {"mean": None, "interval95": None},
            "main_face_found": share,
        },
        "face_free": {"images_with_a_box": share},
    }

    assert words(line) == "| wing | 55.9 % (47.8 to 63.5) | none | 50.0 % (25.0 to 75.0) | 50.0 % (25.0 to 75.0) |"

    tar = {"rate": 0.2, "interval95_people": [0.1, 0.3]}
    assert words({"variant": "base", "kept": {"tar_at_far_0.001": tar}}) == "| base | 20.0 % (10.0 to 30.0) |"


def test_a_trained_detector_sees_the_colours_that_it_would_see_at_the_door(tmp_path: Path) -> None:
    path = tmp_path / "detector.safetensors"
    model = DetectionModel(input_size=64).eval()
    for head in model.obj_head:
        torch.nn.init.zeros_(head.bias)  # scores of about a half, so that there is something to compare
    model.save_weights(path)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    image[..., 0] //= 8  # little blue: with red and blue swapped the scores differ
    expected = DetectionModel(path, 64).detect(image, LOW_CONFIDENCE)

    detections = TrainedDetector(path, 64, "fresh").detect(image)

    assert len(expected.scores) and np.array_equal(detections.scores, expected.scores)

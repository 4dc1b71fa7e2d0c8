"""The recogniser's long run, in small: packs of noise, a few steps, stops in between."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from attendance.models import RecognitionModel
from attendance.training.recogniser import flat
from attendance.training.recogniser.augment import face_views
from attendance.training.recogniser.steady import Steady, read_checkpoint
from attendance.training.recogniser.train import Faces, Student
from attendance.training.recogniser.webcam import webcam

CPU = torch.device("cpu")
PLAN = Steady(batch=4, lr=1e-3, warmup=8, log_every=16)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    packs = tmp_path / "data" / "packs"
    packs.mkdir(parents=True)
    for name, many in (("generated_a", 24), ("omi", 8)):
        np.savez(
            packs / f"{name}.npz",
            path=np.array([f"{name}/_/{number}.jpg" for number in range(many)]),
            identity=np.array([""] * many),
        )
        np.save(packs / f"{name}.crops.npy", random.integers(0, 255, (many, 128, 128, 3), dtype=np.uint8))
        for end, width in (("teacher", 40), ("teacher2", 24)):
            np.save(packs / f"{name}.{end}.npy", random.standard_normal((many, width)).astype(np.float16))
    return tmp_path / "data"


def _go(data: Path, out: Path, samples: int) -> Path:
    plan = Steady(**{**vars(PLAN), "samples": samples})
    return flat.train(data, out, plan, 64, CPU)


def _load_both(weights: Path) -> tuple[RecognitionModel, ...]:
    return tuple(RecognitionModel(weights=weights.with_name(f"recogniser{end}.safetensors")) for end in ("", "-raw"))


def test_a_run_leaves_a_checkpoint_and_two_weights_that_load(data: Path, tmp_path: Path) -> None:
    weights = _go(data, tmp_path / "run", 4)
    state = read_checkpoint(tmp_path / "run")
    averaged, raw = _load_both(weights)

    assert state is not None and (state["samples"], state["step"]) == (4, 1)
    assert not torch.equal(averaged.embed.weight, raw.embed.weight)
    kept = state["model"]["net.embed.weight"]
    assert torch.allclose(raw.embed.weight, kept, atol=1e-3) and torch.isfinite(averaged.embed.weight).all()


@pytest.mark.long
def test_a_run_in_two_calls_is_a_run_in_one(data: Path, tmp_path: Path) -> None:
    _go(data, tmp_path / "whole", 24)
    _go(data, tmp_path / "parts", 12)
    weights = _go(data, tmp_path / "parts", 24)

    whole, parts = (read_checkpoint(tmp_path / name) for name in ("whole", "parts"))
    assert whole is not None and parts is not None and whole["samples"] == parts["samples"] == 24
    for name, value in whole["model"].items():
        assert torch.equal(value, parts["model"][name]), name
    line = json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])
    assert {"samples", "lr", "crops_s", "cos", "nce", "relations", "clean_cos"} <= set(line)
    crops = torch.rand(2, 3, 64, 64) * 255
    averaged, raw = _load_both(weights)
    with torch.no_grad():
        assert torch.isfinite(averaged(crops)).all() and not torch.equal(averaged(crops), raw(crops))


@pytest.mark.long
def test_a_run_keeps_its_axes_whatever_the_machine_and_finds_them_among_other_faces(data: Path, tmp_path: Path) -> None:
    faces = flat._faces(data)
    turned, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((384, 384)))
    kept = flat.anchors(faces).numpy() @ turned.astype(np.float32)
    run = flat.SteadyRun(tmp_path / "run", torch.nn.Linear(2, 2), PLAN)
    run.extra = {"anchors": torch.from_numpy(kept), "faces": len(faces.people_rows)}
    net = RecognitionModel().eval()
    faces.turn(flat._turn_of(run, net, faces, 64).numpy())
    assert np.allclose(flat.anchors(faces).numpy(), kept, atol=1e-4)

    fewer = Faces([pack for pack in faces.packs if pack.name == "omi"])
    cosines = fewer.targets @ fewer.targets.T
    fewer.turn(flat._turn_of(run, net, fewer, 64).numpy())  # other faces: turned to what the network answers
    assert np.allclose(fewer.targets @ fewer.targets.T, cosines, atol=1e-4)


def test_a_run_keeps_its_axes_when_blends_are_added(data: Path, tmp_path: Path) -> None:
    faces, random = flat._faces(data), np.random.default_rng(3)
    run = flat.SteadyRun(tmp_path / "run", Student(0, 1), PLAN)
    turned = np.linalg.qr(random.standard_normal((384, 384)))[0].astype(np.float32)
    faces.turn(turned)
    run.extra = {"anchors": flat.anchors(faces), "faces": len(faces.people_rows), "turn": torch.from_numpy(turned)}
    np.savez(data / "packs" / "blends.npz", path=np.array(["blends/0"] * 30), identity=np.array([""] * 30))
    np.save(data / "packs" / "blends.crops.npy", random.integers(0, 255, (30, 128, 128, 3), dtype=np.uint8))
    for end, width in (("teacher", 40), ("teacher2", 24)):
        np.save(data / "packs" / f"blends.{end}.npy", random.standard_normal((30, width)).astype(np.float16))

    more = flat._faces(data)
    more.turn(flat._turn_of(run, RecognitionModel(), more, 64).numpy())

    assert len(more) == len(faces) + 30
    assert np.allclose(flat.anchors(more).numpy(), flat.anchors(faces).numpy(), atol=1e-3)


def test_frozen_stages_have_no_gradient(tmp_path: Path) -> None:
    student = Student(0, 1)
    flat._placed(student, CPU, 3)
    learning = {
        name.split(".")[2] for name, p in student.net.named_parameters() if p.requires_grad and "features" in name
    }

    assert learning == {"3", "4", "5", "6", "7", "8"}


def test_a_cheap_cameras_views_are_flatter_and_softer_and_stay_in_range() -> None:
    random = np.random.default_rng(0)
    crops = torch.rand(8, 3, 112, 112) * 255
    seen = webcam(crops, random)

    assert seen.shape == crops.shape and seen.dtype == crops.dtype
    assert float(seen.min()) >= 0 and float(seen.max()) <= 300  # a cubic drawing overshoots; face_views cuts it
    assert float(seen.std()) < 0.6 * float(crops.std())
    assert float(seen.diff(dim=3).abs().mean()) < 0.5 * float(crops.diff(dim=3).abs().mean())
    for _ in range(6):
        view, _ = face_views(torch.rand(4, 3, 128, 128) * 255, 64, random, 1.0)
        assert float(view.min()) >= 0 and float(view.max()) <= 255

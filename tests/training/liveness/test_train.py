"""The network learns from two portraits, alive and as held prints; a stopped run goes on to the same weights."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from attendance.config import Settings
from attendance.domain.faces import Box
from attendance.errors import UserError
from attendance.models.liveness import LivenessModel
from attendance.programs import portraits
from attendance.training.liveness import pack, simulate, train
from attendance.training.liveness.train import Batches
from attendance.training.loop import Plan
from attendance.vision.liveness import FAR, crop_around

CPU = torch.device("cpu")
MIDDLE = Box(108, 108, 180, 180)  # a quarter of the simulation's canvas, as it puts the face
FACES = {"collins": Box(170, 60, 270, 190), "hopper": Box(180, 120, 370, 360)}


def plan(samples: int, minutes: float = 1e6) -> Plan:
    return Plan(samples, minutes, batch=8, lr=1e-3, ema_decay=0.5, log_every=8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packs of two people who are trained on, one who fixes thresholds: each alive and as a simulated print."""
    folder, random = tmp_path_factory.mktemp("liveness"), np.random.default_rng(0)
    scene = np.asarray(random.integers(0, 255, (300, 300, 3)), np.uint8)
    people = {"0001": portraits.collins(), "0002": portraits.hopper(), "0011": portraits.collins()}
    boxes = {"0001": FACES["collins"], "0002": FACES["hopper"], "0011": FACES["collins"]}
    for person, portrait in people.items():
        for number in range(2):
            for kind in ("ClientRaw", "ImposterRaw"):
                seen = crop_around(portrait, boxes[person], FAR, simulate.CANVAS)
                if kind == "ImposterRaw":
                    seen, _ = simulate.attack(portrait, boxes[person], scene, "print", random)
                (folder / "nuaa" / kind / person).mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(folder / "nuaa" / kind / person / f"{number}.jpg"), seen)
    pack.build(folder, lambda _picture: MIDDLE, None, simulated=0)
    return folder


def run(data: Path, out: Path, samples: int, resume: bool = False, start: Path | None = None) -> LivenessModel:
    return LivenessModel(train.train(data, out, plan(samples), CPU, resume, start, ()))


def test_half_of_a_batch_is_alive_and_nobody_left_out_is_in_it(data: Path) -> None:
    faces = pack.load(data)
    images, labels, chances = Batches(faces, (), seed=1).batch(0, 6)
    assert images.shape == (6, 3, 80, 128)
    assert labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert torch.isnan(chances).all()
    assert torch.equal(images, Batches(faces, (), seed=1).batch(0, 6)[0])  # a step is always the same
    for left_out in ("print", "nuaa"):
        with pytest.raises(UserError, match="to learn from"):
            Batches(faces, (left_out,), seed=1)


@pytest.mark.long  # some seconds
def test_the_loss_falls_from_the_detectors_trunk_and_the_weights_tell_the_two_apart(data: Path, tmp_path: Path) -> None:
    models = Settings().models
    model = run(data, tmp_path, 8 * 16, start=models.weights / f"{models.detector}.safetensors")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    first, last = ([line["own"] for line in part] for part in (lines[:3], lines[-3:]))
    assert np.mean(last) < 0.8 * np.mean(first)
    faces = pack.load(data)
    logits = train.logits_of(model, faces, range(len(faces)), CPU)
    assert logits[faces.species == "live"].mean() > logits[faces.species == "print"].mean()


@pytest.mark.long
def test_a_stopped_run_goes_on_to_the_same_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(data, tmp_path / "whole", 8 * 4).state_dict()
    batch = Batches.batch

    def pulled(self: Batches, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if step == 2:
            raise KeyboardInterrupt
        return batch(self, step, size)

    monkeypatch.setattr(Batches, "batch", pulled)
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "stopped", 8 * 4)
    monkeypatch.setattr(Batches, "batch", batch)
    resumed = run(data, tmp_path / "stopped", 8 * 4, resume=True).state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)

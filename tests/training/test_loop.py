"""A training run's schedule, averaging and resumption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attendance.training.detector.scenes import NOBODY, Composer, Scene
from attendance.training.loop import Ema, Flattened, Plan, Run, learning_rate, optimisers_of, seed_after
from attendance.training.recogniser.augment import face_views


def _plan(samples: int) -> Plan:
    return Plan(samples=samples, minutes=10, batch=4, lr=0.1, log_every=8)


def test_the_learning_rate_rises_then_falls_to_a_hundredth() -> None:
    plan = _plan(100)
    rates = [learning_rate(plan, p) for p in np.linspace(0, 1, 101)]
    assert max(rates) == pytest.approx(0.1, rel=0.01)
    assert rates[-1] == pytest.approx(0.001)
    peak = int(np.argmax(rates))
    assert all(np.diff(rates[:peak]) > 0) and all(np.diff(rates[peak:]) < 0)


def test_the_average_of_a_resting_model_is_the_model() -> None:
    model = torch.nn.Linear(3, 2)
    ema = Ema(model, 0.9)
    for _ in range(5):
        ema.update(model)
    assert torch.allclose(ema.state["weight"], model.weight)


def test_a_run_that_goes_on_from_other_weights_sees_other_images(tmp_path: Path) -> None:
    first, second = tmp_path / "v1.safetensors", tmp_path / "v2.safetensors"
    first.write_bytes(b"one network")
    second.write_bytes(b"the next one")

    assert len({seed_after(None), seed_after(first), seed_after(second)}) == 3
    assert seed_after(first) == seed_after(first)  # a resumed run goes on where it was


def _network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(2, 4, 1), torch.nn.SiLU(), torch.nn.Conv2d(4, 4, 3, groups=4), torch.nn.Flatten())
    return torch.nn.Sequential(*layers, torch.nn.Linear(4, 2)).to(memory_format=torch.channels_last)


def _train(out: Path, samples: int, resume: bool, plan: Plan) -> tuple[Run, torch.nn.Module]:
    model = _network()
    run = Run(out, model, replace(plan, samples=samples), resume)
    steps: list[int] = []

    def loss(step: int, _progress: float) -> dict[str, torch.Tensor]:
        steps.append(step)
        return {"loss": (model(torch.full((4, 2, 3, 3), float(step % 3))) - 1).pow(2).mean()}

    run.train(loss, lambda: {"steps": list(steps)})
    return run, model


@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_a_stopped_run_goes_on_at_the_batch_where_it_was(tmp_path: Path, optimiser: str) -> None:
    # Without a schedule that knows the end, a run in two parts must be the run in one.
    plan = replace(_plan(32), optimiser=optimiser, warmup=0.0, anneal=False)
    _train(tmp_path / "parts", 16, False, plan)
    run, model = _train(tmp_path / "parts", 32, True, plan)
    lines = [json.loads(line) for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["steps"] == [4, 5, 6, 7]
    assert run.samples == 32 and run.progress == 1.0
    whole = _train(tmp_path / "whole", 32, False, plan)[1].state_dict()
    for name, value in model.state_dict().items():
        assert torch.allclose(value, whole[name], atol=1e-6), name


def test_muon_moves_matrices_and_leaves_the_rest_to_adamw() -> None:
    model = _network()
    adamw, muon = optimisers_of(model, replace(_plan(4), optimiser="muon"), 0.0)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    model(torch.rand(4, 2, 3, 3)).pow(2).sum().backward()
    assert isinstance(muon, Flattened)
    muon.step()
    moved = {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"0.weight", "4.weight"}  # the 1x1 convolution and the linear layer, in place
    # An orthogonal step: both directions of a 2-row matrix are moved by the same amount.
    change = (model.get_parameter("4.weight") - before["4.weight"]).detach()
    sizes = torch.linalg.svdvals(change)
    assert sizes[1] > 0.5 * sizes[0]
    adamw.step()
    assert not any(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_a_batch_without_a_finite_gradient_changes_nothing(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    before = model.weight.detach().clone()
    run = Run(tmp_path, model, _plan(4), resume=False)
    run.train(lambda _s, _p: {"loss": model.weight.sum() * float("nan")}, dict)
    assert torch.equal(model.weight, before)


def test_views_have_the_size_asked_for_and_stay_in_range() -> None:
    random = np.random.default_rng(0)
    for _ in range(8):
        view, flipped = face_views(torch.rand(4, 3, 128, 128) * 255, 80, random)
        assert view.shape == (4, 3, 80, 80) and flipped.shape == (4,)
        assert float(view.min()) >= 0 and float(view.max()) <= 255


def test_a_mirrored_view_is_the_mirror_image() -> None:
    left_bright = torch.zeros(32, 3, 128, 128)
    left_bright[..., :64] = 200
    view, flipped = face_views(left_bright, 64, np.random.default_rng(3))
    brighter_left = view[..., 4:24].mean((1, 2, 3)) > view[..., 40:60].mean((1, 2, 3))
    assert bool((brighter_left == ~flipped).all())


def test_composed_scenes_keep_boxes_on_what_they_show() -> None:
    image = np.full((100, 120, 3), 40, np.uint8)
    image[30:70, 40:80] = (250, 250, 250)
    box, points = np.array([[40, 30, 80, 70]], np.float32), np.full((1, 5, 2), 50, np.float32)
    composer = Composer([Scene(image, box, points, np.ones(1, bool))], [Scene(image[:20, :20], *NOBODY)], high=60)
    random = np.random.default_rng(1)
    seen = 0
    for _ in range(60):
        scene = composer.compose(96, random)
        assert scene.image.shape == (96, 96, 3)
        for (x1, y1, x2, y2), sure in zip(scene.boxes, scene.sure, strict=True):
            inside = (x1 >= 0) & (y1 >= 0) & (x2 <= 96) & (y2 <= 96)
            if not (sure and inside and len(scene.boxes) == 1 and x2 - x1 > 10):
                continue
            seen += 1
            middle = scene.image[
                int(y1 * 0.7 + y2 * 0.3) : int(y1 * 0.3 + y2 * 0.7), int(x1 * 0.7 + x2 * 0.3) : int(x1 * 0.3 + x2 * 0.7)
            ]
            assert middle.mean() > scene.image.mean()
    assert seen > 5

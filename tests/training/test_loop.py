"""A training run's schedule, averaging and resumption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attendance.training.loop import Ema, Flattened, Plan, Run, learning_rate, optimisers_of, seed_after


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

"""A run without a length: its rate, its checkpoints, what a stop costs (nothing), its annealed copy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from attendance.errors import UserError
from attendance.training.recogniser.ahead import Ahead
from attendance.training.recogniser.steady import BEFORE, CHECKPOINT, Steady, SteadyRun, branch, rate, read_checkpoint

PLAN = Steady(batch=4, lr=0.01, warmup=16, log_every=16, optimiser="muon")


class Line:
    """Learns a matrix from noise that depends on the step's number only."""

    def __init__(self, model: nn.Module, bad: int = -1) -> None:
        self.model, self.bad = model, bad
        self.seen: list[int] = []

    def prepared(self, step: int) -> tuple[int, Tensor]:
        random = np.random.default_rng(step)
        return step, torch.from_numpy(random.standard_normal((4, 3)).astype(np.float32))

    def losses(self, batch: tuple[int, Tensor]) -> dict[str, Tensor]:
        step, x = batch
        self.seen.append(step)
        loss = (self.model(x) - x[:, :2]).square().mean()
        return {"loss": loss * float("nan") if step >= self.bad >= 0 else loss}


def _go(out: Path, samples: int, **changes: Any) -> tuple[SteadyRun, Line]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 2))
    run = SteadyRun(out, model, replace(PLAN, samples=samples, **changes))
    run.restore()
    step = Line(model)
    run.train(step, lambda: {"watched": 1})
    return run, step


def test_batches_come_in_order_and_an_error_reaches_who_waits() -> None:
    def make(step: int) -> int:
        if step == 12:
            raise ValueError("no such batch")
        return step * step

    with Ahead(make, 5) as batches:
        assert [batches.next() for _ in range(7)] == [step * step for step in range(5, 12)]
        with pytest.raises(ValueError, match="no such batch"):
            batches.next()


def test_the_rate_warms_up_and_stays_until_it_is_annealed() -> None:
    plan = replace(PLAN, anneal=400)
    flat = [rate(plan, samples, None) for samples in range(0, 4000, 4)]

    assert flat[0] == pytest.approx(0.0002) and set(flat[4:]) == {0.01}
    ending = [rate(plan, samples, 1000) for samples in range(1000, 1404, 4)]
    assert ending[0] == 0.01 and ending[-1] == pytest.approx(0.0001)
    assert all(np.diff(ending) <= 0)


def test_a_run_that_was_stopped_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    whole, seen = _go(tmp_path / "whole", 64)
    assert seen.seen == list(range(16))
    first, _ = _go(tmp_path / "parts", 24)
    second, rest = _go(tmp_path / "parts", 64)

    assert first.samples == 24 and second.samples == 64 and rest.seen == list(range(6, 16))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, second.model.state_dict()[name])
        assert torch.equal(whole.ema.state[name], second.ema.state[name])
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [line["samples"] for line in lines] == [16, 32, 48, 64] and lines[0]["watched"] == 1


def test_minutes_bound_a_call_and_a_signal_ends_it(tmp_path: Path) -> None:
    run, step = _go(tmp_path / "none", 64, minutes=0.0)
    assert run.samples == 0 and step.seen == [] and (tmp_path / "none" / CHECKPOINT).exists()

    model = nn.Linear(3, 2)
    stopped = SteadyRun(tmp_path / "stopped", model, replace(PLAN, samples=64))
    line = Line(model)
    prepared = line.losses

    def losses(batch: tuple[int, Tensor]) -> dict[str, Tensor]:
        stopped.stopping = batch[0] == 2
        return prepared(batch)

    line.losses = losses  # type: ignore[method-assign]
    stopped.train(line, dict)
    assert stopped.samples == 12


def test_a_torn_checkpoint_costs_one_save_and_two_are_said(tmp_path: Path) -> None:
    _go(tmp_path, 32)
    before = read_checkpoint(tmp_path)
    assert before is not None and (tmp_path / BEFORE).exists()
    whole = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(whole[: len(whole) // 2])
    kept = read_checkpoint(tmp_path)
    assert kept is not None and kept["samples"] == 32  # saved at the log line, and at the end

    (tmp_path / BEFORE).write_bytes(b"")
    with pytest.raises(UserError, match="no checkpoint"):
        read_checkpoint(tmp_path)


def test_bad_batches_change_nothing_and_weights_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    run = SteadyRun(tmp_path, model, replace(PLAN, samples=400))
    with pytest.raises(UserError, match="finite"):
        run.train(Line(model, bad=8), dict)
    assert all(bool(torch.isfinite(value).all()) for value in model.parameters())
    kept = read_checkpoint(tmp_path)
    assert kept is not None and all(bool(torch.isfinite(value).all()) for value in kept["model"].values())

    with torch.no_grad():
        model.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="no longer finite"):
        run.save()
    assert read_checkpoint(tmp_path) is not None


def test_an_annealed_copy_leaves_the_run_as_it_is_and_is_gone_on_with(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run"):
        branch(tmp_path, 64)
    _go(tmp_path, 32)
    raw = (tmp_path / CHECKPOINT).read_bytes()
    folder = branch(tmp_path, 64)
    half, _ = _go(folder, 0, anneal=64, minutes=0.0)
    assert half.annealing_from == 32 and branch(tmp_path, 64) == folder
    done, _ = _go(folder, 0, anneal=64)

    assert done.samples == 96 and done.ended
    assert rate(done.plan, done.samples, done.annealing_from) == pytest.approx(1e-4)
    assert (tmp_path / CHECKPOINT).read_bytes() == raw
    _go(tmp_path, 48)
    assert branch(tmp_path, 64).name == "annealed-48"

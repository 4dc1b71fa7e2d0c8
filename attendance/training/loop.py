"""What every training run has in common: schedule, average of weights, checkpoints, log.

In: a model, its optimiser and a function that turns a batch number into a loss.  Out: trained (and
averaged) weights, `checkpoint.pt` to resume from, `log.jsonl` with a line an epoch.
Does not know: images, losses.
Main choice: progress runs by samples or by minutes, whichever is nearer its end, so that a run on a
shared machine still ends with its learning rate annealed.
"""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm


@dataclass(frozen=True)
class Plan:
    """How long and how fast: `samples` and/or `minutes` bound the run; `lr` is the peak."""

    samples: int
    minutes: float
    batch: int
    lr: float
    warmup: float = 0.03
    ema_decay: float = 0.999
    log_every: int = 4096  # samples an "epoch" line covers
    anneal: bool = True
    optimiser: str = "adamw"  # or muon, for the matrices inside


def seed_after(start: Path | None) -> int:
    """Return the seed of a run's images: a different one for each file of starting weights.

    With one seed for all, a run that goes on from the last one's weights shows the same images, changed in the
    same ways and in the same order, which the network knows already (docs/LOG.md).
    """
    return zlib.crc32(start.read_bytes()) if start is not None else 1


class Ema:
    """Exponential moving average of parameters and buffers (Polyak averaging with a warm start)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay, self.updates = decay, 0
        self.state = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


def learning_rate(plan: Plan, progress: float) -> float:
    """Linear warm-up, then a half cosine to 1 % of the peak, or the peak throughout."""
    if progress >= plan.warmup and not plan.anneal:
        return plan.lr
    if progress < plan.warmup:
        return plan.lr * (0.02 + 0.98 * progress / plan.warmup)
    phase = (progress - plan.warmup) / (1 - plan.warmup)
    return plan.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, phase))))


class Flattened(torch.optim.Optimizer):
    """Muon (Jordan et al., 2024) for 1×1 convolutions too: seen as the matrices [out,in] that they are.

    Rates mean what AdamW's do.  `torch.optim.Muon` computes in bfloat16: on a processor without that format a step took
    7 s instead of 0.3 (docs/LOG.md).
    """

    def __init__(self, weights: list[nn.Parameter], lr: float, decay: float, momentum: float = 0.95) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step along the weights' gradients."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(weight.grad).flatten(1)
                grad, kept = weight.grad.flatten(1), state["momentum_buffer"]
                kept.lerp_(grad, 1 - group["momentum"])
                way = orthogonal(grad.lerp(kept, group["momentum"]))
                rate = group["lr"] * 0.2 * math.sqrt(max(way.shape))
                weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(way.view(weight.shape), alpha=-rate)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """Return nearly the orthogonal factor of [M,N], by Newton and Schulz's iteration with Muon's coefficients.

    It works on the square of the shorter side: the same polynomial with half of the work.
    """
    x = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = x / x.norm().clamp_min(1e-7)
    gram = x @ x.T
    one = torch.eye(len(gram), dtype=x.dtype, device=x.device)
    whole = one
    for step in range(steps):
        factor = torch.addmm(gram, gram, gram, beta=-4.7750, alpha=2.0315).add_(one, alpha=3.4445)
        whole = factor @ whole if step else factor
        if step < steps - 1:
            gram = factor @ gram @ factor
    made: Tensor = whole @ x
    return made if matrix.shape[0] <= matrix.shape[1] else made.T


class Rated(Protocol):
    """What a plan says about its optimiser."""

    @property
    def lr(self) -> float: ...

    @property
    def optimiser(self) -> str: ...


def optimisers_of(model: nn.Module, plan: Rated, decay: float) -> list[torch.optim.Optimizer]:
    """AdamW; with `plan.optimiser` muon, Muon for the matrices and AdamW for the rest.

    Norms and biases are not shrunk.  Spatial kernels and ArcFace's classes are not matrices in Muon's sense.
    """
    named = list(model.named_parameters())
    inside = [
        p
        for name, p in named
        if plan.optimiser == "muon" and p.ndim > 1 and p.numel() == p.shape[0] * p.shape[1] and "arcface" not in name
        if min(p.shape[:2]) > 1
    ]
    taken = {id(p) for p in inside}
    rest = [p for _, p in named if id(p) not in taken]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in rest if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
    ]
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=plan.lr)]
    return [*found, Flattened(inside, plan.lr, decay)] if inside else found


class Training:
    """A model in training: its optimisers, the average of its weights (`ema`), and how far it has come."""

    def __init__(self, model: nn.Module, optimisers: list[torch.optim.Optimizer], ema: Ema) -> None:
        self.model, self.optimisers, self.ema = model, optimisers, ema
        self.samples, self.elapsed = 0, 0.0

    def descend(self, loss: Tensor, rate: float) -> bool:
        """Take one step; return False if the gradient is not finite: such a batch changes nothing."""
        for group in (g for optimiser in self.optimisers for g in optimiser.param_groups):
            group["lr"] = rate
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        if not torch.isfinite(norm):
            return False
        for optimiser in self.optimisers:
            optimiser.step()
        self.ema.update(self.model)
        return True

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.state,
            "ema_updates": self.ema.updates,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "samples": self.samples,
            "elapsed": self.elapsed,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.ema.state, self.ema.updates = state["ema"], state["ema_updates"]
        for optimiser, kept in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.samples, self.elapsed = state["samples"], state["elapsed"]


class Run(Training):
    """One resumable run in a folder."""

    def __init__(self, out: Path, model: nn.Module, plan: Plan, resume: bool, decay: float = 0.05) -> None:
        out.mkdir(parents=True, exist_ok=True)
        super().__init__(model, optimisers_of(model, plan, decay), Ema(model, plan.ema_decay))
        self.out, self.plan = out, plan
        if resume and (out / "checkpoint.pt").exists():
            self.load_state(torch.load(out / "checkpoint.pt", weights_only=True, map_location="cpu"))

    @property
    def progress(self) -> float:
        """0..1."""
        return min(1.0, max(self.samples / self.plan.samples, self.elapsed / (60 * self.plan.minutes)))

    def train(
        self, loss_of_batch: Callable[[int, float], dict[str, Tensor]], evaluate: Callable[[], dict[str, Any]]
    ) -> None:
        """Run to the end; `loss_of_batch(step, progress)` gives named losses of which "loss" is descended.

        `evaluate()` is called at a log line with the averaged weights loaded into the model's copy by
        the caller (see `averaged`).
        """
        bar = tqdm(total=self.plan.samples, initial=self.samples, unit="img", smoothing=0.05, mininterval=5)
        sums: dict[str, float] = {}
        count, last, next_log = 0, time.monotonic(), self.samples + self.plan.log_every
        while self.progress < 1.0:
            rate = learning_rate(self.plan, self.progress)
            losses = loss_of_batch(self.samples // self.plan.batch, self.progress)
            self.descend(losses["loss"], rate)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            count += 1
            self.samples += self.plan.batch
            now = time.monotonic()
            self.elapsed, last = self.elapsed + now - last, now
            bar.update(self.plan.batch)
            if self.samples >= next_log or self.progress >= 1.0:
                next_log += self.plan.log_every
                line = {"samples": self.samples, "minutes": round(self.elapsed / 60, 2), "lr": rate}
                line |= {name: round(value / count, 5) for name, value in sums.items()} | evaluate()
                sums, count = {}, 0
                with (self.out / "log.jsonl").open("a") as log:
                    log.write(json.dumps(line) + "\n")
                bar.set_postfix({k: v for k, v in line.items() if k not in ("samples", "lr")})
                self.save()
                last = time.monotonic()
        bar.close()

    def averaged(self, fresh: nn.Module) -> nn.Module:
        """Load the averaged weights into `fresh` and return it in evaluation mode."""
        fresh.load_state_dict(self.ema.state)
        return fresh.eval()

    def save(self) -> None:
        """Write the checkpoint beside the old one, then replace it: a stop in between loses nothing."""
        torch.save(self.state(), self.out / "checkpoint.new")
        (self.out / "checkpoint.new").replace(self.out / "checkpoint.pt")

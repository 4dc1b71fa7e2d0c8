"""One long run at a flat rate, in as many calls as you give it, and an annealed copy whenever you want one.

In: a model and the losses of a step.  Out: `checkpoint.pt` (and the one before it), `log.jsonl`.
Does not know: images, losses.
Main choice: the run has no fixed length.  The rate stays flat after the warm-up, and an average of weights stands for
the annealed network.  Annealing works on a copy in another folder, so that the run can go on.  Trade-off: the raw
weights are worse than the run could end with.  A run that starts again at a high rate first loses 3 to 5 points
(docs/LOG.md).
"""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm import tqdm

from attendance.errors import UserError
from attendance.training.loop import Ema, Training, optimisers_of
from attendance.training.recogniser.ahead import Ahead

CHECKPOINT, BEFORE = "checkpoint.pt", "checkpoint.before.pt"
BAD_STEPS = 20  # this many in a row without a finite gradient end the call; the checkpoint is better


@dataclass(frozen=True)
class Steady:
    """The plan of a run: `minutes` bounds this call, `samples` the run; `anneal` is the length of the annealing."""

    batch: int = 64
    lr: float = 6e-4
    warmup: int = 12_800  # samples
    ema_decay: float = 0.9995
    minutes: float = math.inf
    samples: int | None = None
    anneal: int | None = None
    save_every_s: float = 240.0
    log_every: int = 16_384  # samples
    optimiser: str = "muon"


class Step(Protocol):
    """The batches and losses of a run."""

    def prepared(self, step: int) -> Any:
        """Return the batch of a step, which depends on its number only; called in a thread, ahead of its use."""

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Return named losses; "loss" is the one that is descended."""


def rate(plan: Steady, samples: int, annealing_from: int | None) -> float:
    """Return the rate: a linear warm-up to the peak; from `annealing_from` on a fall by the square root, to 1 %."""
    if annealing_from is not None and plan.anneal:
        way = min(1.0, (samples - annealing_from) / plan.anneal)
        return plan.lr * max(0.01, 1 - math.sqrt(way))
    return plan.lr * min(1.0, 0.02 + 0.98 * samples / max(plan.warmup, 1))


class SteadyRun(Training):
    """A run in a folder: `model` is trained, `ema.state` is its average, `extra` travels with the checkpoint."""

    def __init__(self, out: Path, model: nn.Module, plan: Steady) -> None:
        out.mkdir(parents=True, exist_ok=True)
        ema = Ema(model, plan.ema_decay if plan.anneal is None else short_decay(plan))
        super().__init__(model, optimisers_of(model, plan, 0.05), ema)
        self.out, self.plan, self.step = out, plan, 0
        self.annealing_from: int | None = None
        self.extra: dict[str, Any] = {}
        self.stopping = False  # set from outside: the step at hand is the last of this call

    @property
    def ended(self) -> bool:
        """Whether the annealing, or the whole run, is done."""
        if self.annealing_from is not None and self.plan.anneal is not None:
            return self.samples - self.annealing_from >= self.plan.anneal
        return self.plan.samples is not None and self.samples >= self.plan.samples

    def train(self, step: Step, evaluate: Callable[[], Mapping[str, Any]]) -> None:
        """Go on until the end, or until this call's minutes are over; write the checkpoint in any case."""
        began = time.monotonic()
        saved = last = began
        logged = self.samples
        sums: dict[str, float] = {}
        count, bad, busy = 0, 0, 0.0
        bar = tqdm(initial=self.samples, unit="img", smoothing=0.05, mininterval=5)
        with Ahead(step.prepared, self.step) as batches:
            while not (self.ended or self.stopping) and (time.monotonic() - began) / 60 < self.plan.minutes:
                losses = step.losses(batches.next())
                bad = 0 if self.descend(losses["loss"], self._rate()) else bad + 1
                if bad >= BAD_STEPS:
                    raise UserError(f"{bad} steps in a row without a finite gradient; the run is as last saved")
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(value.detach())
                count += 1
                self.samples, self.step = self.samples + self.plan.batch, self.step + 1
                now = time.monotonic()
                self.elapsed, busy, last = self.elapsed + now - last, busy + now - last, now
                bar.update(self.plan.batch)
                if self.samples - logged >= self.plan.log_every or self.ended:
                    self._log(sums, count, busy, evaluate)
                    logged, sums, count, busy = self.samples, {}, 0, 0.0
                    saved = last = time.monotonic()
                elif now - saved >= self.plan.save_every_s:
                    self.save()
                    saved = time.monotonic()
        bar.close()
        self.save()

    def _rate(self) -> float:
        return rate(self.plan, self.samples, self.annealing_from)

    def _log(self, sums: dict[str, float], count: int, busy: float, evaluate: Callable[[], Mapping[str, Any]]) -> None:
        line: dict[str, Any] = {"samples": self.samples, "minutes": round(self.elapsed / 60, 2)}
        line |= {"lr": self._rate()}
        line |= {"crops_s": round(count * self.plan.batch / max(busy, 1e-9), 1)}
        line |= {name: round(value / count, 5) for name, value in sums.items()}
        self.save()
        line |= evaluate()
        with (self.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Write the checkpoint and keep the one before it; raise UserError if the weights are not finite."""
        if not all(bool(torch.isfinite(p).all()) for p in self.model.parameters()):
            raise UserError(f"the weights are no longer finite; {self.out / CHECKPOINT} is as it was")
        state = self.state() | {"step": self.step, "annealing_from": self.annealing_from, "extra": self.extra}
        new, kept = self.out / "checkpoint.new", self.out / CHECKPOINT
        with new.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        if kept.exists():
            kept.replace(self.out / BEFORE)
        new.replace(kept)

    def restore(self) -> bool:
        """Load the newest checkpoint that can be read; return False if there is none."""
        state = read_checkpoint(self.out)
        if state is None:
            return False
        self.load_state(state)
        self.step, self.annealing_from, self.extra = state["step"], state["annealing_from"], state["extra"]
        if self.plan.anneal is not None and self.annealing_from is None:
            self.annealing_from, self.ema.updates = self.samples, 0
            self.ema.state = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        return True


def short_decay(plan: Steady) -> float:
    """Return the average's decay while the rate falls: it remembers a twentieth of the annealing."""
    return 1 - 1 / max(10.0, (plan.anneal or 0) / plan.batch / 20)


def read_checkpoint(out: Path) -> dict[str, Any] | None:
    """Return the newest checkpoint that is whole, or None; raise UserError if there are files and none can be read."""
    files = [out / name for name in (CHECKPOINT, BEFORE) if (out / name).exists()]
    for file in files:
        try:
            state: dict[str, Any] = torch.load(file, weights_only=True, map_location="cpu")
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
            tqdm.write(f"{file} cannot be read ({error}); going on from the one before")
            continue
        return state
    if files:
        raise UserError(f"no checkpoint in {out} can be read; move the files away to begin again")
    return None


def branch(out: Path, samples: int) -> Path:
    """Return the folder in which the run of `out` is annealed; make it from the checkpoint if it is missing.

    An annealing that was stopped goes on in its folder.  After a finished one, a new folder begins.
    """
    state = read_checkpoint(out)
    if state is None:
        raise UserError(f"--anneal: there is no run in {out} yet; begin one with --flat")
    for old in sorted(out.glob("annealed-*")):
        inside = read_checkpoint(old)
        began = None if inside is None else inside["annealing_from"]
        if inside is not None and began is not None and inside["samples"] - began < samples:
            return old
    folder = out / f"annealed-{state['samples']}"
    folder.mkdir(exist_ok=True)
    for name in (CHECKPOINT, BEFORE):
        if (out / name).exists():
            shutil.copy2(out / name, folder / name)
    return folder

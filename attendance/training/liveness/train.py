"""One run of the liveness network, from the detector's trunk.

In: packs.  Out: `<out>/liveness.safetensors`, `checkpoint.pt` and `log.jsonl`.
Does not know: how crops are cut and attacks are simulated.
Main choice: half of each batch is live and half attacks, evenly over sets and people, so that a large set does not
decide.  The teacher's chances are learned by a second answer: its errors do not become the first one's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from attendance.errors import UserError
from attendance.models.liveness import LivenessModel
from attendance.training.liveness import augment, pack
from attendance.training.liveness.pack import Pack, decoded
from attendance.training.loop import Plan, Run

SMOOTH = 0.05
TEACHER = 0.3
SHARES = {  # of live people and of attacks
    True: {"nuaa": 0.25, "pads": 0.35, "photographs": 0.4},
    False: {"nuaa": 0.25, "pads": 0.4, "simulated": 0.35},
}


class Batches:
    """Balanced batches of the rows that may be trained on, without the groups in `left_out`."""

    def __init__(self, faces: Pack, left_out: Sequence[str], seed: int) -> None:
        self._faces, self._seed = faces, seed
        may = (faces.part == "train") & ~np.isin(faces.group, left_out)
        may &= ~np.isin(faces.species, left_out)
        self._rows = {
            live: _buckets(faces, np.flatnonzero(may & ((faces.species == "live") == live)), SHARES[live])
            for live in (True, False)
        }
        for live, buckets in self._rows.items():
            if not buckets:
                raise UserError(f"the packs hold no {'live people' if live else 'attacks'} to learn from")

    def batch(self, step: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return images [N,3,80,128], labels [N] (1 is live) and the teacher's chances [N], NaN where unknown."""
        random = np.random.default_rng((self._seed, step))
        images, labels, chances = [], [], []
        for number in range(size):
            live = number % 2 == 0
            row = self._pick(live, random)
            near, far = (decoded(blobs[row]) for blobs in (self._faces.near, self._faces.far))
            images.append(augment.changed(near, far, random))
            labels.append(float(live))
            chances.append(float(self._faces.teacher[row]))
        return torch.from_numpy(np.stack(images)), torch.tensor(labels), torch.tensor(chances)

    def _pick(self, live: bool, random: np.random.Generator) -> int:
        buckets = self._rows[live]
        names = list(buckets)
        weights = np.array([SHARES[live][name] for name in names])
        people = buckets[names[int(random.choice(len(names), p=weights / weights.sum()))]]
        rows = people[int(random.integers(len(people)))]
        return int(rows[int(random.integers(len(rows)))])


def _buckets(faces: Pack, rows: NDArray[np.intp], shares: dict[str, float]) -> dict[str, list[NDArray[np.intp]]]:
    """Rows by kind of set, then by person (NUAA), by set (the others)."""
    found: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        name = str(faces.set_name[row])
        kind = "pads" if name.startswith("pad_") else name if name in shares else "photographs"
        if kind not in shares:
            continue
        within = str(faces.person[row]) if kind == "nuaa" else str(faces.species[row]) if kind == "simulated" else name
        found[kind][within].append(int(row))
    return {kind: [np.array(rows) for rows in people.values()] for kind, people in found.items()}


def loss_of(model: LivenessModel, images: Tensor, labels: Tensor, chances: Tensor) -> dict[str, Tensor]:
    """Return the named losses of a batch."""
    live, teacher = model.both(images)
    wanted = labels * (1 - 2 * SMOOTH) + SMOOTH
    own = F.binary_cross_entropy_with_logits(live[:, 0], wanted)
    known = torch.isfinite(chances)
    imitated = live.new_zeros(())
    if known.any():
        imitated = F.binary_cross_entropy_with_logits(teacher[known, 0], chances[known])
    return {"loss": own + TEACHER * imitated, "own": own, "teacher": imitated}


def logits_of(model: LivenessModel, faces: Pack, rows: Sequence[int], device: torch.device) -> NDArray[np.float32]:
    """Return the logits of packed rows as they are."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(rows), 64):
            part = rows[start : start + 64]
            images = [augment.plain(decoded(faces.near[r]), decoded(faces.far[r])) for r in part]
            found.append(model(torch.from_numpy(np.stack(images)).to(device))[:, 0].float().cpu().numpy())
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def train(
    data: Path, out: Path, plan: Plan, device: torch.device, resume: bool, start: Path | None, left_out: Sequence[str]
) -> Path:
    """Train on the packs of `data`; return the file of weights."""
    faces = pack.load(data)
    torch.manual_seed(18)
    model = LivenessModel().to(device)
    if start is not None:
        model.load_weights_partial(start)
    model.freeze()
    model.to(memory_format=torch.channels_last)  # the same numbers, a quarter less time on a processor
    run = Run(out, model, plan, resume)
    batches = Batches(faces, left_out, seed=18)
    watched = _watched(faces)
    model.train()

    def losses(step: int, _progress: float) -> dict[str, Tensor]:
        images, labels, chances = (part.to(device) for part in batches.batch(step, plan.batch))
        images = images.contiguous(memory_format=torch.channels_last)
        torch.manual_seed(step)  # what is dropped out depends on the step alone, so that a resumed run is the same run
        return loss_of(model, images, labels, chances)

    def evaluate() -> dict[str, Any]:
        averaged = run.averaged(LivenessModel().to(device))
        assert isinstance(averaged, LivenessModel)
        averaged.save_weights(out / "liveness.safetensors")
        return _measured(averaged, faces, watched, device)

    run.train(losses, evaluate)
    averaged = run.averaged(LivenessModel().to(device))
    assert isinstance(averaged, LivenessModel)
    averaged.save_weights(out / "liveness.safetensors")
    return out / "liveness.safetensors"


def _watched(faces: Pack) -> NDArray[np.intp]:
    """Return up to 300 rows of each kind of the people that set thresholds: what the log line is measured on."""
    random = np.random.default_rng(0)
    found = []
    for species in ("live", "print", "screen"):
        rows = np.flatnonzero((faces.part == "threshold") & (faces.species == species))
        found.append(random.permutation(rows)[:300])
    return np.concatenate(found)


def _measured(model: LivenessModel, faces: Pack, rows: NDArray[np.intp], device: torch.device) -> dict[str, Any]:
    logits = logits_of(model, faces, [int(r) for r in rows], device)
    species = faces.species[rows]
    live = logits[species == "live"] >= 0
    line = {"bpcer": round(float(1 - live.mean()), 4) if len(live) else None}
    for kind in ("print", "screen"):
        passed = logits[species == kind] >= 0
        line[f"apcer_{kind}"] = round(float(passed.mean()), 4) if len(passed) else None
    return line

"""`train recogniser --flat`: the recogniser's long run.

In: packs of crops with the teachers' answers (`face_packs`).  Out: in the run's folder the checkpoint, the averaged
weights `recogniser.safetensors` and the raw ones `recogniser-raw.safetensors`.
Does not know: LFW, or any identity kept for measuring (`protocol`); how a long run goes on after a stop (`steady`).
Main choice: distillation only, with folded normalisation (`folding`).  Trade-off: names of people are not used.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from attendance.models.recogniser import EMBEDDING, RecognitionModel
from attendance.training.folding import fold
from attendance.training.recogniser.augment import RIM
from attendance.training.recogniser.face_packs import FacePack, training_packs
from attendance.training.recogniser.steady import Steady, SteadyRun, branch
from attendance.training.recogniser.train import (
    Faces,
    Objective,
    Prepared,
    Student,
    Watch,
    Weights,
    rotation_between,
    turn_towards,
)

WEIGHTS = Weights(hint=0.0, arcface_from=2.0, degrade=0.8)
ANCHORS = 4096  # faces whose targets are kept, so that a run keeps its axes on another machine


class Distilling:
    """The step of a run: views of one size, losses without names."""

    def __init__(self, objective: Objective, batch: int, size: int) -> None:
        self.objective, self.batch, self.size = objective, batch, size

    def prepared(self, step: int) -> Prepared:
        return self.objective.prepared(step, self.batch, self.size)

    def losses(self, batch: Prepared) -> dict[str, Tensor]:
        return self.objective.losses(batch, 0.0)


def train(
    data: Path,
    out: Path,
    plan: Steady,
    size: int,
    device: torch.device,
    start: Path | None = None,
    frozen: int = 0,
    seed: int = 1,
) -> Path:
    """Begin or continue the run in `out`; with `plan.anneal`, anneal a copy of it.  Return the weights' path."""
    torch.manual_seed(seed)
    if plan.anneal is not None:
        out = branch(out, plan.anneal)
    faces = _faces(data)
    student = Student(0, 1)
    run = SteadyRun(out, _placed(student, device, frozen), plan)
    going_on = run.restore()
    if not going_on and start is not None:
        report = student.net.load_weights_partial(start)
        tqdm.write(json.dumps({"started_from": str(start), "loaded": len(report["loaded"])}))
        run.ema.state = {name: value.detach().clone() for name, value in student.state_dict().items()}
    turn = _turn_of(run, student.net, faces, size) if going_on or start is not None else torch.eye(EMBEDDING)
    faces.turn(turn.numpy())
    run.extra |= {"turn": turn, "anchors": anchors(faces), "faces": len(faces.people_rows)}
    watch = Watch(data, device)
    cosines = _Cosines(faces, size)

    def write() -> RecognitionModel:
        """Write both weights; return the averaged network."""
        student.net.save_weights(out / "recogniser-raw.safetensors")
        net = averaged(run, device)
        net.save_weights(out / "recogniser.safetensors")
        return net

    def evaluate() -> dict[str, Any]:
        net = write()
        return {"clean_cos": cosines(net)} | watch(net, size)

    step = Distilling(Objective(student, faces, WEIGHTS, seed, device), plan.batch, size)
    student.train()
    with _stopped_by_signal(run), _without_denormals():
        run.train(step, evaluate)
    write()
    return out / "recogniser.safetensors"


@contextmanager
def _stopped_by_signal(run: SteadyRun) -> Iterator[None]:
    """On Ctrl-C or SIGTERM, finish the present step and write the checkpoint."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        run.stopping = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Take gradients of nearly nothing as zero while training: they cost a processor ten times as much."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _faces(data: Path) -> Faces:
    packs: list[FacePack] = []
    counts = {}
    for pack, dropped in training_packs(data):
        packs.append(replace(pack, maps=None))
        counts[pack.name] = {"used": len(pack.rows)} | dropped
    faces = Faces(packs)
    tqdm.write(json.dumps({"faces": len(faces), "teachers": faces.teachers, "sets": counts}))
    return faces


def _placed(student: Student, device: torch.device, frozen: int) -> nn.Module:
    """Fold the student, freeze its first stages and put it on its device."""
    fold(student.net)
    student.hint.requires_grad_(False)
    for stage in list(student.net.backbone.features)[:frozen]:
        stage.requires_grad_(False)
    return student.to(device).to(memory_format=torch.channels_last)


def averaged(run: SteadyRun, device: torch.device) -> RecognitionModel:
    """Return the averaged weights as the plain network."""
    student = Student(0, 1)
    student.load_state_dict(run.ema.state)
    return student.net.to(device).to(memory_format=torch.channels_last).eval()


def anchors(faces: Faces) -> Tensor:
    """Return targets [A,384] of faces of people, spread over all; they identify the axes of a run.

    Not of blends: their number changes while a run goes on, and they have no part in the axes.
    """
    return torch.from_numpy(faces.targets[_anchor_rows(faces)])


def _anchor_rows(faces: Faces) -> NDArray[np.int64]:
    many = len(faces.people_rows)
    return faces.people_rows[np.linspace(0, many - 1, min(many, ANCHORS)).astype(np.int64)]


def _turn_of(run: SteadyRun, net: RecognitionModel, faces: Faces, size: int) -> Tensor:
    """Return the rotation that brings the targets to the run's axes; with other faces, to its network's answers.

    Principal directions depend on the faces, and their signs on the machine.  On the same machine the stored rotation
    still fits to the last bit.
    """
    kept: Tensor | None = run.extra.get("anchors")
    if kept is not None and run.extra.get("faces") == len(faces.people_rows):
        now, before = faces.targets[_anchor_rows(faces)], kept.numpy()
        turn: Tensor | None = run.extra.get("turn")
        if turn is not None and np.allclose(now @ turn.numpy(), before, atol=1e-4):
            return turn
        rotation = rotation_between(now, before)
        if float(((now @ rotation) * before).sum(1).mean()) > 0.98:
            return torch.from_numpy(rotation)
    return torch.from_numpy(turn_towards(net, faces, size))


class _Cosines:
    """The mean cosine to the target on clean crops of training faces, the same crops every time."""

    def __init__(self, faces: Faces, size: int, many: int = 256) -> None:
        rows = np.random.default_rng(5).integers(0, len(faces), min(many, len(faces)))
        crops, self.targets, _, _ = faces.batch(rows)
        inner = crops[:, :, RIM:-RIM, RIM:-RIM]
        self.views = F.interpolate(inner, (size, size), mode="bilinear", antialias=True, align_corners=False)

    @torch.inference_mode()
    def __call__(self, net: RecognitionModel) -> float:
        device = next(net.parameters()).device
        found = torch.cat([net(part.to(device)).float().cpu() for part in torch.split(self.views, 64)])
        return round(float((found * self.targets).sum(1).mean()), 4)

"""Trains DetectionModel.

In: scenes (`scenes`).  Out: `detector.safetensors`.  Does not know: what is measured (`protocol` does).

Which cell learns which face: `assignment`.  Losses: quality focal objectness whose target is the predicted
box's IoU (Li et al., 2020), GIoU (Rezatofighi et al., 2019), smooth L1 on the landmarks by box size.
"""

from __future__ import annotations

import json
import math
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from attendance.models.detector import DetectionModel
from attendance.training.detector.assignment import by_alignment, by_bands
from attendance.training.detector.scenes import Composer, Parts, Scene, load_scenes
from attendance.training.folding import fold
from attendance.training.loop import Plan, Run, seed_after
from attendance.vision.boxes import cell_centres

LARGE = 256  # px: sizes above get smaller batches


@dataclass(frozen=True)
class Choices:
    """What an ablation can change, one at a time (`ablation`).

    `assignment`: bands or aligned · `box`: giou or iou · `objectness`: quality (its target is the box's
    IoU) or plain (1) · `landmarks`: l1 (smooth) or wing · `landmark_weight`: how much they count ·
    `nose`: how much its place among the other four counts; it alone shows a nod, and it drowns in the mean of
    the five · `parts`: what the scenes are made of.
    """

    assignment: str = "bands"
    box: str = "giou"
    objectness: str = "quality"
    landmarks: str = "l1"
    landmark_weight: float = 10.0
    nose: float = 2.0
    parts: Parts = field(default_factory=Parts)


def giou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return GIoU [P] and IoU [P] of pairs of boxes [P,4]."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    shared = (high - low).clamp_min(0).prod(1)
    union = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1) - shared
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(1)
    iou = shared / union.clamp_min(1e-6)
    return iou - (hull - union) / hull.clamp_min(1e-6), iou


def losses_of(
    outputs: dict[str, Tensor], scenes: list[Scene], size: int, choices: Choices = Choices()
) -> dict[str, Tensor]:
    """Return the losses of one batch; `outputs` as DetectionModel gives them for [N,3,size,size]."""
    centres, strides = (torch.from_numpy(each) for each in cell_centres(size, size))
    predicted = _boxes_of(outputs["bbox"].detach().cpu(), centres, strides)
    scores = outputs["obj"].detach().cpu().sigmoid()
    targets = torch.zeros(scores.shape)
    judged = torch.ones(scores.shape, dtype=torch.bool)
    where, wanted, points, weights = [], [], [], []
    for number, scene in enumerate(scenes):
        boxes, sure = torch.from_numpy(scene.boxes), torch.from_numpy(scene.sure)
        if choices.assignment == "aligned":
            given = by_alignment(boxes, sure, centres, strides, predicted[number], scores[number])
        else:
            given = by_bands(boxes, sure, centres, strides)
        judged[number] = ~given.ignored
        cells = torch.nonzero(given.matched >= 0)[:, 0]
        where.append(torch.stack([torch.full_like(cells, number), cells], 1))
        wanted.append(boxes[given.matched[cells]])
        points.append(torch.from_numpy(scene.points)[given.matched[cells]])
        quality = torch.ones(len(cells)) if given.quality is None else given.quality[cells]
        weights.append(quality)
        if given.quality is not None:
            targets[number, cells] = quality
    rows = torch.cat(where)
    found = _Faces(rows, centres, strides, torch.cat(wanted), torch.cat(points), torch.cat(weights))
    losses, iou = _box_and_points(outputs, found, choices)
    if choices.assignment != "aligned":
        targets[rows[:, 0], rows[:, 1]] = iou
    if choices.objectness == "plain":
        targets[rows[:, 0], rows[:, 1]] = 1.0
    device = outputs["obj"].device
    targets, judged = targets.to(device), judged.to(device)
    probability = outputs["obj"].sigmoid()
    focal = F.binary_cross_entropy_with_logits(outputs["obj"], targets, reduction="none")
    count = max(1.0, float(found.weights.sum()))
    losses["obj"] = (focal * (targets - probability).abs().detach() ** 2 * judged).sum() / count
    landmarks = losses["points"] + choices.nose * losses["nose"]
    losses["loss"] = 2 * losses["obj"] + 2 * losses["box"] + choices.landmark_weight * landmarks
    return losses


@dataclass(frozen=True)
class _Faces:
    """The cells of a batch that learn a face: rows [P,2] (image, cell), boxes [P,4], points [P,5,2], weights [P]."""

    rows: Tensor
    centres: Tensor
    strides: Tensor
    boxes: Tensor
    points: Tensor
    weights: Tensor


def _boxes_of(reach: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Turn distances [...,A,4] in strides into boxes [...,A,4] px."""
    reach = reach * strides[:, None]
    return torch.cat([centres - reach[..., :2], centres + reach[..., 2:]], -1)


def _box_and_points(outputs: dict[str, Tensor], found: _Faces, choices: Choices) -> tuple[dict[str, Tensor], Tensor]:
    """Return the losses of boxes and landmarks, and each cell's IoU [P] on the CPU."""
    zero = outputs["obj"].sum() * 0
    if not len(found.rows):
        return {"box": zero, "points": zero, "nose": zero}, torch.zeros(0)
    device = outputs["obj"].device
    image, cell = found.rows[:, 0].to(device), found.rows[:, 1].to(device)
    centre, stride = found.centres.to(device)[cell], found.strides.to(device)[cell]
    wanted, points, weight = found.boxes.to(device), found.points.to(device), found.weights.to(device)
    weight = weight / weight.sum().clamp_min(1e-6)
    generalised, iou = giou(_boxes_of(outputs["bbox"][image, cell], centre, stride), wanted)
    guess = centre[:, None] + outputs["landmarks"][image, cell].view(-1, 5, 2) * stride[:, None, None]
    scale = (wanted[:, 2:] - wanted[:, :2]).mean(1)[:, None, None]
    labelled = torch.isfinite(points).all(2).all(1)[:, None, None]
    points = torch.where(labelled, points, guess.detach())  # without a label there is nothing to learn
    if choices.landmarks == "wing":
        off = wing((guess - points) / scale * 100) / 10
    else:
        off = _smooth((guess - points) / scale)
    nose = _smooth((_nose_among_others(guess) - _nose_among_others(points)) / scale[:, 0])
    losses = {
        "box": ((1 - (generalised if choices.box == "giou" else iou)) * weight).sum(),
        "points": (off.mean((1, 2)) * weight).sum(),
        "nose": (nose.mean(1) * weight).sum(),
    }
    return losses, iou.detach().cpu().clamp(0.05, 1)


def _smooth(off: Tensor) -> Tensor:
    """Return smooth L1 of distances in tenths of the face, linear from 1 % of it on."""
    return F.smooth_l1_loss(off * 10, torch.zeros_like(off), beta=0.1, reduction="none")


def _nose_among_others(points: Tensor) -> Tensor:
    """Return the nose [P,2] of landmarks [P,5,2] relative to the middle of eyes and mouth corners."""
    return points[:, 2] - points[:, [0, 1, 3, 4]].mean(1)


def wing(off: Tensor, width: float = 10.0, curve: float = 2.0) -> Tensor:
    """Return the wing loss (Feng et al., 2018) of distances, here in percent of the face."""
    size = off.abs()
    constant = width - width * math.log(1 + width / curve)
    return torch.where(size < width, width * torch.log(1 + size / curve), size - constant)


def train(
    data: Path,
    out: Path,
    plan: Plan,
    sizes: tuple[int, ...],
    device: torch.device,
    resume: bool,
    start: Path | None = None,
    choices: Choices = Choices(),
) -> Path:
    """Train on the scenes in `data`, each batch at one of `sizes` (px); return the weights' path.

    With `start`, whose trunk was trained, its norms keep their statistics: a run that goes on names the same file.
    Several sizes are needed: a network trained at one learns where its picture ends, and its landmarks move to
    one side if it is served larger (docs/LOG.md).
    """
    torch.manual_seed(2)
    faces, empty = load_scenes(data)
    tqdm.write(json.dumps({"scenes": len(faces), "without_faces": len(empty)}))
    model = DetectionModel().to(device).to(memory_format=torch.channels_last)
    if start is not None and not (resume and (out / "checkpoint.pt").exists()):
        report = model.load_weights_partial(start)
        tqdm.write(json.dumps({"started_from": str(start), "loaded": len(report["loaded"])}))
    if start is not None:
        fold(model.backbone)
    run = Run(out, model, plan, resume)
    seed = seed_after(start)
    composers = {size: Composer(faces, empty, high=0.85 * size, parts=choices.parts) for size in sizes}

    def prepare(step: int) -> tuple[Tensor, list[Scene]]:
        random = np.random.default_rng((seed, step))
        size = int(random.choice(sizes))
        # Large inputs come in smaller batches, so that a batch costs about the same at any size.
        number = max(2, round(plan.batch * min(1.0, (LARGE / size) ** 2)))
        scenes = [composers[size].compose(size, random) for _ in range(number)]
        images = np.stack([s.image for s in scenes]).transpose(0, 3, 1, 2)
        return torch.from_numpy(np.ascontiguousarray(images)).float(), scenes

    with ThreadPoolExecutor(1) as pool:
        coming: dict[int, Future[tuple[Tensor, list[Scene]]]] = {}

        def loss_of_batch(step: int, _progress: float) -> dict[str, Tensor]:
            images, scenes = (coming.pop(step, None) or pool.submit(prepare, step)).result()
            coming[step + 1] = pool.submit(prepare, step + 1)
            images = images.to(device).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
                outputs = model(images)
            return losses_of({k: v.float() for k, v in outputs.items()}, scenes, images.shape[-1], choices)

        def evaluate() -> dict[str, Any]:
            averaged = run.averaged(DetectionModel().to(device))
            assert isinstance(averaged, DetectionModel)
            averaged.save_weights(out / "detector.safetensors")
            return {}

        model.train()
        run.train(loss_of_batch, evaluate)
    return out / "detector.safetensors"
